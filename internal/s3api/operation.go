// Package s3api is the leaf vocabulary of haul: S3's operations, limits, header
// names and error codes, each with its source, and the plain types that travel
// between the request serializer and the engine (Template, Response,
// Credentials). It depends on the standard library alone, so that the engine
// that speaks these types is read, built and measured without the AWS SDK.
package s3api

// Operation is the name of an S3 API operation, spelled as in the Amazon S3 API
// Reference ("PutObject").
type Operation string

// The operations that haul sends.
const (
	PutObject               Operation = "PutObject"
	GetObject               Operation = "GetObject"
	HeadObject              Operation = "HeadObject"
	DeleteObject            Operation = "DeleteObject"
	CopyObject              Operation = "CopyObject"
	CreateMultipartUpload   Operation = "CreateMultipartUpload"
	UploadPart              Operation = "UploadPart"
	UploadPartCopy          Operation = "UploadPartCopy"
	CompleteMultipartUpload Operation = "CompleteMultipartUpload"
	AbortMultipartUpload    Operation = "AbortMultipartUpload"
	ListParts               Operation = "ListParts"
	GetObjectTagging        Operation = "GetObjectTagging"
	PutObjectTagging        Operation = "PutObjectTagging"
)

// Writes reports whether the operation changes what is stored, so that sending
// it twice may have an effect that sending it once has not.
func (o Operation) Writes() bool {
	switch o {
	case GetObject, HeadObject, ListParts, GetObjectTagging:
		return false
	}
	return true
}
