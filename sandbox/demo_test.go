package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
)

func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a server and moves a file")
	}
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	for _, size := range []string{"0", "20MiB"} {
		var out bytes.Buffer
		cmd := command()
		cmd.SetArgs([]string{"demo", "--size", size})
		cmd.SetOut(&out)
		if err := cmd.Execute(); err != nil {
			t.Fatalf("size %s: %v\n%s", size, err, &out)
		}
		for _, want := range []string{"The file came back the same.", "throughput", "CPU of this process", "peak memory", "requests"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("size %s: got the output below, want %q in it\n%s", size, want, &out)
			}
		}
		if left, _ := os.ReadDir(temp); len(left) > 0 {
			t.Errorf("size %s: got %v left behind, want nothing", size, left)
		}
	}
}

func TestDemoKeepsNothingWhenItIsCancelled(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out bytes.Buffer
	cmd := command()
	cmd.SetArgs([]string{"demo", "--size", "1MiB"})
	cmd.SetOut(&out)
	if err := cmd.ExecuteContext(ctx); err == nil {
		t.Errorf("cancelled demonstration: got no error, want one\n%s", &out)
	}
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("cancelled demonstration: got %v left behind, want nothing", left)
	}
}

// TestProofFails shows that the proof is one.
func TestProofFails(t *testing.T) {
	sent := digests{sha256: "a", crc64nvme: "b"}
	if err := (&demo{out: new(bytes.Buffer)}).proof(sent, digests{sha256: "a", crc64nvme: "c"}); err == nil {
		t.Error("files that differ: got no error, want one")
	}
}
