//go:build linux

package floor

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/haul-s3/haul/bench/pattern"
	"github.com/haul-s3/haul/bench/workload"
	"github.com/haul-s3/haul/internal/checksum"
)

const algorithm = checksum.CRC64NVME

// large moves one object in parts.
func (r *run) large(ctx context.Context) error {
	w := r.w
	parts := int((w.Size + w.PartSize - 1) / w.PartSize)
	var f *os.File
	var err error
	switch {
	case w.File && w.Up:
		f, err = os.Open(w.Path(0))
	case w.File:
		f, err = createFile(w.Path(0), w.Size)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if w.Up {
		if err := r.create(); err != nil {
			return err
		}
	}
	sums := checksum.NewCombiner(algorithm, parts)
	err = r.spread(ctx, parts, func(c *socket, i int) error {
		off := int64(i) * w.PartSize
		n := min(w.PartSize, w.Size-off)
		move := r.download
		if w.Up {
			move = r.uploadPart
		}
		crc, err := move(c, f, i, off, n)
		sums.Add(i, crc, n)
		return err
	})
	if err != nil {
		return err
	}
	sum, ok := sums.Sum()
	if want := pattern.CRC(algorithm, w.Size); !ok || sum != want {
		return fmt.Errorf("CRC64NVME is %x, want %x", sum, want)
	}
	if w.Up {
		return r.complete(parts)
	}
	return nil
}

func createFile(path string, size int64) (*os.File, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	// As clients do; a file system that can't is as well.
	_ = unix.Fallocate(int(f.Fd()), 0, 0, size)
	return f, nil
}

func (r *run) target(i int) string { return "/" + workload.Bucket + "/" + r.w.Key(i) }

// download moves a range.
func (r *run) download(c *socket, f *os.File, _ int, off, n int64) (uint64, error) {
	c.request("GET", r.target(0), 0, fmt.Sprintf("Range: bytes=%d-%d\r\n", off, off+n-1))
	return r.get(c, f, off, n)
}

// get sends the head and takes n bytes of the object, for f where there is one.
func (r *run) get(c *socket, f *os.File, off, n int64) (uint64, error) {
	if _, err := c.Write(c.head); err != nil {
		return 0, err
	}
	length, err := c.answer()
	if err == nil && length != n {
		err = fmt.Errorf("%w: %d bytes, want %d", errAnswer, length, n)
	}
	if err != nil {
		return 0, err
	}
	sum := checksum.New(algorithm)
	err = c.read(n, func(p []byte) error {
		sum.Write(p)
		if r.w.Verify {
			if err := pattern.Check(p, off); err != nil {
				return err
			}
		}
		if f != nil {
			if _, err := f.WriteAt(p, off); err != nil {
				return err
			}
		}
		off += int64(len(p))
		return nil
	})
	return sum.Sum64(), err
}

// uploadPart moves a part. Its checksum stands in the head, as any store
// understands it: so there is a pass for the CRC and one that sends.
func (r *run) uploadPart(c *socket, f *os.File, i int, off, n int64) (uint64, error) {
	sum, err := r.sum(c, f, off, n)
	if err != nil {
		return 0, err
	}
	target := fmt.Sprintf("%s?partNumber=%d&uploadId=%s", r.target(0), i+1, r.upload)
	c.request("PUT", target, n, algorithm.Header()+": "+sum.Base64()+"\r\n")
	return sum.Sum64(), r.put(c, f, off, n)
}

func (r *run) sum(c *socket, f *os.File, off, n int64) (*checksum.Hash, error) {
	sum := checksum.New(algorithm)
	for end := off + n; off < end; {
		b, err := r.piece(c, f, off, end)
		if err != nil {
			return nil, err
		}
		sum.Write(b)
		off += int64(len(b))
	}
	return sum, nil
}

// piece returns the next slice of the source, before end.
func (r *run) piece(c *socket, f *os.File, off, end int64) ([]byte, error) {
	n := min(slice, end-off)
	if f == nil {
		return r.w.Source()[off : off+n], nil
	}
	m, err := f.ReadAt(c.buf[:n], off)
	if int64(m) == n {
		err = nil
	}
	return c.buf[:m], err
}

// put sends the head and n bytes of the source. A file goes by sendfile where
// nothing encrypts it.
func (r *run) put(c *socket, f *os.File, off, n int64) error {
	if _, err := c.Write(c.head); err != nil {
		return err
	}
	for end := off + n; off < end; {
		if f != nil && c.gather == nil {
			m, err := ignoringEINTR(func() (int, error) { return unix.Sendfile(c.plain.fd, int(f.Fd()), &off, int(end-off)) })
			if err == nil && m == 0 {
				err = io.ErrUnexpectedEOF
			}
			if err != nil {
				return err
			}
			continue
		}
		b, err := r.piece(c, f, off, end)
		if err != nil {
			return err
		}
		if _, err := c.Write(b); err != nil {
			return err
		}
		off += int64(len(b))
	}
	if err := c.flush(); err != nil {
		return err
	}
	_, err := c.answer()
	return err
}

// object moves a small object.
func (r *run) object(c *socket, i int) (err error) {
	w := r.w
	var f *os.File
	switch {
	case w.File && w.Up:
		f, err = os.Open(w.Path(i))
	case w.File:
		f, err = os.Create(w.Path(i))
	}
	if err != nil {
		return err
	}
	if f != nil {
		defer f.Close()
	}
	if !w.Up {
		c.request("GET", r.target(i), 0, "x-amz-checksum-mode: ENABLED\r\n")
		sum, err := r.get(c, f, 0, w.Size)
		if want := pattern.CRC(algorithm, w.Size); err == nil && sum != want {
			err = fmt.Errorf("CRC64NVME is %x, want %x", sum, want)
		}
		return err
	}
	return r.putSmall(c, f, i)
}

// putSmall sends an object that fits in a slice: it is read once.
func (r *run) putSmall(c *socket, f *os.File, i int) error {
	b, err := r.piece(c, f, 0, r.w.Size)
	if err != nil {
		return err
	}
	sum := checksum.New(algorithm)
	sum.Write(b)
	c.request("PUT", r.target(i), r.w.Size, algorithm.Header()+": "+sum.Base64()+"\r\n")
	if c.gather == nil {
		err = c.plain.writev(c.head, b)
	} else if _, err = c.Write(c.head); err == nil {
		if _, err = c.Write(b); err == nil {
			err = c.flush()
		}
	}
	if err != nil {
		return err
	}
	_, err = c.answer()
	return err
}

// create begins the upload of a large object.
func (r *run) create() error {
	text, err := r.once("POST", r.target(0)+"?uploads=", "")
	if err != nil {
		return err
	}
	_, rest, ok := strings.Cut(text, "<UploadId>")
	id, _, ok2 := strings.Cut(rest, "</UploadId>")
	if !ok || !ok2 {
		return fmt.Errorf("%w: no upload id in %.200q", errAnswer, text)
	}
	r.upload = id
	return nil
}

// complete ends it.
func (r *run) complete(parts int) error {
	var b strings.Builder
	b.WriteString("<CompleteMultipartUpload>")
	for i := range parts {
		fmt.Fprintf(&b, "<Part><PartNumber>%d</PartNumber><ETag>e</ETag></Part>", i+1)
	}
	b.WriteString("</CompleteMultipartUpload>")
	_, err := r.once("POST", r.target(0)+"?uploadId="+r.upload, b.String())
	return err
}

// once makes one request over a connection of its own.
func (r *run) once(method, target, body string) (string, error) {
	c, err := dial(r.w)
	if err != nil {
		return "", err
	}
	defer c.close()
	c.request(method, target, int64(len(body)), "")
	if _, err := c.Write(append(c.head, body...)); err != nil {
		return "", err
	}
	return c.text()
}
