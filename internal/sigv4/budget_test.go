package sigv4_test

import (
	"testing"

	"github.com/haul-s3/haul/internal/sigv4"
)

// part is an UploadPart with a dozen headers.
func part() *sigv4.Request {
	return &sigv4.Request{
		Method: "PUT", Host: "bucket.s3.eu-central-1.amazonaws.com", Path: "/some/longer/key-0001.bin",
		RawQuery: "partNumber=17&uploadId=2~VmVyeSBsb25nIHVwbG9hZCBpZGVudGlmaWVy&x-id=UploadPart",
		Fields: []sigv4.Field{
			{Name: "User-Agent", Value: "haul/1"}, {Name: "Content-Type", Value: "application/octet-stream"},
			{Name: "X-Amz-Checksum-Crc64nvme", Value: "AAAAAAAAAAA="}, {Name: "X-Amz-Request-Payer", Value: "requester"},
			{Name: "X-Amz-Expected-Bucket-Owner", Value: "123456789012"}, {Name: "X-Amz-Sdk-Checksum-Algorithm", Value: "CRC64NVME"},
			{Name: "X-Amz-Server-Side-Encryption-Customer-Algorithm", Value: "AES256"},
			{Name: "X-Amz-Server-Side-Encryption-Customer-Key", Value: "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5"},
			{Name: "X-Amz-Server-Side-Encryption-Customer-Key-Md5", Value: "bWQ1bWQ1bWQ1bWQ1"},
		},
		ContentLength: 8 << 20, PayloadHash: sigv4.UnsignedPayload,
	}
}

func TestSignAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools at random")
	}
	s, r, dst := sigv4.New(), part(), make([]sigv4.Field, 0, 16)
	got := testing.AllocsPerRun(200, func() {
		if _, _, err := s.Sign(dst, r, session, sigv4.V4, "eu-central-1", "s3", noon); err != nil {
			t.Fatal(err)
		}
	})
	if got > 6 {
		t.Errorf("allocations of Sign with a warm key: got %v, want at most 6", got)
	}
}

func BenchmarkSignV4(b *testing.B) {
	s, r, dst := sigv4.New(), part(), make([]sigv4.Field, 0, 16)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := s.Sign(dst, r, session, sigv4.V4, "eu-central-1", "s3", noon); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSignV4A(b *testing.B) {
	s, r, dst := sigv4.New(), part(), make([]sigv4.Field, 0, 16)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := s.Sign(dst, r, session, sigv4.V4A, "*", "s3", noon); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkChunk64KiB(b *testing.B) {
	r := part()
	r.PayloadHash = sigv4.StreamingSignedTrailer
	_, sig, err := sigv4.New().Sign(nil, r, session, sigv4.V4, "eu-central-1", "s3", noon)
	if err != nil {
		b.Fatal(err)
	}
	c, chunk, dst := sig.Chunks(), make([]byte, 64<<10), make([]byte, 0, 128)
	b.SetBytes(int64(len(chunk)))
	b.ReportAllocs()
	for b.Loop() {
		c.AppendChunkHeader(dst, chunk)
	}
}
