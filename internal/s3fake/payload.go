package s3fake

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"hash"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/haul-s3/haul/internal/testbody"
)

const (
	putBytesMax = 5 << 30  // of one PutObject or UploadPart
	xmlBytesMax = 16 << 20 // of an XML body; 10,000 parts with checksums have 2 MiB
	blockBytes  = 16 << 20 // bodies are kept in pieces of this size
)

// payload is the body of a request, read to its end and found as its headers promise.
type payload struct {
	content content
	md5     []byte               // nil where it wasn't computed
	sums    map[Algorithm][]byte // CRC64NVME always, and those asked for
	named   Algorithm            // that of the checksum which came with the body; empty: none came
}

// promise is what the headers of a request say of its body.
type promise struct {
	size      int64
	framing   *framing // nil: plain
	md5       []byte   // nil: none given
	sha256    []byte   // of the raw body; nil: none given
	algorithm Algorithm
	value     string // of the checksum in the header
}

// readPayload reads the body of PutObject, UploadPart and the like and checks it. also are algorithms to compute
// beside the one that the request names.
func (c *call) readPayload(also ...Algorithm) (*payload, error) {
	p, err := readPromise(c.r)
	if err != nil {
		return nil, err
	}
	also = append(also, CRC64NVME)
	if p.algorithm != "" {
		also = append(also, p.algorithm)
	}
	d := newDigests(also, !c.s.options.NoMD5 || p.md5 != nil)
	raw, rawSum := io.Reader(c.r.Body), hash.Hash(nil)
	if p.sha256 != nil {
		rawSum = sha256.New()
		raw = io.TeeReader(raw, rawSum)
	}
	var chunks *chunkReader
	body := raw
	if p.framing != nil {
		chunks = newChunkReader(raw, *p.framing, p.size)
		body = chunks
	}
	kept, err := keep(body, p.size, d, c.s.options.Discard)
	if err != nil {
		return nil, err
	}
	if rawSum != nil && !bytes.Equal(rawSum.Sum(nil), p.sha256) {
		return nil, fail("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.",
			"ClientComputedContentSHA256", hex.EncodeToString(p.sha256), "S3ComputedContentSHA256", hex.EncodeToString(rawSum.Sum(nil)))
	}
	if chunks != nil && chunks.trailer != "" {
		p.value = chunks.trailerValue
	}
	out := d.payload(kept)
	out.named = p.algorithm
	return out, p.check(out)
}

// readPromise reads and judges the headers that speak of the body.
func readPromise(r *http.Request) (p promise, err error) {
	h := r.Header
	if p.framing, err = framingOf(h); err != nil {
		return p, err
	}
	if p.size, err = bodySize(r, p.framing != nil); err != nil {
		return p, err
	}
	if p.algorithm, p.value, err = checksumHeader(h); err != nil {
		return p, err
	}
	if p.framing != nil && p.framing.trailer != "" {
		if p.algorithm != "" {
			return p, fail("InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		p.algorithm, _, _ = checksumHeader(http.Header{p.framing.trailer: {"-"}})
	}
	if p.value != "" {
		if _, ok := p.algorithm.decode(p.value); !ok {
			return p, invalidChecksum(p.algorithm)
		}
	}
	if err := checkSDKAlgorithm(h, p.algorithm); err != nil {
		return p, err
	}
	if p.md5, err = contentMD5(h); err != nil {
		return p, err
	}
	if sum := h.Get("X-Amz-Content-Sha256"); isHex(sum, 64) {
		p.sha256, err = hex.DecodeString(sum)
	}
	return p, err
}

// bodySize is the number of bytes that the object will have.
func bodySize(r *http.Request, chunked bool) (int64, error) {
	decoded := r.Header.Get("X-Amz-Decoded-Content-Length")
	missing := fail("MissingContentLength", "You must provide the Content-Length HTTP header.")
	switch {
	case chunked && decoded == "":
		return 0, missing
	case len(r.TransferEncoding) > 0 && decoded == "":
		return 0, missing
	case len(r.TransferEncoding) > 0:
		return 0, fail("NotImplemented", "A header you provided implies functionality that is not implemented", "Header", "Transfer-Encoding")
	case r.Header.Get("Content-Length") == "" && r.ContentLength <= 0:
		return 0, missing
	}
	size := r.ContentLength
	if chunked {
		n, err := strconv.ParseInt(decoded, 10, 64)
		if err != nil || n < 0 {
			return 0, fail("InvalidArgument", "The x-amz-decoded-content-length header is not a number.")
		}
		size = n
	}
	if size > putBytesMax {
		return 0, fail("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size",
			"ProposedSize", strconv.FormatInt(size, 10), "MaxSizeAllowed", strconv.Itoa(putBytesMax))
	}
	return size, nil
}

// checkSDKAlgorithm holds x-amz-sdk-checksum-algorithm against the checksum that came.
func checkSDKAlgorithm(h http.Header, came Algorithm) error {
	name := h.Get("X-Amz-Sdk-Checksum-Algorithm")
	if name == "" {
		return nil
	}
	a, ok := parseAlgorithm(name)
	switch {
	case came == "":
		return fail("InvalidRequest", "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
	case !ok || a != came:
		return fail("InvalidRequest", "Value for x-amz-sdk-checksum-algorithm header is invalid.")
	}
	return nil
}

func contentMD5(h http.Header) ([]byte, error) {
	value, present := h["Content-Md5"]
	if !present {
		return nil, nil
	}
	sum, err := base64.StdEncoding.Strict().DecodeString(value[0])
	if err != nil || len(sum) != md5.Size {
		return nil, fail("InvalidDigest", "The Content-MD5 you specified was invalid.", "Content-MD5", value[0])
	}
	return sum, nil
}

// check compares what came with what was promised.
func (p *promise) check(got *payload) error {
	if p.md5 != nil && !bytes.Equal(p.md5, got.md5) {
		return fail("BadDigest", "The Content-MD5 you specified did not match what we received.",
			"ExpectedDigest", encode(p.md5), "CalculatedDigest", encode(got.md5))
	}
	if p.algorithm == "" {
		return nil
	}
	want, ok := p.algorithm.decode(p.value)
	if !ok {
		return invalidChecksum(p.algorithm)
	}
	if !bytes.Equal(want, got.sums[p.algorithm]) {
		return badDigest(p.algorithm)
	}
	return nil
}

// digests are the hashes that run over a body.
type digests struct {
	md5  hash.Hash // nil: not wanted
	sums map[Algorithm]hash.Hash
}

func newDigests(wanted []Algorithm, withMD5 bool) *digests {
	d := &digests{sums: map[Algorithm]hash.Hash{}}
	for _, a := range wanted {
		if a != "" && d.sums[a] == nil {
			d.sums[a] = a.new()
		}
	}
	if withMD5 {
		d.md5 = md5.New()
	}
	return d
}

func (d *digests) Write(p []byte) (int, error) {
	if d.md5 != nil {
		d.md5.Write(p)
	}
	for _, h := range d.sums {
		h.Write(p)
	}
	return len(p), nil
}

func (d *digests) payload(c content) *payload {
	p := &payload{content: c, sums: map[Algorithm][]byte{}}
	if d.md5 != nil {
		p.md5 = d.md5.Sum(nil)
	}
	for a, h := range d.sums {
		p.sums[a] = h.Sum(nil)
	}
	return p
}

// keep reads body to its end, which must come after size bytes, through the digests.
func keep(body io.Reader, size int64, d *digests, discard bool) (content, error) {
	var blocks []content
	buffer := buffers.Get().(*[copyBufferBytes]byte)
	defer buffers.Put(buffer)
	var room []byte // of the last block
	for left := size; left > 0; {
		piece := buffer[:min(left, copyBufferBytes)]
		if _, err := io.ReadFull(body, piece); err != nil {
			return nil, incomplete(err)
		}
		d.Write(piece)
		if len(room) == 0 && !discard {
			room = make([]byte, min(left, blockBytes))
			blocks = append(blocks, memory(room))
		}
		if !discard {
			room = room[testbody.Copy(room, piece):]
		}
		left -= int64(len(piece))
	}
	var more [1]byte
	if n, err := io.ReadFull(body, more[:]); n > 0 {
		return nil, malformedChunk("bytes after the end")
	} else if !errors.Is(err, io.EOF) {
		return nil, incomplete(err)
	}
	switch {
	case discard:
		return discarded(size), nil
	case size == 0:
		return memory{}, nil
	}
	return join(blocks), nil
}

// readXML reads a small body, notes it in the record and parses it into document, which must be the root element.
func (c *call) readXML(document any) error {
	text, err := io.ReadAll(io.LimitReader(c.r.Body, xmlBytesMax))
	if err != nil {
		return incomplete(err)
	}
	c.s.mu.Lock()
	c.rec.Body = slices.Clone(text)
	c.s.mu.Unlock()
	if sum := c.r.Header.Get("X-Amz-Content-Sha256"); isHex(sum, 64) {
		if got := sha256.Sum256(text); hex.EncodeToString(got[:]) != sum {
			return fail("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
		}
	}
	decoder := xml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(document); err != nil {
		return malformedXML()
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return malformedXML()
	}
	return nil
}

// checkXMLDigest holds Content-MD5 and x-amz-checksum-* against the XML body that readXML read. Where the operation
// demands one of them, required is true.
func (c *call) checkXMLDigest(required bool) error {
	p := promise{}
	var err error
	if p.algorithm, p.value, err = checksumHeader(c.r.Header); err != nil {
		return err
	}
	if err := checkSDKAlgorithm(c.r.Header, p.algorithm); err != nil {
		return err
	}
	if p.md5, err = contentMD5(c.r.Header); err != nil {
		return err
	}
	if required && p.md5 == nil && p.algorithm == "" {
		return fail("InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	}
	d := newDigests([]Algorithm{p.algorithm}, true)
	d.Write(c.rec.Body)
	return p.check(d.payload(nil))
}

func malformedXML() error {
	return fail("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
}
