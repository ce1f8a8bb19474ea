package faulttest

import (
	"net/http"
	"strconv"
	"time"

	"github.com/haul-s3/haul/internal/s3fault"
)

// fault is one way in which a request can go wrong.
type fault struct {
	name string
	on   func(o operation) bool // nil: every operation
	s3fault.Fault
	// classic narrows the operations on the classic driver, nil if it doesn't: the
	// SDK sets no limit in time to reading an XML answer.
	classic func(o operation) bool
	refuse  bool // the connection; Fault isn't looked at
	stalls  bool // limits in time must be short
}

// meets says whether an operation meets a fault on a driver.
func (f fault) meets(o operation, driver string, forGood bool) bool {
	if f.on != nil && !f.on(o) {
		return false
	}
	if driver != "classic" {
		return true
	}
	switch o.name {
	case "ListParts": // the classic driver believes the abort's answer
		return false
	case "AbortMultipartUpload": // it tries six times, for seconds
		if forGood && f.name != "403 AccessDenied" && f.name != "500 InternalError" {
			return false
		}
	}
	return f.classic == nil || f.classic(o)
}

// answering is a fault whose answer is the test's own.
func answering(name string, on func(o operation) bool, answer func(w http.ResponseWriter, r *http.Request, pass http.Handler)) fault {
	return fault{name: name, on: on, Fault: s3fault.Fault{Name: name, Answer: answer}}
}

// The groups of operations that a fault makes sense for.
func sends(o operation) bool      { return o.sends }
func sendsBytes(o operation) bool { return o.sends && o.object }
func tells(o operation) bool      { return o.tells }
func gets(o operation) bool       { return o.tells && o.object }
func ranged(o operation) bool     { return gets(o) && o.name != "GetObject" }
func tellsXML(o operation) bool   { return o.tells && !o.object }
func notHead(o operation) bool    { return o.name != "HeadObject" }
func tagged(o operation) bool     { return gets(o) || sendsBytes(o) || o.name == "HeadObject" }

// faults are the rows of the matrix.
func faults() []fault {
	all := connectionFaults()
	all = append(all, stalls()...)
	all = append(all, refusals()...)
	all = append(all, mendable()...)
	all = append(all, badAnswers()...)
	return append(all, badBytes()...)
}

func connectionFaults() []fault {
	return []fault{
		{name: "connection refused", refuse: true},
		answering("reset before the request is read", nil, func(_ http.ResponseWriter, r *http.Request, _ http.Handler) { breakNow(r, byReset) }),
		{name: "reset in the request's body", on: sends, Fault: s3fault.Fault{ResetReq: 50}},
		answering("reset behind the request's body", sends, func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
			drain(r)
			breakNow(r, byReset)
		}),
		{name: "answer lost by a reset", Fault: s3fault.Fault{ResetRsp: -1}},
		breaking("closed before the answer", nil, 0, byFIN),
		breaking("closed in the answer's head", nil, 30, byFIN),
		breaking("reset in the answer's head", nil, 30, byReset),
		{name: "closed in the answer's body", on: tells, Fault: s3fault.Fault{CutRsp: 60}},
		{name: "reset in the answer's body", on: tells, Fault: s3fault.Fault{ResetRsp: 60}},
		answering("no HTTP", nil, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			drain(r)
			speak(w, "SSH-2.0-what\r\n\r\n")
		}),
	}
}

// breaking passes the request on and breaks the connection behind so many bytes
// of the answer.
func breaking(name string, on func(o operation) bool, n int, how way) fault {
	return answering(name, on, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		drainFirst(r)
		breakAnswer(r, n, how)
		pass.ServeHTTP(w, r)
	})
}

func stalls() []fault {
	all := []fault{
		answering("the request is never read", nil, func(_ http.ResponseWriter, r *http.Request, _ http.Handler) { <-over(r) }),
		answering("no answer", nil, func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
			drain(r)
			<-over(r)
		}),
		breaking("stall in the answer's head", nil, 30, byStall),
		{name: "stall in the answer's body", on: tells, classic: gets, Fault: s3fault.Fault{StallRsp: 60, StallFor: time.Hour}},
	}
	for i := range all {
		all[i].stalls = true
	}
	return all
}

// refusals are answers that say no.
func refusals() (all []fault) {
	for _, a := range []struct {
		status int
		code   string
	}{{408, "RequestTimeout"}, {429, "TooManyRequests"}, {500, "InternalError"}, {502, "BadGateway"}, {503, "ServiceUnavailable"},
		{504, "GatewayTimeout"}, {403, "AccessDenied"}, {404, "NoSuchThing"}, {412, "PreconditionFailed"}} {
		status := strconv.Itoa(a.status)
		all = append(all, fault{name: status + " " + a.code, Fault: s3fault.Fault{Status: a.status, Code: a.code, ReadBody: true}},
			answering(status+" without a body", nil, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
				drain(r)
				w.WriteHeader(a.status)
			}))
	}
	return append(all,
		fault{name: "503 SlowDown", Fault: s3fault.SlowDown()},
		fault{name: "503 SlowDown before the body is read", on: sendsBytes, Fault: s3fault.Fault{Status: 503, Code: "SlowDown", Rude: true}},
		fault{name: "403 AccessDenied before the body is read", on: sendsBytes, Fault: s3fault.Fault{Status: 403, Code: "AccessDenied", Rude: true}},
		fault{name: "400 RequestTimeout", Fault: s3fault.Fault{Status: 400, Code: "RequestTimeout", ReadBody: true}},
		document("503 with an endless body", notHead, 503, errorDocument("SlowDown", "")+spaces(2<<20)),
		document("403 with an endless body", notHead, 403, errorDocument("AccessDenied", "")+spaces(2<<20)),
		document("500 with broken XML", notHead, 500, "<Error><Code>Inter"),
		document("403 with broken XML", notHead, 403, "<Error><Code>Acc"),
	)
}

// mendable are answers whose cause a client can remove.
func mendable() []fault {
	return []fault{
		document("403 RequestTimeTooSkewed", nil, 403, errorDocument("RequestTimeTooSkewed", ""), "Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)),
		document("403 RequestTimeTooSkewed without a date", nil, 403, errorDocument("RequestTimeTooSkewed", ""), "Date", ""),
		document("400 ExpiredToken", nil, 400, errorDocument("ExpiredToken", "")),
		document("301 with a region", nil, 301, errorDocument("PermanentRedirect", ""), "X-Amz-Bucket-Region", "eu-west-1"),
		document("400 with a region", nil, 400, errorDocument("AuthorizationHeaderMalformed", "eu-west-1"), "X-Amz-Bucket-Region", "eu-west-1"),
		document("301 with an invalid region", nil, 301, errorDocument("PermanentRedirect", ""), "X-Amz-Bucket-Region", "evil.example.com/"),
		document("301 without a region", nil, 301, errorDocument("PermanentRedirect", "")),
		document("307 to another host", nil, 307, errorDocument("TemporaryRedirect", ""), "Location", "http://127.0.0.1:1/stolen"),
	}
}

// badAnswers are successes that are none.
func badAnswers() []fault {
	return []fault{
		document("200 with an error", notHead, 200, errorDocument("InternalError", "")),
		document("200 with broken XML", tellsXML, 200, "<Result><ETag>"),
		document("200 with HTML", tellsXML, 200, "<html><body>Welcome</body></html>"),
		document("200 with nothing", tellsXML, 200, ""),
		document("200 with an endless body", tellsXML, 200, spaces(2<<20)),
		// What fits into the buffers of a connection is sent before anybody could know.
		answering("200 before the body is read", func(o operation) bool { return o.name == "UploadPart" }, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			speak(w, "HTTP/1.1 200 OK\r\nETag: \"0123\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		}),
		changing("no ETag", tagged, func(a *reply) { a.header.Del("ETag") }),
		changing("another ETag", tagged, func(a *reply) { a.header.Set("ETag", `"00000000000000000000000000000000"`) }),
		changing("no Content-Length", gets, func(a *reply) { a.length = -1 }),
		changing("Content-Length one too many", gets, func(a *reply) { a.length++ }),
		changing("Content-Length one too few", gets, func(a *reply) { a.length-- }),
		changing("Content-Length of an exabyte", gets, func(a *reply) { a.length = 1 << 60 }),
		changing("no Content-Range", ranged, func(a *reply) { a.header.Del("Content-Range") }),
		changing("206 with other bytes", gets, func(a *reply) {
			a.status, a.body = 206, smallData[7:7+len(a.body)-7]
			a.length = len(a.body)
			a.header.Set("Content-Range", "bytes 7-"+strconv.Itoa(6+len(a.body))+"/"+strconv.Itoa(small))
		}),
		changing("Content-Range of another object", ranged, func(a *reply) {
			a.header.Set("Content-Range", "bytes 200000-299999/400000")
		}),
		changing("Content-Range that is none", ranged, func(a *reply) { a.header.Set("Content-Range", "bytes x-y/z") }),
		changing("200 for a range", ranged, func(a *reply) {
			a.status, a.body, a.length = 200, smallData, small
			a.header.Del("Content-Range")
		}),
	}
}

// badBytes are bytes that aren't those of the object.
func badBytes() []fault {
	return []fault{
		{name: "a bit flipped on the way up", on: sendsBytes, Fault: s3fault.Fault{FlipReq: 1000}},
		{name: "a bit flipped on the way down", on: gets, Fault: s3fault.Fault{FlipRsp: 1000}},
		changing("a body one byte short", gets, func(a *reply) { a.body = a.body[:len(a.body)-1] }),
		changing("a body one byte long", gets, func(a *reply) { a.body = append(a.body[:len(a.body):len(a.body)], 'x') }),
		changing("an object one byte short", gets, func(a *reply) {
			a.body = a.body[:len(a.body)-1]
			a.length--
		}),
	}
}
