//go:build !race

package faulttest

// underRace says that the race detector is on.
const underRace = false
