//go:build linux

package nulls3

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"sync"

	"github.com/haul-s3/haul/internal/checksum"
)

// uploads are the open multipart uploads: what is known of their parts.
type uploads struct {
	mu   sync.Mutex
	next int
	open map[string]map[int]part // guarded by mu, the inner maps too
}

type part struct {
	size int64
	crc  uint64 // CRC64NVME, with Check
}

func (u *uploads) create() (id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.open == nil {
		u.open = map[string]map[int]part{}
	}
	u.next++
	id = "upload-" + strconv.Itoa(u.next)
	u.open[id] = map[int]part{}
	return id
}

// put notes a part; ok is false for an upload that isn't open.
func (u *uploads) put(id string, number int, p part) (ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	parts, ok := u.open[id]
	if ok {
		parts[number] = p
	}
	return ok
}

// parts returns the parts of an open upload, a copy in the order of numbers.
// Those that are missing have no bytes.
func (u *uploads) parts(id string) (parts []part, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	known, ok := u.open[id]
	last := 0
	for n := range known {
		last = max(last, n)
	}
	parts = make([]part, last)
	for n, p := range known {
		parts[n-1] = p
	}
	return parts, ok
}

// remove forgets an upload; ok is false if there was none.
func (u *uploads) remove(id string) (ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	_, ok = u.open[id]
	delete(u.open, id)
	return ok
}

// completion is the body of CompleteMultipartUpload.
type completion struct {
	Parts []struct {
		PartNumber int
		ETag       string
	} `xml:"Part"`
}

// assemble compares what the client lists with what was put. It returns the
// object's size and CRC64NVME, or why it can't be.
func assemble(body []byte, have []part) (size int64, crc uint64, err error) {
	var listed completion
	if err := xml.Unmarshal(body, &listed); err != nil {
		return 0, 0, err
	}
	if len(listed.Parts) != len(have) {
		return 0, 0, fmt.Errorf("%d parts are listed, %d were put", len(listed.Parts), len(have))
	}
	for i, p := range listed.Parts {
		switch {
		case p.PartNumber != i+1:
			return 0, 0, fmt.Errorf("part %d is listed at place %d", p.PartNumber, i+1)
		case have[i].size == 0:
			return 0, 0, fmt.Errorf("part %d was not put", i+1)
		}
		crc = checksum.Combine(checksum.CRC64NVME, crc, have[i].crc, have[i].size)
		size += have[i].size
	}
	return size, crc, nil
}
