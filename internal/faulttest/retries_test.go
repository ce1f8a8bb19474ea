package faulttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/s3fault"
)

// await runs a transfer to its end.
func await(t *testing.T, s *stage, begin func(ctx context.Context, s *stage) (*haul.Future, error)) (*haul.Result, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return haul.Wait(begin(ctx, s))
}

// TestLaneIsFreeDuringBackOff has one transfer wait for an hour to retry, and
// another one pass it on the only lane.
func TestLaneIsFreeDuringBackOff(t *testing.T) {
	refused := make(chan struct{})
	var once sync.Once
	s := newStage(t, setup{driver: "engine",
		engine: engine.Options{MaxConnections: 1},
		options: []func(*haul.Options){func(o *haul.Options) {
			o.BackoffBase, o.BackoffMax = 10*time.Hour, 10*time.Hour
		}},
		rules: []*s3fault.Rule{{If: is("GetObject"), F: s3fault.Fault{Answer: func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusInternalServerError)
			once.Do(func() { close(refused) })
		}}}}})
	waiting, err := get("")(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	<-refused
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if _, err := haul.Wait(putSmall(ctx, s)); err != nil {
		t.Errorf("the transfer beside it: %v", err)
	}
	if waiting.IsDone() {
		t.Error("the transfer that was refused did not wait")
	}
	waiting.Cancel()
	<-waiting.Done()
	// What had gone wrong is told with the cancellation.
	_, err = waiting.Outcome()
	var answer interface{ HTTPStatusCode() int }
	if !errors.Is(err, haul.ErrCanceled) || !errors.As(err, &answer) || answer.HTTPStatusCode() != http.StatusInternalServerError {
		t.Errorf("got %v, want a cancellation and the last error, status 500", err)
	}
}

// TestSignedWhenSent looks at the dates and signatures of three attempts, whose
// answers tell later and later times.
func TestSignedWhenSent(t *testing.T) {
	var n atomic.Int32
	s := newStage(t, setup{driver: "engine", rules: []*s3fault.Rule{{If: is("PutObject"), Times: 2, F: s3fault.Fault{
		Answer: func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			drain(r)
			w.Header().Set("Date", time.Now().Add(time.Duration(n.Add(1))*time.Hour).UTC().Format(http.TimeFormat))
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, errorDocument("RequestTimeTooSkewed", ""))
		}}}}})
	if _, err := await(t, s, putSmall); err != nil {
		t.Fatal(err)
	}
	var signatures []string
	for i, c := range s.proxy.Log() {
		date, err := time.Parse("20060102T150405Z", c.Header.Get("X-Amz-Date"))
		if want := time.Now().Add(time.Duration(i) * time.Hour); err != nil || date.Sub(want).Abs() > 30*time.Minute {
			t.Errorf("attempt %d: signed at %v, want about %v (%v)", i+1, date, want, err)
		}
		_, signature, _ := strings.Cut(c.Header.Get("Authorization"), "Signature=")
		for _, other := range signatures {
			if other == signature {
				t.Errorf("attempt %d: has the signature of another", i+1)
			}
		}
		signatures = append(signatures, signature)
	}
	if len(signatures) != attempts {
		t.Errorf("got %d attempts, want %d", len(signatures), attempts)
	}
}

// TestLateRequestIsSignedAnew has a request refused that was right by the
// server's clock when it was signed, and long on its way.
func TestLateRequestIsSignedAnew(t *testing.T) {
	late := document("", nil, 403, errorDocument("RequestTimeTooSkewed", "")).Fault // its date is that of now
	s := newStage(t, setup{driver: "engine", rules: []*s3fault.Rule{{If: is("PutObject"), Times: 1, F: late}}})
	if _, err := await(t, s, putSmall); err != nil || !stored(smallData)(s) {
		t.Errorf("got %v, want the object", err)
	}
}

// TestAllLanesAdoptTheClock has the requests of several lanes refused at once:
// the offset that each was signed with counts, not what another has adopted.
func TestAllLanesAdoptTheClock(t *testing.T) {
	var arrived sync.WaitGroup
	arrived.Add(2) // the parts of bigData
	skewed := func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		drain(r)
		arrived.Done()
		arrived.Wait()
		w.Header().Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, errorDocument("RequestTimeTooSkewed", ""))
	}
	s := newStage(t, setup{driver: "engine", rules: []*s3fault.Rule{{If: s3fault.First("UploadPart"), F: s3fault.Fault{Answer: skewed}}}})
	if _, err := await(t, s, putBig); err != nil || !stored(bigData)(s) {
		t.Errorf("got %v, want the object", err)
	}
}

// TestCredentialsAreRenewedOnce has the requests of several lanes refused for
// credentials that have ended.
func TestCredentialsAreRenewedOnce(t *testing.T) {
	var arrived sync.WaitGroup
	arrived.Add(2)
	expired := func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		drain(r)
		arrived.Done()
		arrived.Wait()
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, errorDocument("ExpiredToken", ""))
	}
	s := newStage(t, setup{driver: "engine", rules: []*s3fault.Rule{{If: s3fault.First("UploadPart"), F: s3fault.Fault{Answer: expired}}}})
	if _, err := await(t, s, putBig); err != nil || !stored(bigData)(s) {
		t.Errorf("got %v, want the object", err)
	}
	if n := s.secrets.Load(); n != 2 {
		t.Errorf("credentials were asked for %d times, want 2", n)
	}
}

// TestRegionIsLearntOnce has a bucket's region told to the first request of an
// upload: the parts know it.
func TestRegionIsLearntOnce(t *testing.T) {
	elsewhere := func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/s3/") {
			pass.ServeHTTP(w, r)
			return
		}
		drain(r)
		w.Header().Set("X-Amz-Bucket-Region", "eu-west-1")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, errorDocument("AuthorizationHeaderMalformed", "eu-west-1"))
	}
	s := newStage(t, setup{driver: "engine", rules: []*s3fault.Rule{{F: s3fault.Fault{Answer: elsewhere}}}})
	r, err := await(t, s, putBig)
	if err != nil || !stored(bigData)(s) {
		t.Fatalf("got %v, want the object", err)
	}
	if r.ExtraRequests != 1 || r.ExtraBytes != 0 {
		t.Errorf("got %d extra requests, %d extra bytes, want 1, 0", r.ExtraRequests, r.ExtraBytes)
	}
}

// TestSourceRegionIsNotTheTargets copies from a bucket that is elsewhere: the
// target is asked for where it was.
func TestSourceRegionIsNotTheTargets(t *testing.T) {
	elsewhere := func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/s3/") {
			pass.ServeHTTP(w, r)
			return
		}
		w.Header().Set("X-Amz-Bucket-Region", "eu-west-1")
		w.WriteHeader(http.StatusBadRequest)
	}
	s := newStage(t, setup{driver: "engine", rules: []*s3fault.Rule{{If: is("HeadObject"), F: s3fault.Fault{Answer: elsewhere}}}})
	if _, err := await(t, s, copyOf("big")); err != nil {
		t.Fatal(err)
	}
	for _, c := range s.proxy.Log() {
		if c.Op != "HeadObject" && !strings.Contains(c.Header.Get("Authorization"), "/us-east-1/s3/") {
			t.Errorf("%s: got %s, want the target's region us-east-1", c.Op, c.Header.Get("Authorization"))
		}
	}
}

// TestInvalidRegionIsRefused looks that nothing that a hostile answer calls a
// region is signed for or asked.
func TestInvalidRegionIsRefused(t *testing.T) {
	for _, region := range []string{"evil.example.com/", "us-east-1.evil.example", "EU", "eu-west-1\u00a0", "*"} {
		s := newStage(t, setup{driver: "engine", rules: []*s3fault.Rule{{F: document("", nil, 301, errorDocument("PermanentRedirect", region)).Fault}}})
		_, err := await(t, s, putSmall)
		if named(err) != "PermanentRedirect" || attemptsOf(err) != 1 || !strings.Contains(err.Error(), "go to the region") {
			t.Errorf("region %q: got %v, want PermanentRedirect after 1 attempt, and why it was not followed", region, err)
		}
	}
}

// TestDownloadResumesInsideAPiece breaks the only answer in the middle: what had
// arrived is not asked for again.
func TestDownloadResumesInsideAPiece(t *testing.T) {
	for _, driver := range drivers {
		t.Run(driver, func(t *testing.T) {
			const cut = 4 << 20
			s := newStage(t, setup{driver: driver,
				options: []func(*haul.Options){func(o *haul.Options) { o.PartSize, o.MultipartThreshold = 2*big, 2*big }},
				rules:   []*s3fault.Rule{{If: is("GetObject"), Times: 1, F: s3fault.Fault{CutRsp: cut}}}})
			var b bytes.Buffer
			_, err := await(t, s, func(ctx context.Context, s *stage) (*haul.Future, error) {
				return s.manager.Download(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("big")}, haul.ToWriter(&b))
			})
			if err != nil || !bytes.Equal(b.Bytes(), bigData) {
				t.Fatalf("got %v and %d bytes, want the object", err, b.Len())
			}
			log := s.proxy.Log()
			if len(log) != 2 || log[1].Start < cut-bufpool.SliceSize || log[1].Start > cut {
				t.Errorf("got %d requests, the last from byte %d, want 2, and at most a slice before %d", len(log), log[len(log)-1].Start, cut)
			}
		})
	}
}

// TestEachPieceHasItsAttempts breaks every answer after two fifths of a piece:
// all pieces together need more attempts than one has.
func TestEachPieceHasItsAttempts(t *testing.T) {
	breaks := func(c *s3fault.Call) bool { return c.Op == "GetObject" }
	s := newStage(t, setup{driver: "engine", engine: engine.Options{MaxConnections: 1},
		options: []func(*haul.Options){inPieces, func(o *haul.Options) { o.Concurrency = 1 }},
		rules:   []*s3fault.Rule{{If: breaks, F: s3fault.Fault{CutRsp: piece * 2 / 5}}}})
	_, err := await(t, s, get(""))
	if err != nil || !fetched(smallData)(s) {
		t.Errorf("got %v, want the object", err)
	}
}

// TestUploadReadsItsSourceAgain breaks a part in its middle: its bytes come from
// the source again, and are counted.
func TestUploadReadsItsSourceAgain(t *testing.T) {
	for _, driver := range drivers {
		t.Run(driver, func(t *testing.T) {
			s := newStage(t, setup{driver: driver, rules: []*s3fault.Rule{{If: isPart1("UploadPart"), Times: 1, F: s3fault.Fault{ResetReq: 1 << 20}}}})
			r, err := await(t, s, putBig)
			if err != nil || !stored(bigData)(s) {
				t.Fatalf("got %v, want the object", err)
			}
			if r.ExtraRequests != 1 || r.ExtraBytes < 1<<20 || r.ExtraBytes > bigPart {
				t.Errorf("got %d extra requests, %d extra bytes, want 1, from 1 MiB to a part", r.ExtraRequests, r.ExtraBytes)
			}
		})
	}
}
