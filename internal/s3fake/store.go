package s3fake

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/haul-s3/haul/internal/testbody"
)

// bucket is a bucket; Server.mu guards it.
type bucket struct {
	name      string
	versioned bool
	created   time.Time
	objects   map[string][]*object // the versions of each key, the newest last; never an empty list
}

// object is one version of an object, or a delete marker. It is immutable but for tags, which Server.mu guards.
type object struct {
	bucket, key string
	version     string // "null" in a bucket without versioning
	marker      bool
	content     content
	etag        string      // with quotes
	metadata    http.Header // what describes the content
	attributes  http.Header // how it is stored
	noted       http.Header
	tags        []Tag
	checksum    Checksum
	parts       []Part // empty unless it was a multipart upload
	partSums    bool   // the upload named a checksum algorithm, so that GetObjectAttributes lists the parts
	modified    time.Time
	customer    customerKey
}

// Part is a part of a multipart object.
type Part struct {
	Number   int
	Size     int64
	ETag     string
	Checksum Checksum
}

// Object is a copy of what the server has under a key.
type Object struct {
	Bucket, Key string
	VersionID   string // "null" in a bucket without versioning
	Size        int64
	Data        []byte // nil for a synthetic or a discarded body
	ETag        string // with quotes
	Header      http.Header
	Tags        []Tag
	Checksum    Checksum
	Parts       []Part // empty unless it was a multipart upload
	Modified    time.Time
	CustomerKey string // base64 of the MD5 of the SSE-C key, or empty
}

// CreateBucket makes a bucket without versioning, if there is none of that name.
func (s *Server) CreateBucket(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.createBucketLocked(name)
}

func (s *Server) createBucketLocked(name string) *bucket {
	b := s.buckets[name]
	if b == nil {
		b = &bucket{name: name, created: s.options.Now(), objects: map[string][]*object{}}
		s.buckets[name] = b
	}
	return b
}

// EnableVersioning turns versioning on for a bucket, which is made if needed.
func (s *Server) EnableVersioning(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.createBucketLocked(name).versioned = true
}

// Object returns the newest version of a key, false if there is none or it was deleted. Header has what a GET would
// give back (content type, user metadata, storage class, …), and the noted ACL and request-payer headers.
func (s *Server) Object(bucket, key string) (*Object, bool) {
	s.mu.Lock()
	o, err := s.findLocked(bucket, key, "")
	if err != nil {
		s.mu.Unlock()
		return nil, false
	}
	tags := o.tags
	s.mu.Unlock()
	out := &Object{Bucket: bucket, Key: key, VersionID: o.version, Size: o.content.Size(), ETag: o.etag, Header: http.Header{},
		Tags: slices.Clone(tags), Checksum: o.checksum, Parts: slices.Clone(o.parts), Modified: o.modified, CustomerKey: string(o.customer)}
	for _, h := range []http.Header{o.metadata, o.attributes, o.noted} {
		setHeaders(out.Header, h)
	}
	switch o.content.(type) {
	case memory, joined:
		out.Data = make([]byte, out.Size)
		o.content.ReadAt(out.Data, 0) // content in memory can't fail
	}
	return out, true
}

// Keys lists the keys of a bucket that have an object, in order.
func (s *Server) Keys(bucket string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[bucket]
	if b == nil {
		return nil
	}
	return b.keysLocked("")
}

// Put stores an object without a request. The bucket is made if needed; h may be nil and may have what PutObject
// takes: content type, metadata, tagging, x-amz-checksum-algorithm (CRC64NVME if absent), SSE-C headers. Put panics if
// PutObject would refuse them. data now belongs to the server. It returns the ETag.
func (s *Server) Put(bucket, key string, data []byte, h http.Header) string {
	return s.PutParts(bucket, key, [][]byte{data}, h)
}

// PutParts is like Put and stores a multipart object with these parts (a plain one if there is only one), whose
// x-amz-checksum-type h may have too. The parts may be of any size.
func (s *Server) PutParts(bucket, key string, parts [][]byte, h http.Header) string {
	canonical := http.Header{}
	for name, values := range h {
		canonical[http.CanonicalHeaderKey(name)] = values
	}
	s.CreateBucket(bucket)
	t, err := readTemplate(canonical)
	if err != nil {
		panic(err)
	}
	if len(parts) == 1 {
		d := newDigests([]Algorithm{CRC64NVME, t.algorithm}, !s.options.NoMD5)
		d.Write(parts[0])
		p := d.payload(memory(parts[0]))
		p.named = t.algorithm
		o := t.object(bucket, key)
		s.fill(o, p)
		if err := s.store(o, nil); err != nil {
			panic(err)
		}
		return o.etag
	}
	u := &upload{template: t, bucket: bucket, key: key, parts: map[int]*storedPart{}}
	var all []*storedPart
	for i, data := range parts {
		d := newDigests([]Algorithm{CRC64NVME, t.algorithm}, !s.options.NoMD5)
		d.Write(data)
		all = append(all, s.newPart(u, i+1, d.payload(memory(data))))
	}
	o, err := s.assemble(u, all)
	if err == nil {
		err = s.store(o, nil)
	}
	if err != nil {
		panic(err)
	}
	return o.etag
}

// Synthetic stores an object of size bytes which takes no memory: its bytes are testbody's stream of seed. It has no
// checksum. The bucket is made if needed. It returns the ETag.
func (s *Server) Synthetic(bucket, key string, size int64, seed uint64) string {
	s.CreateBucket(bucket)
	o := &object{bucket: bucket, key: key, content: testbody.NewReader(seed, size), modified: s.options.Now(),
		metadata: http.Header{"Content-Type": {"binary/octet-stream"}}}
	o.etag = fmt.Sprintf(`"%016x%016x"`, seed, uint64(size))
	if err := s.store(o, nil); err != nil {
		panic(err)
	}
	return o.etag
}

// template is what a request says of an object to be: all but the content.
type template struct {
	metadata, attributes, noted http.Header
	tags                        []Tag
	algorithm                   Algorithm // asked for by name, or empty
	checksumType                string    // asked for by name, or empty
	customer                    customerKey
}

// readTemplate reads the headers of PutObject and CreateMultipartUpload that describe the object.
func readTemplate(h http.Header) (t template, err error) {
	if t.metadata, err = metadataOf(h); err != nil {
		return t, err
	}
	if t.attributes, err = attributesOf(h); err != nil {
		return t, err
	}
	t.noted = notedOf(h)
	if t.tags, err = parseTagging(h.Get("X-Amz-Tagging")); err != nil {
		return t, err
	}
	if t.customer, err = parseCustomerKey(h, ssePrefix); err != nil {
		return t, err
	}
	t.algorithm, t.checksumType, err = namedAlgorithm(h)
	if err != nil {
		return t, err
	}
	return t, checkEncryption(t.customer, t.attributes)
}

// namedAlgorithm reads x-amz-checksum-algorithm and x-amz-checksum-type.
func namedAlgorithm(h http.Header) (Algorithm, string, error) {
	name, kind := h.Get("X-Amz-Checksum-Algorithm"), h.Get("X-Amz-Checksum-Type")
	if name == "" {
		return "", kind, nil
	}
	a, ok := parseAlgorithm(name)
	if !ok {
		return "", "", fail("InvalidRequest", "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
	}
	return a, kind, nil
}

func (t *template) object(bucket, key string) *object {
	return &object{bucket: bucket, key: key, metadata: t.metadata, attributes: t.attributes, noted: t.noted, tags: t.tags, customer: t.customer}
}

// fill gives an object its content, ETag and checksum, as a single upload has them.
func (s *Server) fill(o *object, p *payload) {
	a := p.named
	if a == "" {
		a = CRC64NVME
	}
	o.content, o.modified = p.content, s.options.Now()
	o.checksum = Checksum{Algorithm: a, Type: FullObject, Value: encode(p.sums[a])}
	o.etag = s.etag(p, o.customer != "" || strings.HasPrefix(o.attributes.Get("X-Amz-Server-Side-Encryption"), "aws:kms"))
}

// etag makes the ETag of a body: its MD5, but where the object is encrypted with a key of the customer's or of KMS
// something else, as on S3.
func (s *Server) etag(p *payload, encrypted bool) string {
	serial := s.nextSerial()
	switch {
	case s.options.NoMD5:
		return fmt.Sprintf(`"%x%08x%08x"`, p.sums[CRC64NVME], uint32(p.content.Size()), uint32(serial))
	case encrypted:
		sum := md5.Sum(binary.BigEndian.AppendUint64(slices.Clone(p.md5), serial))
		return `"` + hex.EncodeToString(sum[:]) + `"`
	}
	return `"` + hex.EncodeToString(p.md5) + `"`
}

// store makes o the newest version of its key, if the conditions in h (nil: none) hold at that moment.
func (s *Server) store(o *object, h http.Header) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucketLocked(o.bucket)
	if err != nil {
		return err
	}
	if err := s.checkWriteLocked(o.bucket, o.key, h); err != nil {
		return err
	}
	b.putLocked(o, s.nextSerialLocked())
	return nil
}

func (b *bucket) putLocked(o *object, serial uint64) {
	if !b.versioned {
		o.version = "null"
		b.objects[o.key] = []*object{o}
		return
	}
	o.version = fmt.Sprintf("v%08d.fakeVersion_", serial)
	b.objects[o.key] = append(b.objects[o.key], o)
}

func (s *Server) bucketLocked(name string) (*bucket, error) {
	b := s.buckets[name]
	if b == nil {
		return nil, fail("NoSuchBucket", "The specified bucket does not exist", "BucketName", name)
	}
	return b, nil
}

// findLocked finds a version of an object, the newest if version is empty.
func (s *Server) findLocked(bucketName, key, version string) (*object, error) {
	b, err := s.bucketLocked(bucketName)
	if err != nil {
		return nil, err
	}
	versions := b.objects[key]
	if version == "" {
		if len(versions) == 0 {
			return nil, noSuchKey(key)
		}
		o := versions[len(versions)-1]
		if o.marker {
			return nil, noSuchKey(key).with("X-Amz-Delete-Marker", "true").with("X-Amz-Version-Id", o.version)
		}
		return o, nil
	}
	i := slices.IndexFunc(versions, func(o *object) bool { return o.version == version })
	if i < 0 {
		return nil, fail("NoSuchVersion", "The specified version does not exist.", "Key", key, "VersionId", version)
	}
	if o := versions[i]; !o.marker {
		return o, nil
	}
	return nil, fail("MethodNotAllowed", "The specified method is not allowed against this resource.").
		with("X-Amz-Delete-Marker", "true").with("X-Amz-Version-Id", version)
}

func noSuchKey(key string) *apiError {
	return fail("NoSuchKey", "The specified key does not exist.", "Key", key)
}

// setVersion puts the version on an answer if the object has one.
func (o *object) setVersion(h http.Header) {
	if o.version != "null" {
		h.Set("X-Amz-Version-Id", o.version)
	}
}
