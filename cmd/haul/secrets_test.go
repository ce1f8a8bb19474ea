package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/haul-s3/haul/internal/s3fake"
)

// What must never be printed. The access key id is no secret, but has no place
// there either.
var telltales = []string{
	"AKIDTELLTALE", "telltale", "Signature=", "Credential=", "Security-Token: ", "Security-Token=",
}

// telltaleVars are credentials that can be told from everything else.
var telltaleVars = []string{
	"AWS_ACCESS_KEY_ID=AKIDTELLTALE", "AWS_SECRET_ACCESS_KEY=telltale/secret/key", "AWS_SESSION_TOKEN=telltale-token==", "AWS_MAX_ATTEMPTS=1",
}

// moods are what a store may do to a request; true: it has answered.
var moods = map[string]func(w http.ResponseWriter, r *http.Request) bool{
	"kind": func(http.ResponseWriter, *http.Request) bool { return false },
	"denied": func(w http.ResponseWriter, r *http.Request) bool {
		return says(w, r, http.StatusForbidden, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
	},
	"repeats-the-request": func(w http.ResponseWriter, r *http.Request) bool { // as S3 does where a signature is wrong
		sent := sentWith(r)
		return says(w, r, http.StatusForbidden, "<Error><Code>SignatureDoesNotMatch</Code><Message>no match</Message><StringToSign>"+sent+"</StringToSign><CanonicalRequest>"+sent+"</CanonicalRequest></Error>")
	},
	"repeats-it-in-the-message": func(w http.ResponseWriter, r *http.Request) bool {
		return says(w, r, http.StatusForbidden, "<Error><Code>SignatureDoesNotMatch</Code><Message>you sent "+sentWith(r)+"</Message></Error>")
	},
	"repeats-it-in-broken-xml": func(w http.ResponseWriter, r *http.Request) bool {
		return says(w, r, http.StatusBadRequest, "<Error><Code>Odd</Code><Message>"+sentWith(r)+"</Mess")
	},
	"repeats-it-without-xml": func(w http.ResponseWriter, r *http.Request) bool {
		return says(w, r, http.StatusBadGateway, sentWith(r))
	},
	"repeats-it-in-a-200": func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && r.URL.Query().Get("list-type") == "" {
			return says(w, r, http.StatusForbidden, sentWith(r)) // an object may have any bytes
		}
		return says(w, r, http.StatusOK, "<Error><Code>InternalError</Code><Message>"+sentWith(r)+"</Message></Error>")
	},
	"in-another-region": func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("X-Amz-Bucket-Region", "eu-west-1")
		w.Header().Set("Location", "http://"+r.Host+"/elsewhere?X-Amz-Signature=telltale&X-Amz-Security-Token=telltale")
		return says(w, r, http.StatusMovedPermanently, "<Error><Code>PermanentRedirect</Code><Message>elsewhere</Message><Endpoint>"+r.Host+"</Endpoint></Error>")
	},
	"expired": func(w http.ResponseWriter, r *http.Request) bool {
		return says(w, r, http.StatusBadRequest, "<Error><Code>ExpiredToken</Code><Message>too old</Message><Token-0>telltale-token==</Token-0></Error>")
	},
	"hangs-up": func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) },
}

// says answers once the request has been read.
func says(w http.ResponseWriter, r *http.Request, status int, text string) bool {
	_, _ = io.Copy(io.Discard, r.Body)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // the client may be gone
	return true
}

// sentWith is a request's head, and what a presigned one's query would be.
func sentWith(r *http.Request) string {
	var b bytes.Buffer
	_ = r.Header.Write(&b) // a buffer takes everything
	fmt.Fprintf(&b, "%s?X-Amz-Credential=AKIDTELLTALE/x&X-Amz-Signature=telltale&X-Amz-Security-Token=telltale", r.URL.Path)
	return strings.NewReplacer("<", "", "&", "&amp;").Replace(b.String())
}

// TestNoSecretIsPrinted reads all that the commands print, with stores of every
// mood and with none.
func TestNoSecretIsPrinted(t *testing.T) {
	for name, mood := range moods {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "repeats-it-in-the-message" {
				t.Skip("runs each command against each store")
			}
			t.Parallel()
			fake := s3fake.New(s3fake.Options{NoMD5: true}, "b")
			fake.Put("b", "k", []byte("text"), nil)
			fake.Before = func(_ *s3fake.Record, w http.ResponseWriter, r *http.Request) bool { return mood(w, r) }
			web := httptest.NewServer(fake)
			t.Cleanup(web.Close)
			printNoSecret(t, web.URL, name == "kind")
		})
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	for name, url := range map[string]string{
		"refused": gone.URL, "not-trusted": untrusted.URL, "password-in-the-url": strings.Replace(gone.URL, "//", "//user:telltale@", 1),
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() {
				t.Skip("runs each command")
			}
			t.Parallel()
			printNoSecret(t, url, false)
		})
	}
}

// printNoSecret runs each command against a store.
func printNoSecret(t *testing.T, url string, works bool) {
	dir := t.TempDir()
	for name, size := range map[string]int64{"small": 10, "tree/a": 5, "large": 6 << 20} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, size), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range []string{
		"cp small s3://b/small", "--part-size 5MiB cp large s3://b/large", "cp -r tree s3://b/tree", "cp - s3://b/pipe",
		"cp s3://b/k down", "cp -r s3://b all", "cp s3://b/k s3://b/copy", "rm s3://b/k", "rm -r s3://b",
	} {
		cmd := exec.CommandContext(t.Context(), "haul", strings.Fields(line)...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader("text")
		cmd.Env = append(append(os.Environ(), storeVars(url, dir)...), telltaleVars...)
		out, err := cmd.CombinedOutput()
		if (err == nil) != works {
			t.Errorf("haul %s: got %v and %q, want success %v", line, err, out, works)
		}
		if !works && len(out) == 0 {
			t.Errorf("haul %s: got nothing printed, want an error", line)
		}
		for _, secret := range telltales {
			if bytes.Contains(bytes.ReplaceAll(out, []byte(secret+"[removed]"), nil), []byte(secret)) {
				t.Errorf("haul %s: %q is in %.500q", line, secret, out)
			}
		}
	}
}
