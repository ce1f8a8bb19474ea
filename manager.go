package haul

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
	"github.com/haul-s3/haul/internal/throttle"
	"github.com/haul-s3/haul/serialize"
)

// Manager runs transfers: it checks them, keeps them in a queue, runs as many
// at once as its engine finds worth it, and tells subscribers. It is safe for
// concurrent use. Shut it down when it isn't needed any more.
type Manager struct {
	o          Options // immutable, with defaults
	driver     driver.Driver
	release    func(context.Context) error // closes what the Manager owns
	limiter    *throttle.Limiter
	serializer s3api.Serializer // of the engine; nil on the plain SDK
	sdk        *serialize.SDK   // the same, where it is the SDK's
	classicS3  []func(*s3.Options)
	requestSum bool // uploads get a checksum without being asked
	answerSum  bool // downloads are validated without being asked
	q          *queue

	open context.Context         // ends when no further transfer is let in
	shut context.CancelCauseFunc // ends open

	mu       sync.Mutex
	closed   bool                   // guarded by mu
	nextID   uint64                 // guarded by mu
	active   map[*transfer]struct{} // guarded by mu: from admission to Done
	idle     chan struct{}          // closed by idleLocked when closed and nothing is active
	idleOnce sync.Once

	closing  chan struct{} // holds one token while someone closes the driver
	released bool          // owned by who has the token of closing
}

// newManager makes a Manager over a driver. o is validated and has no defaults
// yet.
func newManager(d driver.Driver, o Options, settings func(*Manager)) *Manager {
	m := &Manager{
		o: o.withDefaults(), driver: d, release: d.Close, limiter: throttle.New(o.MaxBandwidth),
		requestSum: true, answerSum: true, active: make(map[*transfer]struct{}),
		idle: make(chan struct{}), closing: make(chan struct{}, 1),
	}
	m.open, m.shut = context.WithCancelCause(context.Background())
	m.q = newQueue(m.o.MaxQueued, d.Parallel, m.carry, m.dropped)
	settings(m)
	return m
}

// Upload sends src to the object that in names, and returns at once with the
// Future of the transfer: ctx governs the whole of it. in has what
// s3.PutObjectInput has, with the same meaning, on every request where it
// belongs; its Body must be nil, and it isn't changed. in.ContentLength, where
// set, is the length of a src that doesn't know its own.
//
// The error is for what can be judged at once: bad arguments, a Manager that is
// shut down. While Options.MaxQueued transfers wait, Upload blocks until ctx
// ends; called in a hook it doesn't, but returns ErrQueueFull.
func (m *Manager) Upload(ctx context.Context, src Source, in *s3.PutObjectInput, opts ...TransferOption) (*Future, error) {
	t, err := m.newUpload(src, in, newTransferOptions(opts))
	if err != nil {
		return nil, err
	}
	return m.begin(ctx, t)
}

// Download fetches the object that in names into dst. It returns as Upload
// does. With in.Range or in.PartNumber that part of the object is fetched, and
// its first byte is at offset 0 of dst. in.IfMatch and the other conditions
// hold; an answer of 304 is an error.
func (m *Manager) Download(ctx context.Context, in *s3.GetObjectInput, dst Sink, opts ...TransferOption) (*Future, error) {
	t, err := m.newDownload(in, dst, newTransferOptions(opts))
	if err != nil {
		return nil, err
	}
	return m.begin(ctx, t)
}

// Copy has S3 copy in.CopySource ("bucket/key" or "bucket/key?versionId=id",
// URL-encoded, or an access point's ARN) to the object that in names. It
// returns as Upload does. Metadata, content type and tags of the source are
// kept, unless in's directives say REPLACE, also where the copy is made in
// parts; as in S3's CopyObject, what in says about them counts only then.
func (m *Manager) Copy(ctx context.Context, in *s3.CopyObjectInput, opts ...TransferOption) (*Future, error) {
	t, err := m.newCopy(in, newTransferOptions(opts))
	if err != nil {
		return nil, err
	}
	return m.begin(ctx, t)
}

// Delete deletes the object that in names. It returns as Upload does.
func (m *Manager) Delete(ctx context.Context, in *s3.DeleteObjectInput, opts ...TransferOption) (*Future, error) {
	t, err := m.newDelete(in, newTransferOptions(opts))
	if err != nil {
		return nil, err
	}
	return m.begin(ctx, t)
}

// UploadFile sends the file at path and waits for the end of the transfer.
func (m *Manager) UploadFile(ctx context.Context, path, bucket, key string, opts ...TransferOption) (*Result, error) {
	return Wait(m.Upload(ctx, FromFile(path), &s3.PutObjectInput{Bucket: &bucket, Key: &key}, opts...))
}

// DownloadFile fetches an object into the file at path and waits for the end of
// the transfer.
func (m *Manager) DownloadFile(ctx context.Context, bucket, key, path string, opts ...TransferOption) (*Result, error) {
	return Wait(m.Download(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key}, ToFile(path), opts...))
}

// Wait is for those who block: haul.Wait(m.Upload(ctx, src, in)) returns err if
// there is one, else waits for the end of the transfer and returns its outcome.
// End the context given to Upload to end the waiting.
func Wait(f *Future, err error) (*Result, error) {
	if err != nil {
		return nil, err
	}
	return f.Result(context.Background())
}

// SetMaxBandwidth changes Options.MaxBandwidth, also for the transfers that are
// running: bytes per second, 0 for no limit. A negative number counts as 0.
func (m *Manager) SetMaxBandwidth(bytesPerSecond int64) { m.limiter.Set(max(bytesPerSecond, 0)) }
