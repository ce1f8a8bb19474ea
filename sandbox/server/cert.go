package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// certificateLife is long enough for a development server and short enough to be no risk when the file is forgotten.
const certificateLife = 365 * 24 * time.Hour

// certFiles are the paths of a server's certificate in PEM.
type certFiles struct{ ca, cert, key string }

func certificateFiles(dir string) certFiles {
	return certFiles{ca: filepath.Join(dir, "ca.pem"), cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
}

// writeCertificates makes an authority and a certificate for this machine's loopback names, signed by it, and writes
// both and the certificate's key to dir. The authority's key is forgotten: nothing else can be signed with it.
func writeCertificates(dir string) (certFiles, error) {
	files := certificateFiles(dir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return files, err
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return files, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return files, err
	}
	caTemplate, template := certificateTemplates(time.Now())
	ca, err := x509.CreateCertificate(rand.Reader, caTemplate, caTemplate, &caKey.PublicKey, caKey)
	if err != nil {
		return files, err
	}
	parent, err := x509.ParseCertificate(ca) // with the key id that the certificate refers to
	if err != nil {
		return files, err
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, caKey)
	if err != nil {
		return files, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return files, err
	}
	return files, writePEMs(map[string]pem.Block{
		files.ca:   {Type: "CERTIFICATE", Bytes: ca},
		files.cert: {Type: "CERTIFICATE", Bytes: cert},
		files.key:  {Type: "PRIVATE KEY", Bytes: keyDER},
	})
}

// certificateTemplates has what strict verifiers ask for: key usages, basic constraints and names as alternatives.
func certificateTemplates(now time.Time) (ca, leaf *x509.Certificate) {
	from, to := now.Add(-time.Hour), now.Add(certificateLife)
	ca = &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "haul sandbox authority"},
		NotBefore: from, NotAfter: to,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	leaf = &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano() + 1), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: from, NotAfter: to, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	return ca, leaf
}

func writePEMs(blocks map[string]pem.Block) error {
	for path, block := range blocks {
		if err := os.WriteFile(path, pem.EncodeToMemory(&block), 0o600); err != nil {
			return err
		}
	}
	return nil
}
