package weights

import (
	"fmt"
	"io"
)

// TruncatedError says that a file ends before what its header promises: most often an unfinished download.
type TruncatedError struct {
	File string
	What string // `tensor "model.norm.weight"`, `header`, …
	End  int64  // the byte where What ends
	Size int64  // bytes the file has
}

func (e *TruncatedError) Error() string {
	return fmt.Sprintf("%s: %s ends at byte %d, the file has %d", e.File, e.What, e.End, e.Size)
}

// file is an open model file, or bytes in memory.
type file struct {
	r    io.ReaderAt
	size int64
	name string // for errors
	io.Closer
}

// readAt fills b from byte off. A file that has become shorter since it was opened is a [TruncatedError].
func (f *file) readAt(b []byte, off int64, what string) error {
	n, err := f.r.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return &TruncatedError{f.name, what, off + int64(len(b)), off + int64(n)}
	}
	return fmt.Errorf("%s: %s: %w", f.name, what, err)
}

// errorf is an error that begins with the file's name.
func (f *file) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: %w", f.name, fmt.Errorf(format, args...))
}
