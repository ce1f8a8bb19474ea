package faulttest

import (
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"iter"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/s3fake"
	"github.com/haul-s3/haul/internal/s3fault"
)

// record writes testdata/outcomes.txt anew, with what the run has seen. Read it
// before committing it.
var record = flag.Bool("record", false, "write the outcomes anew")

var drivers = []string{"engine", "classic"}

// cell is a place in the matrix.
type cell struct {
	driver, fault, operation string
	forGood                  bool // else only the first of the calls that it is for
}

func (c cell) String() string {
	when := "once"
	if c.forGood {
		when = "for-good"
	}
	return strings.ReplaceAll(strings.Join([]string{c.fault, c.operation, when}, "/"), " ", "-")
}

// TestMatrix has every operation meet every fault.
func TestMatrix(t *testing.T) {
	want := readOutcomes(t)
	got := outcomes{}
	var mu sync.Mutex // guards got
	for _, driver := range drivers {
		before := runtime.NumGoroutine()
		for _, stalls := range []bool{false, true} { // by themselves: limits in time need an idle machine
			t.Run(driver, func(t *testing.T) {
				for p := range places(driver, stalls) {
					t.Run(p.String(), func(t *testing.T) {
						t.Parallel()
						outcome, err := meet(t, p, setup{driver: p.driver})
						mu.Lock()
						got[p.cell] = outcome
						mu.Unlock()
						if w := want[p.cell]; w != outcome && !*record {
							t.Errorf("got %q, want %q (%v)", outcome, w, err)
						}
					})
				}
			})
			noGoroutines(t, before)
		}
	}
	if *record {
		writeOutcomes(t, got)
	}
}

// TestMatrixOverNetHTTP holds haul's engine to the same outcomes where its
// requests go through an http.RoundTripper of the user's.
func TestMatrixOverNetHTTP(t *testing.T) {
	want := readOutcomes(t)
	before := runtime.NumGoroutine()
	for _, stalls := range []bool{false, true} {
		t.Run("engine", func(t *testing.T) {
			for p := range places("engine", stalls) {
				t.Run(p.String(), func(t *testing.T) {
					t.Parallel()
					if outcome, err := meet(t, p, setup{driver: "engine", overNetHTTP: true}); outcome != want[p.cell] {
						t.Errorf("got %q, want %q (%v)", outcome, want[p.cell], err)
					}
				})
			}
		})
		noGoroutines(t, before)
	}
}

// place is a cell with what meets in it.
type place struct {
	cell
	f fault
	o operation
}

// places are the cells of a driver that this run looks at.
func places(driver string, stalls bool) iter.Seq[place] {
	return func(yield func(place) bool) {
		for _, f := range faults() {
			for _, o := range operations {
				for _, forGood := range []bool{false, true} {
					p := place{cell{driver, f.name, o.name, forGood}, f, o}
					if f.stalls == stalls && f.meets(o, driver, forGood) && (!testing.Short() && !underRace || sampled(p.cell, f)) && !yield(p) {
						return
					}
				}
			}
		}
	}
}

// sampled picks the cells of a short run: all kinds of answers, few of what
// takes time.
func sampled(c cell, f fault) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(c.driver + c.String())) // it doesn't fail
	return !f.stalls && h.Sum32()%12 == 0
}

// meet runs one cell.
func meet(t *testing.T, p place, setup setup) (outcome string, err error) {
	c, f, o := p.cell, p.f, p.o
	var rules []*s3fault.Rule
	rule := &s3fault.Rule{If: o.is, F: f.Fault}
	if !c.forGood {
		rule.Times = 1
	}
	setup.impatient = f.stalls
	if f.refuse {
		setup.refuse = refusing(o, rule)
	} else {
		rules = append(rules, rule)
	}
	if o.rules != nil {
		own := o.rules()
		rules = append(own[:1:1], append(rules, own[1:]...)...) // the first may only look on
	}
	if o.options != nil {
		setup.options = append(setup.options, o.options)
	}
	setup.rules = rules
	s := newStage(t, setup)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	future, err := o.begin(ctx, s)
	r, err := haul.Wait(future, err)
	if s.count(o.is) == 0 && !f.refuse {
		t.Errorf("the operation did not occur (%v)", err)
	}
	outcome = s.outcome(o, r, err)
	if f.stalls { // a busy machine may have stalled once more
		outcome = strings.Replace(outcome, "done ×3", "done ×2", 1)
	}
	return outcome, err
}

// refusing picks the requests of an operation, once or always.
func refusing(o operation, rule *s3fault.Rule) func(r *http.Request) bool {
	var mu sync.Mutex
	done := 0 // guarded by mu
	return func(r *http.Request) bool {
		call := callOf(r)
		mu.Lock()
		defer mu.Unlock()
		if !o.is(call) || rule.Times > 0 && done >= rule.Times {
			return false
		}
		done++
		return true
	}
}

// callOf is the part of a request that operations look at.
func callOf(r *http.Request) *s3fault.Call {
	q := r.URL.Query()
	c := &s3fault.Call{Op: s3fake.OpName(r.Method, true, true, q, r.Header), Start: -1}
	c.Part, _ = strconv.Atoi(q.Get("partNumber")) // 0 without
	if first, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok {
		_, _ = fmt.Sscanf(first, "%d-", &c.Start) // as it is without
	}
	return c
}
