package faulttest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"

	"github.com/aws/smithy-go"

	"github.com/haul-s3/haul"
)

// An outcome says in a few words how a transfer ended: "done", or what its error
// is, then after how many attempts, then what is left that shouldn't be.

func (s *stage) outcome(o operation, r *haul.Result, err error) string {
	var b strings.Builder
	switch {
	case err == nil && !o.right(s) && o.unproven:
		fmt.Fprintf(&b, "not noticed, as Result says: validated %t", r.Checksum.Validated)
	case err == nil && !o.right(s):
		b.WriteString("WRONG BYTES")
	case err == nil:
		fmt.Fprintf(&b, "done ×%d", s.count(o.is))
	case o.cleans:
		b.WriteString(s.cleaned(o, err))
	default:
		fmt.Fprintf(&b, "%s ×%d", named(err), attemptsOf(err))
	}
	if err != nil && o.right(s) {
		b.WriteString(", and done")
	}
	if n := len(s.fake.Uploads()); n > 0 {
		fmt.Fprintf(&b, ", %d open", n)
	}
	if files := slices.DeleteFunc(s.files(), func(name string) bool { return name == "target" && err == nil }); len(files) > 0 {
		fmt.Fprintf(&b, ", FILES %s", files)
	}
	return b.String()
}

// cleaned tells how cleaning up ended, after a transfer that was denied.
func (s *stage) cleaned(o operation, err error) string {
	if !strings.Contains(err.Error(), "AccessDenied") {
		return "THE CAUSE IS LOST: " + err.Error()
	}
	var te *haul.TransferError
	if !errors.As(err, &te) || te.UploadID == "" {
		return "THE UPLOAD ID IS LOST: " + err.Error()
	}
	n := s.count(o.is)
	if !strings.Contains(err.Error(), "abort upload") {
		return fmt.Sprintf("clean ×%d", n)
	}
	joined, ok := te.Err.(interface{ Unwrap() []error })
	if !ok {
		return "NOT JOINED: " + err.Error()
	}
	all := joined.Unwrap()
	failed := all[len(all)-1]
	var e *haul.RetriesExceededError
	if errors.As(failed, &e) {
		return fmt.Sprintf("told %s ×%d", named(failed), e.Attempts)
	}
	return "told " + named(failed)
}

// attemptsOf is after how many attempts an error was told.
func attemptsOf(err error) int {
	var e *haul.RetriesExceededError
	var te *haul.TransferError
	switch {
	case errors.As(err, &e) && e.Elapsed <= 0:
		return -1
	case errors.As(err, &e):
		return e.Attempts
	case errors.As(err, &te):
		return te.Attempt
	}
	return -1
}

// named is the kind of an error: S3's code, the name of a type, or a word for
// what the network did.
func named(err error) string {
	var api smithy.APIError
	var sum *haul.ChecksumError
	var modified *haul.ObjectModifiedError
	var short *haul.ShortBodyError
	var timeout net.Error
	var retried *haul.RetriesExceededError
	var answer interface{ HTTPStatusCode() int }
	switch {
	case errors.Is(err, haul.ErrCanceled):
		return "CANCELED"
	case errors.As(err, &modified):
		return "ObjectModifiedError"
	case errors.As(err, &sum):
		return "ChecksumError"
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "time-out"
	case errors.As(err, &short):
		return "ShortBodyError"
	case errors.As(err, &api):
		return api.ErrorCode()
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.As(err, &answer) && answer.HTTPStatusCode() >= 300:
		return fmt.Sprintf("HTTP %d", answer.HTTPStatusCode())
	case errors.As(err, &retried): // what the network did has no name of ours
		return "broken exchange"
	}
	return "bad answer"
}
