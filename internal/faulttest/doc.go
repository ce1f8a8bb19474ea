// Package faulttest holds haul to what it promises about faults: a transfer ends
// with the right bytes, or with an error that says what was wrong, and leaves
// nothing behind. It has no code but its tests:
//
//	matrix    every operation meets every fault, once and for good, on both
//	          drivers; testdata/outcomes.txt says how each must end, and
//	          docs/faults.md shows it
//	n-th      the n-th file call fails, for every n (internal/managertest does
//	          the same to the n-th request)
//	listings  a listing that meets a fault is whole, or an error
//	retries   how attempts follow each other: pauses, lanes, dates, resumption
package faulttest
