package main

import (
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/spf13/pflag"
)

// objectFlags are the flags about the object that is written to S3.
type objectFlags struct {
	set      *pflag.FlagSet
	values   map[string]*string
	metadata map[string]string
}

// properties are the flags with one value: what each does to an upload and to a
// copy. replaces says that S3 takes it for a copy only if the copy takes no
// metadata over from its source.
var properties = []struct {
	name, help string
	replaces   bool
	put        func(*s3.PutObjectInput, *string)
	copy       func(*s3.CopyObjectInput, *string)
}{
	{
		"content-type", "content type (default: by the file's name)", true,
		func(in *s3.PutObjectInput, v *string) { in.ContentType = v },
		func(in *s3.CopyObjectInput, v *string) { in.ContentType = v },
	},
	{
		"cache-control", "Cache-Control header that downloads of the object get", true,
		func(in *s3.PutObjectInput, v *string) { in.CacheControl = v },
		func(in *s3.CopyObjectInput, v *string) { in.CacheControl = v },
	},
	{
		"storage-class", "storage class, such as STANDARD_IA or GLACIER_IR", false,
		func(in *s3.PutObjectInput, v *string) { in.StorageClass = types.StorageClass(*v) },
		func(in *s3.CopyObjectInput, v *string) { in.StorageClass = types.StorageClass(*v) },
	},
	{
		"acl", "canned ACL, such as private or public-read", false,
		func(in *s3.PutObjectInput, v *string) { in.ACL = types.ObjectCannedACL(*v) },
		func(in *s3.CopyObjectInput, v *string) { in.ACL = types.ObjectCannedACL(*v) },
	},
	{
		"sse", "encryption on the server: AES256, aws:kms or aws:kms:dsse", false,
		func(in *s3.PutObjectInput, v *string) { in.ServerSideEncryption = types.ServerSideEncryption(*v) },
		func(in *s3.CopyObjectInput, v *string) { in.ServerSideEncryption = types.ServerSideEncryption(*v) },
	},
	{
		"sse-kms-key-id", "key for --sse aws:kms", false,
		func(in *s3.PutObjectInput, v *string) { in.SSEKMSKeyId = v },
		func(in *s3.CopyObjectInput, v *string) { in.SSEKMSKeyId = v },
	},
}

const metadataFlag = "metadata"

func (o *objectFlags) add(f *pflag.FlagSet) {
	o.set, o.values = f, map[string]*string{}
	for _, p := range properties {
		o.values[p.name] = f.String(p.name, "", p.help)
	}
	f.StringToStringVar(&o.metadata, metadataFlag, nil, "metadata of the object, as `name=value`; may be given again")
	f.Lookup(metadataFlag).DefValue = "" // instead of [] in the help
}

// used is the name of one of the flags that was given, empty if none was.
func (o *objectFlags) used() string {
	for _, p := range properties {
		if o.set.Changed(p.name) {
			return p.name
		}
	}
	if o.set.Changed(metadataFlag) {
		return metadataFlag
	}
	return ""
}

// put applies the flags to an upload.
func (o *objectFlags) put(in *s3.PutObjectInput) {
	in.Metadata = o.metadata
	for _, p := range properties {
		if o.set.Changed(p.name) {
			p.put(in, o.values[p.name])
		}
	}
}

// copy applies the flags to a copy.
func (o *objectFlags) copy(in *s3.CopyObjectInput) {
	in.Metadata = o.metadata
	replace := o.set.Changed(metadataFlag)
	for _, p := range properties {
		if o.set.Changed(p.name) {
			p.copy(in, o.values[p.name])
			replace = replace || p.replaces
		}
	}
	if replace {
		in.MetadataDirective = types.MetadataDirectiveReplace
	}
}
