package main

import (
	slashpath "path"
	"path/filepath"
	"regexp"
	"strings"
)

// kind is what a location is on.
type kind int

const (
	local  kind = iota // a file or folder of this machine
	remote             // an object or prefix of S3
	pipe               // standard input or output
)

// location is where something is copied from or to.
type location struct {
	kind   kind
	path   string // of a local one
	bucket string // of a remote one: a name, or an access point's ARN
	key    string // of a remote one: any, as it is
}

const scheme = "s3://"

// accessPoint is an access point's ARN at the start of what follows s3://.
var accessPoint = regexp.MustCompile(`^(arn:[^:/]+:s3[^:/]*:[^:/]*:[^:/]*:accesspoint[:/][^:/]+)(?:[:/](.*))?$`)

// parseLocation reads an argument: "-", s3://bucket/key, or a path.
func parseLocation(arg string) (location, error) {
	rest, isRemote := strings.CutPrefix(arg, scheme)
	switch {
	case arg == "":
		return location{}, usagef("an argument is empty")
	case arg == "-":
		return location{kind: pipe}, nil
	case !isRemote:
		return location{kind: local, path: arg}, nil
	}
	l := location{kind: remote}
	if m := accessPoint.FindStringSubmatch(rest); m != nil {
		l.bucket, l.key = m[1], m[2]
	} else {
		l.bucket, l.key, _ = strings.Cut(rest, "/")
	}
	if l.bucket == "" {
		return l, usagef("%s names no bucket: want s3://bucket/key", arg)
	}
	return l, nil
}

// String is the location as a user writes it; a path always looks like one.
func (l location) String() string {
	switch {
	case l.kind == pipe:
		return "-"
	case l.kind == remote:
		return scheme + l.bucket + "/" + l.key
	case filepath.IsAbs(l.path) || strings.HasPrefix(l.path, "."):
		return l.path
	}
	return "." + string(filepath.Separator) + l.path
}

// object is the location of another key in the same bucket.
func (l location) object(key string) location {
	return location{kind: remote, bucket: l.bucket, key: key}
}

// isPrefix says that a remote location can't be one object.
func (l location) isPrefix() bool { return l.key == "" || strings.HasSuffix(l.key, "/") }

// prefix is a remote location as a folder: its key ends in a slash or is empty.
func (l location) prefix() location {
	if !l.isPrefix() {
		l.key += "/"
	}
	return l
}

// base is the last element of a key.
func base(key string) string { return key[strings.LastIndexByte(key, '/')+1:] }

// localBase is the last element of a path.
func localBase(p string) string { return slashpath.Base(filepath.ToSlash(p)) }
