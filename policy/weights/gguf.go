package weights

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
)

const (
	ggufMagic        = "GGUF"
	ggufAlignment    = 32 // bytes, where general.alignment says nothing
	maxGGUFKeys      = 1 << 16
	maxGGUFTensors   = 1 << 16
	maxGGUFNameBytes = 1 << 16 // the format's bound on keys; names of tensors get the same
)

// GGUF is an open GGUF file. It offers the methods of [Tensors], by Hugging Face names: see [HFName].
type GGUF struct {
	directory
	version uint32
	keys    []string
	meta    map[string]any
}

// OpenGGUF opens a file and checks its header. The architecture must be llama.
func OpenGGUF(path string) (*GGUF, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	return readGGUF(f)
}

// ReadGGUF reads from bytes in memory or any other io.ReaderAt; name stands for the file in errors.
func ReadGGUF(r io.ReaderAt, size int64, name string) (*GGUF, error) {
	return readGGUF(&file{r: r, size: size, name: name})
}

// readGGUF takes the file over: it is closed on error.
//
// The layout: magic, version, counts; the metadata; the tensors' names, shapes, types and offsets; padding to the
// alignment; the data, each tensor padded to the alignment. Offsets count from the data.
func readGGUF(f *file) (_ *GGUF, err error) {
	g := &GGUF{directory: directory{files: []*file{f}, format: "GGUF"}, meta: make(map[string]any)}
	defer func() {
		if err != nil {
			g.Close()
		}
	}()
	c := &cursor{in: f, what: "header"}
	magic, err := c.take(4)
	if err != nil {
		return nil, err
	}
	if string(magic) != ggufMagic {
		return nil, f.errorf("begins with %q, want %q: not a GGUF file", magic, ggufMagic)
	}
	if g.version, err = c.uint32(); err != nil {
		return nil, err
	}
	if g.version != 2 && g.version != 3 {
		if g.version&0xffff == 0 {
			return nil, f.errorf("big-endian GGUF is not in this version")
		}
		return nil, f.errorf("GGUF version is %d, want 2 or 3", g.version)
	}
	tensors, err := c.count("tensor count", maxGGUFTensors)
	if err != nil {
		return nil, err
	}
	keys, err := c.count("metadata count", maxGGUFKeys)
	if err != nil {
		return nil, err
	}
	if err := g.readMeta(c, keys); err != nil {
		return nil, err
	}
	names, err := newGGUFNames(g)
	if err != nil {
		return nil, err
	}
	entries := make([]*entry, 0, min(tensors, 1024))
	for i := range tensors {
		c.what = fmt.Sprintf("entry %d of %d tensors", i, tensors)
		e, err := readGGUFEntry(c)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	if err := g.place(c.pos, entries); err != nil {
		return nil, err
	}
	for _, e := range entries {
		if err := names.adopt(e); err != nil {
			return nil, f.errorf("%s: %w", e.what(), err)
		}
		if err := g.add(e); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// place makes the entries' offsets, sorted, count from the start of the file, whose header ends at byte header. They
// must fill the data with no more than padding between them.
func (g *GGUF) place(header int64, entries []*entry) error {
	f, align := g.files[0], int64(ggufAlignment)
	if v, ok := g.meta["general.alignment"]; ok {
		a, ok := v.(uint32)
		if !ok || a == 0 || a&(a-1) != 0 {
			return f.errorf("general.alignment is %v (%T), want a power of two as uint32", v, v)
		}
		align = int64(a)
	}
	padded := func(n int64) int64 { return (n + align - 1) / align * align }
	data := padded(header)
	slices.SortStableFunc(entries, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	end := int64(0) // of the tensor before
	for i, e := range entries {
		switch {
		case e.begin < end:
			return f.errorf("%s begins at offset %d, inside %s, which ends at %d", e.what(), e.begin, entries[i-1].what(), end)
		case e.begin != padded(end):
			return f.errorf("%s begins at offset %d, want %d", e.what(), e.begin, padded(end))
		case e.end > math.MaxInt64-data-align:
			return f.errorf("%s ends at offset %d, which no file reaches", e.what(), e.end)
		}
		end = e.end
		e.begin, e.end = e.begin+data, e.end+data
	}
	for _, e := range entries {
		if e.end > f.size {
			return &TruncatedError{f.name, e.what(), e.end, f.size}
		}
	}
	return nil
}
