package haul

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/s3api"
)

// This file says which field of the caller's input goes on which request of the
// transfer, for both engines. In short, beside bucket and key:
//
//	field                                  requests
//	ExpectedBucketOwner, RequestPayer      all to that bucket, Abort and ListParts included
//	SSECustomer* (the target's)            Put, Create, every UploadPart(Copy), Complete, ListParts, Get, Head
//	IfMatch, IfNoneMatch                   Put, CopyObject, Complete; Get and Head
//	Checksum<algorithm> (a value)          Put; Complete, with ChecksumType FULL_OBJECT
//	ChecksumAlgorithm                      Put, Create, UploadPart; CopyObject
//	metadata, headers, ACL, grants, tags,
//	encryption, storage class, object lock Put, CopyObject, Create
//	ContentMD5, WriteOffsetBytes           Put, and the upload is then one Put (job.go)
//	ContentLength                          none: it is the size of a stream (job.go)
//	Range, PartNumber                      Get
//	If*Since, Response*, VersionId         Get, Head
//	CopySource                             CopyObject, UploadPartCopy; taken apart on Head and GetObjectTagging of the source
//	CopySourceIf*                          CopyObject, UploadPartCopy; as If* on Head of the source
//	CopySourceSSECustomer*                 CopyObject, UploadPartCopy; as SSECustomer* on Head of the source
//	ExpectedSourceBucketOwner              CopyObject, UploadPartCopy; as ExpectedBucketOwner on requests to the source
//	MetadataDirective, TaggingDirective    CopyObject; what Create gets (route_copy.go)
//	AnnotationDirective                    CopyObject, and the copy is then one CopyObject (job.go)
//
// A test holds every field of the SDK's inputs against such a table, so that a
// new one can't be forgotten.

// The SDK demands values that only the driver knows; these hold their place.
const placeUploadID = "UPLOADID"

var (
	placePart  int32 = 1
	placeRange       = "bytes=0-0"
)

// common are the fields that nearly every request has.
type common struct {
	bucket, key, owner *string
	payer              types.RequestPayer
	ssecAlgorithm      *string
	ssecKey            *string
	ssecKeyMD5         *string
}

// orNil is for fields that are absent rather than empty.
func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// uploadCalls are the inputs of an Upload's requests. algorithm and sumType are
// what was decided about checksums, empty for none.
type uploadCalls struct {
	in                 *s3.PutObjectInput
	meta               *Meta
	algorithm, sumType string
}

func newUploadCalls(in *s3.PutObjectInput, meta *Meta, algorithm, sumType string) uploadCalls {
	if algorithm == "none" {
		algorithm, sumType = "", ""
	}
	return uploadCalls{in, meta, algorithm, sumType}
}

func (u *uploadCalls) common() common {
	return common{&u.meta.bucket, &u.meta.key, u.in.ExpectedBucketOwner, u.in.RequestPayer,
		u.in.SSECustomerAlgorithm, u.in.SSECustomerKey, u.in.SSECustomerKeyMD5}
}

// Input forms one of them.
func (u *uploadCalls) Input(op s3api.Operation) any {
	c := u.common()
	switch op {
	case s3api.PutObject:
		return u.put()
	case s3api.CreateMultipartUpload:
		create := uploadCreate(u.put())
		create.ChecksumType = types.ChecksumType(u.sumType)
		return create
	case s3api.UploadPart:
		return &s3.UploadPartInput{
			Bucket: c.bucket, Key: c.key, PartNumber: &placePart, UploadId: aws.String(placeUploadID),
			ChecksumAlgorithm: computable(u.algorithm), ExpectedBucketOwner: c.owner, RequestPayer: c.payer,
			SSECustomerAlgorithm: c.ssecAlgorithm, SSECustomerKey: c.ssecKey, SSECustomerKeyMD5: c.ssecKeyMD5,
		}
	case s3api.CompleteMultipartUpload:
		complete := c.complete()
		complete.IfMatch, complete.IfNoneMatch = u.in.IfMatch, u.in.IfNoneMatch
		complete.ChecksumType = types.ChecksumType(u.sumType)
		giveChecksum(complete, u.in)
		return complete
	case s3api.AbortMultipartUpload:
		return c.abort()
	case s3api.ListParts:
		return c.listParts()
	case s3api.HeadObject: // whether a retried write was done already
		head := c.head()
		head.ChecksumMode = types.ChecksumModeEnabled
		return head
	}
	return nil
}

func (u *uploadCalls) put() *s3.PutObjectInput {
	put := *u.in
	put.Bucket, put.Key = &u.meta.bucket, &u.meta.key
	put.ContentLength = nil
	put.ChecksumAlgorithm = types.ChecksumAlgorithm(u.algorithm)
	return &put
}

// computable is the algorithm if parts can be hashed with it. Of others only the
// whole object's value is passed on, and parts go without.
func computable(algorithm string) types.ChecksumAlgorithm {
	if _, err := checksum.Parse(algorithm); err != nil {
		return ""
	}
	return types.ChecksumAlgorithm(algorithm)
}

// uploadCreate is what of a PutObject belongs on CreateMultipartUpload.
func uploadCreate(in *s3.PutObjectInput) *s3.CreateMultipartUploadInput {
	return &s3.CreateMultipartUploadInput{
		Bucket: in.Bucket, Key: in.Key, ACL: in.ACL, BucketKeyEnabled: in.BucketKeyEnabled,
		CacheControl: in.CacheControl, ChecksumAlgorithm: in.ChecksumAlgorithm,
		ContentDisposition: in.ContentDisposition, ContentEncoding: in.ContentEncoding,
		ContentLanguage: in.ContentLanguage, ContentType: in.ContentType,
		ExpectedBucketOwner: in.ExpectedBucketOwner, Expires: in.Expires,
		GrantFullControl: in.GrantFullControl, GrantRead: in.GrantRead,
		GrantReadACP: in.GrantReadACP, GrantWriteACP: in.GrantWriteACP,
		Metadata: in.Metadata, ObjectLockEventHold: in.ObjectLockEventHold,
		ObjectLockEventHoldDurationDays: in.ObjectLockEventHoldDurationDays, ObjectLockEventHoldDurationYears: in.ObjectLockEventHoldDurationYears,
		ObjectLockLegalHoldStatus: in.ObjectLockLegalHoldStatus, ObjectLockMode: in.ObjectLockMode,
		ObjectLockRetainUntilDate: in.ObjectLockRetainUntilDate, RequestPayer: in.RequestPayer,
		SSECustomerAlgorithm: in.SSECustomerAlgorithm, SSECustomerKey: in.SSECustomerKey, SSECustomerKeyMD5: in.SSECustomerKeyMD5,
		SSEKMSEncryptionContext: in.SSEKMSEncryptionContext, SSEKMSKeyId: in.SSEKMSKeyId,
		ServerSideEncryption: in.ServerSideEncryption, StorageClass: in.StorageClass,
		Tagging: in.Tagging, WebsiteRedirectLocation: in.WebsiteRedirectLocation,
	}
}

// giveChecksum takes the whole object's value over to Complete.
func giveChecksum(out *s3.CompleteMultipartUploadInput, in *s3.PutObjectInput) {
	out.ChecksumCRC32, out.ChecksumCRC32C, out.ChecksumCRC64NVME = in.ChecksumCRC32, in.ChecksumCRC32C, in.ChecksumCRC64NVME
	out.ChecksumMD5, out.ChecksumSHA1, out.ChecksumSHA256, out.ChecksumSHA512 = in.ChecksumMD5, in.ChecksumSHA1, in.ChecksumSHA256, in.ChecksumSHA512
	out.ChecksumXXHASH128, out.ChecksumXXHASH3, out.ChecksumXXHASH64 = in.ChecksumXXHASH128, in.ChecksumXXHASH3, in.ChecksumXXHASH64
}

func (c common) complete() *s3.CompleteMultipartUploadInput {
	return &s3.CompleteMultipartUploadInput{
		Bucket: c.bucket, Key: c.key, UploadId: aws.String(placeUploadID), ExpectedBucketOwner: c.owner, RequestPayer: c.payer,
		SSECustomerAlgorithm: c.ssecAlgorithm, SSECustomerKey: c.ssecKey, SSECustomerKeyMD5: c.ssecKeyMD5,
	}
}

func (c common) abort() *s3.AbortMultipartUploadInput {
	return &s3.AbortMultipartUploadInput{
		Bucket: c.bucket, Key: c.key, UploadId: aws.String(placeUploadID), ExpectedBucketOwner: c.owner, RequestPayer: c.payer,
	}
}

func (c common) listParts() *s3.ListPartsInput {
	return &s3.ListPartsInput{
		Bucket: c.bucket, Key: c.key, UploadId: aws.String(placeUploadID), ExpectedBucketOwner: c.owner, RequestPayer: c.payer,
		SSECustomerAlgorithm: c.ssecAlgorithm, SSECustomerKey: c.ssecKey, SSECustomerKeyMD5: c.ssecKeyMD5,
	}
}

func (c common) head() *s3.HeadObjectInput {
	return &s3.HeadObjectInput{
		Bucket: c.bucket, Key: c.key, ExpectedBucketOwner: c.owner, RequestPayer: c.payer,
		SSECustomerAlgorithm: c.ssecAlgorithm, SSECustomerKey: c.ssecKey, SSECustomerKeyMD5: c.ssecKeyMD5,
	}
}

// downloadCalls are the inputs of a Download's requests.
type downloadCalls struct {
	in       *s3.GetObjectInput
	meta     *Meta
	validate bool
}

// Input forms one of them.
func (d *downloadCalls) Input(op s3api.Operation) any {
	mode := d.in.ChecksumMode
	if d.validate {
		mode = types.ChecksumModeEnabled
	}
	switch op {
	case s3api.GetObject:
		get := *d.in
		get.Bucket, get.Key, get.ChecksumMode = &d.meta.bucket, &d.meta.key, mode
		return &get
	case s3api.HeadObject:
		in := d.in
		return &s3.HeadObjectInput{
			Bucket: &d.meta.bucket, Key: &d.meta.key, ChecksumMode: mode, ExpectedBucketOwner: in.ExpectedBucketOwner,
			IfMatch: in.IfMatch, IfModifiedSince: in.IfModifiedSince, IfNoneMatch: in.IfNoneMatch, IfUnmodifiedSince: in.IfUnmodifiedSince,
			RequestPayer: in.RequestPayer, ResponseCacheControl: in.ResponseCacheControl,
			ResponseContentDisposition: in.ResponseContentDisposition, ResponseContentEncoding: in.ResponseContentEncoding,
			ResponseContentLanguage: in.ResponseContentLanguage, ResponseContentType: in.ResponseContentType, ResponseExpires: in.ResponseExpires,
			SSECustomerAlgorithm: in.SSECustomerAlgorithm, SSECustomerKey: in.SSECustomerKey, SSECustomerKeyMD5: in.SSECustomerKeyMD5,
			VersionId: in.VersionId,
		}
	}
	return nil
}

// deleteCalls is the input of a Delete's request.
type deleteCalls struct {
	in   *s3.DeleteObjectInput
	meta *Meta
}

// Input forms it.
func (d *deleteCalls) Input(op s3api.Operation) any {
	if op != s3api.DeleteObject {
		return nil
	}
	del := *d.in
	del.Bucket, del.Key = &d.meta.bucket, &d.meta.key
	return &del
}
