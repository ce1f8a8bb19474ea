package serialize

import (
	"runtime/debug"
	"strings"
	"sync"
)

// modulePath is the module whose version the User-Agent tells.
const modulePath = "github.com/haul-s3/haul"

// userAgent is what follows the SDK's own User-Agent, in the SDK's style:
// "lib/haul#1.2.3".
var userAgent = sync.OnceValue(func() string {
	info, _ := debug.ReadBuildInfo()
	return "lib/haul#" + moduleVersion(info)
})

// moduleVersion finds haul's version among the modules of the program.
func moduleVersion(info *debug.BuildInfo) string {
	version := ""
	if info != nil {
		for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
			if m.Path == modulePath {
				version = m.Version
			}
		}
	}
	if !strings.HasPrefix(version, "v") {
		return "devel" // "(devel)" or nothing: parentheses begin a comment there
	}
	return strings.Map(token, strings.TrimPrefix(version, "v"))
}

// token replaces what doesn't belong in a token (RFC 9110 §5.6.2).
func token(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune(".-+_", r):
		return r
	}
	return '-'
}
