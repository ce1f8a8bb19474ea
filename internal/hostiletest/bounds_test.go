package hostiletest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/s3api"
	"github.com/haul-s3/haul/internal/wire"
)

// transfers are the ways to meet a server.
var transfers = map[string]func(ctx context.Context, m *haul.Manager, dir string) error{
	"download-to-file": func(ctx context.Context, m *haul.Manager, dir string) error {
		_, err := m.DownloadFile(ctx, bucket, "key", filepath.Join(dir, "target"))
		return err
	},
	"download-to-writer": func(ctx context.Context, m *haul.Manager, _ string) error {
		_, err := haul.Wait(m.Download(ctx, getInput(), haul.ToWriter(struct{ io.Writer }{io.Discard})))
		return err
	},
	"download-to-writer-at": func(ctx context.Context, m *haul.Manager, _ string) error {
		_, err := haul.Wait(m.Download(ctx, getInput(), haul.ToWriterAt(nowhere{})))
		return err
	},
	"upload": func(ctx context.Context, m *haul.Manager, _ string) error {
		_, err := haul.Wait(m.Upload(ctx, haul.FromBytes([]byte("hello")), putInput()))
		return err
	},
	"upload-in-parts": func(ctx context.Context, m *haul.Manager, _ string) error {
		_, err := haul.Wait(m.Upload(ctx, haul.FromReaderAt(nowhere{}, 2*s3api.MinPartSize), putInput()))
		return err
	},
	"copy": func(ctx context.Context, m *haul.Manager, _ string) error {
		in := &s3.CopyObjectInput{Bucket: aws.String(bucket), Key: aws.String("key"), CopySource: aws.String(bucket + "/source")}
		_, err := haul.Wait(m.Copy(ctx, in))
		return err
	},
	"delete": func(ctx context.Context, m *haul.Manager, _ string) error {
		_, err := haul.Wait(m.Delete(ctx, &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("key")}))
		return err
	},
}

// nowhere takes everything and has zeros at every place.
type nowhere struct{}

func (nowhere) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

func (nowhere) ReadAt(p []byte, _ int64) (int, error) { clear(p); return len(p), nil }

// unbounded are answers that are meant to fill the memory.
var unbounded = map[string]script{
	"status line":          endless("HTTP/1.1 200 ", "O"),
	"one header":           endless("HTTP/1.1 200 OK\r\nX-Amz-Meta-A: ", "a"),
	"headers":              endless("HTTP/1.1 200 OK\r\n", "X-Amz-Meta-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"),
	"interim answers":      endless("", "HTTP/1.1 102 Processing\r\n\r\n"),
	"error":                endless("HTTP/1.1 403 Forbidden\r\n\r\n<Error><Code>AccessDenied</Code><Message>", "no "),
	"error of exabytes":    endless("HTTP/1.1 403 Forbidden\r\nContent-Length: 9223372036854775807\r\n\r\n<Error><Code>A</Code>", "<a>"),
	"error in chunks":      endless("HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n", "10\r\naaaaaaaaaaaaaaaa\r\n"),
	"chunk size":           endless("HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n", "0"),
	"chunk extension":      endless("HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n1;", "a"),
	"chunked trailers":     endless("HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X-A: aaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"),
	"nested error":         text("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n<Error>%s", strings.Repeat("<a>", 100_000)),
	"error with entities":  text("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n<!DOCTYPE a [<!ENTITY b \"%s\">]><Error><Code>%s</Code></Error>", strings.Repeat("c", 1000), strings.Repeat("&b;", 100_000)),
	"compressed error":     text("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Encoding: gzip\r\n\r\n%s", bomb()),
	"length of no number":  text("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999999\r\n\r\n"),
	"two lengths":          text("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
	"negative length":      text("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello"),
	"coding nobody speaks": text("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
}

// bomb is some kilobytes that would be 8 MiB.
var bomb = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(make([]byte, 8<<20)) // a buffer takes everything
	_ = z.Close()
	return b.Bytes()
})

// exchanges are what carries the requests: haul's own HTTP, and net/http as it
// is used behind a proxy.
func exchanges(t *testing.T) map[string]func(*haul.Options) {
	t.Helper()
	transport, err := wire.NewTransport(wire.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return map[string]func(*haul.Options){
		"own":      func(*haul.Options) {},
		"net-http": func(o *haul.Options) { o.Engine = &engine.Options{HTTP: transport} },
	}
}

// TestAnswersWithoutBound has every transfer meet every one of them.
func TestAnswersWithoutBound(t *testing.T) {
	for name, say := range unbounded {
		for exchange, with := range exchanges(t) {
			t.Run(name+"-"+exchange, func(t *testing.T) {
				s := serve(t, say)
				for transfer, begin := range transfers {
					if (testing.Short() || exchange != "own") && transfer != "download-to-file" {
						continue
					}
					dir := t.TempDir()
					wantBounded(t, transfer, dir, func() error { return begin(t.Context(), newManager(t, s.url, nil, with), dir) })
				}
			})
		}
	}
}

// wantBounded holds that a transfer fails with an error that can be read, for
// little memory, and leaves nothing.
func wantBounded(t *testing.T, transfer, dir string, do func() error) {
	t.Helper()
	var err error
	got := allocated(func() { err = do() })
	if err == nil {
		t.Errorf("%s: got success, want an error", transfer)
	} else if len(err.Error()) > 4<<10 {
		t.Errorf("%s: got an error of %d bytes, want one that can be read", transfer, len(err.Error()))
	}
	if got > memoryMax {
		t.Errorf("%s: got %d bytes allocated, want at most %d", transfer, got, memoryMax)
	}
	wantEmpty(t, dir)
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 0 {
		t.Errorf("folder afterwards: got %v, %v, want it empty", entries, err)
	}
}

// TestObjectOfExabytes has a server announce more than anyone can store, and as
// much as S3 just can.
func TestObjectOfExabytes(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nX-Amz-Checksum-Crc64nvme: AAAAAAAAAAA=\r\nX-Amz-Checksum-Type: FULL_OBJECT\r\nContent-Length: %d\r\n\r\n%s"
	const composite = "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nX-Amz-Checksum-Crc32: AAAAAA==-10000\r\nX-Amz-Mp-Parts-Count: 10000\r\nContent-Length: %d\r\n\r\n%s"
	for _, format := range []string{head, composite} {
		for _, size := range []int64{40 << 40, 1 << 50, 1 << 60, math.MaxInt64} {
			s := serve(t, text(format, size, strings.Repeat("a", 300_000)))
			for _, name := range []string{"download-to-file", "download-to-writer", "download-to-writer-at"} {
				m, dir := newManager(t, s.url, nil), t.TempDir()
				var err error
				got := allocated(func() { err = transfers[name](t.Context(), m, dir) })
				if err == nil || got > memoryMax {
					t.Errorf("%s of %d bytes: got %v and %d bytes allocated, want an error and at most %d", name, size, err, got, memoryMax)
				}
				wantEmpty(t, dir)
			}
		}
	}
}

// TestNothingIsDecompressed fetches a gzip bomb: what is stored is what comes.
func TestNothingIsDecompressed(t *testing.T) {
	packed := bomb()
	for _, encoding := range []string{"gzip", "aws-chunked,gzip", "br"} {
		s := serve(t, text("HTTP/1.1 200 OK\r\nConnection: close\r\nETag: \"e\"\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s", encoding, len(packed), packed))
		m := newManager(t, s.url, nil)
		var b bytes.Buffer
		r, err := haul.Wait(m.Download(t.Context(), getInput(), haul.ToWriter(&b)))
		if err != nil || !bytes.Equal(b.Bytes(), packed) || r.Size != int64(len(packed)) {
			t.Errorf("%s: got %d bytes, %v, want the %d that were sent", encoding, b.Len(), err, len(packed))
		}
	}
}

// TestSizesThatAreLies has a HEAD tell of sources that aren't so.
func TestSizesThatAreLies(t *testing.T) {
	for size, want := range map[int64]string{
		math.MaxInt64:              "maximum",
		s3api.MaxObjectSize:        "InvalidRange",
		2 * s3api.MinPartSize:      "InvalidRange",
		s3api.MaxObjectSize + 1:    "maximum",
		s3api.MinPartSize * 10_000: "InvalidRange",
	} {
		s := serve(t, func(w io.Writer, r *http.Request) {
			switch {
			case r.Method == http.MethodHead:
				fmt.Fprintf(w, "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: %d\r\n\r\n", size)
			case r.Method == http.MethodPost:
				text("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")(w, r)
			case r.Method == http.MethodPut:
				text("HTTP/1.1 416 No\r\nConnection: close\r\n\r\n<Error><Code>InvalidRange</Code></Error>")(w, r)
			default:
				text("HTTP/1.1 404 No\r\nConnection: close\r\n\r\n<Error><Code>NoSuchUpload</Code></Error>")(w, r)
			}
		})
		m := newManager(t, s.url, nil)
		var err error
		got := allocated(func() { err = transfers["copy"](t.Context(), m, "") })
		var te *haul.TransferError
		if !errors.As(err, &te) || !strings.Contains(err.Error(), want) || got > memoryMax {
			t.Errorf("source of %d bytes: got %v and %d bytes allocated, want an error of %s and at most %d", size, err, got, want, memoryMax)
		}
	}
}
