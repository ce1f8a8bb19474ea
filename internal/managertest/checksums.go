package managertest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithy "github.com/aws/smithy-go"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/s3fault"
)

// checksumTests: what is stored has the right checksum, and no damage on the
// way goes unseen.
var checksumTests = []conformanceTest{
	{name: "checksums", run: testChecksums},
	{name: "given-checksums", run: testGivenChecksums},
	{name: "wrong-given-checksums", run: testWrongGiven},
	{name: "checksums-when-required", run: testWhenRequired},
	{name: "no-checksum-to-compare", run: testNothingToCompare},
	{name: "damage-on-the-way-up", run: testDamageUp},
	{name: "damage-on-the-way-down", run: testDamageDown},
}

// sumCase is one way to have an upload checked.
type sumCase struct {
	algorithm types.ChecksumAlgorithm
	kind      types.ChecksumType // "": the algorithm's usual one
	stored    types.ChecksumType // of an object in parts
	place     haul.ChecksumPlace
}

func (c sumCase) String() string {
	return fmt.Sprintf("%s %s place %d", c.algorithm, c.stored, c.place)
}

// sumCases are all that S3 allows.
func sumCases() []sumCase {
	const full, composite = types.ChecksumTypeFullObject, types.ChecksumTypeComposite
	var cases []sumCase
	for _, place := range []haul.ChecksumPlace{haul.ChecksumHeader, haul.ChecksumTrailer} {
		cases = append(cases, []sumCase{
			{"CRC32", "", full, place}, {"CRC32", composite, composite, place},
			{"CRC32C", "", full, place}, {"CRC32C", composite, composite, place},
			{"CRC64NVME", "", full, place}, {"CRC64NVME", full, full, place},
			{"SHA1", "", composite, place}, {"SHA256", "", composite, place}, {"SHA256", composite, composite, place},
		}...)
	}
	return cases
}

func testChecksums(t *testing.T, w *world) {
	small, large := data(300<<10), data(part+99)
	for _, c := range sumCases() {
		m := w.manager(func(o *haul.Options) {
			o.ChecksumAlgorithm, o.ChecksumType, o.ChecksumPlace = c.algorithm, c.kind, c.place
		})
		checkSums(t, w, m, c, small, types.ChecksumTypeFullObject)
		if !testing.Short() || c.kind != "" {
			checkSums(t, w, m, c, large, c.stored)
		}
	}
}

// checkSums carries b up and down and compares what is said of its checksum,
// by the store and to the caller.
func checkSums(t *testing.T, w *world, m *haul.Manager, c sumCase, b []byte, kind types.ChecksumType) {
	t.Helper()
	what := fmt.Sprintf("%s, %d bytes", c, len(b))
	if w.Fake != nil {
		w.Fake.Reset()
	}
	up := w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(b), w.put("sum"))))
	stored := w.stored("sum")
	if stored.Algorithm != c.algorithm || stored.Type != kind {
		t.Errorf("%s: stored is %+v, want %s %s", what, stored, c.algorithm, kind)
	}
	if w.Fake != nil && w.engine.name == "engine" { // the plain SDK sends no trailer over plain HTTP
		for _, r := range w.Fake.Requests() {
			trailer := r.Header.Get("X-Amz-Trailer") != ""
			if carries := r.Op == "PutObject" || r.Op == "UploadPart"; carries && trailer != (c.place == haul.ChecksumTrailer) {
				t.Errorf("%s: %s has a trailer: %v", what, r.Op, trailer)
			}
		}
	}
	down := w.must(haul.Wait(m.Download(w.ctx, w.get("sum"), haul.ToWriter(io.Discard))))
	for leg, got := range map[string]haul.Checksum{"up": up.Checksum, "down": down.Checksum} {
		if got.Algorithm != c.algorithm || got.Type != kind || got.Value != stored.Value || !got.Validated || got.How == "" {
			t.Errorf("%s: on the way %s got %+v, want %+v, validated", what, leg, got, stored)
		}
	}
}

// plainClient is an SDK client of which nothing is left when the test ends.
func (w *world) plainClient() *s3.Client {
	return w.Client(func(o *s3.Options) { o.HTTPClient = &http.Client{Transport: w.transport} })
}

// stored is the checksum that the server has of an object.
func (w *world) stored(key string) (c haul.Checksum) {
	w.t.Helper()
	out, err := w.plainClient().HeadObject(w.ctx, &s3.HeadObjectInput{Bucket: &w.Bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		w.t.Fatal(err)
	}
	for algorithm, value := range map[types.ChecksumAlgorithm]*string{
		"CRC32": out.ChecksumCRC32, "CRC32C": out.ChecksumCRC32C, "CRC64NVME": out.ChecksumCRC64NVME,
		"SHA1": out.ChecksumSHA1, "SHA256": out.ChecksumSHA256,
	} {
		if value != nil {
			c.Algorithm, c.Value = algorithm, *value
		}
	}
	c.Type = out.ChecksumType
	return c
}

// valueOf is the checksum of b in base64.
func valueOf(a types.ChecksumAlgorithm, b []byte) string {
	algorithm, err := checksum.Parse(string(a))
	if err != nil {
		panic(err)
	}
	h := checksum.New(algorithm)
	h.Write(b)
	return h.Base64()
}

// giveSum sets the value of an algorithm.
func giveSum(in *s3.PutObjectInput, a types.ChecksumAlgorithm, value string) {
	*map[types.ChecksumAlgorithm]**string{
		"CRC32": &in.ChecksumCRC32, "CRC32C": &in.ChecksumCRC32C, "CRC64NVME": &in.ChecksumCRC64NVME,
		"SHA1": &in.ChecksumSHA1, "SHA256": &in.ChecksumSHA256,
	}[a] = &value
}

// givenCases calls f with every algorithm and size for which a caller can give
// the whole object's value: S3 has no full-object digests of objects in parts.
func givenCases(f func(a types.ChecksumAlgorithm, b []byte)) {
	for _, a := range []types.ChecksumAlgorithm{"CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"} {
		f(a, data(1000))
		if strings.HasPrefix(string(a), "CRC") {
			f(a, data(part+1000))
		}
	}
}

func testGivenChecksums(t *testing.T, w *world) {
	m := w.manager()
	givenCases(func(a types.ChecksumAlgorithm, b []byte) {
		in, value := w.put("given"), valueOf(a, b)
		giveSum(in, a, value)
		up := w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(b), in)))
		stored, want := w.stored("given"), haul.Checksum{Algorithm: a, Type: types.ChecksumTypeFullObject, Value: value}
		if stored != want || up.Checksum.Value != value || !up.Checksum.Validated {
			t.Errorf("%s of %d bytes: stored is %+v, told is %+v, want %+v", a, len(b), stored, up.Checksum, want)
		}
		down := w.must(haul.Wait(m.Download(w.ctx, w.get("given"), haul.ToWriter(io.Discard))))
		if !down.Checksum.Validated {
			t.Errorf("%s of %d bytes: not validated on the way down: %s", a, len(b), down.Checksum.How)
		}
	})
}

func testWrongGiven(t *testing.T, w *world) {
	m := w.manager()
	givenCases(func(a types.ChecksumAlgorithm, b []byte) {
		in := w.put("wrong")
		giveSum(in, a, valueOf(a, []byte("something else")))
		_, err := haul.Wait(m.Upload(w.ctx, haul.FromBytes(b), in))
		if code := apiCode(err); code != "BadDigest" {
			t.Errorf("%s of %d bytes: got %v, want BadDigest", a, len(b), err)
		}
		w.absent("wrong")
	})
}

// absent fails the test if anything is left of an upload.
func (w *world) absent(key string) {
	w.t.Helper()
	c := w.plainClient()
	if _, err := c.HeadObject(w.ctx, &s3.HeadObjectInput{Bucket: &w.Bucket, Key: &key}); err == nil {
		w.t.Errorf("%s was stored", key)
	}
	open, err := c.ListMultipartUploads(w.ctx, &s3.ListMultipartUploadsInput{Bucket: &w.Bucket})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, u := range open.Uploads {
		if aws.ToString(u.Key) == key {
			w.t.Errorf("an upload of %s was left open", key)
		}
	}
}

// testWhenRequired: what the S3 client was told to leave out, haul leaves out,
// unless the caller asks for it.
func testWhenRequired(t *testing.T, w *world) {
	m := w.managerOf(w.client(func(o *s3.Options) {
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	}))
	for _, size := range []int64{10, part + 1} {
		w.forget()
		in := w.put("plain")
		up := w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(data(size)), in)))
		down := w.must(haul.Wait(m.Download(w.ctx, w.get("plain"), haul.ToWriter(io.Discard))))
		for _, r := range w.requests() {
			for name := range r.Header {
				if strings.Contains(name, "Checksum") || name == "X-Amz-Trailer" {
					t.Errorf("%d bytes: %s has %s", size, r.Op, name)
				}
			}
		}
		if up.Checksum.Validated || up.Checksum.How == "" || down.Checksum.Validated || down.Checksum.How == "" {
			t.Errorf("%d bytes: got %+v and %+v, want neither validated, and why", size, up.Checksum, down.Checksum)
		}
		in.ChecksumAlgorithm = "CRC32C"
		get := w.get("plain")
		get.ChecksumMode = types.ChecksumModeEnabled
		up = w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(data(size)), in)))
		down = w.must(haul.Wait(m.Download(w.ctx, get, haul.ToWriter(io.Discard))))
		if up.Checksum.Algorithm != "CRC32C" || !up.Checksum.Validated || !down.Checksum.Validated {
			t.Errorf("%d bytes, asked for: got %+v and %+v, want CRC32C, validated", size, up.Checksum, down.Checksum)
		}
	}
}

// testNothingToCompare: a download that can't be validated says why.
func testNothingToCompare(t *testing.T, w *world) {
	m := w.manager()
	w.seed("ranged", data(100), nil)
	ranged := w.get("ranged")
	ranged.Range = ptr("bytes=1-9")
	inputs := []*s3.GetObjectInput{ranged}
	if w.Fake != nil { // others compute a checksum where the client gives none
		w.Fake.Synthetic(w.Bucket, "bare", 3*part, seed)
		inputs = append(inputs, w.get("bare"))
	}
	for _, in := range inputs {
		r := w.must(haul.Wait(m.Download(w.ctx, in, haul.ToWriter(io.Discard))))
		if r.Checksum.Validated || r.Checksum.How == "" {
			t.Errorf("%s: got %+v, want why it was not validated", *in.Key, r.Checksum)
		}
	}
}

// damaged returns a client whose requests pass a proxy that breaks some.
func (w *world) damaged(rules ...*s3fault.Rule) *s3.Client {
	proxy := s3fault.New(w.Endpoint, 1, rules...)
	front := httptest.NewServer(proxy)
	w.t.Cleanup(func() {
		w.transport.CloseIdleConnections()
		front.Close()
		proxy.Close()
	})
	return w.client(func(o *s3.Options) { o.BaseEndpoint = &front.URL })
}

func testDamageUp(t *testing.T, w *world) {
	for _, c := range []struct {
		op   string
		size int64
	}{{"PutObject", 1000}, {"UploadPart", 2*part + 1}} {
		for _, place := range []haul.ChecksumPlace{haul.ChecksumHeader, haul.ChecksumTrailer} {
			rule := &s3fault.Rule{If: s3fault.Is(c.op), F: s3fault.Fault{Name: "flip", FlipReq: 700}}
			m := w.managerOf(w.damaged(rule), func(o *haul.Options) { o.ChecksumPlace, o.MaxAttempts = place, 2 })
			_, err := haul.Wait(m.Upload(w.ctx, haul.FromBytes(data(c.size)), w.put("damaged")))
			var answer smithy.APIError
			if !errors.As(err, &answer) {
				t.Errorf("%s, place %d: got %v, want the store's refusal", c.op, place, err)
			}
			w.absent("damaged")
		}
	}
}

func testDamageDown(t *testing.T, w *world) {
	w.seed("small", data(1000), nil)
	w.seed("digest", data(1000), http.Header{"X-Amz-Checksum-Algorithm": {"SHA256"}})
	w.seed("large", data(3*part+1), nil)
	composite := w.put("composite")
	composite.ChecksumAlgorithm = "SHA256"
	w.must(haul.Wait(w.manager().Upload(w.ctx, haul.FromBytes(data(2*part)), composite)))
	dir := t.TempDir()
	path := filepath.Join(dir, "target")
	for _, key := range []string{"small", "digest", "large", "composite"} {
		rule := &s3fault.Rule{If: s3fault.Is("GetObject"), F: s3fault.Fault{Name: "flip", FlipRsp: 700}}
		m := w.managerOf(w.damaged(rule))
		for name, sink := range map[string]haul.Sink{"file": haul.ToFile(path), "writer": haul.ToWriter(&bytes.Buffer{})} {
			_, err := haul.Wait(m.Download(w.ctx, w.get(key), sink))
			var sum *haul.ChecksumError
			if !errors.As(err, &sum) || sum.Want == "" || sum.Got == "" || sum.Want == sum.Got {
				t.Errorf("%s to a %s: got %v, want a *haul.ChecksumError", key, name, err)
			}
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: %s was left", key, left[0].Name())
		}
	}
}
