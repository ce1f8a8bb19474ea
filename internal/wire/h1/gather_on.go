//go:build !race

package h1

// gather says that several pieces are written with one call.
const gather = true
