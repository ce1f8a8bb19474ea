package faulttest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/haul-s3/haul"
)

// fileCallsMax is more file calls than any of the transfers makes.
const fileCallsMax = 1000

// TestNthFileCall makes the first file call of a transfer fail, then the second,
// and so on until the transfer passes.
func TestNthFileCall(t *testing.T) {
	for _, driver := range drivers {
		for _, transfer := range fileTransfers() {
			if transfer.journaled && driver == "classic" {
				continue // it keeps no journal
			}
			t.Run(driver+"/"+transfer.name, func(t *testing.T) {
				if testing.Short() && transfer.slow {
					t.Skip("takes more than a second")
				}
				t.Parallel()
				newFileWalk(t, driver, transfer).run()
			})
		}
	}
}

// fileWalk makes one call after the other of one transfer fail.
type fileWalk struct {
	fileTransfer
	t         *testing.T
	s         *stage
	fs        *failingFS
	breaksOff atomic.Bool // for the transfer's rules
}

func newFileWalk(t *testing.T, driver string, transfer fileTransfer) *fileWalk {
	w := &fileWalk{fileTransfer: transfer, t: t, fs: &failingFS{}}
	c := setup{driver: driver, options: []func(*haul.Options){func(o *haul.Options) {
		o.FS, o.Durable, o.Logger = w.fs, true, slog.New(slog.DiscardHandler)
		if transfer.options != nil {
			transfer.options(o)
		}
	}}}
	if transfer.rules != nil {
		c.rules = transfer.rules(w.breaksOff.Load)
	}
	w.s = newStage(t, c)
	return w
}

func (w *fileWalk) run() {
	for n := 1; w.failNth(n); n++ {
		if n == fileCallsMax {
			w.t.Fatalf("the transfer made %d file calls and more", n)
		}
	}
}

// failNth runs the transfer with a failing n-th call, then with none, and says
// whether it had so many.
func (w *fileWalk) failNth(n int) bool {
	w.t.Helper()
	w.s.fake.Put(bucket, "target", []byte("old"), nil)
	if w.rules != nil {
		w.breaksOff.Store(true)
		if _, err := w.once(0, "broken off"); err == nil {
			w.t.Fatal("the transfer that was to break off has passed")
		}
		w.breaksOff.Store(false)
	}
	r, err := w.once(n, fmt.Sprintf("call %d", n))
	call := w.fs.called()
	what := fmt.Sprintf("call %d, %s", n, call)
	switch {
	case call == "" && err != nil:
		w.t.Errorf("without a fault: %v", err)
	case call == "" && w.rules != nil && r.Resumed == 0:
		w.t.Error("without a fault: nothing was resumed")
	case call != "" && err != nil && !errors.Is(err, errFile):
		w.t.Errorf("%s: got %v, want %v", what, err, errFile)
	case call != "" && err == nil && !w.dispensable(call):
		w.t.Errorf("%s: got success, want %v", what, errFile)
	}
	if call == "" {
		return false
	}
	if _, err := w.once(0, what+", and again"); err != nil {
		w.t.Errorf("%s, and again without a fault: %v", what, err)
	}
	return true
}

// once runs the transfer, whose n-th call fails (0: none), and looks that it has
// ended as its error says.
func (w *fileWalk) once(n int, what string) (*haul.Result, error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	run, err := w.prepare(w.s)
	if err != nil {
		w.t.Fatal(err)
	}
	w.fs.failNext(n)
	r, err := haul.Wait(run.begin(ctx))
	what += " " + w.fs.called()
	if problem := run.ended(err, w.fs.called()); problem != nil {
		w.t.Errorf("%s (%v): %v", what, err, problem)
	}
	w.nothingLeft(what, err)
	return r, err
}

// nothingLeft looks for what a transfer leaves: nothing but a journal and what it
// speaks of, after an error.
func (w *fileWalk) nothingLeft(what string, err error) {
	w.t.Helper()
	journals, others, open := 0, []string(nil), len(w.s.fake.Uploads())
	for _, name := range w.s.files() {
		switch {
		case strings.HasSuffix(name, ".journal"):
			journals++
		case name != "target" && name != "source" && name != "pipe":
			others = append(others, name)
		}
	}
	most := 0
	if w.journaled && (err != nil || w.fs.called() == "Remove of a journal") {
		most = 1
	}
	if journals > most || len(others) > journals || open > journals || len(others)+open > most {
		w.t.Errorf("%s (%v): %d journals, files %q and %d open uploads are left", what, err, journals, others, open)
	}
}

// dispensable says whether a transfer succeeds without a call. A source's name
// may go, as the open file is whole. A journal that stays behind the transfer
// says nothing that isn't verified; and what can't be taken up is begun afresh.
func (w *fileWalk) dispensable(call string) bool {
	switch {
	case call == "Stat", w.journaled && (call == "Remove of a journal" || call == "Close of a journal"):
		return true
	case w.rules == nil || !w.fetches:
		return false
	}
	return slices.Contains([]string{"Resolve", "OpenKept", "File.Stat", "Chmod", "Truncate", "ReadAt"}, call)
}
