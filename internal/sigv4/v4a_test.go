package sigv4_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/haul-s3/haul/internal/sigv4"
)

// knownV4A is the one key pair whose derived public key AWS's own clients test
// against (aws-c-auth, AWS SDK for Go v2).
var knownV4A = sigv4.Credentials{AccessKeyID: "AKISORANDOMAASORANDOM", SecretAccessKey: "q+jcrXGc+0zWN6uzclKVhvMmUsIfRPa4rlRandom"}

func knownV4APublic() *ecdsa.PublicKey {
	x, _ := new(big.Int).SetString("15D242CEEBF8D8169FD6A8B5A746C41140414C3B07579038DA06AF89190FFFCB", 16)
	y, _ := new(big.Int).SetString("515242CEDD82E94799482E4C0514B505AFCCF2C0C98D6A553BF539F424C5EC0", 16)
	return &ecdsa.PublicKey{Curve: elliptic.P256(), X: x, Y: y}
}

// verifyV4A wants signature (hex) to be one of text by the known key.
func verifyV4A(t *testing.T, text, signature string) {
	t.Helper()
	der, err := hex.DecodeString(signature)
	if err != nil {
		t.Fatalf("signature %q: %v", signature, err)
	}
	digest := sha256.Sum256([]byte(text))
	if !ecdsa.VerifyASN1(knownV4APublic(), digest[:], der) {
		t.Errorf("signature %s does not verify for %q", signature, text)
	}
}

func hexSum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestSignV4A(t *testing.T) {
	c := knownV4A
	c.SessionToken = "TOKEN"
	r := &sigv4.Request{
		Method: "PUT", Host: "mfzwi23gnjvgw.accesspoint.s3-global.amazonaws.com", Path: "/a%20b", RawQuery: "x-id=PutObject&partNumber=1",
		Fields: []sigv4.Field{{Name: "User-Agent", Value: "haul"}, {Name: "Range", Value: "bytes=0-1"}}, ContentLength: 5, PayloadHash: sigv4.UnsignedPayload,
	}
	canonical := strings.Join([]string{
		"PUT", "/a%20b", "partNumber=1&x-id=PutObject",
		"content-length:5", "host:mfzwi23gnjvgw.accesspoint.s3-global.amazonaws.com", "range:bytes=0-1", "x-amz-content-sha256:UNSIGNED-PAYLOAD",
		"x-amz-date:20260203T040506Z", "x-amz-region-set:*", "x-amz-security-token:TOKEN", "",
		"content-length;host;range;x-amz-content-sha256;x-amz-date;x-amz-region-set;x-amz-security-token", "UNSIGNED-PAYLOAD"}, "\n")
	text := "AWS4-ECDSA-P256-SHA256\n20260203T040506Z\n20260203/s3/aws4_request\n" + hexSum(canonical)

	s := sigv4.New()
	for range 2 { // the second time with the key from the cache
		got, sig, err := s.Sign(nil, r, c, sigv4.V4A, "*", "s3", noon)
		if err != nil {
			t.Fatal(err)
		}
		verifyV4A(t, text, sig.Hex())
		want := []sigv4.Field{
			{Name: "X-Amz-Date", Value: "20260203T040506Z"}, {Name: "X-Amz-Content-Sha256", Value: "UNSIGNED-PAYLOAD"},
			{Name: "X-Amz-Security-Token", Value: "TOKEN"}, {Name: "X-Amz-Region-Set", Value: "*"},
			{Name: "Authorization", Value: "AWS4-ECDSA-P256-SHA256 Credential=AKISORANDOMAASORANDOM/20260203/s3/aws4_request, " +
				"SignedHeaders=content-length;host;range;x-amz-content-sha256;x-amz-date;x-amz-region-set;x-amz-security-token, Signature=" + sig.Hex()},
		}
		if !slices.Equal(got, want) {
			t.Errorf("fields:\n got %v\nwant %v", got, want)
		}
	}
}

func TestChunksV4A(t *testing.T) {
	r := exampleRequest(sigv4.StreamingSignedTrailerV4A, "x-amz-checksum-crc32c")
	chunks := [][]byte{[]byte(strings.Repeat("a", 8192)), []byte("bc")}
	_, sig, err := sigv4.New().Sign(nil, r, knownV4A, sigv4.V4A, "*", "s3", exampleTime)
	if err != nil {
		t.Fatal(err)
	}
	body := encode(sig.Chunks(), chunks, "x-amz-checksum-crc32c", "sOO8/Q==")
	if want := sigv4.EncodedLength(8194, 8192, r.PayloadHash, "x-amz-checksum-crc32c", 8); int64(len(body)) != want {
		t.Errorf("length: got %d, want %d", len(body), want)
	}

	const start = "AWS4-ECDSA-P256-SHA256-%s\n20130524T000000Z\n20130524/s3/aws4_request\n"
	previous := sig.Hex()
	for _, chunk := range append(chunks, nil) {
		var padded string
		padded, body = cutChunk(t, body, chunk)
		signature := strings.TrimRight(padded, "*")
		if len(padded) != 144 {
			t.Errorf("chunk signature: got %d characters, want 144", len(padded))
		}
		verifyV4A(t, fmt.Sprintf(start, "PAYLOAD")+previous+"\n"+sigv4.EmptySHA256+"\n"+hexSum(string(chunk)), signature)
		previous = signature
	}
	signature, ok := strings.CutPrefix(body, "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:")
	if !ok {
		t.Fatalf("trailer: got %q", body)
	}
	signature, ok = strings.CutSuffix(signature, "\r\n\r\n")
	if !ok || len(signature) != 144 {
		t.Fatalf("trailer signature: got %q, want 144 characters and two line ends", signature)
	}
	verifyV4A(t, fmt.Sprintf(start, "TRAILER")+previous+"\n"+hexSum("x-amz-checksum-crc32c:sOO8/Q==\n"), strings.TrimRight(signature, "*"))
}

// cutChunk takes one chunk off the encoded body, which must hold want, and
// returns its signature and the rest. The last, empty chunk has no line end of its own.
func cutChunk(t *testing.T, body string, want []byte) (signature, rest string) {
	t.Helper()
	line, rest, _ := strings.Cut(body, "\r\n")
	size, signature, ok := strings.Cut(line, ";chunk-signature=")
	if !ok || size != fmt.Sprintf("%x", len(want)) {
		t.Fatalf("chunk header: got %q, want size %x and a signature", line, len(want))
	}
	if len(want) > 0 {
		if rest, ok = strings.CutPrefix(rest, string(want)+"\r\n"); !ok {
			t.Fatalf("chunk of %d bytes is not in the body", len(want))
		}
	}
	return signature, rest
}
