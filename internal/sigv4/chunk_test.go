package sigv4_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/haul-s3/haul/internal/sigv4"
)

// The example of AWS's documentation: 65 KiB of "a" in chunks of 64 KiB.
var (
	exampleCreds = sigv4.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	exampleTime  = time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
)

func exampleRequest(payload, trailer string) *sigv4.Request {
	r := &sigv4.Request{
		Method: "PUT", Host: "s3.amazonaws.com", Path: "/examplebucket/chunkObject.txt", PayloadHash: payload,
		Fields: []sigv4.Field{{Name: "X-Amz-Storage-Class", Value: "REDUCED_REDUNDANCY"}, {Name: "Content-Encoding", Value: "aws-chunked"},
			{Name: "X-Amz-Decoded-Content-Length", Value: "66560"}},
	}
	if trailer != "" {
		r.Fields = append(r.Fields, sigv4.Field{Name: "X-Amz-Trailer", Value: trailer})
	}
	return r
}

// encode frames the chunks as they go on the wire.
func encode(c *sigv4.ChunkSigner, chunks [][]byte, trailerName, trailerValue string) string {
	var b []byte
	for _, chunk := range chunks {
		b = c.AppendChunkHeader(b, chunk)
		b = append(append(b, chunk...), sigv4.ChunkEnd...)
	}
	return string(c.AppendEnd(b, trailerName, trailerValue))
}

func TestChunksOfTheDocumentation(t *testing.T) {
	chunks := [][]byte{bytes.Repeat([]byte("a"), 65536), bytes.Repeat([]byte("a"), 1024)}
	cases := map[string]struct {
		payload, trailer, value string
		length                  int64 // Content-Length that the example signs
		seed                    string
		signatures              [3]string
		end                     string
	}{
		// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
		"without-trailer": {
			payload: sigv4.StreamingSigned, length: 66824,
			seed: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
			signatures: [3]string{"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
				"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
				"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"},
			end: "\r\n",
		},
		// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
		"with-trailer": {
			payload: sigv4.StreamingSignedTrailer, trailer: "x-amz-checksum-crc32c", value: "sOO8/Q==",
			seed: "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
			signatures: [3]string{"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
				"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
				"2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"},
			end: "x-amz-checksum-crc32c:sOO8/Q==\r\n" +
				"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			r := exampleRequest(tc.payload, tc.trailer)
			r.ContentLength = tc.length
			_, sig, err := sigv4.New().Sign(nil, r, exampleCreds, sigv4.V4, "us-east-1", "s3", exampleTime)
			if err != nil {
				t.Fatal(err)
			}
			if sig.Hex() != tc.seed {
				t.Errorf("seed: got %s, want %s", sig.Hex(), tc.seed)
			}
			want := "10000;chunk-signature=" + tc.signatures[0] + "\r\n" + string(chunks[0]) + "\r\n" +
				"400;chunk-signature=" + tc.signatures[1] + "\r\n" + string(chunks[1]) + "\r\n" +
				"0;chunk-signature=" + tc.signatures[2] + "\r\n" + tc.end
			got := encode(sig.Chunks(), chunks, tc.trailer, tc.value)
			if got != want {
				t.Errorf("body without its data: got %q, want %q", strings.ReplaceAll(got, "aaaa", ""), strings.ReplaceAll(want, "aaaa", ""))
			}
			if n := sigv4.EncodedLength(66560, 65536, tc.payload, tc.trailer, len(tc.value)); n != int64(len(want)) {
				t.Errorf("encoded length: got %d, want %d", n, len(want))
			}
			if n := sigv4.EncodedLength(66560, 65536, tc.payload, "", 0); n != 66824 {
				t.Errorf("encoded length without trailer: got %d, want 66824", n)
			}
		})
	}
}

func TestEncodedLength(t *testing.T) {
	const name, value = "x-amz-checksum-crc64nvme", "AAAAAAAAAAA="
	schemes := map[string]sigv4.Scheme{
		sigv4.StreamingUnsignedTrailer: sigv4.V4, sigv4.StreamingSigned: sigv4.V4, sigv4.StreamingSignedTrailer: sigv4.V4Express,
		sigv4.StreamingSignedV4A: sigv4.V4A, sigv4.StreamingSignedTrailerV4A: sigv4.V4A,
	}
	for payload, scheme := range schemes {
		_, sig, err := sigv4.New().Sign(nil, exampleRequest(payload, ""), exampleCreds, scheme, "r", "s3", exampleTime)
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{0, 1, 15, 16, 17, 255, 256, 4096, 8191, 8192, 8193, 16384, 70000} {
			for _, chunk := range []int{0, 1 << 13, 1 << 14, 1 << 20} {
				for _, trailer := range []string{"", name} {
					t.Run(fmt.Sprintf("%s-%d-by-%d-%s", payload, size, chunk, trailer), func(t *testing.T) {
						want := len(body(sig, payload, size, chunk, trailer, value))
						if got := sigv4.EncodedLength(int64(size), int64(chunk), payload, trailer, len(value)); got != int64(want) {
							t.Errorf("got %d, want %d", got, want)
						}
					})
				}
			}
		}
	}
	for _, payload := range []string{sigv4.UnsignedPayload, sigv4.EmptySHA256} {
		if got := sigv4.EncodedLength(5<<40, 1<<16, payload, name, 12); got != 5<<40 {
			t.Errorf("%s: got %d, want the length unchanged, %d", payload, got, int64(5<<40))
		}
	}
	// "50000000000", line end, data, line end, "0", line end, line end
	const want int64 = 11 + 2 + (5 << 40) + 2 + 1 + 2 + 2
	if got := sigv4.EncodedLength(5<<40, 0, sigv4.StreamingUnsignedTrailer, "", 0); got != want {
		t.Errorf("5 TiB in one chunk: got %d, want %d", got, want)
	}
}

// body encodes size zero bytes under payload.
func body(sig sigv4.Signature, payload string, size, chunk int, trailer, value string) string {
	data := make([]byte, size)
	if chunk == 0 {
		chunk = max(size, 1)
	}
	var chunks [][]byte
	for ; len(data) > 0; data = data[min(chunk, len(data)):] {
		chunks = append(chunks, data[:min(chunk, len(data))])
	}
	if payload != sigv4.StreamingUnsignedTrailer {
		return encode(sig.Chunks(), chunks, trailer, value)
	}
	var b []byte
	for _, c := range chunks {
		b = append(sigv4.AppendUnsignedChunkHeader(b, int64(len(c))), c...)
		b = append(b, sigv4.ChunkEnd...)
	}
	return string(sigv4.AppendUnsignedEnd(b, trailer, value))
}

func TestUnsignedChunks(t *testing.T) {
	b := sigv4.AppendUnsignedChunkHeader(nil, 11)
	b = append(append(b, "Hello world"...), sigv4.ChunkEnd...)
	got := string(sigv4.AppendUnsignedEnd(b, "x-amz-checksum-crc32", "i9aeUg=="))
	if want := "b\r\nHello world\r\n0\r\nx-amz-checksum-crc32:i9aeUg==\r\n\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestChunkMisuse(t *testing.T) {
	_, sig, err := sigv4.New().Sign(nil, exampleRequest(sigv4.StreamingSigned, ""), exampleCreds, sigv4.V4, "r", "s3", exampleTime)
	if err != nil {
		t.Fatal(err)
	}
	for name, misuse := range map[string]func(){
		"anonymous":   func() { sigv4.Signature{}.Chunks() },
		"empty-chunk": func() { sig.Chunks().AppendChunkHeader(nil, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("got no panic, want one")
				}
			}()
			misuse()
		})
	}
}
