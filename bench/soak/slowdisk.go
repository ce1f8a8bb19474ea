//go:build linux

package soak

import (
	"math/rand/v2"
	"time"

	"github.com/haul-s3/haul"
)

// slowDisk is the system's file layer on a disk that makes every call wait.
type slowDisk struct{ haul.OSFS }

// seek is how long a call waits at most.
const seek = 10 * time.Millisecond

func wait() { time.Sleep(rand.N(seek)) }

func (d slowDisk) Open(name string) (haul.File, error) { return slow(d.OSFS.Open(name)) }

func (d slowDisk) CreateTemp(dir, prefix string) (haul.File, error) {
	return slow(d.OSFS.CreateTemp(dir, prefix))
}

func (d slowDisk) OpenKept(name string, create bool) (haul.File, error) {
	return slow(d.OSFS.OpenKept(name, create))
}

func slow(f haul.File, err error) (haul.File, error) {
	wait()
	if err != nil {
		return nil, err
	}
	return slowFile{f}, nil
}

type slowFile struct{ haul.File }

func (f slowFile) ReadAt(p []byte, off int64) (int, error) {
	wait()
	return f.File.ReadAt(p, off)
}

func (f slowFile) WriteAt(p []byte, off int64) (int, error) {
	wait()
	return f.File.WriteAt(p, off)
}

func (f slowFile) Sync() error {
	wait()
	return f.File.Sync()
}
