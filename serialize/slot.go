package serialize

import (
	"context"
	"net/url"
	"reflect"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/encoding/httpbinding"

	"github.com/haul-s3/haul/internal/s3api"
)

// Requests that differ only in their key differ only in their path. So where
// many objects are moved with the same arguments, the SDK forms one request,
// for a key that stands for all, and each object's own key is put into its
// path, escaped as the SDK escapes it. This holds for a client's own endpoint
// rules; where the user's API options or interceptors are at work, which may
// look at the key, every request is formed by the SDK.

// slotKey is the key that stands for all.
const slotKey = "haul-key-slot"

// slotsMax is how many sets of arguments are remembered.
const slotsMax = 4

// slots remembers templates by operation and arguments.
type slots struct {
	once sync.Once
	off  bool // the user's own code is at work; set by once

	mu   sync.Mutex
	list []slot // the last used first; guarded by mu
}

// slot is a template for every key.
type slot struct {
	op       Operation
	in       any // the arguments, without a key
	template *Template
	prefix   string // of the escaped path, up to the key
}

// keyless returns a copy of an input without its key, and the key. Operations
// that are sent once for each object have one; ok is false for others.
func keyless(in any) (args any, key string, ok bool) {
	if v := reflect.ValueOf(in); v.Kind() != reflect.Pointer || v.IsNil() {
		return nil, "", false // the SDK has the better error
	}
	switch in := in.(type) {
	case *s3.PutObjectInput:
		c := *in
		c.Key, c.Body, key = nil, nil, aws.ToString(in.Key)
		args = &c
	case *s3.GetObjectInput:
		c := *in
		c.Key, key = nil, aws.ToString(in.Key)
		args = &c
	case *s3.HeadObjectInput:
		c := *in
		c.Key, key = nil, aws.ToString(in.Key)
		args = &c
	case *s3.DeleteObjectInput:
		c := *in
		c.Key, key = nil, aws.ToString(in.Key)
		args = &c
	}
	return args, key, key != ""
}

// withKey returns a copy of an input with another key.
func withKey(args any, key string) any {
	switch in := args.(type) {
	case *s3.PutObjectInput:
		c := *in
		c.Key = &key
		return &c
	case *s3.GetObjectInput:
		c := *in
		c.Key = &key
		return &c
	case *s3.HeadObjectInput:
		c := *in
		c.Key = &key
		return &c
	case *s3.DeleteObjectInput:
		c := *in
		c.Key = &key
		return &c
	}
	return nil
}

// find returns the slot for an operation's arguments, nil if there is none.
func (s *slots) find(op Operation, args any) *slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.list {
		if s.list[i].op == op && reflect.DeepEqual(s.list[i].in, args) {
			found := s.list[i]
			copy(s.list[1:i+1], s.list[:i])
			s.list[0] = found
			return &found
		}
	}
	return nil
}

// add remembers a slot, in place of the one that was used longest ago.
func (s *slots) add(n slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append([]slot{n}, s.list[:min(len(s.list), slotsMax-1)]...)
}

// bySlot forms a request from a slot, made where there is none yet. It returns
// nil for what can't be formed so.
func (s *SDK) bySlot(ctx context.Context, op Operation, in any) (*Template, error) {
	args, key, ok := keyless(in)
	if !ok || s.ownCode() {
		return nil, nil
	}
	found := s.slots.find(op, args)
	if found == nil {
		t, err := s.serialize(ctx, op, withKey(args, slotKey), "")
		if err != nil {
			return nil, nil // the caller's own input gives the better error
		}
		prefix, ok := strings.CutSuffix(t.URL.EscapedPath(), slotKey)
		if !ok || !strings.HasSuffix(prefix, "/") {
			return nil, nil
		}
		found = &slot{op: op, in: args, template: t, prefix: prefix}
		s.slots.add(*found)
	}
	return found.of(s, in, key)
}

// of is the template for one key.
func (n *slot) of(s *SDK, in any, key string) (*Template, error) {
	escaped := n.prefix + httpbinding.EscapePath(key, false)
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return nil, err
	}
	t := *n.template
	u := *t.URL
	u.Path, u.RawPath = path, escaped
	t.URL = &u
	t.Reregion = s.reregion(n.op, in)
	return &t, nil
}

// ownCode says whether API options or interceptors of the user's are at work.
func (s *SDK) ownCode() bool {
	s.slots.once.Do(func() {
		o := s.Options()
		s.slots.off = len(o.APIOptions) > 0 || interceptors(o) != interceptors(s3.New(s3.Options{}).Options())
	})
	return s.slots.off
}

// interceptors counts those of a client.
func interceptors(o s3.Options) (n int) {
	registry := reflect.ValueOf(o.Interceptors)
	for i := range registry.NumField() {
		if f := registry.Field(i); f.Kind() == reflect.Slice {
			n += f.Len()
		}
	}
	return n
}

// reregion forms the same request for another region.
func (s *SDK) reregion(op Operation, in any) func(context.Context, string) (*s3api.Template, error) {
	return func(ctx context.Context, region string) (*Template, error) {
		if !regionName.MatchString(region) {
			return nil, badRegionError(region)
		}
		return s.serialize(ctx, op, in, region)
	}
}
