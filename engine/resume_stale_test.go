package engine_test

import (
	"os"
	"testing"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/s3api"
)

// TestUploadIDAfterAStaleUpload tells the id of the upload that is opened afresh,
// not that of the one which is aborted because the source has changed.
func TestUploadIDAfterAStaleUpload(t *testing.T) {
	w, path, journals := brokenUpload(t, content(4*s3api.MinPartSize+7))
	if err := os.WriteFile(path, content(3*s3api.MinPartSize), 0o600); err != nil {
		t.Fatal(err)
	}
	ev := &events{}
	if _, err := w.driver.Transfer(t.Context(), resumedUpload(body.OS{}, path, "k", journals), ev); err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for _, r := range w.server.Requests() {
		ids[r.Op] = r.Query.Get("uploadId")
	}
	if got, want := ev.uploadID.Load(), ids["CompleteMultipartUpload"]; got != want || ids["AbortMultipartUpload"] == want {
		t.Errorf("told upload %v, want %s, which was completed; aborted: %s", got, want, ids["AbortMultipartUpload"])
	}
}
