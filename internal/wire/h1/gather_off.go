//go:build race

package h1

// gather is off under the race detector: it knows that what was done before a
// write is done before the read of it, but not of writes that gather. Servers
// in the same process, as tests have them, would seem to race with their
// clients.
const gather = false
