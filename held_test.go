package haul_test

import (
	"runtime"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
)

// What a transfer may hold of the heap, in bytes, with the caller's own Future
// and key: its input alone has 300 for a Download and 700 for an Upload.
const (
	waitingMax = 1300 // while it waits for its turn
	doneMax    = 1200 // afterwards, as long as somebody has its Future
)

// Tens of thousands of transfers may wait, and as many Futures be kept.
func TestBytesHeldByATransfer(t *testing.T) {
	if underRace {
		t.Skip("the race detector multiplies memory")
	}
	const n = 4000
	for name, begin := range map[string]func(m *haul.Manager) (*haul.Future, error){
		"upload": func(m *haul.Manager) (*haul.Future, error) {
			return m.Upload(t.Context(), haul.FromBytes(nil), &s3.PutObjectInput{Bucket: aws.String("bucket"), Key: aws.String("key")})
		},
		"download": func(m *haul.Manager) (*haul.Future, error) {
			return m.Download(t.Context(), get(), haul.ToWriterAt(nowhere{}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := make(gate)
			m := newManager(t, &fakeDriver{parallel: 1, do: g.transfer, forget: true})
			futures := make([]*haul.Future, n)
			before := heap()
			for i := range futures {
				var err error
				if futures[i], err = begin(m); err != nil {
					t.Fatal(err)
				}
			}
			waiting := (heap() - before) / n
			close(g)
			shutdown(t, m)
			done := (heap() - before) / n
			runtime.KeepAlive(futures)
			t.Logf("%d bytes while it waits, %d when it is done", waiting, done)
			if waiting > waitingMax || done > doneMax {
				t.Errorf("a transfer holds %d bytes while it waits and %d when it is done, want at most %d and %d", waiting, done, waitingMax, doneMax)
			}
		})
	}
}

// nowhere is an io.WriterAt.
type nowhere struct{}

func (nowhere) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

// heap is what is reachable of the heap, in bytes.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what the first one has only found to be dead in pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
