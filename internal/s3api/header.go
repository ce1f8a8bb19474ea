package s3api

// Header names in their canonical form, as net/http spells them.
const (
	HeaderAcceptEncoding    = "Accept-Encoding"
	HeaderAmzDate           = "X-Amz-Date"
	HeaderBucketRegion      = "X-Amz-Bucket-Region"
	HeaderChecksumAlgorithm = "X-Amz-Checksum-Algorithm"
	HeaderChecksumMode      = "X-Amz-Checksum-Mode"
	HeaderChecksumType      = "X-Amz-Checksum-Type"
	HeaderContentEncoding   = "Content-Encoding"
	HeaderContentLength     = "Content-Length"
	HeaderContentRange      = "Content-Range"
	HeaderContentSHA256     = "X-Amz-Content-Sha256"
	HeaderContentType       = "Content-Type"
	HeaderCustomerAlgorithm = "X-Amz-Server-Side-Encryption-Customer-Algorithm"
	HeaderCopySourceIfMatch = "X-Amz-Copy-Source-If-Match"
	HeaderCopySourceRange   = "X-Amz-Copy-Source-Range"
	HeaderDate              = "Date"
	HeaderDecodedLength     = "X-Amz-Decoded-Content-Length"
	HeaderETag              = "Etag"
	HeaderEncryption        = "X-Amz-Server-Side-Encryption"
	HeaderHostID            = "X-Amz-Id-2"
	HeaderIfMatch           = "If-Match"
	HeaderIfNoneMatch       = "If-None-Match"
	HeaderLastModified      = "Last-Modified"
	HeaderMetaPrefix        = "X-Amz-Meta-"
	HeaderMpuObjectSize     = "X-Amz-Mp-Object-Size"
	HeaderPartsCount        = "X-Amz-Mp-Parts-Count"
	HeaderRange             = "Range"
	HeaderRequestID         = "X-Amz-Request-Id"
	HeaderRetryAfter        = "Retry-After"
	HeaderSDKChecksum       = "X-Amz-Sdk-Checksum-Algorithm"
	HeaderStorageClass      = "X-Amz-Storage-Class"
	HeaderTaggingCount      = "X-Amz-Tagging-Count"
	HeaderTrailer           = "X-Amz-Trailer"
	HeaderUserAgent         = "User-Agent"
	HeaderVersionID         = "X-Amz-Version-Id"
)

// Query parameters that the engine sets by itself.
const (
	QueryPartNumber       = "partNumber"
	QueryPartNumberMarker = "part-number-marker"
	QueryUploadID         = "uploadId"
	QueryVersionID        = "versionId"
)

// Checksum types (Amazon S3 User Guide, "Checking object integrity").
const (
	ChecksumFullObject = "FULL_OBJECT"
	ChecksumComposite  = "COMPOSITE"
)
