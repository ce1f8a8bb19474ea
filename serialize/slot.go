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
	in       any // the arguments; their key stands for all
	template *Template
	prefix   string // of the escaped path, up to the key
}

// keyOf returns the key of the operations that are sent once for each object;
// ok is false for others, and where there is none.
func keyOf(in any) (key string, ok bool) {
	if v := reflect.ValueOf(in); v.Kind() != reflect.Pointer || v.IsNil() {
		return "", false // the SDK has the better error
	}
	switch in := in.(type) {
	case *s3.PutObjectInput:
		key = aws.ToString(in.Key)
	case *s3.GetObjectInput:
		key = aws.ToString(in.Key)
	case *s3.HeadObjectInput:
		key = aws.ToString(in.Key)
	case *s3.DeleteObjectInput:
		key = aws.ToString(in.Key)
	}
	return key, key != ""
}

// alike says whether two inputs of one operation differ in nothing but their
// keys and bodies. It is asked for each object, so it looks at each field as
// cheaply as it can; what it says is what reflect.DeepEqual would.
func alike(a, b any) bool {
	x, y := reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()
	if x.Type() != y.Type() {
		return false
	}
	for i := range x.NumField() {
		f, g := x.Field(i), y.Field(i)
		fZero, gZero := f.IsZero(), g.IsZero()
		if fZero && gZero || keyOrBody(x.Type(), i) {
			continue
		}
		if fZero != gZero || !equal(f, g) {
			return false
		}
	}
	return true
}

func keyOrBody(t reflect.Type, i int) bool {
	name := t.Field(i).Name
	return name == "Key" || name == "Body"
}

func equal(f, g reflect.Value) bool {
	switch {
	case f.Kind() == reflect.String:
		return f.String() == g.String()
	case f.Kind() == reflect.Pointer && f.Elem().Kind() == reflect.String:
		return f.Elem().String() == g.Elem().String()
	}
	return reflect.DeepEqual(f.Interface(), g.Interface())
}

// forAll returns a copy of an input with the key that stands for all.
func forAll(in any) any {
	key := slotKey
	switch in := in.(type) {
	case *s3.PutObjectInput:
		c := *in
		c.Key, c.Body = &key, nil
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

// find returns the slot for an operation's arguments; ok is false if there is
// none.
func (s *slots) find(op Operation, in any) (found slot, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.list {
		if s.list[i].op != op || !alike(s.list[i].in, in) {
			continue
		}
		found = s.list[i]
		if i > 0 {
			copy(s.list[1:i+1], s.list[:i])
			s.list[0] = found
		}
		return found, true
	}
	return slot{}, false
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
	key, ok := keyOf(in)
	if !ok || s.ownCode() {
		return nil, nil
	}
	found, ok := s.slots.find(op, in)
	if !ok {
		args := forAll(in)
		t, err := s.serialize(ctx, op, args, "")
		if err != nil {
			return nil, nil // the caller's own input gives the better error
		}
		prefix, ok := strings.CutSuffix(t.URL.EscapedPath(), slotKey)
		if !ok || !strings.HasSuffix(prefix, "/") {
			return nil, nil
		}
		found = slot{op: op, in: args, template: t, prefix: prefix}
		s.slots.add(found)
	}
	return found.of(s, in, key)
}

// of is the template for one key.
func (n *slot) of(s *SDK, in any, key string) (*Template, error) {
	escaped := n.prefix + escapeKey(key)
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return nil, err
	}
	t := &struct {
		template Template
		url      url.URL
	}{*n.template, *n.template.URL}
	t.url.Path, t.url.RawPath = path, escaped
	t.template.URL = &t.url
	t.template.Reregion = s.reregion(n.op, in)
	return &t.template, nil
}

// escapeKey escapes a key as the SDK does. Most have nothing to escape.
func escapeKey(key string) string {
	for i := range len(key) {
		switch c := key[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '/', c == '-', c == '.', c == '_', c == '~':
		default:
			return httpbinding.EscapePath(key, false)
		}
	}
	return key
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
