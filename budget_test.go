package haul_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/checksum"
)

const (
	smallSize = 64 << 10
	// allocationsMax is how many heap objects a small object may take, from the
	// call to its Result, what the caller makes for it included.
	allocationsMax = 60
)

// TestAllocationsOfSmallObjects counts them over many objects that are handed in
// at once, signed and validated. A smaller number would not hold: a transfer has
// its Future and its Result, an answer its header.
func TestAllocationsOfSmallObjects(t *testing.T) {
	if underRace {
		t.Skip("the race detector empties pools at random")
	}
	body := make([]byte, smallSize)
	address := smallServer(t, body)
	c := s3.New(s3.Options{BaseEndpoint: aws.String("http://" + address), UsePathStyle: true, Region: "us-east-1", Credentials: memoryKeys})
	m, err := haul.NewFromClient(c, func(o *haul.Options) { o.Engine = &engine.Options{MaxConnections: 16} })
	if err != nil {
		t.Fatal(err)
	}
	defer shutdown(t, m)
	for name, begin := range map[string]func() (*haul.Future, error){
		"up": func() (*haul.Future, error) {
			return m.Upload(context.Background(), haul.FromBytes(body), put())
		},
		"down": func() (*haul.Future, error) {
			return m.Download(context.Background(), get(), haul.ToWriterAt(nowhere{}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			carry(t, 500, begin) // what is made once, and kept, is not an object's
			const n = 4000
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			carry(t, n, begin)
			runtime.ReadMemStats(&after)
			each := float64(after.Mallocs-before.Mallocs) / n
			t.Logf("%.1f heap objects, %d bytes for each", each, (after.TotalAlloc-before.TotalAlloc)/n)
			if each > allocationsMax {
				t.Errorf("got %.1f heap objects for each small object, want at most %d", each, allocationsMax)
			}
		})
	}
}

// carry hands in n transfers and waits for them.
func carry(t *testing.T, n int, begin func() (*haul.Future, error)) {
	futures := make([]*haul.Future, n)
	for i := range futures {
		var err error
		if futures[i], err = begin(); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range futures {
		if r, err := f.Result(t.Context()); err != nil || r.Size != smallSize || !r.Checksum.Validated {
			t.Fatalf("got %+v, %v, want %d bytes, validated", r, err, smallSize)
		}
	}
}

// smallServer answers each GET with body and each PUT, which must bring as many
// bytes, with success. It allocates nothing for a request.
func smallServer(t *testing.T, body []byte) (address string) {
	sum := checksum.New(checksum.CRC64NVME)
	_, _ = sum.Write(body)
	const head = "HTTP/1.1 200 OK\r\nx-amz-id-2: eftixk72aD6Ap51TnqcoF8eFidJG9Z/2mkiDFu8yU9AS1ed4OpIszj7UDNEHGran\r\n" +
		"x-amz-request-id: 318BC8BC148832E5\r\nDate: Wed, 28 Oct 2009 22:32:00 GMT\r\nLast-Modified: Wed, 28 Oct 2009 22:31:00 GMT\r\n" +
		"ETag: \"fba9dede5f27731c9771645a39863328\"\r\nx-amz-checksum-type: FULL_OBJECT\r\nServer: AmazonS3\r\nx-amz-checksum-crc64nvme: "
	got := append([]byte(head+sum.Base64()+"\r\nAccept-Ranges: bytes\r\nContent-Type: application/octet-stream\r\nContent-Length: 65536\r\n\r\n"), body...)
	stored := []byte(head + sum.Base64() + "\r\nContent-Length: 0\r\n\r\n")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serveSmall(conn, got, stored)
		}
	}()
	return listener.Addr().String()
}

// serveSmall serves one connection until it ends.
func serveSmall(conn io.ReadWriteCloser, got, stored []byte) {
	defer conn.Close()
	b := make([]byte, 2*smallSize)
	for n := 0; ; {
		m, err := conn.Read(b[n:])
		if err != nil {
			return
		}
		n += m
		head := bytes.Index(b[:n], []byte("\r\n\r\n"))
		size, answer := head+len("\r\n\r\n"), got
		if b[0] == 'P' {
			size, answer = size+smallSize, stored
		}
		if head < 0 || n < size {
			continue
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
		n = 0
	}
}
