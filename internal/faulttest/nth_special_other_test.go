//go:build !unix

package faulttest

// specialTransfers has none: there are no FIFOs here.
func specialTransfers() []fileTransfer { return nil }
