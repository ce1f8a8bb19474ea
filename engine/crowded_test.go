package engine_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/s3api"
)

// zerosAt is a source of zeros that knows which parts were read.
type zerosAt struct{ parts *sync.Map }

func (z zerosAt) ReadAt(p []byte, off int64) (int, error) {
	z.parts.Store(off/s3api.MinPartSize, true)
	clear(p)
	return len(p), nil
}

// count is how many parts were read.
func (z zerosAt) count() (n int) {
	z.parts.Range(func(any, any) bool { n++; return true })
	return n
}

// TestFewPartsWaitForCreate has Create take a minute: meanwhile there are parts
// for all lanes, and not the whole source, read and waiting.
func TestFewPartsWaitForCreate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const lanes, parts = 4, 100
		w := newBubble(t, engine.Options{MaxConnections: lanes})
		source := zerosAt{&sync.Map{}}
		read := 0
		w.trip = func(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
			<-time.After(time.Minute) // which passes when nothing else goes on
			read = source.count()
			return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}, nil
		}
		job := uploadJob("k", body.FromReaderAt(source, parts*s3api.MinPartSize))
		if _, err := w.driver.Transfer(t.Context(), job, &events{}); err == nil {
			t.Error("got no error, want the refusal")
		}
		if read < lanes-1 || read > 2*lanes {
			t.Errorf("%d of %d parts were read while Create was under way, want some %d, as there are lanes", read, parts, lanes)
		}
	})
}
