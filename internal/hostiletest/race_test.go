//go:build race

package hostiletest

// underRace says that the race detector is on, which multiplies the time.
const underRace = true
