// Package haulbench runs haul as a runner of the public S3 benchmark suite
// (github.com/awslabs/aws-crt-s3-benchmarks): the suite's workload files, command
// line, output lines and exit codes, so that haul can be put beside the runners
// of other clients.
//
//	workload.go  the workload file
//	run.go       the runs
//	report.go    the lines that the suite's scripts read
package haulbench

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// ErrUnsupported is a workload, client or option that this runner has not. The
// suite expects exit code 123 for it.
var ErrUnsupported = errors.New("not supported")

// ExitUnsupported is the exit code of ErrUnsupported.
const ExitUnsupported = 123

// version is that of the workload files which are understood.
const version = 2

// Workload is a workload file: NAME.run.json.
type Workload struct {
	Version        int
	Comment        string
	FilesOnDisk    bool   // else uploads come from memory, and downloads are dropped
	Checksum       string // CRC32 and the like; empty: the client's default
	MaxRepeatCount int
	MaxRepeatSecs  float64
	Tasks          []Task
}

// Task is one transfer. All tasks of a run begin together.
type Task struct {
	Action string // upload or download
	Key    string // of the object, and the path of the file
	Size   int64  // in bytes
}

// The suite's defaults.
const (
	defaultRepeatCount = 10
	defaultRepeatSecs  = 600
)

// Read reads a workload file and checks it.
func Read(path string) (*Workload, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	w, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return w, nil
}

// Parse is Read for the file's text.
func Parse(text []byte) (*Workload, error) {
	w := &Workload{MaxRepeatCount: defaultRepeatCount, MaxRepeatSecs: defaultRepeatSecs}
	if err := json.Unmarshal(text, w); err != nil {
		return nil, err
	}
	if w.Version != version {
		return nil, fmt.Errorf("version %d of the workload file: %w, only %d is", w.Version, ErrUnsupported, version)
	}
	return w, w.validate()
}

func (w *Workload) validate() error {
	var errs []error
	switch types.ChecksumAlgorithm(w.Checksum) {
	case "", types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmCrc32c, types.ChecksumAlgorithmCrc64nvme,
		types.ChecksumAlgorithmSha1, types.ChecksumAlgorithmSha256:
	default:
		errs = append(errs, fmt.Errorf("checksum %s: %w", w.Checksum, ErrUnsupported))
	}
	if len(w.Tasks) == 0 {
		errs = append(errs, errors.New("there are no tasks"))
	}
	if w.MaxRepeatCount < 1 {
		errs = append(errs, fmt.Errorf("maxRepeatCount is %d", w.MaxRepeatCount))
	}
	for i, t := range w.Tasks {
		switch {
		case t.Action != "upload" && t.Action != "download":
			errs = append(errs, fmt.Errorf("task %d: action %q: %w", i, t.Action, ErrUnsupported))
		case t.Size < 0:
			errs = append(errs, fmt.Errorf("task %d: size is %d", i, t.Size))
		case t.Key == "", w.FilesOnDisk && !filepath.IsLocal(filepath.FromSlash(t.Key)):
			errs = append(errs, fmt.Errorf("task %d: key %q is no path below the current folder", i, t.Key))
		}
	}
	return errors.Join(errs...)
}

// timeLimit is when no further run begins.
func (w *Workload) timeLimit() time.Duration {
	return time.Duration(w.MaxRepeatSecs * float64(time.Second))
}

// bytes is what one run moves.
func (w *Workload) bytes() (n int64) {
	for _, t := range w.Tasks {
		n += t.Size
	}
	return n
}

// downloads says whether the workload has a download to a file, which must not
// be there before.
func (t *Task) downloads() bool { return strings.EqualFold(t.Action, "download") }
