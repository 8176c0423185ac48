package cpu

import (
	"context"
	"slices"
	"testing"
)

// A chain's sums say that its instructions are the ones meant: 1·1 a round, twice that of a dot product of two terms.
func TestChainsAdd(t *testing.T) {
	list := chains()
	each := slices.Repeat([]float32{1}, len(list))
	if c, ok := bf16Chain(); ok {
		list, each = append(list, c), append(each, 2)
	}
	for i, c := range list {
		var out [16]float32
		c.run(1000, &out)
		for lane, v := range out[:8] { // AVX2 has no more
			if v != 1000*each[i] {
				t.Errorf("%s: lane %d holds %v after 1000 rounds, want %v", c.name, lane, v, 1000*each[i])
			}
		}
	}
}

func TestReadBlock(t *testing.T) {
	x := make([]float32, 64*5)
	for i := range x {
		x[i] = float32(i*i) + 0.25
	}
	got := readBlock(x)
	if want := readGeneric(x); got != want || got == 0 {
		t.Errorf("exclusive or %#x, want %#x", got, want)
	}
	x[len(x)-1] = 7
	if readBlock(x) == got {
		t.Errorf("the last word was not read")
	}
}

func TestMeasureLimits(t *testing.T) {
	l := MeasureLimits(context.Background(), 1)
	if l.F32 <= 0 || l.F32Core <= 0 || l.Bandwidth <= 0 || l.Chain == "" || l.Threads != 1 {
		t.Errorf("limits %+v, want all of them measured", l)
	}
	if _, ok := bf16Chain(); ok != (l.BF16 > 0) {
		t.Errorf("bf16 %v, want a speed where there is an instruction", l.BF16)
	}
	t.Logf("%+v", l)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if got := MeasureLimits(ended, 1); got.F32 != 0 || got.Bandwidth != 0 {
		t.Errorf("limits %+v after the context ended, want none", got)
	}
}
