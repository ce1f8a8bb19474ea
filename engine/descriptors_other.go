//go:build !unix

package engine

// descriptorLimit is how many descriptors the process may have, 0 if unknown.
func descriptorLimit() int { return 0 }
