package main

import (
	"bytes"
	"testing"
)

// TestEncodeDotPairs compares with what the GNU assembler writes for vdpbf16ps %second, %first, %dst.
func TestEncodeDotPairs(t *testing.T) {
	for _, c := range []struct {
		dst, first, second int
		want               []byte
	}{
		{0, 3, 1, []byte{0x62, 0xf2, 0x66, 0x48, 0x52, 0xc1}},
		{27, 28, 31, []byte{0x62, 0x02, 0x1e, 0x40, 0x52, 0xdf}},
		{14, 17, 9, []byte{0x62, 0x52, 0x76, 0x40, 0x52, 0xf1}},
		{18, 5, 24, []byte{0x62, 0x82, 0x56, 0x48, 0x52, 0xd0}},
	} {
		if got := encodeDotPairs(c.dst, c.first, c.second); !bytes.Equal(got, c.want) {
			t.Errorf("vdpbf16ps %%zmm%d, %%zmm%d, %%zmm%d: % x, want % x", c.second, c.first, c.dst, got, c.want)
		}
	}
}
