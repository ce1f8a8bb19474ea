//go:build linux

package nulls3

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"syscall"

	"github.com/haul-s3/haul/internal/checksum"
)

// received is what is known of a body once it is in.
type received struct {
	size  int64  // of the object's bytes; -1: as the head says
	crc   uint64 // CRC64NVME, with Check
	wrong string // why the body is refused
	text  []byte // of a POST
}

// bodyMax is the largest body that is kept: a CompleteMultipartUpload of 10,000
// parts with checksums.
const bodyMax = 8 << 20

// keep reads the body of a POST.
func (c *conn) keep(h *head) (received, error) {
	if h.length > bodyMax {
		return received{}, fmt.Errorf("%w: body of %d bytes", errHead, h.length)
	}
	text := make([]byte, h.length)
	_, err := io.ReadFull(c.r, text)
	return received{text: text}, err
}

// drop lets n bytes of a body vanish: in the kernel where it can, and without
// copying them.
func (c *conn) drop(n int64) error {
	if c.tls != nil {
		return c.read(c.r, n, func([]byte) {})
	}
	buffered := min(int64(c.r.Buffered()), n)
	if _, err := c.r.Discard(int(buffered)); err != nil {
		return err
	}
	for n -= buffered; n > 0; {
		got, err := c.dropSome(c.inPace.piece(min(n, 4<<20)))
		if err != nil {
			return err
		}
		c.inPace.wait(got)
		n -= got
	}
	return nil
}

// dropSome drops what has arrived, up to n bytes. With MSG_TRUNC, TCP discards
// them and writes nothing to the buffer (tcp(7)).
func (c *conn) dropSome(n int64) (got int64, err error) {
	rerr := c.raw.Read(func(fd uintptr) bool {
		m, _, errno := syscall.Syscall6(syscall.SYS_RECVFROM, fd, 0, uintptr(n), syscall.MSG_TRUNC, 0, 0)
		if errno == syscall.EAGAIN || errno == syscall.EINTR {
			return false
		}
		if got = int64(m); errno != 0 {
			err = errno
		} else if m == 0 {
			err = io.ErrUnexpectedEOF
		}
		return true
	})
	if rerr != nil {
		return 0, rerr
	}
	return got, err
}

// read reads n bytes of a body through a buffer.
func (c *conn) read(r io.Reader, n int64, use func([]byte)) error {
	if c.scratch == nil {
		c.scratch = make([]byte, 256<<10)
	}
	for n > 0 {
		got, err := r.Read(c.scratch[:c.inPace.piece(min(n, int64(len(c.scratch))))])
		use(c.scratch[:got])
		c.inPace.wait(int64(got))
		if n -= int64(got); err != nil && n > 0 {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// examine reads a body and compares it with the checksum that came with it, in
// the head or in the trailer.
func (c *conn) examine(h *head) (b received, err error) {
	crc, sum := checksum.New(checksum.CRC64NVME), checksum.New(h.algorithm)
	use := func(p []byte) { crc.Write(p); sum.Write(p); b.size += int64(len(p)) }
	if h.encoded {
		body := bufio.NewReaderSize(io.LimitReader(c.r, h.length), headMax)
		h.sum, err = c.readChunked(body, h, use)
	} else {
		err = c.read(c.r, h.length, use)
	}
	if err != nil {
		return b, err
	}
	b.crc = crc.Sum64()
	st := &c.s.stats
	switch {
	case h.encoded && b.size != h.decoded:
		b.wrong = fmt.Sprintf("the body has %d bytes, its head says %d", b.size, h.decoded)
	case h.algorithm == checksum.None || h.sum == "":
		st.unchecked.Add(1)
	case h.sum != sum.Base64():
		b.wrong = fmt.Sprintf("the body's %s is %s, the client says %s", h.algorithm, sum.Base64(), h.sum)
	default:
		st.checked.Add(1)
	}
	if b.wrong != "" {
		st.mismatches.Add(1)
	}
	return b, nil
}

// readChunked reads an aws-chunked body and returns the value of its trailer.
// Chunk signatures are passed over.
func (c *conn) readChunked(r *bufio.Reader, h *head, use func([]byte)) (trailer string, err error) {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return "", err
		}
		digits, _, _ := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(";"))
		n, err := strconv.ParseInt(string(digits), 16, 63)
		if err != nil || n < 0 {
			return "", fmt.Errorf("%w: chunk %.40q", errHead, line)
		}
		if n == 0 {
			break
		}
		if err := c.read(r, n, use); err != nil {
			return "", err
		}
		if _, err := r.Discard(2); err != nil {
			return "", err
		}
	}
	rest, err := io.ReadAll(r)
	for line := range strings.Lines(string(rest)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(name, h.algorithm.Header()) {
			trailer = strings.TrimSpace(value)
		}
	}
	return trailer, err
}
