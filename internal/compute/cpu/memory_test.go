package cpu

import (
	"slices"
	"testing"
	"unsafe"

	"github.com/burnish-rl/burnish/internal/compute"
)

func TestAllocGivesAlignedZeros(t *testing.T) {
	b := New(1)
	for _, n := range []int{0, 1, 15, 16, 1000} {
		for range 3 { // the later ones come from the free list
			x := b.Alloc(n)
			if x.Len() != n {
				t.Fatalf("length %d, want %d", x.Len(), n)
			}
			if slices.ContainsFunc(f32(x), func(v float32) bool { return v != 0 }) {
				t.Fatalf("Alloc(%d) is not all zeros", n)
			}
			if n > 0 && uintptr(unsafe.Pointer(&f32(x)[0]))%alignBytes != 0 {
				t.Errorf("Alloc(%d) does not start on %d bytes", n, alignBytes)
			}
			for i := range f32(x) {
				f32(x)[i] = 1
			}
			b.Free(x)
		}
	}
}

func TestFreedMemoryIsUsedAgain(t *testing.T) {
	b := New(1)
	x := b.Alloc(1000)
	start := &f32(x)[0]
	b.Free(x)
	if y := b.Alloc(990); &f32(y)[0] != start {
		t.Error("Alloc did not take the freed block of nearly the same size")
	}
}

func TestFreeingTwiceOrASlicePanics(t *testing.T) {
	b := New(1)
	x := b.Alloc(10)
	for name, v := range map[string]compute.Buf{"slice": b.Slice(x, 0, 5), "freed": x} {
		if name == "freed" {
			b.Free(x)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("freeing a %s did not panic", name)
				}
			}()
			b.Free(v)
		}()
	}
}

// Steps with ever other row counts must not pile up memory.
func TestKeptMemoryIsBounded(t *testing.T) {
	b := New(1)
	for step := range 200 {
		var held []compute.Buf
		for layer := range 10 {
			held = append(held, b.Alloc(1000+step*37%5000+layer))
		}
		for _, x := range held {
			b.Free(x)
		}
	}
	total := 0
	for _, k := range b.free.kept {
		total += len(k)
	}
	if most := 10 * blockSize(6000) * 17 / 16; total > most || b.free.idle != total || b.free.live != 0 {
		t.Errorf("kept %d (counted %d), live %d, want at most %d and 0", total, b.free.idle, b.free.live, most)
	}
}

func TestBlockSizesWasteAnEighthAtMost(t *testing.T) {
	for n := range 5000 {
		size := blockSize(n)
		if size < n || size%16 != 0 || size > n+max(15, n/8) || blockSize(size) != size {
			t.Fatalf("block for %d elements has %d", n, size)
		}
	}
}

func TestSliceSharesMemory(t *testing.T) {
	b := New(1)
	x := b.Alloc(10)
	b.Upload(b.Slice(x, 3, 5), []float32{1, 2})
	got := make([]float32, 10)
	b.Download(got, x)
	if want := []float32{0, 0, 0, 1, 2, 0, 0, 0, 0, 0}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	y := b.Alloc(10)
	b.Copy(y, x)
	b.Zero(x)
	if !slices.Equal(f32(y), got) || f32(x)[3] != 0 {
		t.Error("Copy or Zero went wrong")
	}
}

func TestWeightRoundTrip(t *testing.T) {
	b := New(2)
	for _, s := range [][2]int{{1, 1}, {16, 3}, {17, 5}, {47, 20}} {
		w := b.NewWeight(s[0], s[1])
		in, out := make([]float32, s[0]*s[1]), make([]float32, s[0]*s[1])
		for i := range in {
			in[i] = float32(i + 1)
		}
		b.UploadWeight(w, in)
		b.DownloadWeight(out, w)
		if !slices.Equal(in, out) {
			t.Errorf("%v: %v came back as %v", s, in, out)
		}
		if got := f32(w.Data)[weightIndex(s[0]-1, s[1]-1, s[1])]; got != in[len(in)-1] {
			t.Errorf("%v: the last element lies elsewhere: %v", s, got)
		}
		checkPadding(t, w)
	}
}
