package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/haul-s3/haul/sandbox/server"
)

func TestMain(m *testing.M) {
	server.MaybeServe()
	os.Exit(m.Run())
}

func TestServePrintsItsVariables(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	dir := t.TempDir()
	out, in := io.Pipe()
	cmd := command()
	cmd.SetArgs([]string{"serve", "--dir", dir, "--tls", "--quiet", "--access-key", "me"})
	cmd.SetOut(in)
	cmd.SetErr(io.Discard)
	done := make(chan error, 1)
	go func() {
		done <- cmd.ExecuteContext(ctx)
		in.Close()
	}()
	got := map[string]string{}
	for lines := bufio.NewScanner(out); len(got) < 7 && lines.Scan(); {
		name, value, _ := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "=")
		got[name] = value
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"AWS_ACCESS_KEY_ID":     "me",
		"AWS_SECRET_ACCESS_KEY": server.DefaultSecretKey,
		"AWS_REGION":            server.DefaultRegion,
		"AWS_DEFAULT_REGION":    server.DefaultRegion,
		"AWS_ENDPOINT_URL":      got["AWS_ENDPOINT_URL_S3"],
		"AWS_CA_BUNDLE":         filepath.Join(dir, "tls", "ca.pem"),
	} {
		if got[name] != want {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
	if !strings.HasPrefix(got["AWS_ENDPOINT_URL"], "https://127.0.0.1:") {
		t.Errorf("endpoint: got %q, want https on the loopback interface", got["AWS_ENDPOINT_URL"])
	}
}

func TestServeNeedsADirectory(t *testing.T) {
	cmd := command()
	cmd.SetArgs([]string{"serve"})
	if err := cmd.Execute(); err == nil || !strings.Contains(err.Error(), `"dir"`) {
		t.Errorf("serve without --dir: got error %v, want one that names dir", err)
	}
}

func TestShellQuote(t *testing.T) {
	for _, s := range []string{"", "plain", "https://127.0.0.1:80", "a b", "it's", `$HOME "x" \`, "a\nb"} {
		got, err := exec.Command("sh", "-c", "printf %s "+shellQuote(s)).Output()
		if err != nil {
			t.Skip("no POSIX shell:", err)
		}
		if string(got) != s {
			t.Errorf("%q quoted as %s: got %q back", s, shellQuote(s), got)
		}
	}
}
