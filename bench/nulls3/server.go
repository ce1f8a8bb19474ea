//go:build linux

// Package nulls3 is the null server: the cheapest thing that an S3 client takes
// for S3. An object is sent from memory by sendfile, what is put is dropped in
// the kernel, and nothing is stored, so that a benchmark on one machine measures
// the client. Signatures are not looked at.
//
// The size of an object is in its key: the last element ends in -SIZE, or some
// element begins with it, as in the workloads of the public benchmark suite
// (256KiB-10_000x). Its content is the pattern's. Keys below many-COUNT-SIZE/
// can be listed.
//
//	conn.go     a connection: requests one after the other
//	head.go     a request's head
//	answer.go   what is answered
//	send.go     an object on its way out
//	receive.go  a body on its way in, dropped or, with Check, compared
//	uploads.go  multipart uploads: which parts there are
//	list.go     listings
//	limits.go   latency, bandwidth and request rate
//	child.go    the server as a process of its own
package nulls3

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/haul-s3/haul/bench/pattern"
	"github.com/haul-s3/haul/bench/tlsconn"
)

// Config says how the server behaves. The zero value is a server as fast as can
// be, on a free port of 127.0.0.1.
type Config struct {
	// Addr is where to listen, default 127.0.0.1:0.
	Addr string
	// Addresses is how many loopback addresses to listen at, all on the same
	// port, counted upwards from Addr's. Default 1.
	Addresses int
	// TLS serves HTTPS with a certificate made for the occasion.
	TLS bool
	// RateMiB bounds the bandwidth of each connection and direction, in MiB/s.
	RateMiB int
	// TotalMiB bounds the bandwidth of all connections together, in each
	// direction, in MiB/s.
	TotalMiB int
	// Latency passes before the first byte of each answer.
	Latency time.Duration
	// SlowFrom is how many requests the server serves at once: where more are
	// under way, Latency grows in proportion to them.
	SlowFrom int
	// Descriptors bounds the open connections; others wait to be accepted.
	Descriptors int
	// RequestsPerSecond bounds the rate of requests; those above it are answered
	// with 503 SlowDown.
	RequestsPerSecond int
	// Check reads what is put, compares it with its checksum, and completed
	// objects with the pattern. What differs is refused and counted.
	Check bool
}

// Server is a running null server.
type Server struct {
	config    Config
	listeners []net.Listener
	tls       *tls.Config // nil: plain
	authority []byte      // PEM
	window    *os.File    // the content, for sendfile
	stats     counters
	uploads   uploads
	rate      *rate
	in, out   *line         // what all connections share; nil: no bound
	free      chan struct{} // holds a token for each open connection; nil: no bound
	underWay  atomic.Int64  // requests

	wg    sync.WaitGroup
	mu    sync.Mutex
	conns map[net.Conn]struct{} // open ones; guarded by mu; nil after Close
}

// Listen starts a server in this process.
func Listen(c Config) (*Server, error) {
	window, err := pattern.Memfd()
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, window: window, conns: map[net.Conn]struct{}{}, rate: newRate(c.RequestsPerSecond), in: newLine(c.TotalMiB), out: newLine(c.TotalMiB)}
	if c.Descriptors > 0 {
		s.free = make(chan struct{}, c.Descriptors)
	}
	if err := s.listen(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	for _, l := range s.listeners {
		s.wg.Go(func() { s.acceptLoop(l) })
	}
	return s, nil
}

func (s *Server) listen() error {
	addr := s.config.Addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	ip := net.ParseIP(host).To4()
	if ip == nil {
		return fmt.Errorf("%s is not an IPv4 address", host)
	}
	var ips []net.IP
	for i := range max(1, s.config.Addresses) {
		next := net.IPv4(ip[0], ip[1], ip[2], ip[3]+byte(i))
		l, err := net.Listen("tcp4", net.JoinHostPort(next.String(), port))
		if err != nil {
			return err
		}
		s.listeners = append(s.listeners, l)
		ips = append(ips, next)
		port = strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	}
	if !s.config.TLS {
		return nil
	}
	cert, authority, err := tlsconn.NewCertificate(ips...)
	if err != nil {
		return err
	}
	s.authority = authority
	s.tls = &tls.Config{
		Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"}, DynamicRecordSizingDisabled: true,
	}
	return nil
}

// Endpoints are the server's URLs, one for each address.
func (s *Server) Endpoints() []string {
	scheme := "http://"
	if s.tls != nil {
		scheme = "https://"
	}
	var urls []string
	for _, l := range s.listeners {
		urls = append(urls, scheme+l.Addr().String())
	}
	return urls
}

// Authority is the certificate that clients must trust, in PEM; nil without TLS.
func (s *Server) Authority() []byte { return s.authority }

// Stats returns the counters.
func (s *Server) Stats() Stats { return s.stats.read() }

// Close stops the server and waits until no connection is left.
func (s *Server) Close() error {
	errs := []error{}
	for _, l := range s.listeners {
		errs = append(errs, l.Close())
	}
	s.mu.Lock()
	for c := range s.conns {
		c.Close()
	}
	s.conns = nil
	s.mu.Unlock()
	s.wg.Wait()
	return errors.Join(append(errs, s.window.Close())...)
}

func (s *Server) acceptLoop(l net.Listener) {
	for {
		if s.free != nil {
			s.free <- struct{}{}
		}
		nc, err := l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.conns == nil {
			s.mu.Unlock()
			nc.Close()
			return
		}
		s.conns[nc] = struct{}{}
		s.mu.Unlock()
		s.wg.Go(func() {
			s.serve(nc.(*net.TCPConn))
			nc.Close()
			s.mu.Lock()
			delete(s.conns, nc)
			s.mu.Unlock()
			if s.free != nil {
				<-s.free
			}
		})
	}
}
