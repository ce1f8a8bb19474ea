// Package conformance runs haul's conformance suite, internal/managertest,
// against a real S3 server. It has tests only: the library's own module, which
// must not depend on a server, runs the suite against a fake.
package conformance
