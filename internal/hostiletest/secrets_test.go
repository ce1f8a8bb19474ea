package hostiletest

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsretry "github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/s3api"
	"github.com/haul-s3/haul/internal/s3fake"
)

// What must never show. The access key id is no secret, and goes with each
// request, but has no place in a log either.
const (
	keyID       = "AKIDTELLTALEKEYID"
	secretKey   = "telltale/secret/access/key"
	token       = "telltale-session-token=="
	customerKey = "telltale-customer-key-32-bytes!!"
)

var secrets = []string{
	keyID, secretKey, token, customerKey, base64.StdEncoding.EncodeToString([]byte(customerKey)),
	"telltale", "X-Amz-Signature", "Signature=", "AWS4-HMAC-SHA256",
}

// credentials are those that tell where they turn up.
type credentials struct{ err error }

func (c credentials) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secretKey, SessionToken: token}, c.err
}

// transcript is all that a transfer lets out.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
	top  bool         // of an error, what it says itself, not what it wraps
}

func (w *transcript) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

// tell writes a value in every form that a program may print it in.
func (w *transcript) tell(v any) { fmt.Fprintf(w, "%v\n%+v\n%#v\n", v, v, v) }

// tellError tells an error and all that it wraps.
func (w *transcript) tellError(err error) {
	if err == nil {
		return
	}
	w.tell(err)
	if w.top {
		return
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		w.tellError(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, e := range e.Unwrap() {
			w.tellError(e)
		}
	}
}

// tellFiles tells what is in the files of a folder, journals above all.
func (w *transcript) tellFiles(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		fmt.Fprintf(w, "%s: %s\n", path, b)
		n++
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return n
}

// wantNoSecret looks through all that was told.
func (w *transcript) wantNoSecret(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.text.Len() == 0 {
		t.Error("nothing was told at all")
	}
	for _, secret := range secrets {
		if at := strings.Index(w.text.String(), secret); at >= 0 {
			t.Errorf("%q shows in %q", secret, w.text.String()[max(0, at-200):min(w.text.Len(), at+100)])
		}
	}
}

// echoedMessage is the mood in which an error's message repeats secrets. What
// the error wraps is the SDK's, which has the message as it came.
const echoedMessage = "echo in the message"

// moods are what a server may do to a request; true: it has answered.
var moods = map[string]func(w http.ResponseWriter, r *http.Request) bool{
	"kind":   func(http.ResponseWriter, *http.Request) bool { return false },
	"denied": refusal(http.StatusForbidden, "AccessDenied"),
	"echo": func(w http.ResponseWriter, r *http.Request) bool { // as S3 does where a signature is wrong
		var b bytes.Buffer
		_ = r.Header.Write(&b) // a buffer takes everything
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "<Error><Code>SignatureDoesNotMatch</Code><Message>no match</Message><AWSAccessKeyId>%s</AWSAccessKeyId><StringToSign>%s</StringToSign><CanonicalRequest>%s</CanonicalRequest></Error>",
			keyID, r.Header.Get("Authorization"), strings.NewReplacer("<", "", "&", "").Replace(b.String()))
		return true
	},
	"echo without a code": func(w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(http.StatusBadRequest)
		_ = r.Header.Write(w) // the client may be gone
		return true
	},
	echoedMessage: func(w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "<Error><Code>AccessDenied</Code><Message>not with %s</Message></Error>", echo(r))
		return true
	},
	"expired":  refusal(http.StatusBadRequest, "ExpiredToken"),
	"throttle": refusal(http.StatusServiceUnavailable, "SlowDown"),
	"hang-up": func(w http.ResponseWriter, _ *http.Request) bool {
		panic(http.ErrAbortHandler)
	},
	"parts denied": func(w http.ResponseWriter, r *http.Request) bool {
		second := r.URL.Query().Get("partNumber") == "2" || strings.HasPrefix(r.Header.Get("Range"), "bytes=5242880-")
		return second && refusal(http.StatusForbidden, "AccessDenied")(w, r)
	},
}

// echo repeats what a request was signed and encrypted with, in several forms: the
// token also as that of an S3 Express session, and in JSON.
func echo(r *http.Request) string {
	sent := r.Header.Get("X-Amz-Security-Token")
	return fmt.Sprintf(`X-Amz-Security-Token: %s or X-Amz-Server-Side-Encryption-Customer-Key: %s, x-amz-s3session-token: %s, {"X-Amz-Security-Token":["%s"]}`,
		sent, r.Header.Get("X-Amz-Server-Side-Encryption-Customer-Key"), sent, sent)
}

func refusal(status int, code string) func(w http.ResponseWriter, r *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>told so</Message></Error>", code)
		return true
	}
}

// TestNoSecretShows runs transfers with telling credentials and keys against
// servers of all moods, and reads all that comes of it.
func TestNoSecretShows(t *testing.T) {
	for name, mood := range moods {
		t.Run(name, func(t *testing.T) {
			fake := s3fake.New(s3fake.Options{NoMD5: true}, bucket)
			plant(t, fake)
			fake.Before = func(_ *s3fake.Record, w http.ResponseWriter, r *http.Request) bool { return mood(w, r) }
			web := httptest.NewServer(fake)
			defer web.Close()
			for _, engine := range []string{"engine", "classic"} {
				out := &transcript{top: name == echoedMessage}
				journals := tellAll(t, out, engine, web.URL, credentials{})
				if name == "parts denied" && engine == "engine" && journals == 0 {
					t.Error("files in the folder of journals: got none, want that of the upload to read")
				}
				out.wantNoSecret(t)
			}
		})
	}
}

// TestNoSecretOfAnAbortShows aborts an upload where the message of the refusal
// repeats secrets.
func TestNoSecretOfAnAbortShows(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			moods[echoedMessage](w, r)
			return
		}
		fmt.Fprint(w, uploadPage+"<Upload><Key>k</Key><UploadId>u</UploadId><Initiated>2026-01-02T03:04:05.000Z</Initiated></Upload></ListMultipartUploadsResult>")
	}))
	defer web.Close()
	open, err := haul.AbandonedUploads(t.Context(), listClient(web.URL), bucket, "", 0)
	if err != nil || len(open) != 1 {
		t.Fatalf("got %d uploads and %v, want the one", len(open), err)
	}
	out, refused := &transcript{top: true}, open[0].Abort(t.Context())
	out.tellError(refused)
	out.wantNoSecret(t)
	var api smithy.APIError
	if !errors.As(refused, &api) || api.ErrorCode() != "AccessDenied" {
		t.Errorf("got %v, want it around S3's answer", refused)
	}
}

// TestNoSecretShowsWithoutServer is the same where nobody listens, where the
// server can't be trusted, and where the credentials can't be had.
func TestNoSecretShowsWithoutServer(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	for name, c := range map[string]struct {
		url string
		credentials
	}{
		"refused":        {gone.URL, credentials{}},
		"not-trusted":    {serveTLS(t).url, credentials{}},
		"no-credentials": {gone.URL, credentials{errors.New("no credentials today")}},
	} {
		t.Run(name, func(t *testing.T) {
			out := &transcript{}
			for _, engine := range []string{"engine", "classic"} {
				tellAll(t, out, engine, c.url, c.credentials)
			}
			out.wantNoSecret(t)
		})
	}
}

// size is that of an object in two parts.
const size = s3api.MinPartSize + 1000

// plant stores the objects that are fetched, one with a customer's key.
func plant(t *testing.T, fake *s3fake.Server) {
	t.Helper()
	web := httptest.NewServer(fake)
	defer web.Close()
	m := newManager(t, web.URL, nil)
	in := putInput()
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = customer()
	if _, err := haul.Wait(m.Upload(t.Context(), haul.FromReaderAt(nowhere{}, size), in)); err != nil {
		t.Fatal(err)
	}
}

// customer is the customer's key as S3 wants it: algorithm, key and its MD5.
func customer() (algorithm, key, sum *string) {
	md := md5.Sum([]byte(customerKey))
	return aws.String("AES256"), aws.String(base64.StdEncoding.EncodeToString([]byte(customerKey))), aws.String(base64.StdEncoding.EncodeToString(md[:]))
}

// tellAll runs a transfer of each kind and tells all of it, and how many
// journals were among that.
func tellAll(t *testing.T, out *transcript, engine, url string, keys aws.CredentialsProvider) (read int) {
	t.Helper()
	log.SetOutput(out)
	defer log.SetOutput(io.Discard)
	sdk := s3.New(s3.Options{BaseEndpoint: &url, UsePathStyle: true, Region: "us-east-1", Credentials: keys,
		HTTPClient: &http.Client{}, Retryer: awsretry.NewStandard(func(o *awsretry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff = 2, time.Millisecond
		})}, func(o *s3.Options) { o.Logger = nil })
	make := haul.NewFromClient
	if engine == "classic" {
		make = func(c *s3.Client, optFns ...func(*haul.Options)) (*haul.Manager, error) {
			return haul.NewClassic(c, optFns...)
		}
	}
	m, err := make(sdk, impatient, func(o *haul.Options) {
		o.Logger = slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}))
	})
	if err != nil {
		t.Fatal(err)
	}
	dir, journals := t.TempDir(), t.TempDir()
	source := filepath.Join(dir, "source")
	if err := os.WriteFile(source, bytes.Repeat([]byte{0}, int(size)), 0o600); err != nil {
		t.Fatal(err)
	}
	opts := []haul.TransferOption{haul.WithSubscribers(haul.SubscriberFuncs{Done: func(*haul.Future) { panic("a hook gone wrong") }})}
	begin := begins(t.Context(), m, source, filepath.Join(dir, "target"))
	for _, name := range []string{"upload", "download", "copy", "delete"} {
		with := opts
		if engine == "engine" && (name == "upload" || name == "download") {
			with = append(with[:1:1], haul.WithResume(journals))
		}
		f, err := begin[name](with)
		out.tellError(err)
		if f != nil {
			r, err := f.Result(t.Context())
			out.tellError(err)
			out.tell(r)
			tellResult(out, f, r)
		}
		read += out.tellFiles(t, journals)
	}
	for _, list := range listings {
		out.tellError(list(t, sdk))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := m.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	return read
}

// tellResult tells what a program may ask a Future for. Its Input is the
// caller's own, and is not printed.
func tellResult(out *transcript, f *haul.Future, r *haul.Result) {
	out.tell(f.Meta())
	if r == nil {
		return
	}
	out.tell(*r)
	o, err := r.Output()
	out.tellError(err)
	out.tell(o)
}

// begins are the transfers, all with the customer's key.
func begins(ctx context.Context, m *haul.Manager, source, target string) map[string]func([]haul.TransferOption) (*haul.Future, error) {
	algorithm, key, sum := customer()
	return map[string]func([]haul.TransferOption) (*haul.Future, error){
		"upload": func(opts []haul.TransferOption) (*haul.Future, error) {
			in := putInput()
			in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = algorithm, key, sum
			return m.Upload(ctx, haul.FromFile(source), in, opts...)
		},
		"download": func(opts []haul.TransferOption) (*haul.Future, error) {
			in := getInput()
			in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = algorithm, key, sum
			return m.Download(ctx, in, haul.ToFile(target), opts...)
		},
		"copy": func(opts []haul.TransferOption) (*haul.Future, error) {
			in := &s3.CopyObjectInput{Bucket: aws.String(bucket), Key: aws.String("copy"), CopySource: aws.String(bucket + "/key"),
				SSECustomerAlgorithm: algorithm, SSECustomerKey: key, SSECustomerKeyMD5: sum,
				CopySourceSSECustomerAlgorithm: algorithm, CopySourceSSECustomerKey: key, CopySourceSSECustomerKeyMD5: sum}
			return m.Copy(ctx, in, opts...)
		},
		"delete": func(opts []haul.TransferOption) (*haul.Future, error) {
			return m.Delete(ctx, &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("copy")}, opts...)
		},
	}
}
