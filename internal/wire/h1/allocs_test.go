package h1_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/haul-s3/haul/internal/wire"
	"github.com/haul-s3/haul/internal/wire/h1"
)

// s3Answer is the head of an answer as S3 gives it.
const s3Answer = "HTTP/1.1 200 OK\r\nx-amz-id-2: eftixk72aD6Ap51TnqcoF8eFidJG9Z/2mkiDFu8yU9AS1ed4OpIszj7UDNEHGran\r\n" +
	"x-amz-request-id: 318BC8BC148832E5\r\nDate: Wed, 28 Oct 2009 22:32:00 GMT\r\nLast-Modified: Wed, 28 Oct 2009 22:31:00 GMT\r\n" +
	"ETag: \"fba9dede5f27731c9771645a39863328\"\r\nx-amz-checksum-crc64nvme: 5CbQ2gkXQ0g=\r\nx-amz-checksum-type: FULL_OBJECT\r\n" +
	"Accept-Ranges: bytes\r\nContent-Type: application/octet-stream\r\nServer: AmazonS3\r\nContent-Length: 65536\r\n\r\n"

// allocsMax is what an exchange may allocate: its header, its answer, and the
// watch on its context.
const allocsMax = 15

func TestAllocations(t *testing.T) {
	answer := append([]byte(s3Answer), long[:65536]...)
	s := serve(t, nil, func(p *peer) {
		// A server that allocates nothing, as it is counted too.
		var b [8 << 10]byte
		for n := 0; ; {
			m, err := p.Conn.Read(b[n:])
			if err != nil {
				return
			}
			if n += m; bytes.HasSuffix(b[:n], []byte("\r\n\r\n")) {
				n = 0
				if _, err := p.Conn.Write(answer); err != nil {
					return
				}
			}
		}
	})
	client := newClient(t, h1.Config{Dial: (&net.Dialer{}).DialContext})
	r := get(s.host)
	r.Header = http.Header{"Authorization": {"AWS4-HMAC-SHA256 …"}, "X-Amz-Date": {"20091028T223200Z"}}
	slice := make([]byte, 64<<10)
	allocs := testing.AllocsPerRun(200, func() { exchangeInto(t, client, r, slice) })
	t.Logf("%v allocations for each exchange", allocs)
	if allocs > allocsMax {
		t.Errorf("got %v allocations for each exchange, want %d at most", allocs, allocsMax)
	}
}

// exchangeInto carries an exchange and reads its answer through a slice.
func exchangeInto(t testing.TB, c wire.Exchange, r *wire.Request, slice []byte) {
	resp, err := c.Do(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = resp.Body.Read(slice)
	}
	if err != io.EOF || resp.Status != 200 {
		t.Fatalf("got status %d, %v, want 200 and the end", resp.Status, err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
}
