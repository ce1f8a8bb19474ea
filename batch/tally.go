package batch

import (
	"errors"

	"github.com/haul-s3/haul"
)

// Tally is what became of the Items of a Run.
type Tally struct {
	// Objects is the number of transfers that succeeded, Bytes what they moved.
	Objects int
	Bytes   int64
	// Failed, Skipped and Canceled count the others.
	Failed, Skipped, Canceled int
	// Errors are the first of the failures, at most MaxErrors.
	Errors []error
}

// MaxErrors is how many errors a Tally keeps, so that it stays small.
const MaxErrors = 100

// add counts the end of an Item and says whether it was a failure.
func (t *Tally) add(r *haul.Result, err error) (failed bool) {
	var skipped *SkippedError
	switch {
	case err == nil:
		t.Objects++
		t.Bytes += r.Size
	case errors.As(err, &skipped):
		t.Skipped++
	case errors.Is(err, haul.ErrCanceled):
		t.Canceled++
	default:
		t.Failed++
		if len(t.Errors) < MaxErrors {
			t.Errors = append(t.Errors, err)
		}
		return true
	}
	return false
}
