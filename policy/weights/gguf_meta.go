package weights

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// The kinds of metadata values, by their numbers in the file.
const (
	kindUint8 = iota
	kindInt8
	kindUint16
	kindInt16
	kindUint32
	kindInt32
	kindFloat32
	kindBool
	kindString
	kindArray
	kindUint64
	kindInt64
	kindFloat64
)

// Meta gives a metadata value in the type it was written with: uint8 … int64, float32, float64, bool or string;
// arrays are slices of these ([]string, []int32, …), arrays of arrays []any. The slices are not to be changed.
func (g *GGUF) Meta(key string) (any, bool) {
	v, ok := g.meta[key]
	return v, ok
}

// MetaKeys lists the keys in file order.
func (g *GGUF) MetaKeys() []string { return slices.Clone(g.keys) }

// MetaInt gives an integer of whatever width it was written with.
func (g *GGUF) MetaInt(key string) (int, error) {
	v, ok := g.meta[key]
	if !ok {
		return 0, g.files[0].errorf("metadata %q is missing", key)
	}
	switch v := v.(type) {
	case uint8:
		return int(v), nil
	case int8:
		return int(v), nil
	case uint16:
		return int(v), nil
	case int16:
		return int(v), nil
	case int32:
		return int(v), nil
	case uint32:
		if uint64(v) <= math.MaxInt {
			return int(v), nil
		}
	case uint64:
		if v <= math.MaxInt {
			return int(v), nil
		}
	case int64:
		if v >= math.MinInt && v <= math.MaxInt {
			return int(v), nil
		}
	}
	return 0, g.files[0].errorf("metadata %q is a %T, want an integer", key, v)
}

// readMeta reads n keys with their values.
func (g *GGUF) readMeta(c *cursor, n int64) error {
	for i := range n {
		c.what = fmt.Sprintf("key %d of %d in the metadata", i, n)
		key, err := c.string(maxGGUFNameBytes)
		if err != nil {
			return err
		}
		c.what = fmt.Sprintf("metadata %q", key)
		if _, ok := g.meta[key]; ok {
			return c.errorf("appears twice")
		}
		kind, err := c.uint32()
		if err != nil {
			return err
		}
		v, err := c.value(kind, 0)
		if err != nil {
			return err
		}
		g.meta[key] = v
		g.keys = append(g.keys, key)
	}
	return nil
}

// value reads one value; depth is how many arrays it lies in.
func (c *cursor) value(kind uint32, depth int) (any, error) {
	switch kind {
	case kindString:
		return c.string(maxGGUFStringBytes)
	case kindArray:
		return c.array(depth + 1)
	}
	one, err := c.values(kind, 1)
	if err != nil {
		return nil, err
	}
	switch v := one.(type) {
	case []uint8:
		return v[0], nil
	case []int8:
		return v[0], nil
	case []uint16:
		return v[0], nil
	case []int16:
		return v[0], nil
	case []uint32:
		return v[0], nil
	case []int32:
		return v[0], nil
	case []float32:
		return v[0], nil
	case []bool:
		return v[0], nil
	case []uint64:
		return v[0], nil
	case []int64:
		return v[0], nil
	default:
		return v.([]float64)[0], nil
	}
}

// array reads the kind, the count and the elements.
func (c *cursor) array(depth int) (any, error) {
	if depth > maxGGUFArrayNesting {
		return nil, c.errorf("arrays nested more than %d deep", maxGGUFArrayNesting)
	}
	kind, err := c.uint32()
	if err != nil {
		return nil, err
	}
	n, err := c.count("array length", maxGGUFHeaderBytes)
	if err != nil {
		return nil, err
	}
	switch kind {
	case kindString:
		return list(c, n, 8, func() (string, error) { return c.string(maxGGUFStringBytes) })
	case kindArray:
		return list(c, n, 12, func() (any, error) { return c.array(depth + 1) })
	}
	return c.values(kind, n)
}

// list reads n elements of at least size bytes each.
func list[T any](c *cursor, n, size int64, read func() (T, error)) ([]T, error) {
	if err := c.need(n * size); err != nil {
		return nil, err
	}
	out := make([]T, n)
	for i := range out {
		v, err := read()
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// values reads n numbers or booleans.
func (c *cursor) values(kind uint32, n int64) (any, error) {
	le := binary.LittleEndian
	switch kind {
	case kindUint8:
		return fixed(c, n, 1, func(b []byte) uint8 { return b[0] })
	case kindInt8:
		return fixed(c, n, 1, func(b []byte) int8 { return int8(b[0]) })
	case kindUint16:
		return fixed(c, n, 2, le.Uint16)
	case kindInt16:
		return fixed(c, n, 2, func(b []byte) int16 { return int16(le.Uint16(b)) })
	case kindUint32:
		return fixed(c, n, 4, le.Uint32)
	case kindInt32:
		return fixed(c, n, 4, func(b []byte) int32 { return int32(le.Uint32(b)) })
	case kindFloat32:
		return fixed(c, n, 4, func(b []byte) float32 { return math.Float32frombits(le.Uint32(b)) })
	case kindBool:
		return list(c, n, 1, c.bool)
	case kindUint64:
		return fixed(c, n, 8, le.Uint64)
	case kindInt64:
		return fixed(c, n, 8, func(b []byte) int64 { return int64(le.Uint64(b)) })
	case kindFloat64:
		return fixed(c, n, 8, func(b []byte) float64 { return math.Float64frombits(le.Uint64(b)) })
	}
	return nil, c.errorf("unknown kind of value %d", kind)
}

// fixed reads n elements of size bytes.
func fixed[T any](c *cursor, n, size int64, get func([]byte) T) ([]T, error) {
	return list(c, n, size, func() (v T, err error) {
		b, err := c.take(size)
		if err != nil {
			return v, err
		}
		return get(b), nil
	})
}

func (c *cursor) bool() (bool, error) {
	b, err := c.take(1)
	if err != nil {
		return false, err
	}
	if b[0] > 1 {
		return false, c.errorf("boolean is %d, want 0 or 1", b[0])
	}
	return b[0] == 1, nil
}
