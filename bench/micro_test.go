//go:build linux

package main

import (
	"bufio"
	"bytes"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/sigv4"
)

// The pieces of which a part consists, each by itself. Signing, checksums and
// lanes have benchmarks in their rooms too; here are those that cross rooms, as
// a lane does them.

// slicePath is a slice of a download as a lane has it: through the checksum, to
// its place in a file.
func slicePath(tb testing.TB) (once func()) {
	f, err := os.CreateTemp(sharedMemory(), "haul-micro-")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		f.Close()
		os.Remove(f.Name())
	})
	sum, buf := checksum.New(checksum.CRC64NVME), make([]byte, bufpool.SliceSize)
	off := int64(0)
	return func() {
		sum.Write(buf)
		if _, err := f.WriteAt(buf, off); err != nil {
			tb.Fatal(err)
		}
		off = (off + int64(len(buf))) % (8 << 20)
	}
}

// partHead is what is rendered of a part's head: its checksum's text and its
// signature.
func partHead(tb testing.TB) (once func()) {
	signer, fields := sigv4.New(), make([]sigv4.Field, 0, 16)
	credentials := sigv4.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return func() {
		r := sigv4.Request{
			Method: "PUT", Host: "bucket.s3.us-east-1.amazonaws.com", Path: "/some/key",
			RawQuery: "partNumber=17&uploadId=VXBsb2FkIElE&x-id=UploadPart",
			Fields: []sigv4.Field{
				{Name: "User-Agent", Value: "haul/1"}, {Name: "Content-Type", Value: "application/octet-stream"},
				{Name: "X-Amz-Checksum-Crc64nvme", Value: checksum.FormatCRC(checksum.CRC64NVME, 42)},
			},
			ContentLength: 8 << 20, PayloadHash: sigv4.UnsignedPayload,
		}
		if _, _, err := signer.Sign(fields, &r, credentials, sigv4.V4, "us-east-1", "s3", now); err != nil {
			tb.Fatal(err)
		}
	}
}

// combine is the checksum of an object of 250 parts from those of its parts.
func combine(testing.TB) (once func()) {
	return func() {
		c := checksum.NewCombiner(checksum.CRC64NVME, 250)
		for i := range 250 {
			c.Add(i, uint64(i), 8<<20)
		}
		c.Sum()
	}
}

// answerHead is how net/http reads the head of an answer: what an own parser is
// to be measured against.
func answerHead(tb testing.TB) (once func()) {
	text := []byte("HTTP/1.1 206 Partial Content\r\nx-amz-id-2: eW91IGxvb2tlZA==\r\nx-amz-request-id: 0A49CE4060975EAC\r\n" +
		"Date: Wed, 12 Oct 2022 17:50:00 GMT\r\nLast-Modified: Tue, 10 Jan 2023 23:39:32 GMT\r\nETag: \"9b2cf535f27731c974343645a3985328-2\"\r\n" +
		"x-amz-server-side-encryption: AES256\r\nAccept-Ranges: bytes\r\nContent-Range: bytes 0-8388607/2147483648\r\n" +
		"Content-Type: binary/octet-stream\r\nServer: AmazonS3\r\nContent-Length: 8388608\r\n\r\n")
	source := bytes.NewReader(text)
	r := bufio.NewReader(source)
	return func() {
		source.Reset(text)
		r.Reset(source)
		resp, err := http.ReadResponse(r, nil)
		if err != nil || resp.ContentLength != 8<<20 {
			tb.Fatalf("got %v, length %d", err, resp.ContentLength)
		}
	}
}

// pieces are the benchmarks, with the allocations that one may have.
var pieces = []struct {
	name   string
	new    func(testing.TB) func()
	bytes  int64
	budget float64
}{
	{"slice", slicePath, bufpool.SliceSize, 0},
	{"part-head", partHead, 0, 8},
	{"combine-250", combine, 0, 4},
	{"answer-head-net-http", answerHead, 0, 24},
}

func BenchmarkPieces(b *testing.B) {
	for _, p := range pieces {
		b.Run(p.name, func(b *testing.B) {
			once := p.new(b)
			b.SetBytes(p.bytes)
			b.ReportAllocs()
			for b.Loop() {
				once()
			}
		})
	}
}

// TestPieceBudgets holds the pieces to their allocations.
func TestPieceBudgets(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools at random")
	}
	for _, p := range pieces {
		once := p.new(t)
		once() // what is made once, and kept, is not a part's
		if got := testing.AllocsPerRun(50, once); got > p.budget {
			t.Errorf("%s: got %v allocations, want at most %v", p.name, got, p.budget)
		}
	}
}
