package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/haul-s3/haul"
)

// copyFlags are the flags of cp.
type copyFlags struct {
	recursive, noClobber bool
	durable, directIO    bool
	expectedSize         byteSize
	object               objectFlags
}

const cpHelp = `Copy a file to S3, an object to a file, or an object within S3.

SOURCE and TARGET are paths or s3://bucket/key; "-" is standard input or output.
A TARGET that ends in a slash, or is a folder, takes the name of the SOURCE. A
SOURCE that is a folder, or a prefix of keys, needs --recursive: what is below it
is copied to below TARGET.

Uploads get their content type from the file's name. Downloaded files get the
object's time. A copy within S3 keeps metadata, content type and tags of its
source; --metadata, --content-type or --cache-control replace all but the tags.`

const cpExamples = `  haul cp photo.jpg s3://bucket/photos/
  haul cp s3://bucket/photos/photo.jpg .
  haul cp -r photos s3://bucket/photos
  haul cp -r s3://bucket/photos/ s3://other/photos/ --storage-class STANDARD_IA
  tar c photos | haul cp - s3://bucket/photos.tar
  haul cp s3://bucket/photos.tar - | tar x`

func (a *app) cpCommand() *cobra.Command {
	var flags copyFlags
	cmd := &cobra.Command{
		Use:     "cp SOURCE TARGET",
		Short:   "Copy files and objects",
		Long:    cpHelp,
		Example: cpExamples,
		Args:    nArgs(2),
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVarP(&flags.recursive, "recursive", "r", false, "copy all that is below SOURCE")
	f.BoolVar(&flags.noClobber, "no-clobber", false, "leave objects and files alone that exist already")
	f.BoolVar(&flags.durable, "durable", false, "sync downloaded files to the disk before they count as done")
	f.BoolVar(&flags.directIO, "direct-io", false, "write downloaded files past the page cache, where the file system can (Linux)")
	f.Var(&flags.expectedSize, "expected-size", "about how much standard input has, for streams that growing parts don't reach (from 78GiB on, where memory is small)")
	flags.object.add(f)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r := route{flags: &flags}
		if err := r.parse(args[0], args[1]); err != nil {
			return err
		}
		if err := r.checkMemory(&a.settings); err != nil {
			return err
		}
		return a.execute(cmd.Context(), r.fileOptions, r.job)
	}
	return cmd
}

// route is where cp copies from and to.
type route struct {
	flags    *copyFlags
	src, dst location
	intoDir  bool // a local dst is a folder
	streamed bool // src can be read only once: standard input, a FIFO, a device
}

// fileOptions sets what the flags wish of downloaded files.
func (r *route) fileOptions(o *haul.Options) {
	o.Durable, o.DirectIO = r.flags.durable, r.flags.directIO
}

// parse reads and judges the arguments. Nothing has been asked of S3 yet.
func (r *route) parse(src, dst string) (err error) {
	if r.src, err = parseLocation(src); err != nil {
		return err
	}
	if r.dst, err = parseLocation(dst); err != nil {
		return err
	}
	if r.src.kind != remote && r.dst.kind != remote {
		return usagef("neither %s nor %s is on S3: write s3://bucket/key", src, dst)
	}
	if err = r.checkFlags(); err != nil {
		return err
	}
	return r.checkEnds()
}

// checkFlags finds flags that don't suit the direction.
func (r *route) checkFlags() error {
	name := r.flags.object.used()
	switch {
	case r.flags.recursive && (r.src.kind == pipe || r.dst.kind == pipe):
		return usagef("--recursive and - don't go together: a stream is one object")
	case r.flags.expectedSize != 0 && r.src.kind != pipe:
		return usagef("--expected-size is for standard input (-) as the source")
	case r.flags.noClobber && r.dst.kind == pipe:
		return usagef("--no-clobber has nothing to spare on standard output")
	case r.flags.durable && r.dst.kind != local:
		return usagef("--durable is for downloads to files")
	case r.flags.directIO && r.dst.kind != local:
		return usagef("--direct-io is for downloads to files")
	case name != "" && r.dst.kind != remote:
		return usagef("--%s is for what is written to S3, and this is a download", name)
	}
	return nil
}

// checkEnds looks at what source and target are.
func (r *route) checkEnds() error {
	r.streamed = r.src.kind == pipe
	if r.src.kind == local {
		info, err := os.Stat(r.src.path)
		switch {
		case err != nil:
			return err
		case info.IsDir() && !r.flags.recursive:
			return usagef("%s is a folder: use --recursive (-r) to copy what is below it", r.src)
		case !info.IsDir():
			r.flags.recursive, r.streamed = false, !info.Mode().IsRegular()
		}
	}
	if r.src.kind == remote && r.src.isPrefix() && !r.flags.recursive {
		return usagef("%s is a prefix, no object: use --recursive (-r) to copy all that is below it", r.src)
	}
	if r.src.kind == pipe && r.dst.isPrefix() {
		return usagef("%s lacks the name of the object: standard input has none to give", r.dst)
	}
	if r.dst.kind == local {
		return r.checkFolder()
	}
	return r.checkOverlap()
}

// checkFolder finds out whether a local target is a folder.
func (r *route) checkFolder() error {
	r.intoDir = r.flags.recursive || os.IsPathSeparator(r.dst.path[len(r.dst.path)-1])
	info, err := os.Stat(r.dst.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		r.intoDir = true
	case r.intoDir:
		return usagef("%s is a file, not a folder", r.dst)
	}
	return nil
}

// checkOverlap refuses a recursive copy into itself, which would find its own
// copies and never end.
func (r *route) checkOverlap() error {
	if r.src.kind != remote || r.src.bucket != r.dst.bucket || !r.flags.recursive {
		return nil
	}
	from, to := r.src.prefix(), r.dst.prefix()
	if strings.HasPrefix(to.key, from.key) && to.key != from.key {
		return usagef("%s is below %s: the copy would copy itself", to, from)
	}
	return nil
}

// job makes the job of the route.
func (r *route) job(ctx context.Context, t *tools) *job {
	switch {
	case r.src.kind == remote && r.dst.kind == remote:
		return r.copyJob(ctx, t)
	case r.dst.kind == remote:
		return r.uploadJob(t)
	case r.dst.kind == pipe:
		return r.streamJob(t)
	}
	return r.downloadJob(ctx, t)
}
