//go:build !unix

package body

// noFollow is nothing here: who may make links may do anything.
const noFollow = 0
