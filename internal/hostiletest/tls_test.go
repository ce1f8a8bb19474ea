package hostiletest

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"
)

// serveTLS is a server whose certificate nobody knows.
func serveTLS(t *testing.T) *server {
	t.Helper()
	s := &server{}
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { s.requests.Add(1) }))
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	web.StartTLS()
	t.Cleanup(web.Close)
	s.url = web.URL
	return s
}
