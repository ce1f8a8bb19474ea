//go:build race

package faulttest

// underRace says that the race detector is on, which makes the whole matrix
// take minutes: it runs on a sample then, and whole without.
const underRace = true
