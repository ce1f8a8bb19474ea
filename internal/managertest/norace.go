//go:build !race

package managertest

// underRace says that the race detector is on, which multiplies the time.
const underRace = false
