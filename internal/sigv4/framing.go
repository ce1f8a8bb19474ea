package sigv4

import (
	"crypto/sha256"
	"math/bits"
	"strconv"
)

// AppendUnsignedChunkHeader appends the line that stands before a chunk of
// chunkBytes bytes in a StreamingUnsignedTrailer body. chunkBytes is greater
// than 0. The caller sends it, the chunk's bytes, then ChunkEnd.
func AppendUnsignedChunkHeader(dst []byte, chunkBytes int64) []byte {
	return append(strconv.AppendInt(dst, chunkBytes, 16), ChunkEnd...)
}

// AppendUnsignedEnd appends the empty chunk that ends a
// StreamingUnsignedTrailer body, and the trailer with its one field, which
// may be missing: then trailerName is empty.
func AppendUnsignedEnd(dst []byte, trailerName, trailerValue string) []byte {
	dst = append(append(dst, '0'), ChunkEnd...)
	if trailerName != "" {
		dst = appendTrailer(dst, trailerName, trailerValue)
	}
	return append(dst, ChunkEnd...)
}

// appendTrailer appends one line of a trailer.
func appendTrailer(dst []byte, name, value string) []byte {
	dst = append(append(dst, name...), ':')
	return append(append(dst, value...), ChunkEnd...)
}

// EncodedLength returns the exact Content-Length of a body of decodedBytes
// bytes that is sent under payloadHash in chunks of chunkBytes, the last one
// shorter; chunkBytes 0 means one chunk. The trailer has one field, named
// trailerName, with a value of trailerValueBytes; an empty name means none.
// For a payloadHash that is not chunked the answer is decodedBytes.
//
// Such a request also sends Content-Encoding: aws-chunked,
// X-Amz-Decoded-Content-Length, and X-Amz-Trailer if there is one.
func EncodedLength(decodedBytes, chunkBytes int64, payloadHash, trailerName string, trailerValueBytes int) int64 {
	var signature int64 // bytes of one, 0 for an unsigned body
	switch payloadHash {
	case StreamingUnsignedTrailer:
	case StreamingSigned, StreamingSignedTrailer:
		signature = sha256.Size * 2
	case StreamingSignedV4A, StreamingSignedTrailerV4A:
		signature = signatureWidthV4A
	default:
		return decodedBytes
	}
	if chunkBytes <= 0 || chunkBytes > decodedBytes {
		chunkBytes = decodedBytes
	}
	total := headerLength(0, signature) + int64(len(ChunkEnd))
	if decodedBytes > 0 {
		total += decodedBytes / chunkBytes * chunkLength(chunkBytes, signature)
		total += chunkLength(decodedBytes%chunkBytes, signature)
	}
	if trailerName == "" {
		return total
	}
	total += int64(len(trailerName) + len(":") + trailerValueBytes + len(ChunkEnd))
	if signature > 0 {
		total += int64(len(trailerSignature)) + signature + int64(len(ChunkEnd))
	}
	return total
}

// chunkLength is the length of a chunk of n bytes on the wire; without any bytes there is none.
func chunkLength(n, signature int64) int64 {
	if n == 0 {
		return 0
	}
	return headerLength(n, signature) + n + int64(len(ChunkEnd))
}

// headerLength is the length of the line before a chunk of n bytes.
func headerLength(n, signature int64) int64 {
	digits := max(1, (bits.Len64(uint64(n))+3)/4)
	length := int64(digits + len(ChunkEnd))
	if signature > 0 {
		length += int64(len(signatureExtension)) + signature
	}
	return length
}
