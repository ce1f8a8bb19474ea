package haul

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul/internal/paging"
	"github.com/haul-s3/haul/internal/s3api"
)

// UploadsAPI is the part of *s3.Client that AbandonedUploads uses.
type UploadsAPI interface {
	ListMultipartUploads(ctx context.Context, in *s3.ListMultipartUploadsInput, optFns ...func(*s3.Options)) (*s3.ListMultipartUploadsOutput, error)
	AbortMultipartUpload(ctx context.Context, in *s3.AbortMultipartUploadInput, optFns ...func(*s3.Options)) (*s3.AbortMultipartUploadOutput, error)
}

var _ UploadsAPI = (*s3.Client)(nil)

// AbandonedUpload is a multipart upload that was neither completed nor aborted.
// Its parts cost money until it is.
type AbandonedUpload struct {
	Bucket       string
	Key          string
	UploadID     string
	Initiated    time.Time
	StorageClass types.StorageClass

	api UploadsAPI
}

// AbandonedUploads lists the open multipart uploads of keys with the prefix that
// were begun longer than olderThan ago, whoever began them: leftovers of crashed
// programs, of transfers whose journal nobody will take up, and also, if
// olderThan is too short, uploads that are running. It aborts nothing. In the
// text of its error, and of Abort's, "[removed]" stands for secrets that the
// store's message repeats, as in that of a TransferError.
func AbandonedUploads(ctx context.Context, api UploadsAPI, bucket, prefix string, olderThan time.Duration) ([]AbandonedUpload, error) {
	if api == nil {
		return nil, errors.New("S3 client is nil")
	}
	all, err := openUploads(ctx, api, bucket, prefix, olderThan)
	return all, s3api.Redacted(err)
}

func openUploads(ctx context.Context, api UploadsAPI, bucket, prefix string, olderThan time.Duration) ([]AbandonedUpload, error) {
	before := time.Now().Add(-olderThan)
	in := &s3.ListMultipartUploadsInput{Bucket: &bucket, EncodingType: types.EncodingTypeUrl}
	if prefix != "" {
		in.Prefix = &prefix
	}
	var all []AbandonedUpload
	var marks paging.Marks
	for {
		page, err := api.ListMultipartUploads(ctx, in, boundedPage)
		if err != nil {
			return all, fmt.Errorf("open uploads of bucket %q: %w", bucket, err)
		}
		for _, u := range page.Uploads {
			if aws.ToTime(u.Initiated).Before(before) {
				key, err := listedKey(page.EncodingType, u.Key)
				if err == nil {
					err = paging.CheckKey(key)
				}
				if err != nil {
					return all, fmt.Errorf("open uploads of bucket %q: %w", bucket, err)
				}
				all = append(all, AbandonedUpload{
					Bucket: bucket, Key: key, UploadID: aws.ToString(u.UploadId),
					Initiated: aws.ToTime(u.Initiated), StorageClass: u.StorageClass, api: api,
				})
			}
		}
		if !aws.ToBool(page.IsTruncated) {
			return all, nil
		}
		next, err := listedKey(page.EncodingType, page.NextKeyMarker)
		if err != nil {
			return all, err
		}
		if marks.Repeats(next + "\x00" + aws.ToString(page.NextUploadIdMarker)) {
			return all, fmt.Errorf("open uploads of bucket %q: the list does not go on", bucket)
		}
		in.KeyMarker, in.UploadIdMarker = &next, page.NextUploadIdMarker
	}
}

// boundedPage has the SDK read no more of an answer than a page can have, and
// nothing that is none.
func boundedPage(o *s3.Options) {
	o.HTTPClient = paging.Client{Doer: o.HTTPClient, Limit: paging.PageBytes(0), Root: "ListMultipartUploadsResult"}
}

// listedKey is a key as it stands in a list: encoded, if the list says so, since
// XML can't carry every key.
func listedKey(encoding types.EncodingType, key *string) (string, error) {
	if encoding != types.EncodingTypeUrl {
		return aws.ToString(key), nil
	}
	decoded, err := url.QueryUnescape(aws.ToString(key))
	if err != nil {
		return "", fmt.Errorf("key %.100q in the list of open uploads: %w", aws.ToString(key), err)
	}
	return decoded, nil
}

// Abort removes the upload and its parts. That it is gone already is no error. A
// part that was on its way at that moment may stay: list again.
func (u AbandonedUpload) Abort(ctx context.Context) error {
	_, err := u.api.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &u.Bucket, Key: &u.Key, UploadId: &u.UploadID})
	var gone *types.NoSuchUpload
	if err == nil || errors.As(err, &gone) {
		return nil
	}
	return s3api.Redacted(fmt.Errorf("abort upload %s of key %q in bucket %q: %w", u.UploadID, u.Key, u.Bucket, err))
}
