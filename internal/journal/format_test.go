package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/journal"
)

var testID = journal.ID{
	Kind: journal.Upload, Endpoint: "s3.example.com", Bucket: "b", Key: "dir/key \xff", Path: "/data/key \xfe",
}

var testHeader = journal.Header{
	ID: testID, Request: []byte(`{"ContentType":"text/plain"}`), Settings: "CRC64NVME", PartSize: 8 << 20, Size: 100<<20 + 1,
	UploadID: "upload-id", ModTime: -5, Device: 1 << 63, Inode: 42,
}

func testMark(i int) journal.Mark {
	return journal.Mark{Index: i, ETag: fmt.Sprintf("%q", fmt.Sprint("etag", i)), Checksum: "AAAAAAAAAAA=", CRC: uint64(i) << 50}
}

// written makes a journal with n marks and returns its bytes and its path.
func written(t testing.TB, n int) (b []byte, path string) {
	t.Helper()
	j, err := journal.Open(body.OS{}, t.TempDir(), testID)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Begin(testHeader); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := j.Mark(testMark(i), 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	b, err = os.ReadFile(j.Path())
	if err != nil {
		t.Fatal(err)
	}
	return b, j.Path()
}

func TestJournalTornAnywhere(t *testing.T) {
	const marks = 5
	whole, _ := written(t, marks)
	seen := map[int]bool{}
	for n := range len(whole) + 1 {
		c, err := journal.Load(whole[:n])
		if err != nil {
			t.Fatalf("cut at byte %d: got %v, want no error", n, err)
		}
		if c.Header == nil {
			if len(c.Marks) != 0 {
				t.Fatalf("cut at byte %d: got %d marks without a header, want none", n, len(c.Marks))
			}
			continue
		}
		if !reflect.DeepEqual(*c.Header, testHeader) {
			t.Fatalf("cut at byte %d: got header %+v, want %+v", n, *c.Header, testHeader)
		}
		for i := range len(c.Marks) {
			if c.Marks[i] != testMark(i) {
				t.Fatalf("cut at byte %d: got mark %+v, want %+v", n, c.Marks[i], testMark(i))
			}
		}
		seen[len(c.Marks)] = true
	}
	if len(seen) != marks+1 {
		t.Errorf("numbers of marks seen: got %v, want 0 to %d", seen, marks)
	}
}

func TestJournalFlippedAnywhere(t *testing.T) {
	whole, _ := written(t, 3)
	for i := range whole {
		for bit := range 8 {
			b := bytes.Clone(whole)
			b[i] ^= 1 << bit
			c, err := journal.Load(b)
			if err != nil || c.Header == nil {
				continue
			}
			if !reflect.DeepEqual(*c.Header, testHeader) {
				t.Fatalf("bit %d of byte %d: a changed header was believed: %+v", bit, i, c.Header)
			}
			for n, m := range c.Marks {
				if m != testMark(n) {
					t.Fatalf("bit %d of byte %d: a changed mark was believed: %+v", bit, i, m)
				}
			}
		}
	}
}

func TestJournalOfAnotherTransferIsNotContinued(t *testing.T) {
	older, _ := written(t, 3)
	newer, _ := written(t, 0)
	c, err := journal.Load(append(newer, older[len(newer):]...))
	if err != nil || len(c.Marks) != 0 {
		t.Errorf("marks of an older journal behind a newer header: got %d, %v, want none", len(c.Marks), err)
	}
}

// What lies in a temporary file lies there in pieces of some size.
func TestJournalWithoutPartSize(t *testing.T) {
	for temp, lost := range map[string]bool{"f.00000000": true, "": false} {
		dir := t.TempDir()
		for range 2 {
			j, err := journal.Open(body.OS{}, dir, testID)
			if err != nil {
				t.Fatal(err)
			}
			if begun := j.Lost || j.Header != nil; begun && j.Lost != lost {
				t.Errorf("temporary file %q: got header %+v, lost %t, want lost %t", temp, j.Header, j.Lost, lost)
			} else if !begun {
				if err := j.Begin(journal.Header{Size: 1000, Temp: temp}); err != nil {
					t.Fatal(err)
				}
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestJournalIsRefused(t *testing.T) {
	whole, _ := written(t, 2)
	version := bytes.Clone(whole)
	version[8] = 2
	other := testID
	for name, c := range map[string]struct {
		change func(id *journal.ID)
		data   []byte
		want   string
	}{
		"not-a-journal":    {data: []byte("hello, world, this is a text"), want: "no journal of haul"},
		"short":            {data: []byte("x"), want: "no journal of haul"},
		"another-version":  {data: version, want: "version 2"},
		"another-kind":     {func(id *journal.ID) { id.Kind = journal.Download }, whole, "another transfer"},
		"another-bucket":   {func(id *journal.ID) { id.Bucket = "c" }, whole, "another bucket"},
		"another-key":      {func(id *journal.ID) { id.Key = "c" }, whole, "another key"},
		"another-file":     {func(id *journal.ID) { id.Path = "/c" }, whole, "another file"},
		"another-object":   {func(id *journal.ID) { id.Version = "v" }, whole, "another version id"},
		"another-endpoint": {func(id *journal.ID) { id.Endpoint = "c" }, whole, "another endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			id := other
			if c.change != nil {
				c.change(&id)
			}
			dir := t.TempDir()
			path := filepath.Join(dir, journal.Name(id))
			if err := os.WriteFile(path, c.data, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := journal.Open(body.OS{}, dir, id)
			var refused *journal.RefusedError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.want) || refused.Path != path {
				t.Errorf("Open: got %v, want a refusal of %s with %q", err, path, c.want)
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, c.data) {
				t.Errorf("refused file: got %d bytes, %v, want it unchanged", len(after), err)
			}
		})
	}
}

func FuzzLoad(f *testing.F) {
	whole, _ := written(f, 3)
	f.Add(whole)
	f.Add(whole[:len(whole)-3])
	f.Add([]byte{})
	f.Add(make([]byte, 64))
	f.Add([]byte("HAULJRN\n\x01\x00\x00\x00saltsalt\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := journal.Load(b)
		if err != nil || c.Header == nil {
			if len(c.Marks) > 0 || c.Valid != 0 {
				t.Fatalf("got %d marks and %d valid bytes without a header, want none", len(c.Marks), c.Valid)
			}
			return
		}
		if c.Valid > int64(len(b)) {
			t.Fatalf("valid: got %d of %d bytes", c.Valid, len(b))
		}
		again, err := journal.Load(b[:c.Valid])
		if err != nil || !reflect.DeepEqual(again.Header, c.Header) || !maps.Equal(again.Marks, c.Marks) {
			t.Fatalf("what is valid reads as %+v, %v, want %+v", again, err, c)
		}
	})
}
