package weights

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"unicode/utf8"
)

// NewTensor is a tensor to be written. Data is called once, when its turn comes, so a model needs no second copy in
// memory; it returns the product of Shape values, row-major.
type NewTensor struct {
	Name  string
	Shape []int
	Data  func() []float32
}

// writeFormat is how values are written.
type writeFormat struct {
	size   int
	encode func(dst []byte, src []float32)
	decode func(dst []float32, src []byte)
}

var writeFormats = map[string]writeFormat{
	"F32":  {4, encodeF32, decodeF32},
	"F16":  {2, encodeF16, decodeF16},
	"BF16": {2, encodeBF16, decodeBF16},
}

// WriteSafetensors writes the tensors in the given order, all as dtype "F32", "BF16" or "F16" (round to nearest, ties
// to even), with the metadata {"format":"pt"} that transformers asks for. The same tensors give the same bytes. A finite value
// beyond the range of dtype is an error. On any error what has been written so far is not a valid file.
func WriteSafetensors(w io.Writer, dtype string, tensors []NewTensor) error {
	format, ok := writeFormats[dtype]
	if !ok {
		return fmt.Errorf("safetensors: dtype is %q, want F32, BF16 or F16", dtype)
	}
	header, err := newHeader(dtype, format.size, tensors)
	if err != nil {
		return fmt.Errorf("safetensors: %w", err)
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	buf := make([]byte, chunkBytes)
	for _, t := range tensors {
		n, _ := elements(t.Shape) // newHeader has checked it
		data := t.Data()
		if len(data) != n {
			return fmt.Errorf("safetensors: tensor %q: got %d values, want %d for shape %v", t.Name, len(data), n, t.Shape)
		}
		for at := 0; at < n; {
			part := data[at:min(n, at+len(buf)/format.size)]
			out := buf[:len(part)*format.size]
			format.encode(out, part)
			if i := overflow(format, out, part); i >= 0 {
				return fmt.Errorf("safetensors: tensor %q: value %d is %g, beyond the range of %s", t.Name, at+i, part[i], dtype)
			}
			if _, err := w.Write(out); err != nil {
				return err
			}
			at += len(part)
		}
	}
	return nil
}

// overflow is the index of the first finite value that became infinite, or -1.
func overflow(format writeFormat, out []byte, part []float32) int {
	if format.size == 4 {
		return -1
	}
	var back [1]float32
	for i, v := range part {
		const big = 65504 // below it even a half holds every value
		if v >= -big && v <= big || v != v || math.IsInf(float64(v), 0) {
			continue
		}
		format.decode(back[:], out[i*format.size:])
		if math.IsInf(float64(back[0]), 0) {
			return i
		}
	}
	return -1
}

// newHeader is the length and the JSON, padded with spaces so that the data begins at a multiple of 8 bytes, as the
// reference implementation does.
func newHeader(dtype string, size int, tensors []NewTensor) ([]byte, error) {
	h := []byte(`{"` + metadataKey + `":{"format":"pt"}`)
	seen := map[string]bool{metadataKey: true}
	end := int64(0)
	for _, t := range tensors {
		if seen[t.Name] {
			return nil, fmt.Errorf("tensor %q appears twice", t.Name)
		}
		seen[t.Name] = true
		if len(t.Shape) > maxRank {
			return nil, fmt.Errorf("tensor %q: %d dimensions, want at most %d", t.Name, len(t.Shape), maxRank)
		}
		n, err := elements(t.Shape)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		name, err := quote(t.Name)
		if err != nil {
			return nil, err
		}
		begin := end
		end += int64(n) * int64(size)
		h = append(h, ',')
		h = append(h, name...)
		h = append(h, `:{"dtype":"`+dtype+`","shape":[`...)
		for i, d := range t.Shape {
			if i > 0 {
				h = append(h, ',')
			}
			h = strconv.AppendInt(h, int64(d), 10)
		}
		h = fmt.Appendf(h, `],"data_offsets":[%d,%d]}`, begin, end)
	}
	h = append(h, '}')
	for len(h)%8 != 0 {
		h = append(h, ' ')
	}
	if len(h) > maxHeaderBytes {
		return nil, fmt.Errorf("header has %d bytes, want at most %d", len(h), maxHeaderBytes)
	}
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(h))), h...), nil
}

// quote is s as JSON.
func quote(s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("tensor name %q is not valid UTF-8", s)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
