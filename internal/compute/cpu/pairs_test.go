package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
)

// eachHalfImpl runs a test on bf16 backends with every kernel set.
func eachHalfImpl(t *testing.T, threads int, fn func(t *testing.T, b *Backend)) {
	for _, impl := range Impls() {
		t.Run(impl, func(t *testing.T) {
			b, err := Open(Options{Threads: threads, Kernels: impl, BF16: true})
			if err != nil {
				t.Fatal(err)
			}
			fn(t, b)
		})
	}
}

// hard are numbers whose rounding is easily wrong.
func hard(r *rand.Rand, n int) []float32 {
	f := make([]float32, n)
	for i := range f {
		switch i % 4 {
		case 0:
			f[i] = float32(r.NormFloat64())
		case 1:
			f[i] = math.Float32frombits(r.Uint32())
		case 2:
			f[i] = math.Float32frombits(r.Uint32()&0xffff0000 | 0x8000) // a tie
		default:
			f[i] = math.Float32frombits(r.Uint32() & 0x807fffff) // a denormal
		}
	}
	return f
}

func TestPackingKernels(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	eachHalfImpl(t, 1, func(t *testing.T, b *Backend) {
		for n := range 40 {
			x, y := hard(r, n), hard(r, n)
			got, want := make([]float32, n), make([]float32, n)
			b.kernel.pairRows(got, x, y, n, 1, 0)
			portable.pairRows(want, x, y, n, 1, 0)
			wantBits(t, fmt.Sprintf("pairs of %d", n), got, want)
			hx, hy := make([]uint16, n), make([]uint16, n)
			portable.halve(hx, x)
			portable.halve(hy, y)
			b.kernel.pairHalves(got, hx, hy, n, 1, 0)
			wantBits(t, fmt.Sprintf("pairs of %d halves", n), got, want)
		}
		for _, rows := range []int{1, 2, 7} {
			x := hard(r, rows*2*panel)
			got, want := make([]float32, rows*panel), make([]float32, rows*panel)
			b.kernel.pairRows(got, x, x[panel:], panel, rows, 2*panel)
			portable.pairRows(want, x, x[panel:], panel, rows, 2*panel)
			wantBits(t, fmt.Sprintf("%d rows of a panel", rows), got, want)
			h := make([]uint16, len(x))
			portable.halve(h, x)
			b.kernel.pairHalves(got, h, h[panel:], panel, rows, 2*panel)
			wantBits(t, fmt.Sprintf("%d rows of a panel of halves", rows), got, want)
			for _, n := range []int{panel, 2 * panel, 2*panel - 3} {
				gh, wh := make([]uint16, rows*40), make([]uint16, rows*40)
				b.kernel.halveRows(gh, x, n, rows, 40, 2*panel)
				portable.halveRows(wh, x, n, rows, 40, 2*panel)
				if !slices.Equal(gh, wh) {
					t.Errorf("%d rows of %d rounded: %x, want %x", rows, n, gh, wh)
				}
			}
		}
		const step = 160
		src := hard(r, 3*step+128)
		got, want := make([]float32, 4*128), make([]float32, 4*128)
		b.kernel.transposePairs(got, src, step, 4)
		portable.transposePairs(want, src, step, 4)
		wantBits(t, "transposed pairs", got, want)
	})
}

func wantBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if err := sameBits(got, want); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// half is a bf16 buffer of the rounded numbers between guards, and the numbers as they were rounded.
func half(t *testing.T, src []float32) (compute.Buf, []float32, func()) {
	all := slices.Repeat([]uint16{0xc641}, len(src)+2*guardSize)
	h := all[guardSize : guardSize+len(src) : guardSize+len(src)]
	rounded := make([]float32, len(src))
	portable.halve(h, src)
	portable.widen(rounded, h)
	return &buf{h: h}, rounded, func() {
		t.Helper()
		for i, v := range all {
			if (i < guardSize || i >= guardSize+len(src)) && v != 0xc641 {
				t.Errorf("element %d of a bf16 buffer of %d was written: %x", i-guardSize, len(src), v)
			}
		}
	}
}

// halfProducts are the three products in bf16, from float32 or bf16 activations, to float32 or bf16 ones.
func halfProducts(t *testing.T, b *Backend, o *operands, acts, add bool, runs []int) (results, *operands) {
	t.Helper()
	round := func(f []float32) []float32 { _, r, _ := half(t, f); return r }
	seen := &operands{rows: o.rows, n: o.n, k: o.k, x: round(o.x), dy: round(o.dy), w: round(o.w), y: o.y, dx: o.dx, dw: o.dw}
	var checks []func()
	load := func(f []float32) compute.Buf {
		if acts {
			v, _, check := half(t, f)
			checks = append(checks, check)
			return v
		}
		v, check := guarded(t, len(f), func(i int) float32 { return f[i] })
		checks = append(checks, check)
		return v
	}
	if acts {
		seen.y, seen.dx = round(o.y), round(o.dx)
	}
	w := b.NewWeight(o.n, o.k)
	b.UploadWeight(w, o.w)
	w.Half = b.NewHalf(o.n, o.k)
	b.Halve(w)
	b.Free(w.Data)
	w.Data = nil
	dw := b.NewWeight(o.n, o.k)
	b.UploadWeight(dw, o.dw)
	x, dy, y, dx := load(o.x), load(o.dy), load(o.y), load(o.dx)
	b.MatMul(y, x, w, o.rows, add)
	b.MatMulGradX(dx, dy, w, o.rows, add)
	b.MatMulGradW(dw, dy, x, runs)
	for _, check := range checks {
		check()
	}
	checkPadding(t, dw)
	read := func(v compute.Buf) []float32 {
		out := make([]float32, v.Len())
		if h := v.(*buf).h; h != nil {
			portable.widen(out, h)
		} else {
			copy(out, f32(v))
		}
		return out
	}
	out := results{read(y), read(dx), make([]float32, o.n*o.k)}
	b.DownloadWeight(out.dw, dw)
	back := make([]float32, o.n*o.k)
	b.DownloadWeight(back, w)
	wantBits(t, "the bf16 weight, downloaded", back, seen.w)
	return out, seen
}

// TestHalfProducts compares with sums in float64 over the rounded operands.
func TestHalfProducts(t *testing.T) {
	sizes := [][3]int{{1, 1, 1}, {1, 16, 2}, {3, 17, 5}, {14, 32, 64}, {15, 33, 31}, {29, 48, 130}, {40, 100, 1026}, {7, 1040, 34}, {3, 20, 4100}, {600, 18, 22}}
	eachHalfImpl(t, 2, func(t *testing.T, b *Backend) {
		for i, size := range sizes {
			if b.kernel.name == "portable" && size[0]*size[1]*size[2] > 1<<21 {
				continue
			}
			for _, acts := range []bool{false, true} {
				for _, add := range []bool{false, true} {
					o := newOperands(uint64(i), size[0], size[1], size[2])
					got, o := halfProducts(t, b, o, acts, add, []int{size[0]})
					want := o.sums(add)
					bound := 1e-5
					if acts {
						bound = 1.0 / 256
					}
					what := fmt.Sprintf("%v, acts %v, add %v", size, acts, add)
					wantNear(t, what+": y", got.y, want.y, bound)
					wantNear(t, what+": dx", got.dx, want.dx, bound)
					wantNear(t, what+": dw", got.dw, want.dw, 1e-5)
				}
			}
		}
	})
}

// sums are the products in float64.
func (o *operands) sums(add bool) (r struct{ y, dx, dw []float64 }) {
	r.y, r.dx, r.dw = make([]float64, o.rows*o.n), make([]float64, o.rows*o.k), make([]float64, o.n*o.k)
	for i := range r.dw {
		r.dw[i] = float64(o.dw[i])
	}
	for i := 0; add && i < len(r.y); i++ {
		r.y[i] = float64(o.y[i])
	}
	for i := 0; add && i < len(r.dx); i++ {
		r.dx[i] = float64(o.dx[i])
	}
	for i := range o.rows {
		for n := range o.n {
			for k := range o.k {
				x, w, dy := float64(o.x[i*o.k+k]), float64(o.w[n*o.k+k]), float64(o.dy[i*o.n+n])
				r.y[i*o.n+n] += x * w
				r.dx[i*o.k+k] += dy * w
				r.dw[n*o.k+k] += dy * x
			}
		}
	}
	return r
}

// wantNear allows an error relative to the largest number.
func wantNear(t *testing.T, what string, got []float32, want []float64, bound float64) {
	t.Helper()
	most := 0.0
	for _, v := range want {
		most = max(most, math.Abs(v))
	}
	for i := range want {
		if !(math.Abs(float64(got[i])-want[i]) <= bound*most) {
			t.Fatalf("%s: element %d is %v, want %v within %v of %v", what, i, got[i], want[i], bound, most)
		}
	}
}

// TestHalfRowsChangeNoBit: a row's result is the same alone, among others and for any number of threads, and gradients of
// weights are the same in one call and in one call for each run.
func TestHalfRowsChangeNoBit(t *testing.T) {
	for _, acts := range []bool{false, true} {
		eachHalfImpl(t, 2, func(t *testing.T, b *Backend) {
			o := newOperands(3, 40, 45, 37)
			runs := []int{1, 13, 14, 12}
			all, _ := halfProducts(t, b, o, acts, true, runs)
			one, err := Open(Options{Threads: 1, Kernels: b.kernel.name, BF16: true})
			if err != nil {
				t.Fatal(err)
			}
			alone, _ := halfProducts(t, one, o, acts, true, runs)
			wantSame(t, "1 thread", alone, all)
			dw := o.dw
			from := 0
			for _, rows := range runs {
				part := *o
				part.rows, part.dw = rows, dw
				part.x, part.dx = o.x[from*o.k:][:rows*o.k], o.dx[from*o.k:][:rows*o.k]
				part.y, part.dy = o.y[from*o.n:][:rows*o.n], o.dy[from*o.n:][:rows*o.n]
				got, _ := halfProducts(t, b, &part, acts, true, []int{rows})
				wantBits(t, "y of a run", got.y, all.y[from*o.n:][:rows*o.n])
				wantBits(t, "dx of a run", got.dx, all.dx[from*o.k:][:rows*o.k])
				dw = got.dw
				from += rows
			}
			wantBits(t, "dw run by run", dw, all.dw)
		})
	}
}

// TestSplitPairsAgree: kernel sets without bf16 products agree bit by bit.
func TestSplitPairsAgree(t *testing.T) {
	var first *results
	for _, impl := range []string{"avx2", "avx512"} {
		b, err := Open(Options{Threads: 2, Kernels: impl, BF16: true})
		if err != nil {
			continue // this machine doesn't have them
		}
		got, _ := halfProducts(t, b, newOperands(4, 33, 50, 70), true, true, []int{33})
		if first == nil {
			first = &got
		}
		wantSame(t, impl, got, *first)
	}
}
