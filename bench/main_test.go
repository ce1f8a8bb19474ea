//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/haul-s3/haul/bench/compare"
	"github.com/haul-s3/haul/bench/load"
	"github.com/haul-s3/haul/bench/nulls3"
)

func TestMain(m *testing.M) {
	if compare.IsChild() {
		main()
	}
	nulls3.MaybeServe()
	load.MaybeRun()
	os.Exit(m.Run())
}

// suite runs the suite's command line in a folder of its own, against a server
// that checks, and returns the exit code and the lines.
func suite(t *testing.T, workload string, args ...string) (code int, out string) {
	t.Helper()
	s, err := nulls3.Listen(nulls3.Config{Check: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	t.Chdir(t.TempDir())
	t.Setenv("AWS_ENDPOINT_URL", s.Endpoints()[0])
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_CONFIG_FILE", "none")
	if err := os.WriteFile("w.run.json", []byte(workload), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("up-12", make([]byte, 12), 0o600); err != nil {
		t.Fatal(err)
	}
	old := os.Stdout
	defer func() { os.Stdout = old }()
	f, err := os.Create("out")
	if err != nil {
		t.Fatal(err)
	}
	os.Stdout = f
	code = execute(t.Context(), append([]string{"run"}, args...))
	f.Close()
	text, err := os.ReadFile("out")
	if err != nil {
		t.Fatal(err)
	}
	return code, string(text)
}

// TestSuite holds the runner to the suite's contract: lines and exit codes.
func TestSuite(t *testing.T) {
	const download = `{"version":2,"filesOnDisk":%t,"maxRepeatCount":2,"tasks":[
		{"action":"download","key":"download/64KiB-2x/1","size":65536},{"action":"download","key":"download/64KiB-2x/2","size":%d}]}`
	usual := []string{"haul", "w.run.json", "b", "us-east-1", "10"}
	with := func(i int, s string) []string {
		args := append([]string{}, usual...)
		args[i] = s
		return args
	}
	for name, c := range map[string]struct {
		workload string
		args     []string
		code     int
	}{
		"memory":          {fmt.Sprintf(download, false, 65536), usual, 0},
		"files":           {fmt.Sprintf(download, true, 65536), usual, 0},
		"classic":         {fmt.Sprintf(download, false, 65536), with(0, "haul-classic"), 0},
		"wrong size":      {fmt.Sprintf(download, false, 65537), usual, 1},
		"wrong content":   {`{"version":2,"filesOnDisk":true,"tasks":[{"action":"upload","key":"up-12","size":12}]}`, usual, 1},
		"other version":   {`{"version":1,"tasks":[]}`, usual, 123},
		"other client":    {fmt.Sprintf(download, false, 65536), with(0, "crt-c"), 123},
		"network cards":   {fmt.Sprintf(download, false, 65536), append(append([]string{}, usual...), "--nic", "a,b"), 123},
		"no such file":    {"", with(1, "other.run.json"), 1},
		"no target":       {fmt.Sprintf(download, false, 65536), with(4, "0"), 1},
		"few arguments":   {"", usual[:3], 1},
		"telemetry is ok": {fmt.Sprintf(download, false, 65536), append(append([]string{}, usual...), "--telemetry"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			code, out := suite(t, c.workload, c.args...)
			if code != c.code {
				t.Fatalf("exit code: got %d, want %d; output %s", code, c.code, out)
			}
			const number = `\d+\.\d+`
			lines := regexp.MustCompile(`^Run:1 Secs:` + number + ` Gb/s:` + number + `\nRun:2 .*\n` +
				`Overall Throughput \(Gb/s\) Median:` + number + ` Mean:` + number + ` Min:` + number + ` Max:` + number + ` Variance:` + number + ` StdDev:` + number + `\n` +
				`Overall Duration \(Secs\) Median:.*\nPeak RSS:` + number + ` MiB\n$`)
			if code == 0 && !lines.MatchString(out) {
				t.Errorf("got lines\n%s, want them like %s", out, lines)
			}
		})
	}
}

// TestCompare compares clients on very little.
func TestCompare(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a dozen processes")
	}
	page := filepath.Join(t.TempDir(), "page.md")
	args := []string{
		"compare", "--peer", "floor,haul,minio-go", "--transport", "plain", "--rounds", "1", "--size", "17MiB", "--objects", "20",
		"--workload", "large-down,small-up", "--medium", "memory", "--out", page, "--dir", t.TempDir(), "--concurrency", "2",
	}
	if code := execute(t.Context(), args); code != 0 {
		t.Fatalf("exit code: got %d, want 0", code)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Loopback figures", "### large-down, memory, plain", "### small-up, memory, plain", "| haul ", "| minio-go ", "processors"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page has no %q:\n%s", want, text)
		}
	}
	for _, bad := range [][]string{{"--workload", "sideways"}, {"--peer", "nobody"}, {"--rounds", "0"}, {"--size", "1MiB"}, {"--size", "two"}} {
		if code := execute(t.Context(), append([]string{"compare"}, bad...)); code != 1 {
			t.Errorf("%v: exit code %d, want 1", bad, code)
		}
	}
}

// TestScale writes the section of very little of everything.
func TestScale(t *testing.T) {
	if testing.Short() {
		t.Skip("starts dozens of processes")
	}
	path := filepath.Join(t.TempDir(), "page.md")
	args := []string{"scale", "--quick", "--rounds", "1", "--table", "sizes,objects,threads", "--dir", t.TempDir(), "--out", path}
	if code := execute(t.Context(), args); code != 0 {
		t.Fatalf("exit code: got %d, want 0", code)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"## Scaling", "### sizes", "| 64 MiB ", "### objects", "| 1000 ", "### threads"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page has no %q:\n%s", want, text)
		}
	}
	for _, bad := range [][]string{{"scale", "--table", "width"}, {"scale", "--rounds", "0"}, {"links", "--link", "moon"}, {"links", "--rounds", "0"}} {
		if code := execute(t.Context(), bad); code != 1 {
			t.Errorf("%v: exit code %d, want 1", bad, code)
		}
	}
}

// TestLinks looks at one link.
func TestLinks(t *testing.T) {
	if testing.Short() {
		t.Skip("goes on for 15 seconds")
	}
	path := filepath.Join(t.TempDir(), "page.md")
	if code := execute(t.Context(), []string{"links", "--quick", "--rounds", "1", "--link", "server-small-down", "--out", path}); code != 0 {
		t.Fatalf("exit code: got %d, want 0", code)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), "## Links") || !strings.Contains(string(text), "by itself, seconds 5 to 10") {
		t.Errorf("got %v and\n%s, want the section", err, text)
	}
}
