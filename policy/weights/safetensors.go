package weights

import (
	"encoding/binary"
	"io"
	"maps"
	"os"
)

// maxHeaderBytes bounds a safetensors header, as the reference implementation does.
const maxHeaderBytes = 100_000_000

// Safetensors is an open safetensors file, or the shards of a folder seen as one. It offers the methods of [Tensors].
type Safetensors struct {
	directory
	metadata map[string]string
}

// Metadata is the strings under __metadata__; of several shards, the first's.
func (s *Safetensors) Metadata() map[string]string { return maps.Clone(s.metadata) }

// OpenSafetensors opens one file and checks its header.
func OpenSafetensors(path string) (*Safetensors, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	return readSafetensors(f)
}

// ReadSafetensors reads from bytes in memory or any other io.ReaderAt; name stands for the file in errors.
func ReadSafetensors(r io.ReaderAt, size int64, name string) (*Safetensors, error) {
	return readSafetensors(&file{r: r, size: size, name: name})
}

// openFile opens a regular file.
func openFile(path string) (*file, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	in := &file{r: f, name: path, Closer: f}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = in.errorf("is not a regular file")
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	in.size = st.Size()
	return in, nil
}

// readSafetensors takes the file over: it is closed on error.
//
// The layout: 8 bytes little-endian length of the header, the header (JSON), the data. Offsets count from the data.
func readSafetensors(f *file) (_ *Safetensors, err error) {
	s := &Safetensors{directory: directory{files: []*file{f}, format: "safetensors"}}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	var length [8]byte
	if f.size < int64(len(length)) {
		return nil, &TruncatedError{f.name, "header length", int64(len(length)), f.size}
	}
	if err := f.readAt(length[:], 0, "header length"); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeaderBytes {
		return nil, f.errorf("header claims %d bytes, want at most %d: not a safetensors file?", n, maxHeaderBytes)
	}
	data := int64(len(length)) + int64(n)
	if data > f.size {
		return nil, &TruncatedError{f.name, "header", data, f.size}
	}
	raw := make([]byte, n)
	if err := f.readAt(raw, int64(len(length)), "header"); err != nil {
		return nil, err
	}
	entries, metadata, err := parseHeader(raw)
	if err != nil {
		return nil, f.errorf("header: %w", err)
	}
	if err := place(f, entries, data); err != nil {
		return nil, err
	}
	for _, e := range entries {
		if err := s.add(e); err != nil {
			return nil, err
		}
	}
	s.metadata = metadata
	return s, nil
}
