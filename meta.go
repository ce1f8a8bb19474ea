package haul

import (
	"maps"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/internal/driver"
)

// Status is where a transfer stands.
type Status int

// The statuses, in the order in which a transfer goes through them.
const (
	// StatusQueued: admitted, perhaps waiting for its turn.
	StatusQueued Status = iota
	// StatusRunning: being carried.
	StatusRunning
	// StatusSucceeded, StatusFailed and StatusCanceled, which a paused transfer
	// has too: settled.
	StatusSucceeded
	StatusFailed
	StatusCanceled
)

// String returns the status in lower case: "queued".
func (s Status) String() string {
	return [...]string{"queued", "running", "succeeded", "failed", "canceled"}[s]
}

// Meta is what is known of a transfer. It is safe for concurrent use.
type Meta struct {
	kind        driver.Kind // immutable
	id          uint64      // immutable
	bucket, key string      // immutable

	mu          sync.Mutex
	input       any         // guarded by mu; the hooks' until frozen, then read only
	shown       any         // guarded by mu; what Input has handed out, nil if nothing
	frozen      bool        // guarded by mu: OnQueued is over
	status      Status      // guarded by mu
	size        int64       // guarded by mu; -1 if not known
	etag        string      // guarded by mu
	uploadID    string      // guarded by mu
	transferred int64       // guarded by mu: sum of what OnProgress was told
	high        int64       // guarded by mu: highest raw, uploads only
	raw         int64       // guarded by mu: sum of what the driver told
	values      map[any]any // guarded by mu
}

// Operation is the Manager's method: "Upload", "Download", "Copy" or "Delete".
func (m *Meta) Operation() string { return m.kind.String() }

// TransferID numbers the Manager's transfers from 0.
func (m *Meta) TransferID() uint64 { return m.id }

// Bucket is the bucket as it was asked for; of a Copy, the target's.
func (m *Meta) Bucket() string { return m.bucket }

// Key is the key as it was asked for; of a Copy, the target's.
func (m *Meta) Key() string { return m.key }

// Input is haul's own copy of the input: a *s3.PutObjectInput,
// *s3.GetObjectInput, *s3.CopyObjectInput or *s3.DeleteObjectInput. It may be
// changed (content type, tags, encryption, but not bucket and key) until the
// last OnQueued has returned; after that it must only be read, and changes have
// no effect.
func (m *Meta) Input() any {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.shown == nil {
		m.shown = m.input
		if m.frozen {
			m.shown = copyInput(m.input)
		}
	}
	return m.shown
}

// Status is where the transfer stands.
func (m *Meta) Status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.status
}

// Size is the number of bytes to move, -1 while it isn't known.
func (m *Meta) Size() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.size
}

// ETag is that of the object, empty while it isn't known.
func (m *Meta) ETag() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.etag
}

// UploadID is that of the multipart upload, empty if there is none (yet).
func (m *Meta) UploadID() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.uploadID
}

// Transferred is the number of bytes done: the sum of what OnProgress was told.
func (m *Meta) Transferred() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.transferred
}

// ProvideSize tells the size, in bytes, of the object to download or copy, or of
// the stream to upload, so that nothing has to be asked. It may be called in
// OnQueued; later it has no effect.
func (m *Meta) ProvideSize(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.frozen {
		m.size = n
	}
}

// ProvideETag tells the ETag of the object to download or copy, quotes included,
// so that no other version of it is taken. It may be called in OnQueued; later
// it has no effect.
func (m *Meta) ProvideETag(etag string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.frozen {
		m.etag = etag
	}
}

// Value returns what SetValue stored under key, or nil.
func (m *Meta) Value(key any) any {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[key]
}

// SetValue stores a value of the caller's own with the transfer, under a key
// that must be comparable.
func (m *Meta) SetValue(key, value any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.values == nil {
		m.values = make(map[any]any)
	}
	m.values[key] = value
}

// freeze ends the time of changes: from here on nobody else has what the
// requests are formed of. It says whether anybody had.
func (m *Meta) freeze() (seen bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.shown != nil && !m.frozen {
		m.input = copyInput(m.shown)
	}
	m.frozen = true
	return m.shown != nil
}

// given is what the requests are formed of, once it is frozen.
func (m *Meta) given() (input any, size int64, etag string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.input, m.size, m.etag
}

// copyInput copies one of the inputs that Meta.Input speaks of, as far as hooks
// may change it.
func copyInput(input any) any {
	switch in := input.(type) {
	case *s3.PutObjectInput:
		c := *in
		c.Metadata = maps.Clone(in.Metadata)
		return &c
	case *s3.GetObjectInput:
		c := *in
		return &c
	case *s3.CopyObjectInput:
		c := *in
		c.Metadata = maps.Clone(in.Metadata)
		return &c
	case *s3.DeleteObjectInput:
		c := *in
		return &c
	}
	return nil
}

func (m *Meta) setStatus(s Status) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.status = s
}

func (m *Meta) found(size int64, etag string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if size >= 0 {
		m.size = size
	}
	if etag != "" {
		m.etag = etag
	}
}

func (m *Meta) opened(uploadID string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.uploadID = uploadID
}

// progressed takes what the driver tells and returns what OnProgress is told. A
// download goes back where it must; what an upload takes back is not told, but
// kept as a debt that later bytes pay first.
func (m *Meta) progressed(n int64) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kind != driver.Download {
		m.raw += n
		n = max(m.raw-m.high, 0)
		m.high += n
	}
	m.transferred += n
	return n
}
