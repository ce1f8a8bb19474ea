package s3api_test

import (
	"io"
	"net/http"
	"net/url"
	"reflect"
	"testing"

	"github.com/haul-s3/haul/internal/s3api"
)

func template() *s3api.Template {
	return &s3api.Template{
		Op: s3api.PutObject, Method: http.MethodPut,
		URL:    &url.URL{Scheme: "https", Host: "h", Path: "/b/a b", RawPath: "/b/a%20b", RawQuery: "x=1"},
		Header: http.Header{"A": {"1", "2"}}, Body: []byte("body"), Auth: s3api.AuthSigV4, SigningRegion: "r",
	}
}

func TestTemplateClone(t *testing.T) {
	original := template()
	c := original.Clone()
	if !reflect.DeepEqual(c, original) {
		t.Fatalf("got %+v, want %+v", c, original)
	}
	c.URL.RawQuery, c.URL.Host = "y=2", "other"
	c.Header["B"] = []string{"3"}
	c.Header["A"][0] = "changed"
	c.Header.Del("A")
	c.Body, c.SigningRegion = nil, "other"
	if want := template(); !reflect.DeepEqual(original, want) {
		t.Errorf("after the clone was changed: got %+v, want %+v", original, want)
	}
}

func TestTemplateCloneWithoutHeader(t *testing.T) {
	c := (&s3api.Template{URL: &url.URL{}}).Clone()
	c.Header["A"] = []string{"1"} // a nil map would panic
}

func TestResponseHTTP(t *testing.T) {
	r := (&s3api.Response{Status: 404, Header: http.Header{"A": {"1"}}, Body: []byte("body"), ContentLength: -1}).HTTP()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if r.StatusCode != 404 || r.Status != "404 Not Found" || r.Header.Get("A") != "1" || string(b) != "body" || r.ContentLength != 4 {
		t.Errorf("got %d %q, %v, %q, length %d, want the answer as it came", r.StatusCode, r.Status, r.Header, b, r.ContentLength)
	}
}

func TestOperationWrites(t *testing.T) {
	for op, want := range map[s3api.Operation]bool{
		s3api.GetObject: false, s3api.HeadObject: false, s3api.ListParts: false, s3api.GetObjectTagging: false,
		s3api.PutObject: true, s3api.DeleteObject: true, s3api.CopyObject: true, s3api.UploadPart: true, s3api.CreateMultipartUpload: true,
		s3api.CompleteMultipartUpload: true, s3api.AbortMultipartUpload: true, s3api.UploadPartCopy: true, s3api.PutObjectTagging: true,
	} {
		if got := op.Writes(); got != want {
			t.Errorf("%s: got %v, want %v", op, got, want)
		}
	}
}

func TestLimits(t *testing.T) {
	if got, want := s3api.MaxObjectSize, int64(53_687_091_200_000); got != want {
		t.Errorf("largest object: got %d bytes, want %d (48.8 TiB)", got, want)
	}
}
