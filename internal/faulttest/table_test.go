package faulttest

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

// outcomesPath has the outcome of every cell, one a line.
const outcomesPath = "testdata/outcomes.txt"

type outcomes map[cell]string

// The columns of a line: fault, operation, then driver by driver once and for
// good; "-" where a cell doesn't exist.
func readOutcomes(t *testing.T) outcomes {
	t.Helper()
	text, err := os.ReadFile(outcomesPath)
	if err != nil && !*record {
		t.Fatal(err)
	}
	all := outcomes{}
	for _, line := range strings.Split(string(text), "\n") {
		fields := strings.Split(line, "\t")
		if len(fields) != 2+2*len(drivers) {
			continue // empty, or a comment
		}
		for i, outcome := range fields[2:] {
			if outcome != "-" {
				all[cell{drivers[i/2], fields[0], fields[1], i%2 == 1}] = outcome
			}
		}
	}
	return all
}

func writeOutcomes(t *testing.T, all outcomes) {
	t.Helper()
	var b strings.Builder
	b.WriteString("# fault, operation, then for each driver (" + strings.Join(drivers, ", ") + ") the outcome of a fault that occurs once, and of one for good.\n")
	for _, f := range faults() {
		for _, o := range operations {
			if f.on != nil && !f.on(o) {
				continue
			}
			b.WriteString(f.name + "\t" + o.name)
			for i := range 2 * len(drivers) {
				outcome, ok := all[cell{drivers[i/2], f.name, o.name, i%2 == 1}]
				if !ok {
					outcome = "-"
				}
				fmt.Fprintf(&b, "\t%s", outcome)
			}
			b.WriteString("\n")
		}
	}
	if err := os.WriteFile(outcomesPath, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
}

// update writes docs/faults.md anew.
var update = flag.Bool("update", false, "write docs/faults.md anew")

const (
	pagePath = "../../docs/faults.md"
	// neverOK are words of outcomes that no row may have.
	neverOK = "WRONG|FILES|CANCELED|LOST|NOT JOINED"
)

// TestTable holds docs/faults.md to the outcomes, which TestMatrix proves, and
// the outcomes to what may never be.
func TestTable(t *testing.T) {
	all := readOutcomes(t)
	for c, outcome := range all {
		for _, word := range strings.Split(neverOK, "|") {
			if strings.Contains(outcome, word) {
				t.Errorf("%s on %s: %q is no way to end", c, c.driver, outcome)
			}
		}
		if strings.Contains(outcome, " open") && !mayStayOpen(c.operation) {
			t.Errorf("%s on %s: %q, want nothing left on the server", c, c.driver, outcome)
		}
	}
	for _, driver := range drivers {
		for _, f := range faults() {
			for _, o := range operations {
				for _, forGood := range []bool{false, true} {
					c := cell{driver, f.name, o.name, forGood}
					if _, known := all[c]; known != f.meets(o, driver, forGood) {
						t.Errorf("%s on %s: got an outcome %t, want %t", c, driver, known, !known)
					}
				}
			}
		}
	}
	page := renderPage(all)
	if *update {
		if err := os.WriteFile(pagePath, []byte(page), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(pagePath); err != nil || string(got) != page {
		t.Errorf("%s is not what -update would write (%v)", pagePath, err)
	}
}

// mayStayOpen names the operations after which an upload can be left: one whose
// id was lost with the answer, and one that can't be aborted.
func mayStayOpen(operation string) bool {
	return operation == "CreateMultipartUpload" || operation == "AbortMultipartUpload"
}

const pageHead = `# Faults, and how transfers end

This page is generated: ` + "`go test ./internal/faulttest -run TestTable -update`" + `
writes it from ` + "`internal/faulttest/testdata/outcomes.txt`" + `, which TestMatrix of the
same package proves, cell by cell, against a strict S3 in memory. A request is
tried three times there.

How to read a cell:

- *done ×2*: the right object is there; the request was sent twice.
- *SlowDown ×3*: the transfer failed with S3's error of that code, or haul's of
  that type, after three attempts. *time-out* is an error whose Timeout method
  says so, *refused* a refused connection, *broken exchange* any other error of
  the network in a RetriesExceededError, *bad answer* an answer that breaks the
  protocol.
- *and done*: the store had done it, but nobody was told. What an error leaves
  open is whether the request was carried out.
- *1 open*: an upload is left on the server. That is so only where its id was
  lost with the answer to CreateMultipartUpload, or where S3 refuses the abort,
  which the error then tells with the id.
- *clean*: the upload had failed for another reason and was aborted. *told*: the
  error tells, beside that reason, why cleaning up failed.
- *not noticed*: S3 has no checksum of a part of an object that could be
  compared; Result.Checksum says that nothing was validated. TLS protects it.

In no cell is there a wrong byte behind a success that was validated, a file
that is left, a goroutine, a lane or a buffer that is not given back.

Listings (batch.Objects, AbandonedUploads) go by the caller's SDK client and have
no rows here. TestListings has the faults of answers and connections meet the
second page of each: the list is whole, as the SDK has tried again, or there is
an error, also where the answer is none of S3's; it is never a short list.
`

// notes stand between a driver's heading and its table.
var notes = map[string]string{"classic": `
How long an answer may take is not haul's to say here, but the SDK's HTTP client's.
A *time-out* below is that of a body that stands still (` + "`StallTimeout`" + `, which is haul's),
or comes of the ` + "`ResponseHeaderTimeout`" + ` that the tests set in that client. The SDK's
default client has none: with it, NewClassic waits for an answer that doesn't come until
the transfer's context ends. [What to set](semantics.md#retries-and-time-limits).
`}

// renderPage is docs/faults.md.
func renderPage(all outcomes) string {
	var b strings.Builder
	b.WriteString(pageHead)
	for _, driver := range drivers {
		title := map[string]string{"engine": "haul's own engine", "classic": "The plain SDK (NewClassic)"}[driver]
		fmt.Fprintf(&b, "\n## %s\n%s\n| fault | operations | once | for good |\n|---|---|---|---|\n", title, notes[driver])
		for _, f := range faults() {
			renderFault(&b, all, driver, f.name)
		}
	}
	return b.String()
}

// renderFault writes a fault's rows, one for each way to end.
func renderFault(b *strings.Builder, all outcomes, driver, fault string) {
	type end struct{ once, forGood string }
	var ends []end
	members := map[end][]string{}
	for _, o := range operations {
		once, ok := all[cell{driver, fault, o.name, false}]
		if !ok {
			continue
		}
		e := end{once, all[cell{driver, fault, o.name, true}]}
		if members[e] == nil {
			ends = append(ends, e)
		}
		members[e] = append(members[e], o.name)
	}
	for _, e := range ends {
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", fault, strings.Join(members[e], ", "), e.once, e.forGood)
	}
}
