package faulttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/s3fault"
)

// fileTransfer is a transfer that reads or writes a file.
type fileTransfer struct {
	name    string
	prepare func(s *stage) (*fileRun, error)
	options func(o *haul.Options)
	// journaled says that it may leave a journal and what that speaks of.
	journaled bool
	// rules break the transfer off while the function is true: what is walked
	// is the one that takes it up.
	rules   func(breaksOff func() bool) []*s3fault.Rule
	fetches bool // is a download
	slow    bool // takes more than a second
}

// fileRun is one run of a transfer.
type fileRun struct {
	begin func(ctx context.Context) (*haul.Future, error)
	// ended says what is wrong with the bytes after this error, where that call
	// has failed.
	ended func(err error, call string) error
}

func fileTransfers() []fileTransfer {
	return append([]fileTransfer{
		{name: "upload", prepare: upload(smallData)},
		{name: "upload-parts", prepare: upload(bigData), slow: true},
		{name: "upload-journaled", prepare: upload(bigData, journals), journaled: true, slow: true},
		{name: "upload-taken-up", prepare: upload(bigData, journals), journaled: true, rules: secondPartDenied, slow: true},
		{name: "download", prepare: download()},
		{name: "download-parts", prepare: download(), options: inPieces},
		{name: "download-journaled", prepare: download(journals), options: inPieces, journaled: true},
		{name: "download-taken-up", prepare: download(journals), options: inPieces, journaled: true, rules: restDenied, fetches: true},
	}, specialTransfers()...)
}

// journals keeps a transfer's journal in the stage's folder. One lane makes what
// is done when a transfer breaks off the same each time.
func journals(s *stage) ([]haul.TransferOption, error) {
	dir := filepath.Join(s.dir, journalsName)
	return []haul.TransferOption{haul.WithResume(dir), haul.WithConcurrency(1)}, os.MkdirAll(dir, 0o777)
}

func denied() s3fault.Fault {
	return s3fault.Fault{Name: "denied", Status: http.StatusForbidden, Code: "AccessDenied", ReadBody: true}
}

// secondPartDenied breaks an upload off behind its first part.
func secondPartDenied(breaksOff func() bool) []*s3fault.Rule {
	return []*s3fault.Rule{{If: func(c *s3fault.Call) bool { return breaksOff() && c.Op == "UploadPart" && c.Part == 2 }, F: denied()}}
}

// restDenied breaks a download off in its second piece.
func restDenied(breaksOff func() bool) []*s3fault.Rule {
	gets := func(ranged bool) func(c *s3fault.Call) bool {
		return func(c *s3fault.Call) bool { return breaksOff() && c.Op == "GetObject" && c.Start > 0 == ranged }
	}
	return []*s3fault.Rule{{If: gets(true), F: denied()}, {If: gets(false), F: s3fault.Fault{Name: "cut", CutRsp: 3 * piece / 2}}}
}

type optionsOf func(s *stage) ([]haul.TransferOption, error)

func optionsFor(s *stage, of []optionsOf) (opts []haul.TransferOption, err error) {
	if len(of) > 0 {
		return of[0](s)
	}
	return nil, nil
}

// upload sends a file.
func upload(data []byte, of ...optionsOf) func(s *stage) (*fileRun, error) {
	return func(s *stage) (*fileRun, error) {
		opts, err := optionsFor(s, of)
		if err != nil {
			return nil, err
		}
		path := filepath.Join(s.dir, "source")
		if _, err := os.Stat(path); err != nil { // a changed one would be begun afresh
			if err := os.WriteFile(path, data, 0o666); err != nil {
				return nil, err
			}
		}
		return s.sends(path, data, opts...), nil
	}
}

// sends is a run that uploads the file at path, which has these bytes.
func (s *stage) sends(path string, data []byte, opts ...haul.TransferOption) *fileRun {
	return &fileRun{
		begin: func(ctx context.Context) (*haul.Future, error) {
			in := &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("target")}
			return s.manager.Upload(ctx, haul.FromFile(path), in, opts...)
		},
		ended: func(err error, _ string) error {
			o, _ := s.fake.Object(bucket, "target")
			if bytes.Equal(o.Data, data) || err != nil && string(o.Data) == "old" {
				return nil
			}
			return errors.New("the object is not what was uploaded")
		},
	}
}

// download gets the small object over an older file.
func download(of ...optionsOf) func(s *stage) (*fileRun, error) {
	return func(s *stage) (*fileRun, error) {
		opts, err := optionsFor(s, of)
		if err != nil {
			return nil, err
		}
		path := filepath.Join(s.dir, "target")
		if err := os.WriteFile(path, []byte("old"), 0o640); err != nil {
			return nil, err
		}
		return &fileRun{begin: s.fetches(path, opts...), ended: func(err error, call string) error {
			want := smallData
			if err != nil && call != "SyncDir" { // it comes behind the rename, which can't be taken back
				want = []byte("old")
			}
			got, rerr := os.ReadFile(path)
			if rerr != nil || !bytes.Equal(got, want) {
				return fmt.Errorf("got a target of %d bytes, %v, want %d", len(got), rerr, len(want))
			}
			return nil
		}}, nil
	}
}

func (s *stage) fetches(path string, opts ...haul.TransferOption) func(ctx context.Context) (*haul.Future, error) {
	return func(ctx context.Context) (*haul.Future, error) {
		in := &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("small")}
		return s.manager.Download(ctx, in, haul.ToFile(path), opts...)
	}
}
