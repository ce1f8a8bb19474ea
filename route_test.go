package haul_test

import (
	"bytes"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
)

// The tables below have every field of the SDK's inputs, with the requests that
// it is to be on, and under which name if under another. A field that a new
// release of the SDK brings is in none, and so fails the test.

const (
	object  = "PutObject CreateMultipartUpload"
	copied  = "CopyObject CreateMultipartUpload"
	ssec    = "PutObject CreateMultipartUpload UploadPart CompleteMultipartUpload ListParts HeadObject"
	given   = "PutObject CompleteMultipartUpload"
	whole   = "PutObject CreateMultipartUpload UploadPart CompleteMultipartUpload AbortMultipartUpload ListParts HeadObject"
	both    = "GetObject HeadObject"
	ssecTo  = "CopyObject CreateMultipartUpload UploadPartCopy CompleteMultipartUpload ListParts"
	refused = "refused: " // with the reason
)

var putFields = map[string]string{
	"Bucket": whole, "Key": whole, "ExpectedBucketOwner": whole, "RequestPayer": whole,
	"Body":                 refused + "the bytes are the Source",
	"ContentLength":        "", // the size of a stream
	"ContentMD5":           "PutObject",
	"WriteOffsetBytes":     "PutObject",
	"ChecksumAlgorithm":    "PutObject CreateMultipartUpload UploadPart",
	"SSECustomerAlgorithm": ssec, "SSECustomerKey": ssec, "SSECustomerKeyMD5": ssec,
	"IfMatch": given, "IfNoneMatch": given,
	"ChecksumCRC32": given, "ChecksumCRC32C": given, "ChecksumCRC64NVME": given, "ChecksumMD5": given,
	"ChecksumSHA1": given, "ChecksumSHA256": given, "ChecksumSHA512": given,
	"ChecksumXXHASH128": given, "ChecksumXXHASH3": given, "ChecksumXXHASH64": given,
	"ACL": object, "BucketKeyEnabled": object, "CacheControl": object, "ContentDisposition": object,
	"ContentEncoding": object, "ContentLanguage": object, "ContentType": object, "Expires": object,
	"GrantFullControl": object, "GrantRead": object, "GrantReadACP": object, "GrantWriteACP": object,
	"Metadata": object, "ObjectLockEventHold": object, "ObjectLockEventHoldDurationDays": object,
	"ObjectLockEventHoldDurationYears": object, "ObjectLockLegalHoldStatus": object, "ObjectLockMode": object,
	"ObjectLockRetainUntilDate": object, "SSEKMSEncryptionContext": object, "SSEKMSKeyId": object,
	"ServerSideEncryption": object, "StorageClass": object, "Tagging": object, "WebsiteRedirectLocation": object,
}

var getFields = map[string]string{
	"Bucket": both, "Key": both, "ChecksumMode": both, "ExpectedBucketOwner": both, "RequestPayer": both,
	"IfMatch": both, "IfModifiedSince": both, "IfNoneMatch": both, "IfUnmodifiedSince": both,
	"PartNumber": "GetObject", "Range": "GetObject", // a head is of the whole object
	"ResponseCacheControl": both, "ResponseContentDisposition": both, "ResponseContentEncoding": both,
	"ResponseContentLanguage": both, "ResponseContentType": both, "ResponseExpires": both,
	"SSECustomerAlgorithm": both, "SSECustomerKey": both, "SSECustomerKeyMD5": both, "VersionId": both,
}

var deleteFields = map[string]string{
	"Bucket": "DeleteObject", "Key": "DeleteObject", "BypassGovernanceRetention": "DeleteObject",
	"ExpectedBucketOwner": "DeleteObject", "IfMatch": "DeleteObject", "IfMatchLastModifiedTime": "DeleteObject",
	"IfMatchSize": "DeleteObject", "MFA": "DeleteObject", "RequestPayer": "DeleteObject", "VersionId": "DeleteObject",
}

var copyFields = map[string]string{
	"Bucket":              ssecTo + " AbortMultipartUpload PutObjectTagging",
	"Key":                 ssecTo + " AbortMultipartUpload PutObjectTagging",
	"ExpectedBucketOwner": ssecTo + " AbortMultipartUpload PutObjectTagging", // never the source's HeadObject
	"RequestPayer":        ssecTo + " AbortMultipartUpload PutObjectTagging HeadObject GetObjectTagging",
	"CopySource":          "CopyObject UploadPartCopy", // and taken apart: see TestCopySource
	"AnnotationDirective": "CopyObject",
	"MetadataDirective":   "CopyObject", "TaggingDirective": "CopyObject",
	"SSECustomerAlgorithm": ssecTo, "SSECustomerKey": ssecTo, "SSECustomerKeyMD5": ssecTo,
	"CopySourceIfMatch":              "CopyObject UploadPartCopy HeadObject.IfMatch",
	"CopySourceIfNoneMatch":          "CopyObject UploadPartCopy HeadObject.IfNoneMatch",
	"CopySourceIfModifiedSince":      "CopyObject UploadPartCopy HeadObject.IfModifiedSince",
	"CopySourceIfUnmodifiedSince":    "CopyObject UploadPartCopy HeadObject.IfUnmodifiedSince",
	"CopySourceSSECustomerAlgorithm": "CopyObject UploadPartCopy HeadObject.SSECustomerAlgorithm",
	"CopySourceSSECustomerKey":       "CopyObject UploadPartCopy HeadObject.SSECustomerKey",
	"CopySourceSSECustomerKeyMD5":    "CopyObject UploadPartCopy HeadObject.SSECustomerKeyMD5",
	"ExpectedSourceBucketOwner":      "CopyObject UploadPartCopy HeadObject.ExpectedBucketOwner GetObjectTagging.ExpectedBucketOwner",
	"IfMatch":                        "CopyObject CompleteMultipartUpload", "IfNoneMatch": "CopyObject CompleteMultipartUpload",
	"ChecksumAlgorithm": copied,
	"ACL":               copied, "BucketKeyEnabled": copied, "CacheControl": copied, "ContentDisposition": copied,
	"ContentEncoding": copied, "ContentLanguage": copied, "ContentType": copied, "Expires": copied,
	"GrantFullControl": copied, "GrantRead": copied, "GrantReadACP": copied, "GrantWriteACP": copied,
	"Metadata": copied, "ObjectLockEventHold": copied, "ObjectLockEventHoldDurationDays": copied,
	"ObjectLockEventHoldDurationYears": copied, "ObjectLockLegalHoldStatus": copied, "ObjectLockMode": copied,
	"ObjectLockRetainUntilDate": copied, "SSEKMSEncryptionContext": copied, "SSEKMSKeyId": copied,
	"ServerSideEncryption": copied, "StorageClass": copied, "Tagging": copied, "WebsiteRedirectLocation": copied,
}

// valid are values for fields that haul looks into.
var valid = map[string]string{
	"ChecksumAlgorithm": "SHA256", "ChecksumMode": "ENABLED", "Range": "bytes=1-2", "CopySource": "from/there",
	"ChecksumCRC32": "AAAAAA==", "ChecksumCRC32C": "AAAAAA==", "ChecksumCRC64NVME": "AAAAAAAAAAA=",
	"ChecksumMD5": "AAAAAAAAAAAAAAAAAAAAAA==", "ChecksumSHA1": "AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	"ChecksumSHA256": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
}

func fill(field reflect.Value, name string) {
	text := valid[name]
	if text == "" {
		text = "value of " + name
	}
	switch field.Interface().(type) {
	case *string:
		field.Set(reflect.ValueOf(&text))
	case *bool:
		field.Set(reflect.ValueOf(aws.Bool(true)))
	case *int32:
		field.Set(reflect.ValueOf(aws.Int32(77)))
	case *int64:
		field.Set(reflect.ValueOf(aws.Int64(77)))
	case *time.Time:
		field.Set(reflect.ValueOf(aws.Time(time.Unix(77, 0))))
	case map[string]string:
		field.Set(reflect.ValueOf(map[string]string{"a": "b"}))
	case io.Reader:
	default:
		if field.Kind() == reflect.String {
			field.SetString(text)
		} else if field.Type() == reflect.TypeFor[io.Reader]() {
			field.Set(reflect.ValueOf(strings.NewReader("x")))
		}
	}
}

// operations are all that a transfer may send.
var operations = []s3api.Operation{
	s3api.PutObject, s3api.GetObject, s3api.HeadObject, s3api.DeleteObject, s3api.CopyObject,
	s3api.CreateMultipartUpload, s3api.UploadPart, s3api.UploadPartCopy, s3api.CompleteMultipartUpload,
	s3api.AbortMultipartUpload, s3api.ListParts, s3api.GetObjectTagging, s3api.PutObjectTagging,
}

// places finds the requests that have a value, under the field's name or another.
func places(calls driver.Inputs, create any, name string, value any) (found []string) {
	for _, op := range operations {
		in := calls.Input(op)
		if op == s3api.CreateMultipartUpload && create != nil {
			in = create
		}
		if in == nil {
			continue
		}
		v := reflect.ValueOf(in).Elem()
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() || f.Type != reflect.TypeOf(value) || !reflect.DeepEqual(v.Field(i).Interface(), value) {
				continue
			}
			if f.Name == name {
				found = append(found, string(op))
			} else if v.Type() != reflect.TypeFor[s3.CopyObjectInput]() || f.Name == name {
				found = append(found, string(op)+"."+f.Name)
			}
		}
	}
	slices.Sort(found)
	return found
}

func testRoutes[In any](t *testing.T, table map[string]string, base func() *In, start func(*haul.Manager, *In) (*haul.Future, error)) {
	typ := reflect.TypeFor[In]()
	for i := range typ.NumField() {
		field := typ.Field(i)
		if !field.IsExported() {
			continue
		}
		t.Run(field.Name, func(t *testing.T) {
			want, known := table[field.Name]
			if !known {
				t.Fatalf("%s.%s is in no table: say which requests it belongs on", typ.Name(), field.Name)
			}
			in := base()
			fill(reflect.ValueOf(in).Elem().Field(i), field.Name)
			value := reflect.ValueOf(in).Elem().Field(i).Interface()
			d := &fakeDriver{}
			m := newManager(t, d)
			defer shutdown(t, m)
			_, err := haul.Wait(start(m, in))
			if strings.HasPrefix(want, refused) {
				if err == nil {
					t.Errorf("got success, want an error: %s", want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var create any
			if form := d.jobs[0].CopyCreate; form != nil {
				create = form(&driver.ObjectHead{})
			}
			wanted := strings.Fields(want)
			slices.Sort(wanted)
			if got := places(d.jobs[0].Calls, create, field.Name, value); !slices.Equal(got, wanted) {
				t.Errorf("requests with %s:\ngot  %q\nwant %q", field.Name, got, wanted)
			}
		})
	}
	for name := range table {
		if _, ok := typ.FieldByName(name); !ok {
			t.Errorf("%s has no field %s any more", typ.Name(), name)
		}
	}
}

func TestRoutesOfAnUpload(t *testing.T) {
	testRoutes(t, putFields, put, func(m *haul.Manager, in *s3.PutObjectInput) (*haul.Future, error) {
		return m.Upload(t.Context(), haul.FromBytes([]byte("x")), in)
	})
}

func TestRoutesOfADownload(t *testing.T) {
	testRoutes(t, getFields, get, func(m *haul.Manager, in *s3.GetObjectInput) (*haul.Future, error) {
		return m.Download(t.Context(), in, haul.ToWriter(new(bytes.Buffer)))
	})
}

func TestRoutesOfADelete(t *testing.T) {
	base := func() *s3.DeleteObjectInput {
		return &s3.DeleteObjectInput{Bucket: aws.String("bucket"), Key: aws.String("key")}
	}
	testRoutes(t, deleteFields, base, func(m *haul.Manager, in *s3.DeleteObjectInput) (*haul.Future, error) {
		return m.Delete(t.Context(), in)
	})
}

func TestRoutesOfACopy(t *testing.T) {
	base := func() *s3.CopyObjectInput {
		in := copyInput()
		in.MetadataDirective, in.TaggingDirective = types.MetadataDirectiveReplace, types.TaggingDirectiveReplace
		return in
	}
	testRoutes(t, copyFields, base, func(m *haul.Manager, in *s3.CopyObjectInput) (*haul.Future, error) {
		return m.Copy(t.Context(), in)
	})
}

func copyInput() *s3.CopyObjectInput {
	return &s3.CopyObjectInput{Bucket: aws.String("bucket"), Key: aws.String("key"), CopySource: aws.String("other/source")}
}

// job runs one transfer and returns what the driver got.
func job(t *testing.T, d *fakeDriver, f *haul.Future, err error) *driver.Job {
	t.Helper()
	if _, err := haul.Wait(f, err); err != nil {
		t.Fatal(err)
	}
	return d.jobs[len(d.jobs)-1]
}

func TestCopyInPartsKeepsWhatCopyObjectKeeps(t *testing.T) {
	head := &driver.ObjectHead{ContentType: "text/plain", CacheControl: "no-store", ContentEncoding: "gzip", ContentLanguage: "de",
		ContentDisposition: "inline", Expires: "Thu, 01 Jan 1970 00:01:17 GMT", Metadata: map[string]string{"a": "b"},
		WebsiteRedirect: "/there", Tags: []s3api.Tag{{Key: "k 1", Value: "v&"}}}
	d := &fakeDriver{}
	m := newManager(t, d)
	defer shutdown(t, m)
	in := copyInput()
	in.ContentType = aws.String("ignored, as CopyObject does")
	f, err := m.Copy(t.Context(), in)
	j := job(t, d, f, err)
	got := j.CopyCreate(head).(*s3.CreateMultipartUploadInput)
	if aws.ToString(got.ContentType) != "text/plain" || aws.ToString(got.CacheControl) != "no-store" || aws.ToString(got.ContentEncoding) != "gzip" ||
		aws.ToString(got.ContentLanguage) != "de" || aws.ToString(got.ContentDisposition) != "inline" || got.Metadata["a"] != "b" ||
		got.Expires == nil || got.Expires.Unix() != 77 || got.WebsiteRedirectLocation != nil {
		t.Errorf("Create: got %+v, want the metadata of the source", got)
	}
	if aws.ToString(got.Tagging) != "k+1=v%26" || !j.CopyTags {
		t.Errorf("tags: got %q, CopyTags %v, want those of the source", aws.ToString(got.Tagging), j.CopyTags)
	}
	head.Tags = []s3api.Tag{{Key: strings.Repeat("ü", 128), Value: strings.Repeat("ü", 256)}}
	if got := j.CopyCreate(head).(*s3.CreateMultipartUploadInput); got.Tagging != nil {
		t.Errorf("tags of more than 2 KiB: got %q, want them left to PutObjectTagging", *got.Tagging)
	}
	in.TaggingDirective = types.TaggingDirectiveReplace
	f, err = m.Copy(t.Context(), in)
	if j := job(t, d, f, err); j.CopyTags {
		t.Error("CopyTags with TaggingDirective REPLACE: got true, want false")
	}
}
