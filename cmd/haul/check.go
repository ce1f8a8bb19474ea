package main

import (
	"crypto/x509"
	"fmt"
	"os"
	"strings"

	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/s3api"
)

// check judges the values of the flags in the words of the command line: the
// library would do so in the names of its fields. What a flag's own type
// refuses, a size of 0 for example, has been refused already.
func (s *settings) check() error {
	if size := int64(s.partSize); size != 0 && (size < s3api.MinPartSize || size > s3api.MaxPartSize) {
		return usagef("--part-size of %d bytes: S3 takes parts from 5MiB to 5GiB", size)
	}
	if s.concurrency < 0 {
		return usagef("--concurrency %d: want at least 1, or 0 for what goes best", s.concurrency)
	}
	if _, err := checksum.Parse(s.checksumAlgorithm); err != nil {
		return usagef("--checksum-algorithm %q: want %s", s.checksumAlgorithm, checksumNames())
	}
	return checkEndpoint(s.endpointURL)
}

// checksumNames lists the algorithms as a sentence does.
func checksumNames() string {
	var names []string
	for _, a := range checksum.Algorithms() {
		names = append(names, string(a))
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// readBundle reads a file of certificates. The SDK would not name it.
func readBundle(name string) ([]byte, error) {
	pem, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("CA bundle: %w", err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("CA bundle %s: no certificate in it: it must be a file of PEM blocks", name)
	}
	return pem, nil
}
