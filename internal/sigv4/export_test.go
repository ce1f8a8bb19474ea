package sigv4

// KeysMax is the bound of each cache of keys.
const KeysMax = keysMax

// KeyCounts returns how many keys of either scheme s holds.
func (s *Signer) KeyCounts() (v4, v4a int) { return len(s.keys.keys), len(s.keysV4A.keys) }
