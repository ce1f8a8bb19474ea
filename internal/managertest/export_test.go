package managertest

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
