package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"syscall"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/s3api"
)

// describe is an error in a user's words: without what the line says anyway,
// with S3's code, status and request id where S3 has refused something, and
// without secrets.
func describe(err error) string {
	var transfer *haul.TransferError
	if errors.As(err, &transfer) {
		err = transfer.Err
	}
	text := s3api.Redact(answer(err))
	if transfer == nil || transfer.UploadID == "" {
		return text
	}
	if transfer.Part > 0 {
		return fmt.Sprintf("%s (upload id %s, part %d)", text, transfer.UploadID, transfer.Part)
	}
	return fmt.Sprintf("%s (upload id %s)", text, transfer.UploadID)
}

// answer is what S3 has said, in one line; the whole error if it is none of
// S3's.
func answer(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err.Error()
	}
	text := api.ErrorCode()
	if api.ErrorMessage() != "" {
		text += ": " + api.ErrorMessage()
	}
	var resp *awshttp.ResponseError
	if errors.As(err, &resp) {
		text += fmt.Sprintf(" (HTTP %d, request id %s)", resp.HTTPStatusCode(), resp.ServiceRequestID())
	}
	var exceeded *haul.RetriesExceededError
	if errors.As(err, &exceeded) {
		text += fmt.Sprintf(" after %d attempts", exceeded.Attempts)
	}
	return text
}

// codeHints say what to do about what S3 refuses.
var codeHints = map[string]string{
	"NoSuchKey":             "there is no such object; if it is a prefix, use --recursive (-r)",
	"NotFound":              "there is no such object; if it is a prefix, use --recursive (-r)",
	"NoSuchBucket":          "there is no such bucket here: look at its name, and at --endpoint-url and --profile",
	"AccessDenied":          "these credentials may not do that: look at --profile and at the bucket's policy; --no-sign-request is for public buckets",
	"Forbidden":             "these credentials may not do that: look at --profile and at the bucket's policy",
	"InvalidAccessKeyId":    "the store doesn't know this access key: look at --profile and --endpoint-url",
	"SignatureDoesNotMatch": "the secret key is wrong for this access key, or something on the way changes requests",
	"ExpiredToken":          "the credentials have expired: sign in again (aws sso login, for example)",
	"RequestTimeTooSkewed":  "the clock of this machine is wrong",
	"PermanentRedirect":     "the bucket is in another region: name it with --region",
	"InvalidObjectState":    "the object is archived: restore it first",
	"InvalidStorageClass":   "the store doesn't know this --storage-class",
	"SlowDown":              "the store asks for fewer requests: try again later, or with --max-bandwidth",
	"EntityTooLarge":        "raise --part-size",
}

// hopeless are the codes that every other object would get too.
var hopeless = map[string]bool{
	"NoSuchBucket": true, "InvalidBucketName": true, "InvalidAccessKeyId": true,
	"SignatureDoesNotMatch": true, "ExpiredToken": true, "RequestTimeTooSkewed": true,
}

// isHopeless says that going on makes no sense: every other object would fail
// in the same way.
func isHopeless(err error) bool {
	var api smithy.APIError
	if errors.As(err, &api) {
		return hopeless[api.ErrorCode()]
	}
	return errors.Is(err, syscall.ECONNREFUSED) || lacksCredentials(err)
}

// lacksCredentials says that nowhere there were credentials to sign with. The
// SDK has no type for that.
func lacksCredentials(err error) bool {
	var op *smithy.OperationError
	return errors.As(err, &op) && strings.Contains(op.Err.Error(), "get credentials: ")
}

// anonymousHint is for what S3 denies those who have shown no credentials.
const anonymousHint = "the bucket is not public: leave out --no-sign-request"

// hintFor says what to do about an error, nothing if that can't be said.
// anonymous are those who gave --no-sign-request.
func hintFor(err error, anonymous bool) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		if code := api.ErrorCode(); anonymous && (code == "AccessDenied" || code == "Forbidden") {
			return anonymousHint
		}
		return codeHints[api.ErrorCode()]
	}
	var dns *net.DNSError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case errors.As(err, &dns):
		return "the name of the server is not known: look at --endpoint-url and --region, and try --path-style"
	case errors.As(err, &unknown):
		return "name the file of the authority's certificate with --ca-bundle"
	case errors.As(err, &name):
		return "the certificate is not the server's: try --path-style, or look at --endpoint-url"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: look at --endpoint-url"
	case errors.Is(err, syscall.ENOSPC):
		return "the disk is full"
	case errors.Is(err, fs.ErrPermission):
		return "look at the permissions of the file and its folder"
	case lacksCredentials(err) || strings.Contains(err.Error(), "credential"):
		return "give credentials by --profile or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; --no-sign-request is for public buckets"
	}
	return ""
}
