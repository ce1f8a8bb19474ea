// Package interop proves that others can read what haul has written and that
// haul can read what others have: the AWS CLI and boto3, where they are
// installed, against the server of package server. It has tests only.
package interop
