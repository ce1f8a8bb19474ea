package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/spf13/cobra"

	"github.com/haul-s3/haul/batch"
)

const rmHelp = `Delete an object, or with --recursive all objects below a prefix.

There is no question and no way back, unless the bucket keeps versions. To delete
an object that isn't there is no failure, as S3 has it.`

func (a *app) rmCommand() *cobra.Command {
	var recursive bool
	cmd := &cobra.Command{
		Use:     "rm s3://BUCKET/KEY",
		Short:   "Delete objects",
		Long:    rmHelp,
		Example: "  haul rm s3://bucket/photos/photo.jpg\n  haul rm -r s3://bucket/photos/",
		Args:    nArgs(1),
	}
	cmd.Flags().BoolVarP(&recursive, "recursive", "r", false, "delete all that is below the prefix")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		l, err := parseLocation(args[0])
		switch {
		case err != nil:
			return err
		case l.kind != remote:
			return usagef("%s is not on S3: write s3://bucket/key", args[0])
		case l.isPrefix() && !recursive:
			return usagef("%s is a prefix, no object: use --recursive (-r) to delete all that is below it", l)
		}
		return a.execute(cmd.Context(), nil, func(ctx context.Context, t *tools) *job {
			return deleteJob(ctx, t, l, recursive)
		})
	}
	return cmd
}

// deleteJob is rm.
func deleteJob(ctx context.Context, t *tools, l location, recursive bool) *job {
	j := &job{
		verb: "delete", from: key, source: l.String(), many: recursive,
		start: batch.Delete(t.manager, &s3.DeleteObjectInput{}),
		items: one(object(l, l.key)),
	}
	if recursive {
		j.items = t.listed(ctx, l.prefix())
	}
	return j
}
