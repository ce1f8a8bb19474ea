// Package examples holds small programs that use haul, each in a folder of its
// own: updown (a file up and down, with progress), many (many transfers,
// subscribers, results) and stream (a pipe up, a stream down). They are run by
// the tests of this module, which also compile the Go code of the documentation.
//
// To try one, start an S3 server on this machine in one shell
//
//	go run ./sandbox serve --dir /tmp/s3
//
// paste the lines that it prints into another, make a bucket, and run the
// program there:
//
//	mkdir /tmp/s3/data/demo
//	go run ./examples/updown demo some/key README.md
package examples
