package haul_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/driver"
)

// askedFS is an FS that notes whether a file was to be written directly.
type askedFS struct {
	haul.OSFS
	asked bool
}

func (f *askedFS) CreateTemp(dir, prefix string) (haul.File, error) {
	file, err := f.OSFS.CreateTemp(dir, prefix)
	return askedFile{file, f}, err
}

type askedFile struct {
	haul.File
	fs *askedFS
}

var _ haul.DirectFile = askedFile{}

func (f askedFile) Direct() (haul.File, error) {
	f.fs.asked = true
	return nil, errors.ErrUnsupported
}

// A file is written directly if its own option or the Manager's says so.
func TestDirectIO(t *testing.T) {
	for name, c := range map[string]struct {
		all  bool
		opts []haul.FileOption
		want bool
	}{
		"neither": {}, "this-file": {opts: []haul.FileOption{haul.WithDirectIO()}, want: true}, "all-files": {all: true, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			fsys := &askedFS{}
			d := &fakeDriver{do: func(ctx context.Context, job *driver.Job, _ driver.Events) (*driver.Outcome, error) {
				w, err := job.Sink.Open(ctx, job.FS, 1<<20)
				if err != nil {
					return nil, err
				}
				return nil, errors.Join(errors.New("that is enough"), w.Abort())
			}}
			m := newManager(t, d, func(o *haul.Options) { o.FS, o.DirectIO = fsys, c.all })
			if f, err := m.Download(t.Context(), getKey("k"), haul.ToFile(filepath.Join(t.TempDir(), "f"), c.opts...)); err != nil {
				t.Fatal(err)
			} else {
				<-f.Done()
			}
			if fsys.asked != c.want {
				t.Errorf("directly: %v, want %v", fsys.asked, c.want)
			}
		})
	}
}
