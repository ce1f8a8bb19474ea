package h1_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/wire"
	"github.com/haul-s3/haul/internal/wire/h1"
)

// The benchmarks speak to a server in a process of its own, so that the CPU
// time of this one is the client's. It is the test binary, started again.
const serverVariable = "HAUL_H1_BENCH_SERVER"

func TestMain(m *testing.M) {
	if secure := os.Getenv(serverVariable); secure != "" {
		if err := benchServer(secure == "tls"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// benchServer answers until its standard input ends: GET /n with n bytes, PUT
// with nothing.
func benchServer(secure bool) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if secure {
		certificate, err := selfSigned()
		if err != nil {
			return err
		}
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}})
	}
	if err := json.NewEncoder(os.Stdout).Encode(listener.Addr().String()); err != nil {
		return err
	}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go benchAnswer(c)
		}
	}()
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// benchAnswer spends as little as it can: over plain HTTP bodies are sent from a
// file, and dropped by the system without a copy.
func benchAnswer(c net.Conn) {
	defer c.Close()
	f, err := os.CreateTemp("", "bench")
	if err != nil {
		return
	}
	defer f.Close()
	if err := errors.Join(os.Remove(f.Name()), f.Truncate(8<<20)); err != nil {
		return
	}
	r := bufio.NewReaderSize(c, 4<<10)
	for {
		request, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if err := drop(c, r, int(max(0, request.ContentLength))); err != nil {
			return
		}
		n, _ := strconv.ParseInt(request.URL.Path[1:], 10, 64)
		head := fmt.Sprintf("HTTP/1.1 200 OK\r\nServer: bench\r\nETag: \"1\"\r\nContent-Length: %d\r\n\r\n", n)
		if _, err := io.WriteString(c, head); err != nil {
			return
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return
		}
		if _, err := io.CopyN(c, f, n); err != nil {
			return
		}
	}
}

// drop reads n bytes and forgets them.
func drop(c net.Conn, r *bufio.Reader, n int) error {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		_, err := io.CopyN(io.Discard, r, int64(n))
		return err
	}
	buffered, err := r.Discard(min(n, r.Buffered()))
	if err != nil {
		return err
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	var b [1 << 20]byte
	for n -= buffered; n > 0; {
		var m int
		var rerr error
		if err := raw.Read(func(fd uintptr) bool {
			m, _, rerr = syscall.Recvfrom(int(fd), b[:min(n, len(b))], syscall.MSG_TRUNC)
			return rerr != syscall.EAGAIN
		}); err != nil {
			return err
		}
		if rerr != nil || m == 0 {
			return fmt.Errorf("%d bytes of the body are missing: %w", n, errors.Join(rerr, io.ErrUnexpectedEOF))
		}
		n -= m
	}
	return nil
}

// startServer starts the server and returns its host.
func startServer(b *testing.B, secure string) string {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serverVariable+"="+secure)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	var host string
	if err := json.NewDecoder(stdout).Decode(&host); err != nil {
		b.Fatal(err)
	}
	return host
}

// plainReader hides what else a reader can do.
type plainReader struct{ io.Reader }

// benchBodies are the ways to give a body.
var benchBodies = map[string]func(b *testing.B, size int64) func() io.Reader{
	"put": func(_ *testing.B, size int64) func() io.Reader {
		data := make([]byte, size)
		return func() io.Reader { return plainReader{bytes.NewReader(data)} }
	},
	"put-memory": func(_ *testing.B, size int64) func() io.Reader {
		data := make([]byte, size)
		return func() io.Reader { return &counted{Reader: bytes.NewReader(data), memory: data} }
	},
	"put-file": func(b *testing.B, size int64) func() io.Reader {
		path := filepath.Join(b.TempDir(), "f")
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			b.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = f.Close() })
		return func() io.Reader { return &counted{Reader: io.NewSectionReader(f, 0, size), file: f, left: size} }
	},
	"get": nil,
}

// BenchmarkExchange reports the client's CPU time, user and system, beside the
// time that passed: go test -bench Exchange -run ^$ -count 6 ./internal/wire/h1
func BenchmarkExchange(b *testing.B) {
	for _, secure := range []string{"plain", "tls"} {
		host := startServer(b, secure)
		for _, size := range []int64{64 << 10, 8 << 20} {
			for _, what := range []string{"get", "put", "put-memory", "put-file"} {
				for _, over := range []string{"nethttp", "h1"} {
					b.Run(fmt.Sprintf("%s/%s/%dK/%s", secure, what, size>>10, over), func(b *testing.B) {
						benchExchange(b, benchClient(b, over), host, secure, what, size)
					})
				}
			}
		}
	}
}

func benchClient(b *testing.B, over string) wire.Exchange {
	config := wire.Config{InsecureSkipVerify: true, MaxIdle: 10}
	var c wire.Exchange
	if over == "h1" {
		t, err := config.ClientTLS()
		if err != nil {
			b.Fatal(err)
		}
		c = h1.New(h1.Config{Dial: wire.NewDialer(), TLS: t, Buffers: bufpool.New(1 << 20)})
	} else {
		t, err := wire.NewTransport(config)
		if err != nil {
			b.Fatal(err)
		}
		c = wire.NewNetHTTP(t)
	}
	b.Cleanup(c.CloseIdle)
	return c
}

func benchExchange(b *testing.B, c wire.Exchange, host, secure, what string, size int64) {
	r := get(host)
	if r.Scheme = "http"; secure == "tls" {
		r.Scheme = "https"
	}
	r.Header = http.Header{"X-Amz-Date": {"20091028T223200Z"}}
	r.Path = fmt.Sprintf("/%d", size)
	open := func() io.Reader { return nil }
	if body := benchBodies[what]; body != nil {
		r.Method, r.Path, r.ContentLength = http.MethodPut, "/0", size
		open = body(b, size)
	}
	slice := make([]byte, 256<<10)
	one := func() {
		r.Body = open()
		exchangeInto(b, c, r, slice)
	}
	one()
	b.SetBytes(size)
	b.ReportAllocs()
	b.ResetTimer()
	before := cpuTime(b)
	for range b.N {
		one()
	}
	spent := cpuTime(b) - before
	b.ReportMetric(float64(spent)/float64(b.N)/(float64(size)/(1<<20)), "cpu-ns/MiB")
	b.ReportMetric(float64(spent)/float64(b.N), "cpu-ns/op")
}

// cpuTime is the process's, user and system, in nanoseconds.
func cpuTime(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
