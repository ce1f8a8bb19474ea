package main

import (
	"context"
	"errors"
	"os"

	"github.com/haul-s3/haul"
)

var errNoStdin = errors.New("standard input is closed: redirect it from /dev/null to upload an empty object")

// stdinSource is standard input. A regular file is read by position.
func stdinSource(ctx context.Context, stdin *os.File) (haul.Source, error) {
	if isRegular(stdin) {
		return haul.FromReader(stdin), nil
	}
	if wasClosed(stdin) {
		return nil, errNoStdin
	}
	widen(stdin)
	return haul.FromReader(unblockedReader(ctx, stdin)), nil
}

func isRegular(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular()
}

// wasClosed says whether a stream was closed when the program began. Go then puts
// /dev/null in its place, which would pass for an empty file. It opens it for
// writing too, which a shell's < does not.
func wasClosed(stdin *os.File) bool {
	is, err := stdin.Stat()
	if err != nil {
		return true
	}
	null, err := os.Stat(os.DevNull)
	if err != nil || !os.SameFile(is, null) {
		return false
	}
	_, err = stdin.Write([]byte{0}) // nobody gets it
	return err == nil
}
