package main

import (
	"encoding/pem"
	"net/http/httptest"
)

// certificate is what a client must trust to trust the server.
func certificate(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}
