module github.com/haul-s3/haul/sandbox

go 1.25.0

toolchain go1.26.8

require (
	github.com/aws/aws-sdk-go-v2 v1.47.7
	github.com/aws/aws-sdk-go-v2/credentials v1.20.1
	github.com/aws/aws-sdk-go-v2/service/s3 v1.114.8
	github.com/haul-s3/haul v0.0.0
	github.com/spf13/cobra v1.10.2
	github.com/versity/versitygw v1.8.0
	golang.org/x/sync v0.22.0
	golang.org/x/sys v0.47.0
)
