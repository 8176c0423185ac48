package weights

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

const (
	maxRank     = 8       // dimensions of a tensor
	maxElements = 1 << 40 // values in a tensor: 4 TB as float32
)

// Tensors is what every reader offers. It is safe for concurrent use.
type Tensors interface {
	Names() []string                                         // in file order
	Info(name string) (shape []int, dtype string, ok bool)   // as stored: "F32", "Q4_1", …
	Tensor(name string, wantShape ...int) ([]float32, error) // row-major; no shape accepts any
	Close() error
}

var (
	_ Tensors = (*Safetensors)(nil)
	_ Tensors = (*GGUF)(nil)
)

// entry says where a tensor lies and how it is stored.
type entry struct {
	name  string // the Hugging Face name
	dtype string
	shape []int
	n     int    // values: the product of shape
	codec *codec // nil: a type that is not in this version
	heads int    // > 0: rows are in llama.cpp's order and are put back, see unpermuteRows

	in         *file
	begin, end int64 // bytes of the file
}

func (e *entry) what() string { return fmt.Sprintf("tensor %q", e.name) }

// directory is the tensors of one or more files.
type directory struct {
	entries []*entry
	byName  map[string]*entry
	files   []*file
	format  string // "safetensors" or "GGUF", for errors
}

// add takes e in; a name that is there already is an error.
func (d *directory) add(e *entry) error {
	if old := d.byName[e.name]; old != nil {
		if old.in != e.in {
			return e.in.errorf("%s is also in %s", e.what(), old.in.name)
		}
		return e.in.errorf("%s appears twice", e.what())
	}
	if d.byName == nil {
		d.byName = make(map[string]*entry)
	}
	d.byName[e.name] = e
	d.entries = append(d.entries, e)
	return nil
}

// Names lists the tensors in file order.
func (d *directory) Names() []string {
	names := make([]string, len(d.entries))
	for i, e := range d.entries {
		names[i] = e.name
	}
	return names
}

// Info gives a tensor's shape and its type as stored.
func (d *directory) Info(name string) (shape []int, dtype string, ok bool) {
	e := d.byName[name]
	if e == nil {
		return nil, "", false
	}
	return slices.Clone(e.shape), e.dtype, true
}

// Tensor reads one tensor as row-major float32. Its shape must be wantShape; with none given any shape is taken.
// A value that is NaN or infinite is an error: no model works with one.
func (d *directory) Tensor(name string, wantShape ...int) ([]float32, error) {
	e := d.byName[name]
	if e == nil {
		return nil, fmt.Errorf("%s: tensor %q is missing", d.label(), name)
	}
	if len(wantShape) > 0 && !slices.Equal(e.shape, wantShape) {
		return nil, e.in.errorf("%s: shape is %v, want %v", e.what(), e.shape, wantShape)
	}
	if e.codec == nil {
		return nil, e.in.errorf("%s: %s type %s is not in this version", e.what(), d.format, e.dtype)
	}
	data, bad, err := e.load()
	if err != nil {
		return nil, err
	}
	if bad >= 0 {
		return nil, e.in.errorf("%s: value %d as stored is %v, want finite numbers", e.what(), bad, data[bad])
	}
	if e.heads > 0 {
		unpermuteRows(data, e.heads, e.shape[0])
	}
	return data, nil
}

// label names the file, or the first of several.
func (d *directory) label() string {
	switch len(d.files) {
	case 0:
		return "no file"
	case 1:
		return d.files[0].name
	}
	return fmt.Sprintf("%s and %d more", d.files[0].name, len(d.files)-1)
}

// Close closes the files. Tensors already read stay valid.
func (d *directory) Close() error {
	var errs []error
	for _, f := range d.files {
		if f.Closer != nil {
			errs = append(errs, f.Closer.Close())
		}
	}
	return errors.Join(errs...)
}

// elements is the product of a shape, or an error if it is beyond maxElements or what an int holds.
func elements(shape []int) (int, error) {
	n := 1
	for _, d := range shape {
		switch {
		case d < 0:
			return 0, fmt.Errorf("shape %v has a negative dimension", shape)
		case d > 0 && n > min(maxElements, math.MaxInt)/d:
			return 0, fmt.Errorf("shape %v has more than %d values", shape, int64(maxElements))
		}
		n *= d
	}
	return n, nil
}
