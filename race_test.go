//go:build race

package haul_test

// underRace says that the race detector is on, which multiplies memory.
const underRace = true
