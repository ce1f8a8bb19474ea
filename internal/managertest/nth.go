package managertest

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/haul-s3/haul"
)

// nthTests break the n-th request of a transfer, for every n.
var nthTests = []conformanceTest{
	{name: "nth-request-answered-500", run: nthRequest(answer500, true)},
	{name: "nth-request-answered-403", run: nthRequest(answer403, false)},
	{name: "nth-request-reset", run: nthRequest(resetOnce, true)},
	{name: "nth-request-loses-its-answer", run: nthRequest(loseAnswer, true)},
}

// breaking is what becomes of a request.
type breaking func(next http.Handler, rw http.ResponseWriter, r *http.Request)

func answer500(_ http.Handler, rw http.ResponseWriter, r *http.Request) {
	refuse(rw, r, http.StatusInternalServerError, "InternalError")
}

func answer403(_ http.Handler, rw http.ResponseWriter, r *http.Request) {
	refuse(rw, r, http.StatusForbidden, "AccessDenied")
}

func resetOnce(_ http.Handler, rw http.ResponseWriter, _ *http.Request) { reset(rw, "") }

func loseAnswer(next http.Handler, rw http.ResponseWriter, r *http.Request) {
	next.ServeHTTP(httptest.NewRecorder(), r)
	reset(rw, "")
}

// nthMax is more requests than any of the transfers makes.
const nthMax = 40

// nthTransfers are those whose requests are broken: of each kind the one in parts
// and the one that takes a single request.
var nthTransfers = []string{
	"upload", "upload-parts", "upload-stream", "download", "download-parts", "download-ordered", "copy", "copy-parts", "delete",
}

// nthRequest breaks one request of each transfer, the first, then the second, and
// so on until there are no more. Where it is mended, the transfer
// must succeed by itself; else it fails with S3's error and leaves nothing.
func nthRequest(broken breaking, mended bool) func(t *testing.T, w *world) {
	return func(t *testing.T, w *world) {
		if testing.Short() {
			t.Skip("takes more than a second")
		}
		m := w.manager()
		for _, name := range nthTransfers {
			t.Run(name, func(t *testing.T) {
				w := w.in(t)
				for n := int32(1); w.breakNth(m, name, n, broken, mended); n++ {
					if n == nthMax {
						t.Fatalf("the transfer made %d requests and more", n)
					}
				}
			})
		}
	}
}

// breakNth runs one transfer whose n-th request is broken, and says whether it
// had so many.
func (w *world) breakNth(m *haul.Manager, name string, n int32, broken breaking, mended bool) bool {
	w.t.Helper()
	o := w.operation(name)
	var count atomic.Int32
	var what atomic.Value
	what.Store("")
	w.intercept(func(op string, next http.Handler, rw http.ResponseWriter, r *http.Request) {
		if count.Add(1) != n {
			next.ServeHTTP(rw, r)
			return
		}
		what.Store(op)
		broken(next, rw, r)
	})
	f, err := o.begin(w.ctx, m)
	_, err = haul.Wait(f, err)
	op := what.Load().(string)
	label := "request " + strconv.Itoa(int(n)) + ", " + op
	if op == "" || mended {
		if err != nil {
			w.t.Errorf("%s: got %v, want success", label, err)
			return false
		}
		o.right(w.t)
		if op == "CreateMultipartUpload" {
			w.discardUploads() // an upload whose id was lost with its answer is beyond anybody's reach
		}
		w.nothingOpen(w.t)
		return op != ""
	}
	var answer interface{ HTTPStatusCode() int }
	if err != nil && (!errors.As(err, &answer) || answer.HTTPStatusCode() != http.StatusForbidden) || errors.Is(err, haul.ErrCanceled) {
		w.t.Errorf("%s: got %v, want status 403", label, err)
	}
	if err == nil {
		w.t.Errorf("%s: got success, want status 403", label)
	}
	o.untouched(w.t)
	w.nothingOpen(w.t)
	return true
}
