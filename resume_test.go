package haul_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/s3fake"
	"github.com/haul-s3/haul/internal/testbody"
)

const (
	mib          = 1 << 20
	resumeSecret = "a-secret-access-key-that-no-journal-holds"
	resumeToken  = "a-session-token-that-no-journal-holds"
)

// tollGate is a server whose transfers stop when so many bytes have gone through,
// until it is opened.
type tollGate struct {
	server *s3fake.Server
	url    string

	mu      sync.Mutex
	left    int64 // guarded by mu: bytes that still pass, both ways
	blocked chan struct{}
	opened  chan struct{}
}

func newTollGate(t *testing.T, o s3fake.Options, bytes int64) *tollGate {
	t.Helper()
	g := &tollGate{server: s3fake.New(o, "b"), left: bytes, blocked: make(chan struct{}), opened: make(chan struct{})}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = &gatedBody{r.Body, g}
		g.server.ServeHTTP(&gatedWriter{w, g}, r)
	}))
	g.url = web.URL
	t.Cleanup(func() {
		g.open()
		web.CloseClientConnections()
		web.Close()
	})
	return g
}

func (g *tollGate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.opened:
	default:
		close(g.opened)
	}
}

// pass takes n bytes through, or waits until the gate is opened.
func (g *tollGate) pass(n int) {
	g.mu.Lock()
	was := g.left
	g.left -= int64(n)
	if was > 0 && g.left <= 0 {
		close(g.blocked)
	}
	g.mu.Unlock()
	if was-int64(n) <= 0 {
		<-g.opened
	}
}

type gatedBody struct {
	io.ReadCloser
	g *tollGate
}

func (b *gatedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.g.pass(n)
	return n, err
}

type gatedWriter struct {
	http.ResponseWriter
	g *tollGate
}

func (w *gatedWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	_ = http.NewResponseController(w.ResponseWriter).Flush() // the answer is given up, if this fails
	w.g.pass(n)
	return n, err
}

func resumeManager(url string, optFns ...func(*haul.Options)) (*haul.Manager, error) {
	c := s3.New(s3.Options{
		BaseEndpoint: &url, UsePathStyle: true, Region: "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider("key-id", resumeSecret, resumeToken),
	})
	return haul.NewFromClient(c, optFns...)
}

func mustResumeManager(t *testing.T, url string, optFns ...func(*haul.Options)) *haul.Manager {
	t.Helper()
	m, err := resumeManager(url, optFns...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shutdown(t, m) })
	return m
}

// resumeFile makes a file of so many bytes of testbody.
func resumeFile(t *testing.T, size int) (path string, data []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "source.bin")
	data = testbody.Bytes(3, size)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, data
}

func putKey(key string) *s3.PutObjectInput {
	return &s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String(key), ContentType: aws.String("text/x-haul"), Metadata: map[string]string{"a": "b"}}
}

func getKey(key string) *s3.GetObjectInput {
	return &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String(key)}
}

// resumeOptions are those of all transfers here: two lanes.
func resumeOptions(dir string) []haul.TransferOption {
	return []haul.TransferOption{haul.WithResume(dir), haul.WithConcurrency(2)}
}

func onlyJournal(t *testing.T, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.journal"))
	if err != nil || len(names) != 1 {
		t.Fatalf("journals in %s: got %v, %v, want one", dir, names, err)
	}
	return names[0]
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left in %s: got %v, %v, want nothing", dir, left, err)
	}
}

func TestPauseAndResumeUpload(t *testing.T) {
	g := newTollGate(t, s3fake.Options{NoMD5: true}, 12*mib)
	m := mustResumeManager(t, g.url)
	path, data := resumeFile(t, 27*mib)
	dir := t.TempDir()
	f, err := m.Upload(t.Context(), haul.FromFile(path), putKey("k"), append(resumeOptions(dir), haul.WithPartSize(5*mib))...)
	if err != nil {
		t.Fatal(err)
	}
	<-g.blocked
	token, err := f.Pause(t.Context())
	if err != nil || token != onlyJournal(t, dir) {
		t.Fatalf("Pause: got token %q, %v, want the journal's path", token, err)
	}
	g.open()
	_, err = f.Outcome()
	var te *haul.TransferError
	if !errors.Is(err, haul.ErrPaused) || errors.Is(err, haul.ErrCanceled) || !errors.As(err, &te) || te.Journal != token || !strings.Contains(err.Error(), token) {
		t.Errorf("Result of the paused transfer: got %v, want ErrPaused with the journal %s", err, token)
	}
	journal, err := os.ReadFile(token)
	if err != nil || bytes.Contains(journal, []byte(resumeSecret)) || bytes.Contains(journal, []byte(resumeToken)) {
		t.Errorf("journal (%v) holds a credential", err)
	}
	before := len(g.server.Requests())
	events := &progressSum{}
	result, err := haul.Wait(m.Resume(t.Context(), token, haul.WithSubscribers(events)))
	if err != nil {
		t.Fatal(err)
	}
	object, _ := g.server.Object("b", "k")
	if !bytes.Equal(object.Data, data) || result.Resumed == 0 || result.Resumed%(5*mib) != 0 || result.Size != int64(len(data)) || events.total() != int64(len(data)) {
		t.Errorf("got %d bytes resumed of %d, progress %d, want whole parts, and the right object", result.Resumed, result.Size, events.total())
	}
	if got := object.Header.Get("Content-Type"); got != "text/x-haul" {
		t.Errorf("content type: got %q, want that of the paused transfer", got)
	}
	sent := 0
	for _, r := range g.server.Requests()[before:] {
		if r.Op == "UploadPart" && r.Status == http.StatusOK { // what the paused transfer has broken off may be noted late
			sent++
		}
	}
	if want := 6 - int(result.Resumed/(5*mib)); sent != want {
		t.Errorf("parts sent after Resume: got %d, want the %d that were missing", sent, want)
	}
	wantEmpty(t, dir)
}

// progressSum adds up what OnProgress is told.
type progressSum struct {
	haul.NopSubscriber
	mu  sync.Mutex
	sum int64 // guarded by mu
}

func (p *progressSum) OnProgress(_ *haul.Future, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sum += n
}

func (p *progressSum) total() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sum
}

func TestPauseAndResumeDownload(t *testing.T) {
	g := newTollGate(t, s3fake.Options{NoMD5: true}, 9*mib)
	m := mustResumeManager(t, g.url)
	data := testbody.Bytes(4, 20*mib)
	g.server.Put("b", "k", data, nil)
	target, dir := filepath.Join(t.TempDir(), "target"), t.TempDir()
	f, err := m.Download(t.Context(), getKey("k"), haul.ToFile(target, haul.WithMode(0o640)), append(resumeOptions(dir), haul.WithPartSize(mib))...)
	if err != nil {
		t.Fatal(err)
	}
	<-g.blocked
	token, err := f.Pause(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	g.open()
	if _, err := os.Stat(target); err == nil {
		t.Error("the target is there after Pause, want only a temporary file")
	}
	events := &progressSum{}
	result, err := haul.Wait(m.Resume(t.Context(), token, haul.WithSubscribers(events)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(target)
	if err != nil || !bytes.Equal(got, data) || result.Resumed == 0 || !result.Checksum.Validated || events.total() != int64(len(data)) {
		t.Errorf("got %d bytes (%v), %d resumed, progress %d, %+v, want %d validated bytes, some resumed",
			len(got), err, result.Resumed, events.total(), result.Checksum, len(data))
	}
	if info, err := os.Stat(target); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode: got %v, %v, want that of the paused transfer, 0640", info.Mode(), err)
	}
	wantEmpty(t, dir)
}

// TestPauseBeforeAnythingIsDone pauses a transfer that has no journal yet.
func TestPauseBeforeAnythingIsDone(t *testing.T) {
	g := newTollGate(t, s3fake.Options{NoMD5: true}, 1)
	m := mustResumeManager(t, g.url)
	path, data := resumeFile(t, mib)
	dir := t.TempDir()
	f, err := m.Upload(t.Context(), haul.FromFile(path), putKey("k"), haul.WithResume(dir))
	if err != nil {
		t.Fatal(err)
	}
	<-g.blocked
	token, err := f.Pause(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	g.open()
	result, err := haul.Wait(m.Resume(t.Context(), token))
	if err != nil || result.Resumed != 0 || result.Afresh != "" {
		t.Fatalf("got %+v, %v, want an upload of all", result, err)
	}
	if object, ok := g.server.Object("b", "k"); !ok || !bytes.Equal(object.Data, data) || object.Header.Get("Content-Type") != "text/x-haul" {
		t.Error("the object is not the file, or has not the content type of the paused transfer")
	}
	wantEmpty(t, dir)
}

func TestPauseNeedsAJournal(t *testing.T) {
	g := newTollGate(t, s3fake.Options{}, 1<<40)
	m := mustResumeManager(t, g.url)
	f, err := m.Upload(t.Context(), haul.FromBytes([]byte("x")), putKey("k"))
	if err != nil {
		t.Fatal(err)
	}
	if token, err := f.Pause(t.Context()); token != "" || err == nil {
		t.Errorf("Pause without WithResume: got %q, %v, want an error", token, err)
	}
	if _, err := f.Result(t.Context()); err != nil {
		t.Errorf("transfer after a refused Pause: got %v, want nil", err)
	}
	path, _ := resumeFile(t, 10)
	f, err = m.Upload(t.Context(), haul.FromFile(path), putKey("k"), haul.WithResume(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Result(t.Context()); err != nil {
		t.Fatal(err)
	}
	if token, err := f.Pause(t.Context()); token != "" || err == nil {
		t.Errorf("Pause after the end: got %q, %v, want an error", token, err)
	}
}

func TestResumeIsRefusedAtOnce(t *testing.T) {
	g := newTollGate(t, s3fake.Options{}, 1<<40)
	m := mustResumeManager(t, g.url)
	path, _ := resumeFile(t, 10)
	dir := t.TempDir()
	target := haul.ToFile(filepath.Join(dir, "t"))
	upload := func(src haul.Source, in *s3.PutObjectInput, dir string) error {
		f, err := m.Upload(t.Context(), src, in, haul.WithResume(dir))
		if err == nil {
			_, err = f.Result(t.Context())
		}
		return err
	}
	download := func(in *s3.GetObjectInput, dst haul.Sink) error {
		f, err := m.Download(t.Context(), in, dst, haul.WithResume(dir))
		if err == nil {
			_, err = f.Result(t.Context())
		}
		return err
	}
	part := getKey("k")
	part.Range = aws.String("bytes=0-1")
	classic, err := haul.NewClassic(s3.New(s3.Options{Region: "us-east-1"}))
	if err != nil {
		t.Fatal(err)
	}
	_, onClassic := classic.Upload(t.Context(), haul.FromFile(path), putKey("k"), haul.WithResume(dir))
	_, copied := m.Copy(t.Context(), &s3.CopyObjectInput{Bucket: aws.String("b"), Key: aws.String("k"), CopySource: aws.String("b/x")}, haul.WithResume(dir))
	_, deleted := m.Delete(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("b"), Key: aws.String("k")}, haul.WithResume(dir))
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"bytes":     {upload(haul.FromBytes([]byte("x")), putKey("k"), dir), "use FromFile"},
		"reader":    {upload(haul.FromReader(strings.NewReader("x")), putKey("k"), dir), "use FromFile"},
		"no-folder": {upload(haul.FromFile(path), putKey("k"), ""), "folder"},
		"missing":   {upload(haul.FromFile(path), putKey("k"), filepath.Join(dir, "none")), "folder"},
		"a-file":    {upload(haul.FromFile(path), putKey("k"), path), "not a directory"},
		"writer":    {download(getKey("k"), haul.ToWriter(io.Discard)), "use ToFile"},
		"special":   {download(getKey("k"), haul.ToFile(os.DevNull)), "regular file"},
		"range":     {download(part, target), "whole object"},
		"classic":   {onClassic, "plain SDK"},
		"copy":      {copied, "Upload and Download"},
		"delete":    {deleted, "Upload and Download"},
		"no-utf8":   {upload(haul.FromFile(path), &s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("k"), Tagging: aws.String("\xff")}, dir), "UTF-8"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", name, c.err, c.want)
		}
	}
}

// TestResumeRefusesJournals gives Resume files that it must not believe.
func TestResumeRefusesJournals(t *testing.T) {
	g := newTollGate(t, s3fake.Options{NoMD5: true}, 6*mib)
	m := mustResumeManager(t, g.url)
	path, _ := resumeFile(t, 16*mib)
	dir := t.TempDir()
	f, err := m.Upload(t.Context(), haul.FromFile(path), putKey("k"), append(resumeOptions(dir), haul.WithPartSize(5*mib))...)
	if err != nil {
		t.Fatal(err)
	}
	<-g.blocked
	token, err := f.Pause(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	g.open()
	whole, err := os.ReadFile(token)
	if err != nil {
		t.Fatal(err)
	}
	version := bytes.Clone(whole)
	version[8]++
	for name, c := range map[string]struct {
		name string
		data []byte
		want string
	}{
		"another-version": {filepath.Base(token), version, "version"},
		"text":            {filepath.Base(token), []byte("not a journal"), "no journal"},
		"torn":            {filepath.Base(token), whole[:30], "breaks off"},
		"renamed":         {"other.journal", whole, "its name would be"},
	} {
		path := filepath.Join(t.TempDir(), c.name)
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := m.Resume(t.Context(), path)
		var refused *haul.JournalError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want a *JournalError with %q", name, err, c.want)
		}
	}
	if _, err := m.Resume(t.Context(), filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing journal: got %v, want %v", err, os.ErrNotExist)
	}
	other := mustResumeManager(t, strings.Replace(g.url, "127.0.0.1", "localhost", 1))
	var refused *haul.JournalError
	if _, err := haul.Wait(other.Resume(t.Context(), token)); !errors.As(err, &refused) || !strings.Contains(err.Error(), "endpoint") {
		t.Errorf("journal of another endpoint: got %v, want a *JournalError", err)
	}
	if after, err := os.ReadFile(token); err != nil || !bytes.Equal(after, whole) {
		t.Errorf("refused journal: got %d bytes, %v, want it unchanged", len(after), err)
	}
}

func TestResumeHasOneOwner(t *testing.T) {
	g := newTollGate(t, s3fake.Options{NoMD5: true}, 6*mib)
	m := mustResumeManager(t, g.url)
	path, _ := resumeFile(t, 16*mib)
	dir := t.TempDir()
	opts := append(resumeOptions(dir), haul.WithPartSize(5*mib))
	f, err := m.Upload(t.Context(), haul.FromFile(path), putKey("k"), opts...)
	if err != nil {
		t.Fatal(err)
	}
	<-g.blocked
	_, err = haul.Wait(m.Upload(t.Context(), haul.FromFile(path), putKey("k"), opts...))
	wantErr(t, "second upload with the journal", err, haul.ErrJournalInUse)
	g.open()
	if _, err := f.Result(t.Context()); err != nil {
		t.Errorf("first upload: got %v, want nil", err)
	}
}

// TestResumeHoldsNoKeys pauses a transfer with a customer's key.
func TestResumeHoldsNoKeys(t *testing.T) {
	g := newTollGate(t, s3fake.Options{NoMD5: true}, 12*mib)
	m := mustResumeManager(t, g.url)
	path, _ := resumeFile(t, 16*mib)
	dir := t.TempDir()
	in := putKey("k")
	in.SSECustomerAlgorithm, in.SSECustomerKey = aws.String("AES256"), aws.String("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
	in.SSECustomerKeyMD5 = aws.String("KYvwGXoFFJ42a2u2GDWhwQ==")
	f, err := m.Upload(t.Context(), haul.FromFile(path), in, append(resumeOptions(dir), haul.WithPartSize(5*mib))...)
	if err != nil {
		t.Fatal(err)
	}
	<-g.blocked
	token, err := f.Pause(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	g.open()
	b, err := os.ReadFile(token)
	if err != nil || bytes.Contains(b, []byte("MDEyMzQ1")) || bytes.Contains(b, []byte("0123456789")) {
		t.Errorf("journal (%v) holds the customer's key", err)
	}
	if _, err := m.Resume(t.Context(), token); err == nil || !strings.Contains(err.Error(), "WithResume") {
		t.Errorf("Resume without the key: got %v, want an error that says what to do", err)
	}
	result, err := haul.Wait(m.Upload(t.Context(), haul.FromFile(path), in, append(resumeOptions(dir), haul.WithPartSize(5*mib))...))
	if err != nil || result.Resumed == 0 {
		t.Errorf("the same upload again: got %+v, %v, want some bytes resumed", result, err)
	}
}

// pages makes pages of a list short.
type pages struct{ *s3.Client }

func (p pages) ListMultipartUploads(ctx context.Context, in *s3.ListMultipartUploadsInput, optFns ...func(*s3.Options)) (*s3.ListMultipartUploadsOutput, error) {
	c := *in
	c.MaxUploads = aws.Int32(2)
	return p.Client.ListMultipartUploads(ctx, &c, optFns...)
}

func TestAbandonedUploads(t *testing.T) {
	now := time.Now()
	server := s3fake.New(s3fake.Options{Now: func() time.Time { return now }}, "b")
	web := httptest.NewServer(server)
	defer web.Close()
	c := s3.New(s3.Options{BaseEndpoint: &web.URL, UsePathStyle: true, Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("k", "s", "")})
	create := func(key string, age time.Duration) {
		now = time.Now().Add(-age)
		if _, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String("b"), Key: &key}); err != nil {
			t.Fatal(err)
		}
	}
	odd := []string{"p/a b+c", "p/é\u2028&<>%2F", "p/same", "p/same", "p/\x01"}
	for _, key := range odd {
		create(key, 48*time.Hour)
	}
	create("p/young", time.Minute)
	create("other", 48*time.Hour)
	got, err := haul.AbandonedUploads(t.Context(), pages{c}, "b", "p/", 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]int{}
	for _, key := range odd {
		left[key]++
	}
	for _, u := range got {
		left[u.Key]--
		if u.Bucket != "b" || u.UploadID == "" || time.Since(u.Initiated) < 47*time.Hour || u.StorageClass != types.StorageClassStandard {
			t.Errorf("upload: got %+v, want all of it", u)
		}
		for range 2 { // the second time it is gone
			if err := u.Abort(t.Context()); err != nil {
				t.Errorf("Abort of %q: got %v, want nil", u.Key, err)
			}
		}
	}
	for key, n := range left {
		if n != 0 {
			t.Errorf("uploads of %q: got %d too few", key, n)
		}
	}
	if open := server.Uploads(); len(open) != 2 {
		t.Errorf("uploads left: got %v, want the young one and the one without the prefix", open)
	}
	if _, err := haul.AbandonedUploads(t.Context(), nil, "b", "", 0); err == nil {
		t.Error("nil client: got nil, want an error")
	}
	if _, err := haul.AbandonedUploads(t.Context(), c, "no-such-bucket", "", 0); err == nil {
		t.Error("missing bucket: got nil, want an error")
	}
}
