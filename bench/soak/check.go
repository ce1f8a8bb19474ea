//go:build linux

package soak

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/haul-s3/haul/internal/testbody"
)

// What is stored is read and removed past the faults, by plain HTTP.

func objectURL(endpoint, key string) string {
	return endpoint + "/" + bucket + "/" + url.PathEscape(key)
}

func copySource(key string) string { return bucket + "/" + url.PathEscape(key) }

// read is an object as it is stored.
func (s *soak) read(key string) (b []byte, there bool, err error) {
	resp, err := s.server.http.Get(objectURL(s.server.Clean, key))
	if err != nil {
		return nil, false, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		b, err = io.ReadAll(resp.Body)
		return b, true, err
	case http.StatusNotFound:
		return nil, false, nil
	}
	return nil, false, errors.New(resp.Status)
}

// check compares a stored object with what was sent, and says how it differs.
// One that may be missing may be missing.
func (s *soak) check(key string, c content, must bool) (why string) {
	b, there, err := s.read(key)
	switch {
	case err != nil:
		return err.Error()
	case !there && must:
		return "it is not there"
	case !there:
		return ""
	}
	return c.differs(b)
}

// differs says where bytes are not those of a content.
func (c content) differs(b []byte) (why string) {
	if int64(len(b)) != c.size {
		return fmt.Sprintf("it has %d bytes", len(b))
	}
	if off, ok := testbody.Check(b, c.seed, 0); !ok {
		return fmt.Sprintf("byte %d is wrong", off)
	}
	return ""
}

// discard removes an object for good.
func (w *worker) discard(key string) {
	delete(w.objects, key)
	r, err := http.NewRequest(http.MethodDelete, objectURL(w.server.Clean, key), nil)
	if err == nil {
		var resp *http.Response
		if resp, err = w.server.http.Do(r); err == nil {
			err = resp.Body.Close()
		}
	}
	if err != nil {
		w.broken("removing key %q: %v", key, err)
	}
}
