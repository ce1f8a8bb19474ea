package body_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/haul-s3/haul/internal/body"
)

// stingy takes one byte less than it is given.
type stingy struct{ err error }

func (s stingy) Write(p []byte) (int, error)            { return len(p) - 1, s.err }
func (s stingy) WriteAt(p []byte, _ int64) (int, error) { return len(p) - 1, s.err }

func TestGivenSinksShortWrite(t *testing.T) {
	for _, tc := range []struct{ told, want error }{{nil, io.ErrShortWrite}, {errFault, errFault}} {
		for _, s := range []body.Sink{body.ToWriter(stingy{tc.told}), body.ToWriterAt(stingy{tc.told})} {
			w, err := s.Open(t.Context(), body.OS{}, 7)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := w.WriteAt([]byte("content"), 0); n != 6 || !errors.Is(err, tc.want) {
				t.Errorf("%s: got %d, %v, want 6, %v", s, n, err, tc.want)
			}
		}
	}
}

func TestWriterSink(t *testing.T) {
	var b bytes.Buffer
	w, err := body.ToWriter(&b).Open(t.Context(), body.OS{}, 7)
	if err != nil {
		t.Fatal(err)
	}
	if !w.Ordered() || w.Local() {
		t.Errorf("got ordered %v, local %v, want true, false", w.Ordered(), w.Local())
	}
	if _, err := w.WriteAt([]byte("content"), 0); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Commit(body.Info{}), w.Abort()); err != nil || b.String() != "content" {
		t.Errorf("got %q, %v, want %q", b.String(), err, "content")
	}
}

func TestWriterAtSinkOfAFile(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := body.ToWriterAt(f).Open(t.Context(), body.OS{}, 7)
	if err != nil {
		t.Fatal(err)
	}
	if w.Ordered() || !w.Local() {
		t.Errorf("got ordered %v, local %v, want false, true", w.Ordered(), w.Local())
	}
	if err := w.Commit(body.Info{}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("still open"); err != nil {
		t.Errorf("the file of the caller's: got %v, want that it is open", err)
	}
}

func TestNilSinks(t *testing.T) {
	for _, s := range []body.Sink{body.ToWriter(nil), body.ToWriterAt(nil)} {
		if err := s.Check(body.OS{}); err == nil {
			t.Error("Check: got no error, want one")
		}
		if w, err := s.Open(t.Context(), body.OS{}, 1); err == nil || w != nil {
			t.Errorf("Open: got %v, %v, want an error", w, err)
		}
	}
}
