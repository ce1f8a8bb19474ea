package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/haul-s3/haul/internal/s3fake"
	"github.com/haul-s3/haul/internal/testbody"
)

// The scripts in testdata/script run the program against a store in this
// process, with the empty buckets b and other. Beside testscript's own commands
// they have those in scriptCommands.

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"haul": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"), Setup: setup, Cmds: scriptCommands, RequireUniqueNames: true,
	})
}

// store is the store of a script.
type store struct {
	*s3fake.Server
	refusal atomic.Pointer[refusal]
}

// refusal is an operation that the store refuses, and how.
type refusal struct {
	op, code string
	status   int
}

// before refuses what is to be refused.
func (s *store) before(rec *s3fake.Record, w http.ResponseWriter, _ *http.Request) bool {
	r := s.refusal.Load()
	if r == nil || r.op != rec.Op {
		return false
	}
	w.WriteHeader(r.status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>as the test wants it</Message></Error>", r.code)
	return true
}

type storeKey struct{}

// setup gives a script its store and the variables that lead there.
func setup(env *testscript.Env) error {
	s := &store{Server: s3fake.New(s3fake.Options{}, "b", "other")}
	s.Before = s.before
	plain, tls := httptest.NewServer(s), httptest.NewTLSServer(s)
	env.Defer(plain.Close)
	env.Defer(tls.Close)
	env.Values[storeKey{}] = s
	env.Vars = append(env.Vars, storeVars(plain.URL, env.WorkDir)...)
	env.Setenv("TLS_URL", tls.URL)
	nobody := httptest.NewServer(s)
	nobody.Close()
	env.Setenv("CLOSED_URL", nobody.URL) // nothing listens there
	return os.WriteFile(filepath.Join(env.WorkDir, "ca.pem"), certificate(tls), 0o600)
}

// storeVars are the variables of a program that finds only this store.
func storeVars(url, home string) []string {
	return []string{
		"AWS_ENDPOINT_URL_S3=" + url, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=secret",
		"GORACE=atexit_sleep_ms=0", // a race detector's child would wait a second
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=" + filepath.Join(home, "none"),
		"AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(home, "none"),
	}
}

func storeOf(ts *testscript.TestScript) *store { return ts.Value(storeKey{}).(*store) }

var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	// exits CODE PROGRAM ARGS...: the program ends with this code.
	"exits": func(ts *testscript.TestScript, _ bool, args []string) {
		want, err := strconv.Atoi(args[0])
		ts.Check(err)
		err = ts.Exec(args[1], args[2:]...)
		got := 0
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			got = exit.ExitCode()
		} else {
			ts.Check(err)
		}
		if got != want {
			ts.Fatalf("%q: got exit code %d, want %d", args[1:], got, want)
		}
	},
	// put BUCKET KEY TEXT: the store has this object.
	"put": func(ts *testscript.TestScript, _ bool, args []string) {
		storeOf(ts).Put(args[0], unescape(ts, args[1]), []byte(args[2]), http.Header{"Content-Type": {"text/x-test"}})
	},
	// synthetic BUCKET KEY BYTES: the store has this object, which has no checksum, and whose ETag only looks like an MD5.
	"synthetic": func(ts *testscript.TestScript, _ bool, args []string) {
		size, err := strconv.ParseInt(args[2], 10, 64)
		ts.Check(err)
		storeOf(ts).Synthetic(args[0], args[1], size, 1)
	},
	// has BUCKET KEY TEXT: the object has these bytes. ! has BUCKET KEY: it isn't there.
	"has": func(ts *testscript.TestScript, neg bool, args []string) {
		o, ok := storeOf(ts).Object(args[0], unescape(ts, args[1]))
		switch {
		case ok == neg:
			ts.Fatalf("object %q in %s: got existence %v, want %v", args[1], args[0], ok, !neg)
		case ok && string(o.Data) != args[2]:
			ts.Fatalf("object %q in %s: got %.100q, want %.100q", args[1], args[0], o.Data, args[2])
		}
	},
	// hasfile BUCKET KEY FILE: the object has the bytes of the file.
	"hasfile": func(ts *testscript.TestScript, _ bool, args []string) {
		o, ok := storeOf(ts).Object(args[0], unescape(ts, args[1]))
		if want := ts.ReadFile(args[2]); !ok || string(o.Data) != want {
			ts.Fatalf("object %q in %s: got existence %v and other bytes, want those of %s", args[1], args[0], ok, args[2])
		}
	},
	// header BUCKET KEY NAME VALUE: the object has this header.
	"header": func(ts *testscript.TestScript, _ bool, args []string) {
		o, ok := storeOf(ts).Object(args[0], args[1])
		if !ok || o.Header.Get(args[2]) != args[3] {
			ts.Fatalf("object %q in %s: got existence %v and headers %v, want %s: %s", args[1], args[0], ok, o, args[2], args[3])
		}
	},
	// keys BUCKET [KEY...]: the bucket has these keys, and no others.
	"keys": func(ts *testscript.TestScript, _ bool, args []string) {
		for i, key := range args {
			args[i] = unescape(ts, key)
		}
		if got, want := fmt.Sprintf("%q", storeOf(ts).Keys(args[0])), fmt.Sprintf("%q", args[1:]); got != want {
			ts.Fatalf("keys in %s: got %s, want %s", args[0], got, want)
		}
	},
	// fill FILE BYTES: a file of so many bytes that are not all the same.
	"fill": func(ts *testscript.TestScript, _ bool, args []string) {
		size, err := strconv.Atoi(args[1])
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), testbody.Bytes(1, size), 0o666))
	},
	// count OPERATION N: so many requests of this kind have come so far.
	"count": func(ts *testscript.TestScript, _ bool, args []string) {
		if got := strconv.Itoa(storeOf(ts).Count(args[0])); got != args[1] {
			ts.Fatalf("requests of %s: got %s, want %s", args[0], got, args[1])
		}
	},
	// refuse OPERATION STATUS CODE: the store does so from now on.
	"refuse": func(ts *testscript.TestScript, _ bool, args []string) {
		status, err := strconv.Atoi(args[1])
		ts.Check(err)
		storeOf(ts).refusal.Store(&refusal{strings.Clone(args[0]), strings.Clone(args[2]), status})
	},
	// clean: no upload is open in the store.
	"clean": func(ts *testscript.TestScript, _ bool, _ []string) {
		if open := storeOf(ts).Uploads(); len(open) > 0 {
			ts.Fatalf("open uploads: got %v, want none", open)
		}
	},
}

// unescape reads a key that is written as a Go string without its quotes.
func unescape(ts *testscript.TestScript, key string) string {
	if !strings.Contains(key, `\`) {
		return key
	}
	plain, err := strconv.Unquote(`"` + key + `"`)
	ts.Check(err)
	return plain
}
