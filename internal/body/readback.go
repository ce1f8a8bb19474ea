package body

import "io"

// Through is w, whose bytes go through also once w has taken them, in the order
// in which they come. w is an ordered writer; also never fails.
func Through(w Writer, also io.Writer) Writer { return &throughWriter{w, also} }

type throughWriter struct {
	Writer
	also io.Writer
}

func (t *throughWriter) WriteAt(p []byte, off int64) (int, error) {
	n, err := t.Writer.WriteAt(p, off)
	_, _ = t.also.Write(p[:n]) // it never fails
	return n, err
}

// ReadBack returns what reads again what w was given, or nil where nothing can:
// the temporary file of a target, or a writer of the caller's that is an
// io.ReaderAt too.
func ReadBack(w Writer) io.ReaderAt {
	if given, ok := w.(*givenWriter); ok {
		r, _ := given.at.(io.ReaderAt)
		return r
	}
	r, _ := w.(io.ReaderAt)
	return r
}
