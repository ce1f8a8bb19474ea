package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// Kind is what the journal's transfer does.
type Kind byte

// The transfers that have journals.
const (
	Upload   Kind = 1
	Download Kind = 2
)

// String returns the kind in lower case: "upload".
func (k Kind) String() string {
	switch k {
	case Upload:
		return "upload"
	case Download:
		return "download"
	}
	return fmt.Sprintf("kind %d", byte(k))
}

// ID says which transfer a journal is of.
type ID struct {
	Kind     Kind
	Endpoint string // host of the endpoint
	Bucket   string
	Key      string
	Version  string // that a download asked for, or ""
	Path     string // of the source or target file, absolute
}

// differs says in which field id, read from a journal, is not the wanted one,
// or "". A journal in which nothing was done may have no endpoint.
func (id ID) differs(want ID) string {
	for _, f := range []struct{ name, got, want string }{
		{"transfer", id.Kind.String(), want.Kind.String()},
		{"bucket", id.Bucket, want.Bucket},
		{"key", id.Key, want.Key},
		{"file", id.Path, want.Path},
		{"version id", id.Version, want.Version},
		{"endpoint", id.Endpoint, want.Endpoint},
	} {
		if f.got != f.want && (f.name != "endpoint" || f.got != "") {
			return fmt.Sprintf("it is of another %s: %q, not %q", f.name, f.got, f.want)
		}
	}
	return ""
}

// readable is how many bytes of the key a journal's name shows.
const readable = 40

// Name is the name of the journal's file: what it is of, to read, and a hash of
// kind, bucket, key and path, to tell it from others. Endpoint and version are
// not in it: a second transfer to one file shall meet the journal of the first.
func Name(id ID) string {
	h := sha256.New()
	for _, s := range []string{id.Kind.String(), id.Bucket, id.Key, id.Path} {
		_ = binary.Write(h, binary.LittleEndian, uint64(len(s))) // a hash never fails
		_, _ = h.Write([]byte(s))
	}
	last := id.Key[strings.LastIndexByte(id.Key, '/')+1:]
	shown := strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, last[:min(len(last), readable)])
	return id.Kind.String() + "-" + shown + "-" + hex.EncodeToString(h.Sum(nil)[:16]) + ".journal"
}
