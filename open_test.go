package haul_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/driver"
)

// writing is a download of some pieces, with an error at the end.
func writing(end error, pieces ...string) func(context.Context, *driver.Job, driver.Events) (*driver.Outcome, error) {
	return func(ctx context.Context, job *driver.Job, _ driver.Events) (*driver.Outcome, error) {
		w, err := job.Sink.Open(ctx, nil, -1)
		if err != nil {
			return nil, err
		}
		for _, p := range pieces {
			if _, err := w.WriteAt([]byte(p), 0); err != nil {
				return nil, err
			}
		}
		if end != nil {
			return nil, end
		}
		return &driver.Outcome{}, w.Commit(body.Info{})
	}
}

func TestOpenReadsToTheEnd(t *testing.T) {
	m := newManager(t, &fakeDriver{do: writing(nil, "one ", "two")})
	r, err := m.Open(t.Context(), get())
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil || string(b) != "one two" {
		t.Errorf("read: got %q, %v, want %q", b, err, "one two")
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close: got %v, want nil", err)
	}
	shutdown(t, m)
}

func TestOpenTellsTheTransfersError(t *testing.T) {
	for name, cause := range map[string]error{"error": errors.New("lost"), "eof": io.ErrUnexpectedEOF, "end": io.EOF} {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, &fakeDriver{do: writing(cause, "one")})
			r, err := m.Open(t.Context(), get())
			if err != nil {
				t.Fatal(err)
			}
			b := make([]byte, 10)
			if n, err := r.Read(b); n != 3 || err != nil {
				t.Errorf("first Read: got %d, %v, want 3, nil", n, err)
			}
			_, err = r.Read(b)
			wantErr(t, "second Read", err, cause)
			if err == io.EOF {
				t.Error("second Read: got a plain io.EOF, want the failure")
			}
			_ = r.Close()
			shutdown(t, m)
		})
	}
}

func TestOpenEndsWithItsContextAndWithClose(t *testing.T) {
	cause := errors.New("enough")
	for name, end := range map[string]func(context.CancelCauseFunc, io.ReadCloser){
		"context": func(cancel context.CancelCauseFunc, _ io.ReadCloser) { cancel(cause) },
		"close":   func(_ context.CancelCauseFunc, r io.ReadCloser) { _ = r.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// A writer that looks at nothing but its writer: it must be freed.
				m := newManager(t, &fakeDriver{do: func(ctx context.Context, job *driver.Job, ev driver.Events) (*driver.Outcome, error) {
					out, err := writing(nil, "one", "two")(ctx, job, ev)
					if ctx.Err() != nil {
						err = errors.Join(context.Cause(ctx), err)
					}
					return out, err
				}})
				ctx, cancel := context.WithCancelCause(t.Context())
				r, err := m.Open(ctx, get())
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				end(cancel, r)
				shutdown(t, m)
				_, err = r.Read(make([]byte, 1))
				if name == "context" {
					wantErr(t, "Read", err, haul.ErrCanceled)
					wantErr(t, "Read", err, cause)
				} else if !errors.Is(err, io.ErrClosedPipe) {
					t.Errorf("Read after Close: got %v, want %v", err, io.ErrClosedPipe)
				}
				if err := r.Close(); err != nil {
					t.Errorf("Close: got %v, want nil", err)
				}
			})
		})
	}
}

func TestOpenOfABadInput(t *testing.T) {
	m := newManager(t, &fakeDriver{})
	defer shutdown(t, m)
	if _, err := m.Open(t.Context(), nil); err == nil {
		t.Error("Open(nil): got nil, want an error")
	}
}
