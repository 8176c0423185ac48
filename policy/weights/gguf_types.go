package weights

import (
	"fmt"
	"math"
	"slices"
)

// ggufType is how a tensor's values are stored: a block of elems values takes size bytes.
type ggufType struct {
	name        string
	elems, size int
	codec       *codec // nil: not in this version
}

// ggufTypes by their number in the file. Source: GGMLQuantizationType and GGML_QUANT_SIZES in gguf-py constants.py.
var ggufTypes = map[uint32]ggufType{
	0: {"F32", 1, 4, codecF32}, 1: {"F16", 1, 2, codecF16},
	2: {"Q4_0", 32, 18, codecQ4_0}, 3: {"Q4_1", 32, 20, codecQ4_1}, 8: {"Q8_0", 32, 34, codecQ8_0},

	6: {"Q5_0", 32, 22, nil}, 7: {"Q5_1", 32, 24, nil}, 9: {"Q8_1", 32, 40, nil},
	10: {"Q2_K", 256, 84, nil}, 11: {"Q3_K", 256, 110, nil}, 12: {"Q4_K", 256, 144, nil},
	13: {"Q5_K", 256, 176, nil}, 14: {"Q6_K", 256, 210, nil}, 15: {"Q8_K", 256, 292, nil},
	16: {"IQ2_XXS", 256, 66, nil}, 17: {"IQ2_XS", 256, 74, nil}, 18: {"IQ3_XXS", 256, 98, nil},
	19: {"IQ1_S", 256, 50, nil}, 20: {"IQ4_NL", 32, 18, nil}, 21: {"IQ3_S", 256, 110, nil},
	22: {"IQ2_S", 256, 82, nil}, 23: {"IQ4_XS", 256, 136, nil}, 29: {"IQ1_M", 256, 56, nil},
	24: {"I8", 1, 1, nil}, 25: {"I16", 1, 2, nil}, 26: {"I32", 1, 4, nil}, 27: {"I64", 1, 8, nil},
	28: {"F64", 1, 8, nil}, 30: {"BF16", 1, 2, nil},
	34: {"TQ1_0", 256, 54, nil}, 35: {"TQ2_0", 256, 66, nil},
	39: {"MXFP4", 32, 17, nil}, 40: {"NVFP4", 64, 36, nil}, 41: {"Q1_0", 128, 18, nil},
}

// readGGUFEntry reads name, shape (fastest axis first), type and offset of one tensor. The entry has its GGUF name,
// and offsets that count from the data.
func readGGUFEntry(c *cursor) (*entry, error) {
	name, err := c.string(maxGGUFNameBytes)
	if err != nil {
		return nil, err
	}
	e := &entry{name: name, in: c.in}
	c.what = e.what()
	rank, err := c.uint32()
	if err != nil {
		return nil, err
	}
	if rank == 0 || rank > maxRank {
		return nil, c.errorf("%d dimensions, want 1 to %d", rank, maxRank)
	}
	for range rank {
		d, err := c.uint64()
		if err != nil {
			return nil, err
		}
		if d > maxElements || d > math.MaxInt {
			return nil, c.errorf("dimension %d, want at most %d", d, int64(maxElements))
		}
		e.shape = append(e.shape, int(d))
	}
	slices.Reverse(e.shape)
	kind, err := c.uint32()
	if err != nil {
		return nil, err
	}
	offset, err := c.uint64()
	if err != nil {
		return nil, err
	}
	if err := e.setType(kind, offset); err != nil {
		return nil, c.errorf("%w", err)
	}
	return e, nil
}

// setType fills in what follows from the type's number and the offset.
func (e *entry) setType(kind uint32, offset uint64) (err error) {
	t, ok := ggufTypes[kind]
	if !ok {
		return fmt.Errorf("unknown GGUF type %d", kind)
	}
	if e.n, err = elements(e.shape); err != nil {
		return err
	}
	if row := e.shape[len(e.shape)-1]; row%t.elems != 0 {
		return fmt.Errorf("rows have %d values, want a multiple of %d for %s", row, t.elems, t.name)
	}
	size := int64(e.n/t.elems) * int64(t.size) // maxElements keeps it in range
	if offset > uint64(math.MaxInt64-size) {
		return fmt.Errorf("offset %d, which no file reaches", offset)
	}
	e.dtype, e.codec = t.name, t.codec
	e.begin, e.end = int64(offset), int64(offset)+size
	return nil
}
