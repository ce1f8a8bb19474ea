package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

// Signature is what Sign made of a request, and what the chunks of its body
// are signed on from. The zero value signs nothing.
type Signature struct {
	algorithm string
	date      string // 20060102T150405Z
	scope     string
	seed      string // hex, without padding
	key       signingKey
}

// Hex returns the request's signature in hex; it is empty for an anonymous request.
func (s Signature) Hex() string { return s.seed }

// Chunks returns a signer for the body of this one request, to be sent once:
// a retry signs the request anew. It panics for an anonymous request.
func (s Signature) Chunks() *ChunkSigner {
	if s.key == nil {
		panic("sigv4: chunks of a request that is not signed")
	}
	c := &ChunkSigner{sig: s, previous: []byte(s.seed), width: sha256.Size * 2}
	if s.algorithm == algorithmV4A {
		c.width = signatureWidthV4A
	}
	return c
}

// signatureWidthV4A is the length that a SigV4a signature in a body is padded
// to with asterisks, so that the length of the body is known beforehand: two
// integers of P-256 make at most 72 bytes of DER.
const signatureWidthV4A = 144

// Pieces of the aws-chunked format.
const (
	// ChunkEnd follows the bytes of every chunk.
	ChunkEnd = "\r\n"

	signatureExtension = ";chunk-signature="
	trailerSignature   = "x-amz-trailer-signature:"
)

// ChunkSigner frames and signs the chunks of one aws-chunked body, each
// chained to the one before. It belongs to one goroutine.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
type ChunkSigner struct {
	sig      Signature
	previous []byte // signature before, in hex, without padding
	width    int    // of a signature on the wire
	text     []byte // string to sign
}

// AppendChunkHeader appends the line that stands before chunk. The caller
// sends it, the chunk's bytes, then ChunkEnd. S3 wants chunks of 8 KiB or
// more, the last one aside. An empty chunk would end the body, so it panics;
// AppendEnd is for the end.
func (c *ChunkSigner) AppendChunkHeader(dst, chunk []byte) []byte {
	if len(chunk) == 0 {
		panic("sigv4: empty chunk before the end")
	}
	return c.appendHeader(dst, chunk)
}

// AppendEnd appends the empty chunk that ends the body and the signed trailer
// with its one field. trailerName is in lower case, as announced in
// X-Amz-Trailer; if it is empty, the body has no trailer.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
func (c *ChunkSigner) AppendEnd(dst []byte, trailerName, trailerValue string) []byte {
	dst = c.appendHeader(dst, nil)
	if trailerName == "" {
		return append(dst, ChunkEnd...)
	}
	b := c.start("-TRAILER")
	n := len(b)
	b = append(append(b, trailerName...), ':')
	b = append(append(b, trailerValue...), '\n')
	digest := sha256.Sum256(b[n:])
	c.sign(hex.AppendEncode(b[:n], digest[:]))

	dst = appendTrailer(dst, trailerName, trailerValue)
	dst = c.appendPrevious(append(dst, trailerSignature...))
	return append(append(dst, ChunkEnd...), ChunkEnd...)
}

// appendHeader signs one chunk, which is empty at the end.
func (c *ChunkSigner) appendHeader(dst, chunk []byte) []byte {
	digest := sha256.Sum256(chunk)
	b := append(c.start("-PAYLOAD"), EmptySHA256...)
	c.sign(hex.AppendEncode(append(b, '\n'), digest[:]))

	dst = strconv.AppendInt(dst, int64(len(chunk)), 16)
	dst = c.appendPrevious(append(dst, signatureExtension...))
	return append(dst, ChunkEnd...)
}

// start begins a string to sign, up to and with the signature before.
func (c *ChunkSigner) start(kind string) []byte {
	b := append(append(c.text[:0], c.sig.algorithm...), kind...)
	b = append(append(b, '\n'), c.sig.date...)
	b = append(append(b, '\n'), c.sig.scope...)
	b = append(append(b, '\n'), c.previous...)
	return append(b, '\n')
}

// sign makes the signature of text the previous one.
func (c *ChunkSigner) sign(text []byte) {
	c.text = text
	c.previous = c.sig.key.appendSignature(c.previous[:0], text)
}

// appendPrevious appends the last signature, padded.
func (c *ChunkSigner) appendPrevious(dst []byte) []byte {
	dst = append(dst, c.previous...)
	for range c.width - len(c.previous) {
		dst = append(dst, '*')
	}
	return dst
}
