package managertest

// skip is one reason to leave a test out.
type skip struct {
	test, engine, server string // "" for engine or server means every one
	reason               string
}

// skips is the only place where a test may be left out.
var skips = []skip{}

// skipped says whether a test is left out, and why.
func skipped(test, engine, server string) (reason string, ok bool) {
	for _, s := range skips {
		if s.test == test && (s.engine == "" || s.engine == engine) && (s.server == "" || s.server == server) {
			return s.reason, true
		}
	}
	return "", false
}
