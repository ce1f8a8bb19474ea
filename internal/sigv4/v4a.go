package sigv4

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
)

// keyIDV4A is what a SigV4a key depends on: neither day, region nor service.
type keyIDV4A struct{ accessKeyID, secret string }

// ecdsaKey is a SigV4a key.
type ecdsaKey struct{ private *ecdsa.PrivateKey }

// keyV4A returns the key of the credentials.
func (s *Signer) keyV4A(c Credentials) (*ecdsaKey, error) {
	id := keyIDV4A{c.AccessKeyID, c.SecretAccessKey}
	if key, ok := s.keysV4A.get(id); ok {
		return key, nil
	}
	private, err := deriveV4A(c.AccessKeyID, c.SecretAccessKey)
	if err != nil {
		return nil, err
	}
	key := &ecdsaKey{private}
	s.keysV4A.put(id, key)
	return key, nil
}

// deriveV4A makes an ECDSA key of a key pair. Candidates come from the counter
// mode of NIST SP 800-108 over HMAC-SHA256; the first below n-1, where n is the
// order of P-256, is taken and raised by one (FIPS 186-4, B.4.2).
func deriveV4A(accessKeyID, secret string) (*ecdsa.PrivateKey, error) {
	one := big.NewInt(1)
	limit := new(big.Int).Sub(elliptic.P256().Params().N, big.NewInt(2)).FillBytes(make([]byte, 32))
	for counter := byte(1); counter < 255; counter++ {
		candidate := candidateV4A(accessKeyID, secret, counter)
		if bytes.Compare(candidate, limit) > 0 {
			continue // one in 2^32
		}
		d := new(big.Int).SetBytes(candidate)
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), d.Add(d, one).FillBytes(candidate))
		if err != nil {
			return nil, fmt.Errorf("derive sigv4a key: %w", err)
		}
		return key, nil
	}
	return nil, errors.New("derive sigv4a key: no candidate in range")
}

// candidateV4A is the key derivation function for 256 bits, hence one block.
func candidateV4A(accessKeyID, secret string, counter byte) []byte {
	mac := hmac.New(sha256.New, []byte("AWS4A"+secret))
	in := binary.BigEndian.AppendUint32(nil, 1) // number of the block
	in = append(append(in, algorithmV4A...), 0) // label, separator
	in = append(append(in, accessKeyID...), counter)
	in = binary.BigEndian.AppendUint32(in, 256) // bits asked for
	mac.Write(in)
	return mac.Sum(nil)
}

// appendSignature implements signingKey. The signature is in DER, so its
// length varies. Without a source of randomness it is deterministic (RFC 6979):
// a request signed twice is signed the same.
func (k *ecdsaKey) appendSignature(dst, text []byte) []byte {
	digest := sha256.Sum256(text)
	der, err := k.private.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		panic("sigv4: a derived key does not sign: " + err.Error())
	}
	return hex.AppendEncode(dst, der)
}
