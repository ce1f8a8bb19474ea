package batch

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul/internal/paging"
	"github.com/haul-s3/haul/internal/s3api"
)

// Lister is the part of *s3.Client that Objects uses.
type Lister interface {
	ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, optFns ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
}

// Objects finds the objects whose keys begin with in.Prefix in in.Bucket, page
// after page as the sequence is consumed, in the order of their keys. in isn't
// changed; its Delimiter should not be set, since common prefixes are no
// objects. An error ends the sequence: also a key of more than 1,024 bytes, a page
// that is longer than an honest one can be (8 KiB for each of its at most 1,000
// entries, or in.MaxKeys if that is more), an answer that is no page, and pages
// that lead back to one that was seen. In its text "[removed]" stands for secrets that the store's message
// repeats, as in that of a haul.TransferError.
func Objects(ctx context.Context, c Lister, in *s3.ListObjectsV2Input) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		ask := *in
		ask.EncodingType = types.EncodingTypeUrl // XML can't hold every key
		var marks paging.Marks
		for {
			page, err := c.ListObjectsV2(ctx, &ask, boundedBy(in.MaxKeys))
			if err != nil {
				yield(Item{Size: -1}, s3api.Redacted(fmt.Errorf("list: %w", err)))
				return
			}
			for _, o := range page.Contents {
				item, err := object(in, page.EncodingType, o)
				if !yield(item, s3api.Redacted(err)) || err != nil {
					return
				}
			}
			if !aws.ToBool(page.IsTruncated) {
				return
			}
			if ask.ContinuationToken, err = next(page, &marks); err != nil {
				yield(Item{Size: -1}, err)
				return
			}
		}
	}
}

// boundedBy has the SDK read no more of an answer than a page of maxKeys entries
// can have, and nothing that is none.
func boundedBy(maxKeys *int32) func(*s3.Options) {
	return func(o *s3.Options) {
		o.HTTPClient = paging.Client{Doer: o.HTTPClient, Limit: paging.PageBytes(aws.ToInt32(maxKeys)), Root: "ListBucketResult"}
	}
}

// next is the token of the page after this one. A server that gives none, or
// one that it has given before, would end the listing early or never.
func next(page *s3.ListObjectsV2Output, marks *paging.Marks) (*string, error) {
	switch token := aws.ToString(page.NextContinuationToken); {
	case token == "":
		return nil, errors.New("list: the server says that there are more objects, but not where to go on")
	case marks.Repeats(token):
		return nil, errors.New("list: the server's pages lead back to one that was there before")
	}
	return page.NextContinuationToken, nil
}

// object makes the Item of an entry of a listing.
func object(in *s3.ListObjectsV2Input, encoding types.EncodingType, o types.Object) (Item, error) {
	key := aws.ToString(o.Key)
	if encoding == types.EncodingTypeUrl {
		plain, err := url.QueryUnescape(key)
		if err != nil {
			return Item{Size: -1}, fmt.Errorf("list: key %.100q: %w", key, err)
		}
		key = plain
	}
	if err := paging.CheckKey(key); err != nil {
		return Item{Size: -1}, fmt.Errorf("list: %w", err)
	}
	return Item{
		Name: strings.TrimPrefix(key, aws.ToString(in.Prefix)), Bucket: aws.ToString(in.Bucket), Key: key,
		Size: aws.ToInt64(o.Size), ModTime: aws.ToTime(o.LastModified), ETag: quoted(aws.ToString(o.ETag)),
	}, nil
}

// quoted gives an ETag the quotes that belong to it and that some stores leave
// out of listings.
func quoted(etag string) string {
	if etag == "" || strings.HasSuffix(etag, `"`) {
		return etag
	}
	return `"` + etag + `"`
}
