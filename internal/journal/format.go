package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// A journal is a preamble and records:
//
//	preamble  magic (8 bytes), format version (uint32), salt (8 bytes)
//	record    length of the payload (uint32), CRC32C (uint32), payload
//	payload   type (one byte), fields
//
// Numbers are little-endian, or unsigned varints within fields; a text is its
// length and its bytes. The CRC is over salt, length and payload: records of an
// older journal in the same file, which a loss of power may bring back, have
// another salt. The first record is the header, all others are marks.

const (
	magic         = "HAULJRN\n"
	formatVersion = 1
	preambleBytes = len(magic) + 4 + len(salt{})
	recordHead    = 8
	maxRecord     = 1 << 20

	headerRecord = 1
	markRecord   = 2
)

type salt [8]byte

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Header is what is known when the journal begins. Sizes are in bytes.
type Header struct {
	ID
	// Request is the caller's request, in a form of the caller's, without keys.
	Request []byte
	// Settings says, in words, how the transfer was set up otherwise.
	Settings string
	PartSize int64
	Size     int64 // of the source or the object

	UploadID string // "" if no upload was opened
	ModTime  int64  // of the source, Unix time in nanoseconds
	Device   uint64 // of the source, 0 if not known
	Inode    uint64 // of the source, 0 if not known

	ETag          string // of the object to download
	ObjectVersion string // of the object to download, "" if it has none
	Temp          string // the target's temporary file, without its folder
}

// pieces is how many marks there can be.
func (h *Header) pieces() int64 {
	if h.PartSize <= 0 {
		return 0
	}
	n := h.Size / h.PartSize
	if h.Size%h.PartSize != 0 {
		n++
	}
	return n
}

// Mark says that a piece is done.
type Mark struct {
	Index    int    // from 0
	ETag     string // of a part
	Checksum string // of a part, base64, or ""
	CRC      uint64 // CRC64NVME of a piece
}

// Contents is what a journal says.
type Contents struct {
	Header *Header // nil if not even that could be read
	Marks  map[int]Mark
	Valid  int64 // length in bytes of what could be read
	salt   salt
}

// formatError says that bytes are no journal that can be read.
type formatError struct{ why string }

func (e *formatError) Error() string { return e.why }

// Load reads a journal. What follows the first record that is not whole is left
// out. An error means that b is not a journal, or one of another version.
func Load(b []byte) (Contents, error) {
	if len(bytes.Trim(b, "\x00")) == 0 {
		return Contents{}, nil // never written: a loss of power can leave zeros
	}
	if n := min(len(b), len(magic)); string(b[:n]) != magic[:n] {
		return Contents{}, &formatError{"it is no journal of haul"}
	}
	if len(b) < preambleBytes {
		return Contents{}, nil
	}
	if v := binary.LittleEndian.Uint32(b[len(magic):]); v != formatVersion {
		return Contents{}, &formatError{fmt.Sprintf("its format is version %d, and this haul reads version %d", v, formatVersion)}
	}
	var c Contents
	copy(c.salt[:], b[len(magic)+4:])
	payload, size := record(b[preambleBytes:], c.salt)
	header, ok := parseHeader(payload)
	if !ok {
		return Contents{}, nil
	}
	c.Header, c.Marks, c.Valid = header, map[int]Mark{}, int64(preambleBytes+size)
	for {
		payload, size := record(b[c.Valid:], c.salt)
		m, ok := parseMark(payload)
		if !ok || int64(m.Index) >= header.pieces() {
			return c, nil
		}
		c.Marks[m.Index] = m
		c.Valid += int64(size)
	}
}

// record returns the payload of the first record of b and the record's length,
// nil if it isn't whole.
func record(b []byte, s salt) (payload []byte, size int) {
	if len(b) < recordHead {
		return nil, 0
	}
	n := binary.LittleEndian.Uint32(b)
	if n > maxRecord || int(n) > len(b)-recordHead {
		return nil, 0
	}
	payload = b[recordHead : recordHead+int(n)]
	if recordCRC(s, b[:4], payload) != binary.LittleEndian.Uint32(b[4:]) {
		return nil, 0
	}
	return payload, recordHead + int(n)
}

func recordCRC(s salt, length, payload []byte) uint32 {
	crc := crc32.Update(0, castagnoli, s[:])
	crc = crc32.Update(crc, castagnoli, length)
	return crc32.Update(crc, castagnoli, payload)
}

func appendRecord(dst []byte, s salt, payload []byte) []byte {
	length := binary.LittleEndian.AppendUint32(nil, uint32(len(payload)))
	dst = append(dst, length...)
	dst = binary.LittleEndian.AppendUint32(dst, recordCRC(s, length, payload))
	return append(dst, payload...)
}

func appendBeginning(dst []byte, s salt, h *Header) []byte {
	dst = append(dst, magic...)
	dst = binary.LittleEndian.AppendUint32(dst, formatVersion)
	dst = append(dst, s[:]...)
	p := []byte{headerRecord, byte(h.Kind)}
	for _, t := range h.texts() {
		p = appendText(p, *t)
	}
	p = appendText(p, string(h.Request))
	for _, n := range h.numbers() {
		p = binary.AppendUvarint(p, *n)
	}
	for _, n := range h.sizes() {
		p = binary.AppendUvarint(p, uint64(*n))
	}
	return appendRecord(dst, s, p)
}

// texts, numbers and sizes are a header's fields in the order of the file.
func (h *Header) texts() []*string {
	return []*string{&h.Endpoint, &h.Bucket, &h.Key, &h.Version, &h.Path, &h.Settings, &h.UploadID, &h.ETag, &h.ObjectVersion, &h.Temp}
}

func (h *Header) numbers() []*uint64 { return []*uint64{&h.Device, &h.Inode} }

func (h *Header) sizes() []*int64 { return []*int64{&h.PartSize, &h.Size, &h.ModTime} }

func parseHeader(p []byte) (*Header, bool) {
	if len(p) < 2 || p[0] != headerRecord {
		return nil, false
	}
	h := &Header{ID: ID{Kind: Kind(p[1])}}
	f := fields{b: p[2:]}
	for _, t := range h.texts() {
		*t = f.text()
	}
	if request := f.text(); request != "" {
		h.Request = []byte(request)
	}
	for _, n := range h.numbers() {
		*n = f.number()
	}
	for _, n := range h.sizes() {
		*n = int64(f.number())
	}
	cut := h.PartSize > 0 || h.PartSize == 0 && h.Temp == "" // what lies in a file lies there in pieces
	return h, f.whole() && cut && h.Size >= 0
}

func appendMark(dst []byte, s salt, m *Mark) []byte {
	p := binary.AppendUvarint([]byte{markRecord}, uint64(m.Index))
	p = binary.LittleEndian.AppendUint64(p, m.CRC)
	p = appendText(appendText(p, m.ETag), m.Checksum)
	return appendRecord(dst, s, p)
}

func parseMark(p []byte) (m Mark, ok bool) {
	if len(p) == 0 || p[0] != markRecord {
		return m, false
	}
	f := fields{b: p[1:]}
	index := f.number()
	m.Index = int(index)
	m.CRC = f.fixed()
	m.ETag, m.Checksum = f.text(), f.text()
	return m, f.whole() && m.Index >= 0 && uint64(m.Index) == index
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// fields takes a payload apart. After a fault everything is zero.
type fields struct {
	b   []byte
	bad bool
}

func (f *fields) number() uint64 {
	v, n := binary.Uvarint(f.b)
	if n <= 0 {
		f.bad, f.b = true, nil
		return 0
	}
	f.b = f.b[n:]
	return v
}

func (f *fields) fixed() uint64 {
	if len(f.b) < 8 {
		f.bad, f.b = true, nil
		return 0
	}
	v := binary.LittleEndian.Uint64(f.b)
	f.b = f.b[8:]
	return v
}

func (f *fields) text() string {
	n := f.number()
	if n > uint64(len(f.b)) {
		f.bad, f.b = true, nil
		return ""
	}
	s := string(f.b[:n])
	f.b = f.b[n:]
	return s
}

// whole says that everything was there and nothing is left.
func (f *fields) whole() bool { return !f.bad && len(f.b) == 0 }
