package s3fake_test

import (
	"crypto/md5"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/haul-s3/haul/internal/s3fake"
)

// customerKey is the three SSE-C headers for a key of that letter, 32 times.
func customerKey(letter string) []string {
	const prefix = "x-amz-server-side-encryption-customer-"
	key := strings.Repeat(letter, 32)
	sum := md5.Sum([]byte(key))
	return []string{prefix + "algorithm", "AES256", prefix + "key", b64([]byte(key)), prefix + "key-MD5", b64(sum[:])}
}

// TestCustomerKeyOfUpload holds that each request for an upload with SSE-C needs the same key.
func TestCustomerKeyOfUpload(t *testing.T) {
	f := start(t, s3fake.Options{MinPartSize: 1})
	right, wrong := customerKey("r"), customerKey("w")
	id, plain := f.createUpload(right...), f.createUpload()
	part := "/b/m?partNumber=1&uploadId="
	f.do("PUT", part+id, []byte("x")).want(t, "part without key", 400, "InvalidRequest")
	f.do("PUT", part+id, []byte("x"), wrong...).want(t, "part with another key", 400, "InvalidRequest")
	f.do("PUT", part+plain, []byte("x"), right...).want(t, "part with a key for a plain upload", 400, "InvalidRequest")
	list := f.putPart(id, 1, "x", right...)
	f.complete(id, list).want(t, "complete without key", 400, "InvalidRequest")
	f.complete(id, list, wrong...).want(t, "complete with another key", 400, "InvalidRequest")
	f.complete(id, list, right...).want(t, "complete", 200, "")
	f.do("HEAD", "/b/m", nil).want(t, "head without key", 400, "")
	f.do("HEAD", "/b/m", nil, wrong...).want(t, "head with another key", 403, "")
	f.do("HEAD", "/b/m", nil, right...).want(t, "head", 200, "").wantHeader(t, "head", right[4], right[5])
	f.Put("b", "plain", []byte("x"), nil)
	f.do("GET", "/b/plain", nil, right...).want(t, "key for a plain object", 400, "InvalidRequest")
}

// TestManyAtOnce has one winner among many writers which each want to be the first.
func TestManyAtOnce(t *testing.T) {
	f := start(t, s3fake.Options{MinPartSize: 1})
	var wg sync.WaitGroup
	statuses := make(chan int, 20)
	for i := range 20 {
		wg.Go(func() {
			statuses <- f.do("PUT", "/b/k", fmt.Appendf(nil, "body %d", i), "If-None-Match", "*").status
		})
	}
	wg.Wait()
	close(statuses)
	count := map[int]int{}
	for status := range statuses {
		count[status]++
	}
	if count[200] != 1 || count[412] != 19 {
		t.Errorf("statuses: got %v, want one 200 and 19 412", count)
	}
	if got := f.Count("PutObject"); got != 20 {
		t.Errorf("count: got %d, want 20", got)
	}
}
