package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/haul-s3/haul"
)

func TestDescribe(t *testing.T) {
	denied := &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"plain", errors.New("x"), "x"},
		{"transfer", &haul.TransferError{Op: "Upload", Bucket: "b", Key: "k", Err: errors.New("x")}, "x"},
		{"refused", fmt.Errorf("list: %w", denied), "AccessDenied: no"},
		{"without-message", &smithy.GenericAPIError{Code: "Forbidden"}, "Forbidden"},
		{"part", &haul.TransferError{UploadID: "id", Part: 3, Err: denied}, "AccessDenied: no (upload id id, part 3)"},
		{"whole-upload", &haul.TransferError{UploadID: "id", Err: denied}, "AccessDenied: no (upload id id)"},
		{"retried", &haul.RetriesExceededError{Attempts: 6, Last: denied}, "AccessDenied: no after 6 attempts"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := describe(tt.err); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestHints(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want string // in the hint; empty for no hint
	}{
		{"code", &smithy.GenericAPIError{Code: "NoSuchBucket"}, "no such bucket"},
		{"other-code", &smithy.GenericAPIError{Code: "Whatever"}, ""},
		{"name", &net.DNSError{}, "--endpoint-url"},
		{"refused", syscall.ECONNREFUSED, "nothing listens"},
		{"authority", x509.UnknownAuthorityError{}, "--ca-bundle"},
		{"disk", &fs.PathError{Err: syscall.ENOSPC}, "full"},
		{"permission", &fs.PathError{Err: fs.ErrPermission}, "permissions"},
		{"anything", errors.New("x"), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := hintFor(fmt.Errorf("around: %w", tt.err), false)
			if !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
				t.Errorf("got %q, want %q in it", got, tt.want)
			}
		})
	}
}

func TestHopeless(t *testing.T) {
	missing := &smithy.OperationError{ServiceID: "S3", OperationName: "PutObject", Err: errors.New("get identity: get credentials: none")}
	for _, tt := range []struct {
		name string
		err  error
		want bool
	}{
		{"code", &smithy.GenericAPIError{Code: "NoSuchBucket"}, true},
		{"code-of-one-object", &smithy.GenericAPIError{Code: "AccessDenied"}, false},
		{"credentials", missing, true},
		{"refused", &haul.RetriesExceededError{Last: syscall.ECONNREFUSED}, true},
		{"reset", syscall.ECONNRESET, false},
		{"file-of-that-name", &fs.PathError{Path: "get credentials: x", Err: fs.ErrPermission}, false},
		{"none", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.err
			if err != nil {
				err = &haul.TransferError{Err: err}
			}
			if got := isHopeless(err); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestExitCode(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want int
	}{
		{nil, 0}, {errors.New("x"), 1}, {errReported, 1}, {usagef("x"), 2}, {context.Canceled, 1},
		{errors.Join(errReported, interruptError{syscall.SIGINT}), 130}, {fmt.Errorf("x: %w", interruptError{syscall.SIGTERM}), 143},
	} {
		if got := exitCode(tt.err); got != tt.want {
			t.Errorf("exit code of %v: got %d, want %d", tt.err, got, tt.want)
		}
	}
}
