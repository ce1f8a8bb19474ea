package batch_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/batch"
	"github.com/haul-s3/haul/internal/s3fake"
)

// rig is a store with the buckets b and other, a client of it and a Manager.
type rig struct {
	*s3fake.Server
	client  *s3.Client
	manager *haul.Manager
}

// newRig starts a store; before may be nil.
func newRig(t *testing.T, before func(*s3fake.Record, http.ResponseWriter, *http.Request) bool) *rig {
	t.Helper()
	r := &rig{Server: s3fake.New(s3fake.Options{}, "b", "other")}
	r.Before = before
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.client = s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "key", SecretAccessKey: "secret"}, nil
		}),
	})
	var err error
	if r.manager, err = haul.NewFromClient(r.client); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.manager.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// list is the listing of a prefix of bucket b.
func (r *rig) list(t *testing.T, prefix string) iter.Seq2[batch.Item, error] {
	return batch.Objects(t.Context(), r.client, &s3.ListObjectsV2Input{Bucket: aws.String("b"), Prefix: &prefix})
}

// run is Run; its error fails the test.
func run(t *testing.T, items iter.Seq2[batch.Item, error], start batch.Start, o batch.Options) *batch.Tally {
	t.Helper()
	tally, err := batch.Run(t.Context(), items, start, o)
	if err != nil {
		t.Errorf("run: got error %v, want none", err)
	}
	return tally
}

// wantTally compares the counts.
func wantTally(t *testing.T, what string, got *batch.Tally, want batch.Tally) {
	t.Helper()
	if got.Objects != want.Objects || got.Bytes != want.Bytes || got.Failed != want.Failed || got.Skipped != want.Skipped || got.Canceled != want.Canceled {
		t.Errorf("tally of %s: got %+v, want %+v", what, *got, want)
	}
}

func TestThereAndBack(t *testing.T) {
	r := newRig(t, nil)
	from, to := t.TempDir(), t.TempDir()
	names := []string{"a", "b/c d+e%", "b/f", "ü/x"}
	plant(t, from, names...)
	all := batch.Tally{Objects: 4, Bytes: 1 + 8 + 3 + 4}

	put := &s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("pre/"), ContentType: aws.String("x/y")}
	wantTally(t, "upload", run(t, batch.Files(from), batch.Upload(r.manager, put), batch.Options{}), all)
	if o, ok := r.Object("b", "pre/b/f"); !ok || string(o.Data) != "b/f" || o.Header.Get("Content-Type") != "x/y" {
		t.Errorf("object pre/b/f: got %+v, want its name in it and the type x/y", o)
	}

	cp := &s3.CopyObjectInput{Bucket: aws.String("other")}
	wantTally(t, "copy", run(t, r.list(t, "pre/"), batch.Copy(r.manager, cp), batch.Options{}), all)
	if got := r.Keys("other"); !slices.Equal(got, names) {
		t.Errorf("keys of the copies: got %q, want %q", got, names)
	}

	r.Reset()
	down := batch.Download(r.manager, &s3.GetObjectInput{}, filepath.Join(to, "new"), nil)
	wantTally(t, "download", run(t, r.list(t, "pre/"), down, batch.Options{}), all)
	for _, name := range names {
		got, err := os.ReadFile(filepath.Join(to, "new", filepath.FromSlash(name)))
		if err != nil || string(got) != name {
			t.Errorf("file %q: got %q, %v, want its name in it", name, got, err)
		}
	}
	if gets, heads := r.Count("GetObject"), r.Count("HeadObject"); gets != 4 || heads != 0 {
		t.Errorf("requests of the download: got %d GetObject and %d HeadObject, want 4 and 0", gets, heads)
	}

	wantTally(t, "deletion", run(t, r.list(t, ""), batch.Delete(r.manager, &s3.DeleteObjectInput{}), batch.Options{}), batch.Tally{Objects: 4})
	if got := r.Keys("b"); len(got) != 0 {
		t.Errorf("keys after the deletion: got %q, want none", got)
	}
}

func TestListingGoesThroughAllPages(t *testing.T) {
	r := newRig(t, nil)
	var want []string
	for i := range 2500 {
		want = append(want, fmt.Sprintf("p/%04d", i))
		r.Put("b", want[i], []byte("x"), nil)
	}
	r.Put("b", "q", nil, nil)
	var got []string
	for item, err := range r.list(t, "p/") {
		if err != nil {
			t.Fatal(err)
		}
		if item.Name != strings.TrimPrefix(item.Key, "p/") || item.Bucket != "b" || item.Size != 1 || item.ModTime.IsZero() || !strings.HasPrefix(item.ETag, `"`) {
			t.Fatalf("item: got %+v, want it complete", item)
		}
		got = append(got, item.Key)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %d keys, want %d", len(got), len(want))
	}
	if n := r.Count("ListObjectsV2"); n != 3 {
		t.Errorf("pages: got %d, want 3", n)
	}
}

func TestListingKeepsEveryKey(t *testing.T) {
	r := newRig(t, nil)
	keys := []string{"\x01", " +%2F&<>\"'", "a//b", "ü\u3000", "\x7f"}
	slices.Sort(keys)
	for _, key := range keys {
		r.Put("b", key, nil, nil)
	}
	var got []string
	for item, err := range r.list(t, "") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, item.Key)
	}
	if !slices.Equal(got, keys) {
		t.Errorf("keys: got %q, want %q", got, keys)
	}
}

// lister answers with what it has, page after page, the last one for ever.
type lister []*s3.ListObjectsV2Output

func (l *lister) ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	page := (*l)[0]
	if len(*l) > 1 {
		*l = (*l)[1:]
	}
	return page, nil
}

func TestListingThatLeadsNowhereIsAnError(t *testing.T) {
	for name, page := range map[string]*s3.ListObjectsV2Output{
		"no-token":   {IsTruncated: aws.Bool(true)},
		"same-token": {IsTruncated: aws.Bool(true), NextContinuationToken: aws.String("t")},
	} {
		t.Run(name, func(t *testing.T) {
			var got error
			for _, err := range batch.Objects(t.Context(), &lister{page}, &s3.ListObjectsV2Input{Bucket: aws.String("b")}) {
				got = err
			}
			if got == nil {
				t.Error("got no error, want one")
			}
		})
	}
}

func TestBadNamesFailAndTheOthersGoOn(t *testing.T) {
	r := newRig(t, nil)
	for _, key := range []string{"../out", "/abs", "a//b", "good", "dir/in"} {
		r.Put("b", key, []byte("x"), nil)
	}
	r.Put("b", "dir/", nil, nil)
	dir := t.TempDir()
	tally := run(t, r.list(t, ""), batch.Download(r.manager, &s3.GetObjectInput{}, filepath.Join(dir, "t"), nil), batch.Options{})
	wantTally(t, "download", tally, batch.Tally{Objects: 2, Bytes: 2, Failed: 3, Skipped: 1})
	if len(tally.Errors) != 3 {
		t.Errorf("errors: got %v, want 3", tally.Errors)
	}
	if _, err := os.Stat(filepath.Join(dir, "out")); err == nil {
		t.Error("a file outside of the target folder: got one, want none")
	}
}

// An object that was replaced after it was listed is not what was asked for.
func TestListedObjectIsTheOneThatIsMoved(t *testing.T) {
	r := newRig(t, nil)
	r.Put("b", "k", []byte("old"), nil)
	items := slices.Collect(func(yield func(batch.Item) bool) {
		for item := range r.list(t, "") {
			yield(item)
		}
	})
	r.Put("b", "k", []byte("changed"), nil)
	again := func(yield func(batch.Item, error) bool) { yield(items[0], nil) }
	tally := run(t, again, batch.Download(r.manager, &s3.GetObjectInput{}, t.TempDir(), nil), batch.Options{})
	var modified *haul.ObjectModifiedError
	if tally.Failed != 1 || !errors.As(tally.Errors[0], &modified) {
		t.Errorf("got %+v, want an ObjectModifiedError", tally)
	}
}

func refusePut(key string) func(*s3fake.Record, http.ResponseWriter, *http.Request) bool {
	return func(rec *s3fake.Record, w http.ResponseWriter, _ *http.Request) bool {
		if rec.Op != "PutObject" || rec.Key != key {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, "<Error><Code>AccessDenied</Code></Error>")
		return true
	}
}

func TestFailuresAreCountedAndTold(t *testing.T) {
	r := newRig(t, refusePut("2"))
	dir := t.TempDir()
	plant(t, dir, "1", "2", "3")
	var mu sync.Mutex
	told := map[string]error{}
	done := func(item batch.Item, _ *haul.Result, err error) {
		mu.Lock()
		defer mu.Unlock()
		told[item.Name] = err
	}
	put := batch.Upload(r.manager, &s3.PutObjectInput{Bucket: aws.String("b")})
	wantTally(t, "upload", run(t, batch.Files(dir), put, batch.Options{Done: done}), batch.Tally{Objects: 2, Bytes: 2, Failed: 1})
	if told["1"] != nil || told["2"] == nil || told["3"] != nil || len(told) != 3 {
		t.Errorf("told: got %v, want an error of 2 only", told)
	}
	skip := func(err error) bool { return strings.Contains(err.Error(), "AccessDenied") }
	wantTally(t, "upload with Skip", run(t, batch.Files(dir), put, batch.Options{Skip: skip}), batch.Tally{Objects: 2, Bytes: 2, Skipped: 1})
}

func TestStopOnError(t *testing.T) {
	r := newRig(t, refusePut("002"))
	dir := t.TempDir()
	var names []string
	for i := range 200 {
		names = append(names, fmt.Sprintf("%03d", i))
	}
	plant(t, dir, names...)
	put := batch.Upload(r.manager, &s3.PutObjectInput{Bucket: aws.String("b")})
	tally, err := batch.Run(t.Context(), batch.Files(dir), put, batch.Options{StopOnError: true, MaxPending: 1})
	if err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("error: got %v, want the first failure", err)
	}
	wantTally(t, "upload", tally, batch.Tally{Objects: 2, Bytes: 6, Failed: 1})
}

func TestPendingIsBounded(t *testing.T) {
	r := newRig(t, nil)
	dir := t.TempDir()
	plant(t, dir, "1", "2", "3", "4", "5", "6", "7", "8", "9")
	var pending, most atomic.Int64
	put := batch.Upload(r.manager, &s3.PutObjectInput{Bucket: aws.String("b")})
	start := func(ctx context.Context, item batch.Item, opts ...haul.TransferOption) (*haul.Future, error) {
		most.Store(max(most.Load(), pending.Add(1))) // one goroutine
		return put(ctx, item, opts...)
	}
	done := func(batch.Item, *haul.Result, error) { pending.Add(-1) }
	run(t, batch.Files(dir), start, batch.Options{MaxPending: 3, Done: done})
	if n := most.Load(); n > 3 {
		t.Errorf("pending at once: got %d, want at most 3", n)
	}
}

func TestCancelEndsAll(t *testing.T) {
	held, over := make(chan struct{}, 100), make(chan struct{})
	defer close(over)
	r := newRig(t, func(rec *s3fake.Record, _ http.ResponseWriter, q *http.Request) bool {
		if rec.Op == "PutObject" {
			held <- struct{}{}
			select {
			case <-q.Context().Done():
			case <-over:
			}
		}
		return rec.Op == "PutObject"
	})
	dir := t.TempDir()
	plant(t, dir, "1", "2", "3", "4")
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	go func() {
		<-held
		<-held
		cancel(cause)
	}()
	put := batch.Upload(r.manager, &s3.PutObjectInput{Bucket: aws.String("b")})
	tally, err := batch.Run(ctx, batch.Files(dir), put, batch.Options{MaxPending: 2})
	if !errors.Is(err, cause) {
		t.Errorf("error: got %v, want %v", err, cause)
	}
	wantTally(t, "upload", tally, batch.Tally{Canceled: 2})
}
