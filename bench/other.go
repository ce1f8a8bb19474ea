//go:build !linux

// Command bench measures S3 clients against a null server. It needs Linux.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bench: needs Linux: the null server and the floor are made of its system calls")
	os.Exit(1)
}
