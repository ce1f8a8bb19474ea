package managertest

// BadSkips are the rows of the table of skips that say too little or too much:
// tests that there aren't, and tests that are run although a part of them,
// which others show, is left out.
func BadSkips() (bad []string) {
	all := map[string]conformanceTest{}
	for _, c := range suite() {
		all[c.name] = c
	}
	for _, s := range skips {
		for _, name := range s.tests {
			if _, ok := all[name]; !ok || s.reason == "" {
				bad = append(bad, name)
			}
		}
	}
	for name, c := range all {
		if _, out := skipped(name, "versitygw"); out {
			continue
		}
		for _, part := range c.shown {
			if _, out := skipped(part, "versitygw"); out {
				bad = append(bad, name+" with "+part)
			}
		}
	}
	return bad
}

// Parity are the names of the tests of the comparison's rows.
func Parity() (names []string) {
	for _, c := range parityTests {
		names = append(names, c.name)
	}
	return names
}

// Faults are the names of the tests of the known faults.
func Faults() (names []string) {
	for _, c := range faultTests {
		names = append(names, c.name)
	}
	return names
}
