package managertest

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	haulengine "github.com/haul-s3/haul/engine"
)

// secureTests go over TLS, against the fake's own handler.
var secureTests = []conformanceTest{
	{name: "tls-trailer", run: testTLSTrailer},
	{name: "tls-trust", run: testTLSTrust},
	{name: "sign-payload", run: testSignPayload},
}

// tlsServer is the fake behind TLS, and a pool with its certificate.
func (w *world) tlsServer() (*httptest.Server, *x509.CertPool) {
	front := httptest.NewUnstartedServer(w.Fake)
	front.Config.ErrorLog = silent()
	front.StartTLS()
	w.t.Cleanup(front.Close)
	roots := x509.NewCertPool()
	roots.AddCert(front.Certificate())
	return front, roots
}

// tlsClient is an SDK client of the SDK's own making, with these TLS settings:
// haul takes them over from it.
func (w *world) tlsClient(endpoint string, config *tls.Config) *s3.Client {
	transport := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.TLSClientConfig = config })
	if w.engine.name == "classic" {
		own := &http.Transport{TLSClientConfig: config}
		w.t.Cleanup(own.CloseIdleConnections)
		return w.Client(func(o *s3.Options) { o.BaseEndpoint, o.HTTPClient = &endpoint, &http.Client{Transport: own} })
	}
	return w.Client(func(o *s3.Options) { o.BaseEndpoint, o.HTTPClient = &endpoint, transport })
}

func testTLSTrailer(t *testing.T, w *world) {
	front, roots := w.tlsServer()
	for _, c := range []struct {
		place haul.ChecksumPlace
		hash  string
	}{{haul.ChecksumTrailer, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}, {haul.ChecksumHeader, "UNSIGNED-PAYLOAD"}} {
		m := w.managerOf(w.tlsClient(front.URL, &tls.Config{RootCAs: roots}), func(o *haul.Options) { o.ChecksumPlace = c.place })
		for _, size := range []int64{0, 1000, part + 1} {
			for kind, make := range sourceKinds(t.TempDir(), data(size)) {
				in := w.put("tls")
				in.ContentEncoding = ptr("x-test")
				w.Fake.Reset()
				up := w.must(haul.Wait(m.Upload(w.ctx, make(), in)))
				for _, r := range w.Fake.Requests() {
					if got := r.Header.Get("X-Amz-Content-Sha256"); (r.Op == "PutObject" || r.Op == "UploadPart") && size > 0 && got != c.hash {
						t.Errorf("%s of %d bytes from a %s: got x-amz-content-sha256 %s, want %s", r.Op, size, kind, got, c.hash)
					}
				}
				var b bytes.Buffer
				down := w.must(haul.Wait(m.Download(w.ctx, w.get("tls"), haul.ToWriter(&b))))
				same(t, "tls from a "+kind, b.Bytes(), size)
				o, _ := w.Fake.Object(w.Bucket, "tls")
				if got := o.Header.Get("Content-Encoding"); got != "x-test" {
					t.Errorf("%d bytes from a %s: stored with content encoding %q, want x-test", size, kind, got)
				}
				if !up.Checksum.Validated || !down.Checksum.Validated {
					t.Errorf("%d bytes from a %s: got %+v and %+v, want both validated", size, kind, up.Checksum, down.Checksum)
				}
			}
		}
	}
}

// testTLSTrust: a server that isn't trusted is not talked to; who it is can be
// said in three ways.
func testTLSTrust(t *testing.T, w *world) {
	front, roots := w.tlsServer()
	strange := w.managerOf(w.tlsClient(front.URL, &tls.Config{RootCAs: x509.NewCertPool()}), func(o *haul.Options) { o.MaxAttempts = 2 })
	w.refused("unknown authority", []string{"certificate"}, func() error {
		_, err := haul.Wait(strange.Upload(w.ctx, haul.FromBytes(data(10)), w.put("strange")))
		return err
	})
	if w.engine.name == "classic" {
		return // its TLS is its client's
	}
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})
	mustDo(t, os.WriteFile(bundle, block, 0o600))
	for name, o := range map[string]haulengine.Options{
		"bundle":    {CABundle: bundle},
		"tls":       {TLS: &tls.Config{RootCAs: roots}},
		"no verify": {InsecureSkipVerify: true},
	} {
		c := w.Client(func(o *s3.Options) { o.BaseEndpoint = &front.URL })
		m := w.managerOf(c, func(h *haul.Options) { h.Engine = &o })
		w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(data(part+1)), w.put("trusted"))))
		if _, err := haul.Wait(m.Download(w.ctx, w.get("trusted"), haul.ToWriter(io.Discard))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// testSignPayload: the SHA-256 of every body is in its signature.
func testSignPayload(t *testing.T, w *world) {
	front, roots := w.tlsServer()
	for _, endpoint := range []string{w.Endpoint, front.URL} {
		for _, place := range []haul.ChecksumPlace{haul.ChecksumAuto, haul.ChecksumHeader, haul.ChecksumTrailer} {
			m := w.managerOf(w.tlsClient(endpoint, &tls.Config{RootCAs: roots}), func(o *haul.Options) {
				o.SignPayload, o.ChecksumPlace = true, place
			})
			for _, size := range []int64{0, 1000, part + 1} {
				w.Fake.Reset()
				w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(data(size)), w.put("signed"))))
				for _, r := range w.Fake.Requests() {
					if hash := r.Header.Get("X-Amz-Content-Sha256"); strings.Contains(hash, "UNSIGNED") || hash == "" {
						t.Errorf("%s, place %d, %d bytes: %s has x-amz-content-sha256 %q", endpoint, place, size, r.Op, hash)
					}
				}
				var b bytes.Buffer
				w.must(haul.Wait(m.Download(w.ctx, w.get("signed"), haul.ToWriter(&b))))
				same(t, "signed", b.Bytes(), size)
			}
		}
	}
}

// silent is for servers whose clients hang up on purpose.
func silent() *log.Logger { return log.New(io.Discard, "", 0) }
