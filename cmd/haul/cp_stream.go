package main

import (
	"fmt"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/s3api"
)

// partSizeHint chooses parts for --expected-size: that many fit into an object
// of S3. Without it the parts of a stream grow as it goes on.
func (r *route) partSizeHint(t *tools) []haul.TransferOption {
	needed := r.flags.partSizeNeeded()
	if needed <= t.app.settings.firstPartSize() {
		return nil
	}
	return []haul.TransferOption{haul.WithPartSize(needed)}
}

// partSizeNeeded is how many bytes a part must have for what is expected of
// standard input; 0 if nothing is.
func (f *copyFlags) partSizeNeeded() int64 {
	needed := int64(f.expectedSize) / s3api.MaxParts
	if int64(f.expectedSize)%s3api.MaxParts > 0 {
		needed++
	}
	return needed
}

// firstPartSize is how many bytes the first part of a stream has, if nothing is
// expected of it.
func (s *settings) firstPartSize() int64 {
	if s.partSize == 0 {
		return s3api.DefaultPartSize
	}
	return int64(s.partSize)
}

// checkMemory holds the parts of a stream that is uploaded against the memory
// for them. A part is held as a whole until it is sent, in the half of the limit
// that is for uploads.
func (r *route) checkMemory(s *settings) error {
	if !r.streamed {
		return nil
	}
	needed, first := r.flags.partSizeNeeded(), s.firstPartSize()
	if needed > s3api.MaxPartSize {
		return usagef("--expected-size %s is more than an object of S3 can have, which is %s",
			&r.flags.expectedSize, formatBytes(s3api.MaxObjectSize))
	}
	limit := int64(s.memoryLimit)
	if limit == 0 {
		limit = bufpool.DefaultLimit()
	}
	enough := fmt.Sprintf("--memory-limit %dMiB", (2*max(needed, first)+1<<20-1)>>20)
	switch {
	case needed > first && needed > limit/2:
		return usagef("--expected-size %s needs parts of %s, and half of the memory limit of %s doesn't hold one: that takes %s",
			&r.flags.expectedSize, formatBytes(needed), formatBytes(limit), enough)
	case first > limit/2:
		return usagef("half of the memory limit of %s doesn't hold one part of a stream, of %s: that takes a smaller --part-size, or %s",
			formatBytes(limit), formatBytes(first), enough)
	}
	return nil
}
