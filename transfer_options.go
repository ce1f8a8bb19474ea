package haul

import (
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
)

// TransferOption is a wish about one transfer.
type TransferOption func(*transferOptions)

// transferOptions are the wishes of one transfer; nil and zero mean that the
// Manager's options hold.
type transferOptions struct {
	subscribers  []Subscriber
	partSize     *int64
	concurrency  *int
	leaveParts   bool
	s3           []func(*s3.Options)
	sourceClient S3API
	resume       *string
	validateETag bool
	ended        func() // called when the context of the running transfer ends
}

// noOptions are those of a transfer that has none. Nobody changes them.
var noOptions transferOptions

// WithSubscribers has subs told what happens, in this order, after those of
// earlier WithSubscribers.
func WithSubscribers(subs ...Subscriber) TransferOption {
	return func(o *transferOptions) { o.subscribers = append(o.subscribers, subs...) }
}

// WithPartSize sets the part size in bytes, at most 5 GiB; uploads and copies
// need at least 5 MiB. Where Options.MultipartThreshold isn't set, it is the
// threshold too.
func WithPartSize(n int64) TransferOption {
	return func(o *transferOptions) { o.partSize = &n }
}

// WithConcurrency sets how many parts are moved at once, at least 1.
func WithConcurrency(n int) TransferOption {
	return func(o *transferOptions) { o.concurrency = &n }
}

// WithLeavePartsOnError keeps the parts of an upload or a copy that fails, for
// someone who will complete or abort it; its id is in the TransferError.
func WithLeavePartsOnError() TransferOption {
	return func(o *transferOptions) { o.leaveParts = true }
}

// WithS3Options sets options of the AWS SDK for the requests of this transfer.
// A Manager with a request serializer that isn't the SDK's refuses it.
func WithS3Options(fns ...func(*s3.Options)) TransferOption {
	return func(o *transferOptions) { o.s3 = append(o.s3, fns...) }
}

// WithSourceClient has a Copy ask c for the source's head and tags, where the
// source lies in another region or needs other credentials to be looked at. The
// copy itself is made by the Manager's client. Other transfers refuse it.
func WithSourceClient(c S3API) TransferOption {
	return func(o *transferOptions) { o.sourceClient = c }
}

// WithResume keeps a journal of the transfer in the folder dir, which must
// exist, so that a later call can take up where this one broke off: after a
// failure, a cancel, a crash of the process or of the machine. It is for Upload
// of FromFile and Download of a whole object to ToFile, on haul's engine;
// everything else refuses it. What is kept after a failure (an open upload, a
// temporary file) is named in the TransferError, and is taken up by the same
// call with the same folder, or by Manager.Resume. A file that is downloaded
// WithResume is durable, as with WithDurable. One transfer has a journal at a
// time: another gets ErrJournalInUse.
func WithResume(dir string) TransferOption {
	return func(o *transferOptions) { o.resume = &dir }
}

// WithValidateETag has a Download compared with the object's ETag where there is
// no checksum, as Options.ValidateETag does for all. Other transfers refuse it.
func WithValidateETag() TransferOption {
	return func(o *transferOptions) { o.validateETag = true }
}

func newTransferOptions(opts []TransferOption) *transferOptions {
	if len(opts) == 0 {
		return &noOptions
	}
	o := new(transferOptions)
	for _, opt := range opts {
		if opt != nil {
			opt(o)
		}
	}
	o.subscribers = slices.DeleteFunc(o.subscribers, func(s Subscriber) bool { return s == nil })
	return o
}

func (o *transferOptions) validate(kind driver.Kind, m *Manager) error {
	if o == &noOptions {
		if kind == driver.Delete {
			return nil
		}
		return checkPartSize(kind, m.o.PartSize)
	}
	errs := []error{o.checkResume(kind, m)}
	if o.concurrency != nil && *o.concurrency < 1 {
		errs = append(errs, fmt.Errorf("concurrency is %d: it must be at least 1", *o.concurrency))
	}
	if kind != driver.Delete {
		errs = append(errs, checkPartSize(kind, o.size(m)))
	}
	if o.sourceClient != nil && kind != driver.Copy {
		errs = append(errs, errors.New("a source client is for Copy only"))
	}
	if o.validateETag && kind != driver.Download {
		errs = append(errs, errors.New("validating an ETag is for Download only"))
	}
	if len(o.s3) > 0 && m.serializer != nil && m.sdk == nil {
		errs = append(errs, fmt.Errorf("S3 options need the SDK's request serializer, this Manager has a %T", m.serializer))
	}
	return errors.Join(errs...)
}

// size is the part size of a transfer.
func (o *transferOptions) size(m *Manager) int64 {
	if o.partSize != nil {
		return *o.partSize
	}
	return m.o.PartSize
}

func checkPartSize(kind driver.Kind, size int64) error {
	switch {
	case size > s3api.MaxPartSize:
		return fmt.Errorf("part size is %d bytes: S3's maximum is %d (5 GiB)", size, s3api.MaxPartSize)
	case size < 1:
		return fmt.Errorf("part size is %d bytes: it must be positive", size)
	case size < s3api.MinPartSize && kind != driver.Download:
		return fmt.Errorf("part size is %d bytes: S3's minimum for %s is %d (5 MiB)", size, kind, s3api.MinPartSize)
	}
	return nil
}
