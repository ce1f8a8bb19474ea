package managertest

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul"
)

// inputTests hold every field of the SDK's inputs against a table of the
// requests that it belongs on, which route.go of package haul describes.
var inputTests = []conformanceTest{
	{name: "input-of-upload", run: testUploadInput},
	{name: "input-of-download", run: testDownloadInput},
	{name: "input-of-copy", run: testCopyInput},
	{name: "input-of-delete", run: testDeleteInput},
	{name: "copy-keeps-tags", run: testCopyTags},
	{name: "stream-of-one-request", run: testOneRequestStream},
	{name: "stream-of-large-parts", run: testPartMemory},
	{name: "input-is-not-changed", run: testInputUnchanged},
}

// route says where a field's value has to be found. to lists the operations,
// each of whose requests carries it: in header (or the query parameter of that
// name), or where "=name" follows, there. A "?" behind the operation means that
// not every request of it does. A field that is unfit for company is alone.
type route struct {
	field  string
	header string
	to     string
	alone  bool
}

// unrouted are the fields that no table has, with the reason.
var unrouted = map[string]string{
	"Bucket":        "part of the address",
	"Key":           "part of the address",
	"Body":          "must be nil",
	"ContentLength": "the size of a stream, told as the length of what is sent",
}

const (
	everyUpload = "PutObject CreateMultipartUpload UploadPart CompleteMultipartUpload AbortMultipartUpload ListParts"
	keyedUpload = "PutObject CreateMultipartUpload UploadPart CompleteMultipartUpload ListParts"
	describing  = "PutObject CreateMultipartUpload"
	fulfilling  = "PutObject CompleteMultipartUpload"
)

var uploadRoutes = []route{
	{"ACL", "X-Amz-Acl", describing, false},
	{"BucketKeyEnabled", "X-Amz-Server-Side-Encryption-Bucket-Key-Enabled", describing, false},
	{"CacheControl", "Cache-Control", describing, false},
	{"ChecksumAlgorithm", "X-Amz-Sdk-Checksum-Algorithm", "PutObject CreateMultipartUpload=X-Amz-Checksum-Algorithm UploadPart", true},
	{"ChecksumCRC32", "X-Amz-Checksum-Crc32", fulfilling, true},
	{"ChecksumCRC32C", "X-Amz-Checksum-Crc32c", fulfilling, true},
	{"ChecksumCRC64NVME", "X-Amz-Checksum-Crc64nvme", fulfilling, true},
	{"ChecksumMD5", "X-Amz-Checksum-Md5", fulfilling, true},
	{"ChecksumSHA1", "X-Amz-Checksum-Sha1", fulfilling, true},
	{"ChecksumSHA256", "X-Amz-Checksum-Sha256", fulfilling, true},
	{"ChecksumSHA512", "X-Amz-Checksum-Sha512", fulfilling, true},
	{"ChecksumXXHASH128", "X-Amz-Checksum-Xxhash128", fulfilling, true},
	{"ChecksumXXHASH3", "X-Amz-Checksum-Xxhash3", fulfilling, true},
	{"ChecksumXXHASH64", "X-Amz-Checksum-Xxhash64", fulfilling, true},
	{"ContentDisposition", "Content-Disposition", describing, false},
	{"ContentEncoding", "Content-Encoding", describing, false},
	{"ContentLanguage", "Content-Language", describing, false},
	{"ContentMD5", "Content-Md5", "PutObject", true},
	{"ContentType", "Content-Type", describing, false},
	{"ExpectedBucketOwner", "X-Amz-Expected-Bucket-Owner", everyUpload, false},
	{"Expires", "Expires", describing, false},
	{"GrantFullControl", "X-Amz-Grant-Full-Control", describing, false},
	{"GrantRead", "X-Amz-Grant-Read", describing, false},
	{"GrantReadACP", "X-Amz-Grant-Read-Acp", describing, false},
	{"GrantWriteACP", "X-Amz-Grant-Write-Acp", describing, false},
	{"IfMatch", "If-Match", fulfilling, false},
	{"IfNoneMatch", "If-None-Match", fulfilling, false},
	{"Metadata", "X-Amz-Meta-Telling", describing, false},
	{"ObjectLockEventHold", "X-Amz-Object-Lock-Event-Hold", describing, false},
	{"ObjectLockEventHoldDurationDays", "X-Amz-Object-Lock-Event-Hold-Duration-Days", describing, false},
	{"ObjectLockEventHoldDurationYears", "X-Amz-Object-Lock-Event-Hold-Duration-Years", describing, false},
	{"ObjectLockLegalHoldStatus", "X-Amz-Object-Lock-Legal-Hold", describing, false},
	{"ObjectLockMode", "X-Amz-Object-Lock-Mode", describing, false},
	{"ObjectLockRetainUntilDate", "X-Amz-Object-Lock-Retain-Until-Date", describing, false},
	{"RequestPayer", "X-Amz-Request-Payer", everyUpload, false},
	{"SSECustomerAlgorithm", "X-Amz-Server-Side-Encryption-Customer-Algorithm", keyedUpload, false},
	{"SSECustomerKey", "X-Amz-Server-Side-Encryption-Customer-Key", keyedUpload, false},
	{"SSECustomerKeyMD5", "X-Amz-Server-Side-Encryption-Customer-Key-Md5", keyedUpload, false},
	{"SSEKMSEncryptionContext", "X-Amz-Server-Side-Encryption-Context", describing, false},
	{"SSEKMSKeyId", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", describing, false},
	{"ServerSideEncryption", "X-Amz-Server-Side-Encryption", describing, false},
	{"StorageClass", "X-Amz-Storage-Class", describing, false},
	{"Tagging", "X-Amz-Tagging", describing, false},
	{"WebsiteRedirectLocation", "X-Amz-Website-Redirect-Location", describing, false},
	{"WriteOffsetBytes", "X-Amz-Write-Offset-Bytes", "PutObject", true},
}

// The first GET is the user's own. What asks for the rest of an object is
// pinned to it, so it has a range and a condition of haul's instead.
var downloadRoutes = []route{
	{"ChecksumMode", "X-Amz-Checksum-Mode", "GetObject", false},
	{"ExpectedBucketOwner", "X-Amz-Expected-Bucket-Owner", "GetObject", false},
	{"IfMatch", "If-Match", "GetObject?", false},
	{"IfModifiedSince", "If-Modified-Since", "GetObject", false},
	{"IfNoneMatch", "If-None-Match", "GetObject", false},
	{"IfUnmodifiedSince", "If-Unmodified-Since", "GetObject", false},
	{"PartNumber", "partNumber", "GetObject?", true},
	{"Range", "Range", "GetObject?", true},
	{"RequestPayer", "X-Amz-Request-Payer", "GetObject", false},
	{"ResponseCacheControl", "response-cache-control", "GetObject", false},
	{"ResponseContentDisposition", "response-content-disposition", "GetObject", false},
	{"ResponseContentEncoding", "response-content-encoding", "GetObject", false},
	{"ResponseContentLanguage", "response-content-language", "GetObject", false},
	{"ResponseContentType", "response-content-type", "GetObject", false},
	{"ResponseExpires", "response-expires", "GetObject", false},
	{"SSECustomerAlgorithm", "X-Amz-Server-Side-Encryption-Customer-Algorithm", "GetObject", false},
	{"SSECustomerKey", "X-Amz-Server-Side-Encryption-Customer-Key", "GetObject", false},
	{"SSECustomerKeyMD5", "X-Amz-Server-Side-Encryption-Customer-Key-Md5", "GetObject", false},
	{"VersionId", "versionId", "GetObject", false},
}

const (
	everyTarget     = "CopyObject CreateMultipartUpload UploadPartCopy CompleteMultipartUpload AbortMultipartUpload ListParts PutObjectTagging"
	everyCopy       = "HeadObject GetObjectTagging " + everyTarget
	copying         = "CopyObject UploadPartCopy"
	describingCopy  = "CopyObject CreateMultipartUpload"
	fulfillingCopy  = "CopyObject CompleteMultipartUpload"
	keyedCopy       = "CopyObject CreateMultipartUpload UploadPartCopy CompleteMultipartUpload ListParts"
	ssec            = "X-Amz-Server-Side-Encryption-Customer-"
	ssecSource      = "X-Amz-Copy-Source-Server-Side-Encryption-Customer-"
	onSource        = " HeadObject=X-Amz-Expected-Bucket-Owner GetObjectTagging=X-Amz-Expected-Bucket-Owner"
	ownerOfTheWhole = "X-Amz-Expected-Bucket-Owner"
)

// Of the conditions on the source, UploadPartCopy has If-Match with the ETag
// that the HEAD, which carries the user's, has found.
var copyRoutes = []route{
	{"ACL", "X-Amz-Acl", describingCopy, false},
	{"AnnotationDirective", "X-Amz-Object-Annotation-Directive", "CopyObject", true},
	{"BucketKeyEnabled", "X-Amz-Server-Side-Encryption-Bucket-Key-Enabled", describingCopy, false},
	{"CacheControl", "Cache-Control", describingCopy, false},
	{"ChecksumAlgorithm", "X-Amz-Checksum-Algorithm", describingCopy, false},
	{"ContentDisposition", "Content-Disposition", describingCopy, false},
	{"ContentEncoding", "Content-Encoding", describingCopy, false},
	{"ContentLanguage", "Content-Language", describingCopy, false},
	{"ContentType", "Content-Type", describingCopy, false},
	{"CopySource", "X-Amz-Copy-Source", copying, false},
	{"CopySourceIfMatch", "X-Amz-Copy-Source-If-Match", "CopyObject HeadObject=If-Match", false},
	{"CopySourceIfModifiedSince", "X-Amz-Copy-Source-If-Modified-Since", copying + " HeadObject=If-Modified-Since", false},
	{"CopySourceIfNoneMatch", "X-Amz-Copy-Source-If-None-Match", copying + " HeadObject=If-None-Match", false},
	{"CopySourceIfUnmodifiedSince", "X-Amz-Copy-Source-If-Unmodified-Since", copying + " HeadObject=If-Unmodified-Since", false},
	{"CopySourceSSECustomerAlgorithm", ssecSource + "Algorithm", copying + " HeadObject=" + ssec + "Algorithm", false},
	{"CopySourceSSECustomerKey", ssecSource + "Key", copying + " HeadObject=" + ssec + "Key", false},
	{"CopySourceSSECustomerKeyMD5", ssecSource + "Key-Md5", copying + " HeadObject=" + ssec + "Key-Md5", false},
	{"ExpectedBucketOwner", ownerOfTheWhole, everyTarget, false},
	{"ExpectedSourceBucketOwner", "X-Amz-Source-Expected-Bucket-Owner", copying + onSource, false},
	{"Expires", "Expires", describingCopy, false},
	{"GrantFullControl", "X-Amz-Grant-Full-Control", describingCopy, false},
	{"GrantRead", "X-Amz-Grant-Read", describingCopy, false},
	{"GrantReadACP", "X-Amz-Grant-Read-Acp", describingCopy, false},
	{"GrantWriteACP", "X-Amz-Grant-Write-Acp", describingCopy, false},
	{"IfMatch", "If-Match", fulfillingCopy, false},
	{"IfNoneMatch", "If-None-Match", fulfillingCopy, false},
	{"Metadata", "X-Amz-Meta-Telling", describingCopy, false},
	{"MetadataDirective", "X-Amz-Metadata-Directive", "CopyObject", false},
	{"ObjectLockEventHold", "X-Amz-Object-Lock-Event-Hold", describingCopy, false},
	{"ObjectLockEventHoldDurationDays", "X-Amz-Object-Lock-Event-Hold-Duration-Days", describingCopy, false},
	{"ObjectLockEventHoldDurationYears", "X-Amz-Object-Lock-Event-Hold-Duration-Years", describingCopy, false},
	{"ObjectLockLegalHoldStatus", "X-Amz-Object-Lock-Legal-Hold", describingCopy, false},
	{"ObjectLockMode", "X-Amz-Object-Lock-Mode", describingCopy, false},
	{"ObjectLockRetainUntilDate", "X-Amz-Object-Lock-Retain-Until-Date", describingCopy, false},
	{"RequestPayer", "X-Amz-Request-Payer", everyCopy, false},
	{"SSECustomerAlgorithm", ssec + "Algorithm", keyedCopy, false},
	{"SSECustomerKey", ssec + "Key", keyedCopy, false},
	{"SSECustomerKeyMD5", ssec + "Key-Md5", keyedCopy, false},
	{"SSEKMSEncryptionContext", "X-Amz-Server-Side-Encryption-Context", describingCopy, false},
	{"SSEKMSKeyId", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", describingCopy, false},
	{"ServerSideEncryption", "X-Amz-Server-Side-Encryption", describingCopy, false},
	{"StorageClass", "X-Amz-Storage-Class", describingCopy, false},
	{"Tagging", "X-Amz-Tagging", describingCopy, true},
	{"TaggingDirective", "X-Amz-Tagging-Directive", "CopyObject", true},
	{"WebsiteRedirectLocation", "X-Amz-Website-Redirect-Location", describingCopy, false},
}

var deleteRoutes = []route{
	{"BypassGovernanceRetention", "X-Amz-Bypass-Governance-Retention", "DeleteObject", false},
	{"ExpectedBucketOwner", "X-Amz-Expected-Bucket-Owner", "DeleteObject", false},
	{"IfMatch", "If-Match", "DeleteObject", false},
	{"IfMatchLastModifiedTime", "X-Amz-If-Match-Last-Modified-Time", "DeleteObject", false},
	{"IfMatchSize", "X-Amz-If-Match-Size", "DeleteObject", false},
	{"MFA", "X-Amz-Mfa", "DeleteObject", false},
	{"RequestPayer", "X-Amz-Request-Payer", "DeleteObject", false},
	{"VersionId", "versionId", "DeleteObject", false},
}

// inputKind is one of the four operations under test.
type inputKind struct {
	routes []route
	input  func() any // a pointer to a new input with its address
	// runs are the ways to carry it, by name, and the operations of which
	// requests are expected when all fields that bear company are set.
	runs []inputRun
}

type inputRun struct {
	name  string
	ops   string
	fail  string // the operation that the server refuses, or ""
	carry func(m *haul.Manager, in any) error
}

// check carries the operation once with all fields that bear company, and once
// for each of the others.
func (k *inputKind) check(t *testing.T, w *world) {
	k.complete(t)
	var company []route
	batches := [][]route{nil}
	for _, r := range k.routes {
		if r.alone {
			batches = append(batches, []route{r})
		} else {
			company = append(company, r)
		}
	}
	batches[0] = company
	// Off, so that ChecksumMode is seen where the input asks for it and else nowhere.
	m := w.managerOf(w.client(func(o *s3.Options) {
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	}))
	for i, batch := range batches {
		for _, run := range k.runs {
			seen := k.carry(t, w, m, run, batch)
			if i == 0 {
				if got := operationsOf(seen); got != run.ops {
					t.Errorf("%s sent %s, want %s", run.name, got, run.ops)
				}
			}
			for _, r := range batch {
				expect(t, run.name, r, seen, telling(k.input(), r.field))
			}
		}
	}
}

// complete fails for a field of the SDK's input that the table doesn't have.
func (k *inputKind) complete(t *testing.T) {
	typ := reflect.TypeOf(k.input()).Elem()
	known := map[string]bool{}
	for _, r := range k.routes {
		known[r.field] = true
		if _, ok := typ.FieldByName(r.field); !ok {
			t.Errorf("%s has no field %s any more", typ, r.field)
		}
	}
	for i := range typ.NumField() {
		f := typ.Field(i)
		if f.IsExported() && !known[f.Name] && unrouted[f.Name] == "" {
			t.Errorf("%s.%s is new: say in the table where it belongs", typ, f.Name)
		}
	}
}

// carry sets the fields, carries the operation and returns its requests.
func (k *inputKind) carry(t *testing.T, w *world, m *haul.Manager, run inputRun, batch []route) []seenRequest {
	t.Helper()
	in := k.input()
	for _, r := range batch {
		setTelling(in, r.field)
	}
	// A request that a failed run gave up may arrive late, so each has its key.
	p := &pliant{fail: run.fail, target: fmt.Sprintf("%s of %s", run.name, batch[0].field)}
	reflect.ValueOf(in).Elem().FieldByName("Key").Set(reflect.ValueOf(&p.target))
	for _, r := range batch {
		p.values = append(p.values, telling(in, r.field))
	}
	w.Wrap(p.serve)
	defer w.Wrap(nil)
	if err := run.carry(m, in); (err != nil) != (run.fail != "") {
		t.Fatalf("%s with %s: %v", run.name, batch[0].field, err)
	}
	return p.requests()
}

// expect compares where a value was found with where it belongs.
func expect(t *testing.T, run string, r route, seen []seenRequest, value string) {
	t.Helper()
	total, carrying, places := map[string]int{}, map[string]int{}, map[string]map[string]bool{}
	for _, q := range seen {
		total[q.op]++
		names := q.names(value)
		if len(names) > 0 {
			carrying[q.op]++
		}
		for _, name := range names {
			if places[q.op] == nil {
				places[q.op] = map[string]bool{}
			}
			places[q.op][name] = true
		}
	}
	want := map[string]bool{}
	for _, entry := range strings.Fields(r.to) {
		op, name, other := strings.Cut(entry, "=")
		op, some := strings.CutSuffix(op, "?")
		if want[op] = true; total[op] == 0 {
			continue
		}
		if !other {
			name = r.header
		}
		switch {
		case carrying[op] == 0 || !some && carrying[op] < total[op]:
			t.Errorf("%s: %s is on %d of %d requests %s", run, r.field, carrying[op], total[op], op)
		case len(places[op]) != 1 || !places[op][name]:
			t.Errorf("%s: %s of %s is in %v, want %s", run, r.field, op, places[op], name)
		}
	}
	for op, n := range carrying {
		if !want[op] {
			t.Errorf("%s: %s is on %d requests %s (in %v), where it doesn't belong", run, r.field, n, op, places[op])
		}
	}
}

// seenRequest is a request as the server got it.
type seenRequest struct {
	op     string
	header http.Header
	query  map[string][]string
}

// names are the headers and query parameters that have that value.
func (q seenRequest) names(value string) []string {
	var names []string
	for _, fields := range []map[string][]string{q.header, q.query} {
		for name, values := range fields {
			if slices.Contains(values, value) && name != "Content-Length" {
				names = append(names, name)
			}
		}
	}
	return names
}

func operationsOf(seen []seenRequest) string {
	ops := map[string]bool{}
	for _, q := range seen {
		ops[q.op] = true
	}
	var list []string
	for op := range ops {
		list = append(list, op)
	}
	sort.Strings(list)
	return strings.Join(list, " ")
}

// setTelling gives a field its telling value.
func setTelling(in any, field string) {
	f := reflect.ValueOf(in).Elem().FieldByName(field)
	v := tellingValue(in, field)
	switch f.Interface().(type) {
	case *string:
		f.Set(reflect.ValueOf(&v))
	case *bool:
		f.Set(reflect.ValueOf(aws.Bool(true)))
	case *int32:
		f.Set(reflect.ValueOf(aws.Int32(int32(tellingNumber(in, field)))))
	case *int64:
		f.Set(reflect.ValueOf(aws.Int64(int64(tellingNumber(in, field)))))
	case *time.Time:
		f.Set(reflect.ValueOf(aws.Time(tellingTime(in, field))))
	case map[string]string:
		f.Set(reflect.ValueOf(map[string]string{"Telling": v}))
	default: // an enumeration
		f.SetString(v)
	}
	if in, ok := in.(*s3.CopyObjectInput); ok && field == "Tagging" {
		in.TaggingDirective = types.TaggingDirectiveReplace
	}
}

// tellingNumber is another number for each field.
func tellingNumber(in any, field string) int {
	f, _ := reflect.TypeOf(in).Elem().FieldByName(field)
	return 100 + f.Index[0]
}

// tellingTime is another time for each field.
func tellingTime(in any, field string) time.Time {
	f, _ := reflect.TypeOf(in).Elem().FieldByName(field)
	return time.Date(2031, 2, 3, 4, 5, f.Index[0], 0, time.UTC)
}

// telling is what a field's value looks like on the wire.
func telling(in any, field string) string {
	f := reflect.ValueOf(in).Elem().FieldByName(field)
	switch f.Interface().(type) {
	case *bool:
		return "true"
	case *int32, *int64:
		return fmt.Sprint(tellingNumber(in, field))
	case *time.Time:
		at := tellingTime(in, field)
		if field == "ObjectLockRetainUntilDate" {
			return at.Format("2006-01-02T15:04:05Z")
		}
		return at.Format(http.TimeFormat)
	}
	return tellingValue(in, field)
}

// tellingValue is the value of a field that is a text.
func tellingValue(in any, field string) string {
	switch field {
	case "ChecksumAlgorithm":
		return "SHA256"
	case "ChecksumMode":
		return "ENABLED"
	case "CopySource":
		return *in.(*s3.CopyObjectInput).CopySource
	case "MetadataDirective", "TaggingDirective":
		return "REPLACE"
	case "Range":
		return fmt.Sprintf("bytes=3-%d", 2*part)
	}
	if raw, ok := tellingSums[field]; ok {
		return raw
	}
	return "telling-" + field
}

// tellingSums are base64 of as many bytes as the algorithm has.
var tellingSums = map[string]string{
	"ChecksumCRC32": "dGVsbA==", "ChecksumCRC32C": "dGVsbA==", "ChecksumCRC64NVME": "dGVsbGluZ18=",
	"ChecksumSHA1": "dGVsbGluZ190ZWxsaW5nX3RlbGw=", "ChecksumSHA256": "dGVsbGluZ190ZWxsaW5nX3RlbGxpbmdfdGVsbGluZ18=",
	"ChecksumMD5": "dGVsbGluZ190ZWxsaW5nXw==",
}
