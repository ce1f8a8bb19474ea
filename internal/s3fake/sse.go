package s3fake

import (
	"crypto/md5"
	"encoding/base64"
	"net/http"
)

// The two families of SSE-C headers: for the object of the request and for the source of a copy.
const (
	ssePrefix       = "X-Amz-Server-Side-Encryption-Customer-"
	sseSourcePrefix = "X-Amz-Copy-Source-Server-Side-Encryption-Customer-"
)

// customerKey is what remains of an SSE-C key: the MD5 in base64. Empty: the object is not encrypted with one.
type customerKey string

// parseCustomerKey reads the three SSE-C headers with that prefix; all or none must be there.
func parseCustomerKey(h http.Header, prefix string) (customerKey, error) {
	algorithm, key, sum := h.Get(prefix+"Algorithm"), h.Get(prefix+"Key"), h.Get(prefix+"Key-Md5")
	if algorithm == "" && key == "" && sum == "" {
		return "", nil
	}
	invalid := func(text string) error { return fail("InvalidArgument", text, "ArgumentName", prefix) }
	if algorithm == "" {
		return "", invalid("Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.")
	}
	if algorithm != "AES256" {
		return "", fail("InvalidEncryptionAlgorithmError", "The encryption request you specified is not valid. The valid value is AES256.")
	}
	raw, err := base64.StdEncoding.DecodeString(key)
	if err != nil || len(raw) != 32 {
		return "", invalid("The secret key was invalid for the specified algorithm.")
	}
	if sum == "" {
		return "", invalid("Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated MD5 of the secret key.")
	}
	if got := md5.Sum(raw); encode(got[:]) != sum {
		return "", invalid("The calculated MD5 hash of the key did not match the hash that was provided.")
	}
	return customerKey(sum), nil
}

// checkRead judges the key that a reader gave for an object stored with k.
func (k customerKey) checkRead(given customerKey) error {
	switch {
	case k == given:
		return nil
	case k == "":
		return fail("InvalidRequest", "The encryption parameters are not applicable to this object.")
	case given == "":
		return fail("InvalidRequest", "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.")
	}
	return fail("AccessDenied", "Access Denied")
}

// checkUpload judges the key that came with a request for a multipart upload created with k.
func (k customerKey) checkUpload(given customerKey) error {
	switch {
	case k == given:
		return nil
	case k == "":
		return fail("InvalidRequest", "The multipart upload initiate did not request encryption. Subsequent part requests must not include encryption parameters.")
	case given == "":
		return fail("InvalidRequest", "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.")
	}
	return fail("InvalidRequest", "The provided encryption parameters did not match the ones used originally.")
}

// set puts the key's echo on an answer.
func (k customerKey) set(h http.Header) {
	if k != "" {
		h.Set(ssePrefix+"Algorithm", "AES256")
		h.Set(ssePrefix+"Key-Md5", string(k))
	}
}

// checkEncryption refuses SSE-C together with another server-side encryption.
func checkEncryption(k customerKey, attributes http.Header) error {
	if k != "" && attributes.Get("X-Amz-Server-Side-Encryption") != "" {
		return fail("InvalidArgument", "Server Side Encryption with Customer provided key is incompatible with the encryption method specified")
	}
	return nil
}
