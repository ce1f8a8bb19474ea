package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"sync"
)

// signingKey signs strings with either scheme.
type signingKey interface {
	// appendSignature appends the signature of text in hex. It may be called
	// from several goroutines at once and keeps neither slice.
	appendSignature(dst, text []byte) []byte
}

// keysMax bounds each cache of keys. One key serves a region for a day, or an
// S3 Express session for its five minutes; few programs hold more at once.
const keysMax = 256

// keyCache is a bounded map of derived keys.
type keyCache[K comparable, V any] struct {
	mu   sync.RWMutex
	keys map[K]V // guarded by mu; at most keysMax
}

// get returns the key of id, if it is there.
func (c *keyCache[K, V]) get(id K) (V, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	v, ok := c.keys[id]
	return v, ok
}

// put notes a key, unless somebody else was first. When there is no room, any
// other key makes way: deriving one again takes microseconds.
func (c *keyCache[K, V]) put(id K, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil {
		c.keys = make(map[K]V)
	}
	if _, ok := c.keys[id]; ok {
		return
	}
	for old := range c.keys {
		if len(c.keys) < keysMax {
			break
		}
		delete(c.keys, old)
	}
	c.keys[id] = v
}

// keyID is what a SigV4 key depends on.
type keyID struct{ accessKeyID, secret, day, region, service string }

// hmacKey is a SigV4 key, valid for one day, region and service.
type hmacKey struct {
	scope string    // "day/region/service/aws4_request"
	macs  sync.Pool // of hash.Hash, keyed: spares the two blocks of the key
}

// keyV4 returns the key for the day (20060102).
func (s *Signer) keyV4(c Credentials, day, region, service string) *hmacKey {
	id := keyID{c.AccessKeyID, c.SecretAccessKey, day, region, service}
	key, ok := s.keys.get(id)
	if !ok {
		key = deriveV4(c.SecretAccessKey, day, region, service)
		s.keys.put(id, key)
	}
	return key
}

// deriveV4 is the chain of HMACs of the specification.
func deriveV4(secret, day, region, service string) *hmacKey {
	k := []byte("AWS4" + secret)
	for _, s := range [...]string{day, region, service, "aws4_request"} {
		mac := hmac.New(sha256.New, k)
		mac.Write([]byte(s))
		k = mac.Sum(nil)
	}
	return &hmacKey{
		scope: day + "/" + region + "/" + service + "/aws4_request",
		macs:  sync.Pool{New: func() any { return hmac.New(sha256.New, k) }},
	}
}

// appendSignature implements signingKey.
func (k *hmacKey) appendSignature(dst, text []byte) []byte {
	mac := k.macs.Get().(hash.Hash)
	mac.Reset()
	mac.Write(text)
	n := len(dst)
	dst = mac.Sum(dst)
	k.macs.Put(mac)
	sum := [sha256.Size]byte(dst[n:])
	return hex.AppendEncode(dst[:n], sum[:])
}
