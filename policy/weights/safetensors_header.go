package weights

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

const metadataKey = "__metadata__"

// safetensorsCodecs are the types whose values can be read.
var safetensorsCodecs = map[string]*codec{"F32": codecF32, "F16": codecF16, "BF16": codecBF16}

// safetensorsSizes are bytes a value, to check the sizes of tensors nobody reads. A type that is in neither table
// goes unchecked.
var safetensorsSizes = map[string]int64{
	"BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1,
	"U16": 2, "I16": 2, "F16": 2, "BF16": 2,
	"U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8, "C64": 8,
}

// parseHeader reads the JSON. Offsets are as written, relative to the data.
func parseHeader(raw []byte) (entries []*entry, metadata map[string]string, err error) {
	r, err := newHeaderReader(raw)
	if err != nil {
		return nil, nil, err
	}
	err = r.object(func(key string) error {
		if key == metadataKey {
			metadata = make(map[string]string)
			return r.object(func(k string) error {
				v, err := r.string()
				if err != nil {
					return fmt.Errorf("%s: %q: %w", metadataKey, k, err)
				}
				metadata[k] = v
				return nil
			})
		}
		e, err := parseEntry(r)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", key, err)
		}
		e.name = key
		entries = append(entries, e)
		return nil
	})
	return entries, metadata, err
}

// parseEntry reads {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}.
func parseEntry(r *headerReader) (*entry, error) {
	var (
		e       entry
		offsets []int
		hasType bool
	)
	err := r.object(func(key string) (err error) {
		switch key {
		case "dtype":
			hasType = true
			e.dtype, err = r.string()
		case "shape":
			e.shape, err = r.integers(maxRank)
		case "data_offsets":
			if offsets, err = r.integers(2); err == nil && len(offsets) != 2 {
				err = fmt.Errorf("found %v, want two offsets", offsets)
			}
		default:
			return fmt.Errorf("unknown key %q", key)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !hasType || e.shape == nil || offsets == nil {
		return nil, errors.New("want dtype, shape and data_offsets")
	}
	if e.n, err = elements(e.shape); err != nil {
		return nil, err
	}
	e.begin, e.end = int64(offsets[0]), int64(offsets[1])
	if e.begin > e.end {
		return nil, fmt.Errorf("data_offsets %v end before they begin", offsets)
	}
	size, known := safetensorsSizes[e.dtype]
	if known && int64(e.n)*size != e.end-e.begin { // maxElements keeps the product in range
		return nil, fmt.Errorf("data_offsets span %d bytes, want %d for %s %v", e.end-e.begin, int64(e.n)*size, e.dtype, e.shape)
	}
	e.codec = safetensorsCodecs[e.dtype]
	return &e, nil
}

// place sorts the entries by offset, checks that they fill the data of f without overlap, hole or rest, and makes
// their offsets count from the start of the file.
func place(f *file, entries []*entry, data int64) error {
	slices.SortStableFunc(entries, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	end := int64(0) // of the tensor before
	for i, e := range entries {
		e.in = f
		switch {
		case e.begin < end:
			return f.errorf("%s begins at offset %d, inside %s, which ends at %d", e.what(), e.begin, entries[i-1].what(), end)
		case e.begin > end:
			return f.errorf("%s begins at offset %d, want %d: a hole in the data", e.what(), e.begin, end)
		case e.end > math.MaxInt64-data:
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
	if data+end != f.size {
		return f.errorf("the last tensor ends at byte %d, the file has %d", data+end, f.size)
	}
	return nil
}
