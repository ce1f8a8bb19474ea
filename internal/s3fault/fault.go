// Package s3fault breaks chosen requests to an S3 in chosen ways: a 503, a reset, a stall, a flipped bit, a lost answer,
// a 200 with an error in it. Its Proxy is an http.Handler which stands between a client and any S3 (s3fake, a server on
// this machine, a real endpoint); what is not to be broken passes unchanged, host and path included, so that signatures
// stay valid.
//
// A test gives New its rules, serves the Proxy with httptest.NewServer, and points the client there:
//
//	p := s3fault.New(upstream, 1, &s3fault.Rule{If: s3fault.First("UploadPart"), F: s3fault.SlowDown()})
package s3fault

import (
	"net/http"
	"sync"
	"time"
)

// Call is one request: what a Rule is matched against and what Proxy.Log returns.
type Call struct {
	Op     string // as s3fake.OpName has it: PutObject, UploadPart, GetObject, …
	Key    string // decoded
	Part   int    // partNumber, 0 without
	Start  int64  // the first byte of Range, -1 without
	N      int    // the how-manieth call of this Op, Key, Part and Start, from 1: N > 1 is a retry
	Header http.Header
	At     time.Time
	Fault  string // the name of the fault, empty when passed through
	Status int    // what the client got; 0 while unanswered, or if the connection was broken
}

// Fault is one way of breaking a request. Zero fields do nothing; several may be set. Counts of bytes start at 1.
// Every delay ends early when the client goes away, which net/http notices once the request's body has been read.
type Fault struct {
	Name  string        // for the log; empty: "fault"
	Delay time.Duration // before anything is sent upstream

	// An answer instead of going upstream.
	Status     int    // 0: none
	Code       string // its S3 error code
	RetryAfter string // its Retry-After header
	ReadBody   bool   // after having read the whole request body; else at once, and the body is read afterwards
	Rude       bool   // at once and leaving the body unread, so that a reset may overtake the answer

	// Answer, if it is set, answers instead of all that follows, and over pass,
	// which passes the request on, or not at all. It may take the connection
	// over (http.Hijacker) to break it in ways that HTTP has no words for.
	Answer func(w http.ResponseWriter, r *http.Request, pass http.Handler)

	// On the way upstream.
	ResetReq int64 // reset the connection after that many bytes of the request's body
	FlipReq  int64 // flip a bit of that byte of the request's body

	// On the way back.
	ResetRsp    int64             // reset the connection after that many bytes of the response's body; -1: before the status line
	CutRsp      int64             // close it in order after that many, though Content-Length promised more
	StallRsp    int64             // stop after that many …
	StallFor    time.Duration     // … for that long, then go on
	FlipRsp     int64             // flip a bit of that byte of the response's body
	RspRate     int64             // bytes a second of this response; 0: no limit
	SetHeader   map[string]string // response headers to set; an empty value removes
	SpaceBefore time.Duration     // status 200 at once, then blanks for that long, then the body: as Complete and Copy do

	// The request takes effect upstream, but the client is told otherwise.
	DoneStatus int    // answer this status
	DoneError  string // answer an error document with this code; with status 200 unless DoneStatus is set
}

// Rule applies F to the calls for which If is true.
type Rule struct {
	If    func(c *Call) bool // nil: all; called under the proxy's lock, one call at a time
	Skip  int                // leave the first so many alone
	Times int                // apply that often; 0: for ever
	P     float64            // apply with this probability; 0: always
	F     Fault

	seen, done int // guarded by Proxy.mu
}

// SlowDown is S3's request to send less: 503, at once.
func SlowDown() Fault { return Fault{Name: "503 SlowDown", Status: 503, Code: "SlowDown"} }

// Internal is S3's 500, after the whole body.
func Internal() Fault {
	return Fault{Name: "500 InternalError", Status: 500, Code: "InternalError", ReadBody: true}
}

// Timeout is S3's complaint about a body that didn't come in time.
func Timeout() Fault {
	return Fault{Name: "400 RequestTimeout", Status: 400, Code: "RequestTimeout"}
}

// Skewed is S3's complaint about the client's clock.
func Skewed() Fault {
	return Fault{Name: "403 RequestTimeTooSkewed", Status: 403, Code: "RequestTimeTooSkewed"}
}

// Is matches every call of an operation.
func Is(op string) func(*Call) bool { return func(c *Call) bool { return c.Op == op } }

// First matches the first call of an operation for each key, part and range, so not its retries.
func First(op string) func(*Call) bool {
	return func(c *Call) bool { return c.Op == op && c.N == 1 }
}

// Throttle is a token bucket like S3's: more than rate requests a second (burst at once) get SlowDown.
func Throttle(rate float64, burst int) *Rule {
	var mu sync.Mutex
	tokens, last := float64(burst), time.Now()
	return &Rule{F: SlowDown(), If: func(*Call) bool {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		tokens = min(float64(burst), tokens+now.Sub(last).Seconds()*rate)
		last = now
		if tokens >= 1 {
			tokens--
			return false
		}
		return true
	}}
}
