package weights

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"testing"
)

// allHalves is the 65,536 16-bit values, little-endian.
func allHalves() []byte {
	b := make([]byte, 0, 2<<16)
	for h := range 1 << 16 {
		b = binary.LittleEndian.AppendUint16(b, uint16(h))
	}
	return b
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func isNaN(v float32) bool { return v != v }

// TestHalvesGolden compares all 16-bit inputs, and float32 samples around every tie, with numpy and torch.
// The golden hashes count every NaN as the same.
func TestHalvesGolden(t *testing.T) {
	raw, err := os.ReadFile("testdata/halves.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		F16ToF32  string `json:"f16_to_f32"`
		BF16ToF32 string `json:"bf16_to_f32"`
		Low       []uint32
		F32ToF16  string `json:"f32_to_f16"`
		F32ToBF16 string `json:"f32_to_bf16"`
	}
	if err := json.Unmarshal(raw, &golden); err != nil {
		t.Fatal(err)
	}
	wide := func(v []float32) string {
		b := make([]byte, 4*len(v))
		for i, x := range v {
			if isNaN(x) {
				v[i] = math.Float32frombits(0x7fc00000)
			}
		}
		encodeF32(b, v)
		return sum(b)
	}
	if wide(DecodeF16(allHalves())) != golden.F16ToF32 {
		t.Error("float16 to float32 differs from numpy's")
	}
	if wide(DecodeBF16(allHalves())) != golden.BF16ToF32 {
		t.Error("bfloat16 to float32 differs from torch's")
	}
	var samples []float32
	for h := range uint32(1 << 16) {
		for _, low := range golden.Low {
			samples = append(samples, math.Float32frombits(h<<16|low))
		}
	}
	narrow := func(b []byte, nan uint16) string {
		for i, x := range samples {
			if isNaN(x) {
				binary.LittleEndian.PutUint16(b[2*i:], nan)
			}
		}
		return sum(b)
	}
	if narrow(EncodeF16(samples), 0x7e00) != golden.F32ToF16 {
		t.Error("float32 to float16 differs from numpy's")
	}
	if narrow(EncodeBF16(samples), 0x7fc0) != golden.F32ToBF16 {
		t.Error("float32 to bfloat16 differs from torch's")
	}
}

// TestHalvesReturn: every 16-bit value, NaN payloads included, survives the way to float32 and back.
func TestHalvesReturn(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		if got := F32ToBF16(BF16ToF32(h)); got != h {
			t.Fatalf("bfloat16 %#04x came back as %#04x", h, got)
		}
		if got := F32ToF16(F16ToF32(h)); got != h {
			t.Fatalf("float16 %#04x came back as %#04x", h, got)
		}
	}
}

// TestNaNStays: also where the payload lies in the bits that are cut off.
func TestNaNStays(t *testing.T) {
	for _, bits := range []uint32{0x7f800001, 0xff800001, 0x7fc00000, 0x7fffffff, 0xff80ffff, 0x7f801fff} {
		v := math.Float32frombits(bits)
		if !isNaN(BF16ToF32(F32ToBF16(v))) || !isNaN(F16ToF32(F32ToF16(v))) {
			t.Errorf("NaN %#x became %v and %v", bits, BF16ToF32(F32ToBF16(v)), F16ToF32(F32ToF16(v)))
		}
	}
}

func TestOddBytesPanic(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	DecodeBF16(EncodeBF16([]float32{1, 2})[1:])
}
