//go:build !unix

package managertest

import "testing"

// makeFIFO makes a FIFO; false where the system has none.
func makeFIFO(*testing.T, string) bool { return false }
