package managertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// skip is one reason to leave tests out.
type skip struct {
	server string
	reason string
	tests  []string
}

// skips is the only place where a test may be left out for a server, other than
// for its time. Run prints what was left out.
var skips = []skip{
	{server: "versitygw", reason: "stands between client and server, or holds answers back, as only the fake allows", tests: []string{
		"hooks-of-a-failure", "hooks-of-a-cancelled-transfer", "hooks-of-a-transfer-that-never-started", "progress-over-retries",
		"goexit-in-on-progress", "outcome-before-the-end", "cancel-is-true-once", "cancel-at-each-request", "cancel-by-context",
		"shutdown-with-an-ended-context", "shutdown-now", "run", "queue-full", "huge-does-not-starve-small", "memory-limit",
		"input-of-upload", "input-of-download", "input-of-copy", "input-of-delete",
		"nth-request-answered-500", "nth-request-answered-403", "nth-request-reset", "nth-request-loses-its-answer",
		"fault-01-shutdown-with-cancel-raises", "fault-09-interrupted-shutdown-is-swallowed", "fault-12-cancel-before-the-start-deadlocks",
		"fault-13-waiting-stops-at-the-first-failure", "fault-15-abort-lacks-payer-and-owner", "fault-18-stream-ends-at-part-10000",
		"fault-19-broken-answer-is-not-retried", "fault-20-stream-is-read-out-of-order", "fault-21-error-in-a-200-is-success",
		"row-4.01-copy", "row-4.03-options-are-honoured-or-refused", "row-4.08-error-of-a-cancel", "row-4.11-admission", "row-4.12-progress",
		"row-4.21-object-changes", "row-4.22-content-range", "row-4.23-retries", "row-4.24-memory-limit", "row-4.31-shutdown",
		"row-4.32-one-at-a-time", "row-4.33-streams",
	}},
	{server: "versitygw", reason: "is about requests that are, or aren't, sent, and only the fake keeps a record of them", tests: []string{
		"bad-input", "bad-options", "bad-sinks", "bad-engine-options", "bad-endpoint",
		"stream-of-one-request", "fault-16-owner-of-the-target-on-the-source", "row-4.05-no-head-before-a-download",
	}},
	{server: "versitygw", reason: "is about a store without checksums, which the fake plays, whatever the server", tests: []string{
		"etags-without-checksums", "etags-that-are-no-md5", "damage-found-by-etag",
	}},
	{server: "versitygw", reason: "needs TLS, and the suite's TLS server stands before the fake", tests: []string{
		"tls-trailer", "tls-trust", "sign-payload",
	}},
	{server: "versitygw", reason: "needs another region, S3 Express, an access point or a public bucket, which the fake plays", tests: []string{
		"row-4.09-everything-from-the-client", "row-4.27-anonymous", "row-4.28-s3-express", "row-4.29-multi-region-access-point",
	}},
	{server: "versitygw", reason: "the server folds // and a leading / of a key", tests: []string{"unusual-keys"}},
	{server: "versitygw", reason: "the server may break off a request that it refuses, before its answer can be read", tests: []string{"damage-on-the-way-up"}},
	{server: "versitygw", reason: "the server ignores SSE-C", tests: []string{"sse-c", "sse-c-copy"}},
}

// skipped says whether a test is left out on a server, and why.
func skipped(test, server string) (reason string, ok bool) {
	for _, s := range skips {
		if s.server == server && slices.Contains(s.tests, test) {
			return s.reason, true
		}
	}
	return "", false
}

// printSkips logs which tests of the suite are left out on a server, and why.
func printSkips(t *testing.T, server string) {
	var table strings.Builder
	for _, s := range skips {
		if s.server == server {
			fmt.Fprintf(&table, "\n%s:\n\t%s", s.reason, strings.Join(s.tests, "\n\t"))
		}
	}
	if table.Len() > 0 {
		t.Logf("left out on %s:%s", server, table.String())
	}
}
