//go:build linux

package soak

import (
	"net/http"
	"slices"
	"time"

	"github.com/haul-s3/haul/internal/s3fault"
)

// rules are the faults and how often a request meets each. What is read or
// written can be long: so there are several places to break it at.
func rules() []*s3fault.Rule {
	all := []*s3fault.Rule{
		rare(0.010, s3fault.SlowDown()),
		rare(0.010, s3fault.Internal()),
		rare(0.005, s3fault.Timeout()),
		rare(0.002, s3fault.Fault{Name: "502 without a body", Status: http.StatusBadGateway}),
		rare(0.002, s3fault.Fault{Name: "503 that is rude", Status: http.StatusServiceUnavailable, Code: "SlowDown", Rude: true}),
		rare(0.002, s3fault.Fault{Name: "late", Delay: 200 * time.Millisecond}),
		rare(0.001, s3fault.Fault{Name: "no answer in time", Delay: 4 * stallLimit}),
		known(0.005, s3fault.Fault{Name: "answer lost", ResetRsp: -1}),
		known(0.002, s3fault.Fault{Name: "done, but told otherwise", DoneStatus: http.StatusInternalServerError, DoneError: "InternalError"}),
		among(0.020, s3fault.Fault{Name: "200 with an error", DoneError: "InternalError"}, "CompleteMultipartUpload", "CopyObject", "UploadPartCopy"),
		among(0.010, s3fault.Fault{Name: "access denied", Status: http.StatusForbidden, Code: "AccessDenied", ReadBody: true}, "PutObject", "UploadPart", "GetObject"),
	}
	for _, at := range []int64{1, 1000, 100_000, 1 << 20, 4 << 20} {
		all = append(all,
			among(0.004, s3fault.Fault{Name: "reset while sending", ResetReq: at}, "PutObject", "UploadPart"),
			among(0.004, s3fault.Fault{Name: "bit flipped while sending", FlipReq: at}, "PutObject", "UploadPart"),
			among(0.004, s3fault.Fault{Name: "reset while receiving", ResetRsp: at}, "GetObject"),
			among(0.004, s3fault.Fault{Name: "end while receiving", CutRsp: at}, "GetObject"),
			among(0.004, s3fault.Fault{Name: "bit flipped while receiving", FlipRsp: at}, "GetObject"),
			among(0.001, s3fault.Fault{Name: "stall while receiving", StallRsp: at, StallFor: 3 * stallLimit}, "GetObject"),
		)
	}
	return all
}

func rare(p float64, f s3fault.Fault) *s3fault.Rule { return &s3fault.Rule{P: p, F: f} }

// known leaves CreateMultipartUpload alone: an upload whose id nobody was told
// stays open, whatever a client does.
func known(p float64, f s3fault.Fault) *s3fault.Rule {
	return &s3fault.Rule{P: p, F: f, If: func(c *s3fault.Call) bool { return c.Op != "CreateMultipartUpload" }}
}

func among(p float64, f s3fault.Fault, ops ...string) *s3fault.Rule {
	return &s3fault.Rule{P: p, F: f, If: func(c *s3fault.Call) bool { return slices.Contains(ops, c.Op) }}
}
