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

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/sandbox/server"
)

func TestMain(m *testing.M) {
	server.MaybeServe()
	os.Exit(m.Run())
}

// serve runs the command until use, which gets the lines it prints by name, has come back.
func serve(t *testing.T, lines int, use func(vars map[string]string), args ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, in := io.Pipe()
	cmd := command()
	cmd.SetArgs(append([]string{"serve", "--quiet"}, args...))
	cmd.SetOut(in)
	cmd.SetErr(io.Discard)
	done := make(chan error, 1)
	go func() {
		done <- cmd.ExecuteContext(ctx)
		in.Close()
	}()
	vars := map[string]string{}
	for scanner := bufio.NewScanner(out); len(vars) < lines && scanner.Scan(); {
		name, value, _ := strings.Cut(strings.TrimPrefix(scanner.Text(), "export "), "=")
		vars[name] = value
	}
	use(vars)
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestServePrintsItsVariables(t *testing.T) {
	dir := t.TempDir()
	serve(t, 8, func(got map[string]string) {
		for name, want := range map[string]string{
			"AWS_ACCESS_KEY_ID":     "me",
			"AWS_SECRET_ACCESS_KEY": server.DefaultSecretKey,
			"AWS_REGION":            server.DefaultRegion,
			"AWS_DEFAULT_REGION":    server.DefaultRegion,
			"AWS_ENDPOINT_URL":      got["AWS_ENDPOINT_URL_S3"],
			"AWS_CA_BUNDLE":         filepath.Join(dir, "tls", "ca.pem"),
			"BUCKET":                "my-bucket",
		} {
			if got[name] != want {
				t.Errorf("%s: got %q, want %q", name, got[name], want)
			}
		}
		if !strings.HasPrefix(got["AWS_ENDPOINT_URL"], "https://127.0.0.1:") {
			t.Errorf("endpoint: got %q, want https on the loopback interface", got["AWS_ENDPOINT_URL"])
		}
	}, "--dir", dir, "--tls", "--access-key", "me")
}

// TestServeMakesItsBucket puts an object in the bucket that is printed, and finds it there when the server runs again.
func TestServeMakesItsBucket(t *testing.T) {
	dir := t.TempDir()
	client := func(vars map[string]string) *s3.Client {
		return s3.New(s3.Options{BaseEndpoint: aws.String(vars["AWS_ENDPOINT_URL"]), Region: vars["AWS_REGION"], UsePathStyle: true,
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: vars["AWS_ACCESS_KEY_ID"], SecretAccessKey: vars["AWS_SECRET_ACCESS_KEY"]}, nil
			})})
	}
	serve(t, 7, func(vars map[string]string) {
		in := &s3.PutObjectInput{Bucket: aws.String(vars["BUCKET"]), Key: aws.String("k"), Body: strings.NewReader("b")}
		if _, err := client(vars).PutObject(t.Context(), in); err != nil || vars["BUCKET"] != "first-steps" {
			t.Errorf("object in the bucket %q: got %v, want it stored in first-steps", vars["BUCKET"], err)
		}
	}, "--dir", dir, "--bucket", "first-steps")
	serve(t, 7, func(vars map[string]string) {
		in := &s3.HeadObjectInput{Bucket: aws.String(vars["BUCKET"]), Key: aws.String("k")}
		if _, err := client(vars).HeadObject(t.Context(), in); err != nil {
			t.Errorf("the object in the next run: got %v, want it there", err)
		}
	}, "--dir", dir, "--bucket", "first-steps")
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
