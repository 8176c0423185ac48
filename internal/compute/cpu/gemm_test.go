package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
)

// sizes covers every tile height, tail panels, tail k's and more than one cache block.
func sizes() (s [][3]int) {
	for m := 1; m <= 40; m++ {
		s = append(s, [3]int{m, 1 + m*7%53, 1 + m*11%61})
	}
	return append(s, [3]int{3, 16, 2*kBlock + 5}, [3]int{17, 1043, 33}, [3]int{300, 40, 20}, [3]int{530, 31, 49},
		[3]int{16, 1024, 1024}, [3]int{1, 1, 1}, [3]int{5, 32, 16})
}

func TestProductsAgainstFloat64(t *testing.T) {
	for _, s := range sizes() {
		for _, add := range []bool{false, true} {
			o := newOperands(uint64(s[0]), s[0], s[1], s[2])
			want, scale := o.reference(add)
			eachImpl(t, 2, func(t *testing.T, b *Backend) {
				o.compute(t, b, add).each(func(i int, what string, got []float32) {
					for j, v := range got {
						// A chain of n roundings errs by less than n·2⁻²⁴·Σ|terms|; random ones by about √n of it.
						if bound := 1e-6 * scale[i][j]; math.Abs(float64(v)-want[i][j]) > bound {
							t.Fatalf("R=%d N=%d K=%d add=%v: %s[%d] = %v, want %v ± %v", s[0], s[1], s[2], add, what, j, v, want[i][j], bound)
						}
					}
				})
			})
		}
	}
}

func TestProductsOfNothing(t *testing.T) {
	eachImpl(t, 2, func(t *testing.T, b *Backend) {
		o := newOperands(1, 0, 20, 3)
		if got := o.compute(t, b, true); !slices.Equal(got.dw, o.dw) {
			t.Error("no rows changed dW")
		}
		o = newOperands(1, 3, 20, 0)
		if got := o.compute(t, b, false); !slices.Equal(got.y, make([]float32, 60)) {
			t.Errorf("a sum of no terms is %v, want 0", got.y)
		}
	})
}

func sameBits(a, b []float32) error {
	if len(a) != len(b) {
		return fmt.Errorf("%d elements, want %d", len(a), len(b))
	}
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return fmt.Errorf("element %d is %v (%08x), want %v (%08x)", i, a[i], math.Float32bits(a[i]), b[i], math.Float32bits(b[i]))
		}
	}
	return nil
}

func wantSame(t *testing.T, why string, got, want results) {
	t.Helper()
	got.each(func(i int, what string, g []float32) {
		if err := sameBits(g, [][]float32{want.y, want.dx, want.dw}[i]); err != nil {
			t.Fatalf("%s: %s: %v", why, what, err)
		}
	})
}

func TestAssemblySetsAgree(t *testing.T) {
	impls := slices.DeleteFunc(Impls(), func(s string) bool { return s == "portable" })
	for _, s := range sizes() {
		o := newOperands(uint64(s[0]), s[0], s[1], s[2])
		var first results
		for i, impl := range impls {
			b, err := NewWith(impl, 2)
			if err != nil {
				t.Fatal(err)
			}
			got := o.compute(t, b, true)
			if i == 0 {
				first = got
			}
			wantSame(t, fmt.Sprintf("%s against %s, %v", impl, impls[0], s), got, first)
		}
	}
}

func TestThreadsChangeNoBit(t *testing.T) {
	for _, s := range [][3]int{{1, 1000, 300}, {40, 600, 100}, {300, 200, 70}} {
		o := newOperands(7, s[0], s[1], s[2])
		for _, impl := range Impls() {
			var first results
			for i, threads := range []int{1, 2, 3, 8} {
				b, err := NewWith(impl, threads)
				if err != nil {
					t.Fatal(err)
				}
				got := o.compute(t, b, false)
				if i == 0 {
					first = got
				}
				wantSame(t, fmt.Sprintf("%s, %d threads, %v", impl, threads, s), got, first)
			}
		}
	}
}

// A row's result is the same alone and among others, and gradients of weights are the same in one call and in two.
func TestRowsChangeNoBit(t *testing.T) {
	eachImpl(t, 2, func(t *testing.T, b *Backend) {
		for _, size := range [][3]int{{40, 45, 37}, {40, 1024, 1024}} {
			o := newOperands(3, size[0], size[1], size[2])
			all := o.compute(t, b, true)
			for rows := 1; rows <= 20; rows += 3 {
				for from := 0; from+rows <= o.rows; from += 19 {
					part := *o
					part.rows = rows
					part.x, part.dx = o.x[from*o.k:][:rows*o.k], o.dx[from*o.k:][:rows*o.k]
					part.y, part.dy = o.y[from*o.n:][:rows*o.n], o.dy[from*o.n:][:rows*o.n]
					got := part.compute(t, b, true)
					got.dw = all.dw
					wantSame(t, fmt.Sprintf("%d rows from %d", rows, from), got,
						results{all.y[from*o.n:][:rows*o.n], all.dx[from*o.k:][:rows*o.k], all.dw})
				}
			}
			dw := b.NewWeight(o.n, o.k)
			b.UploadWeight(dw, o.dw)
			for _, cut := range [][2]int{{0, 1}, {1, 14}, {14, 27}, {27, 40}} {
				b.MatMulGradW(dw, &buf{f: o.dy[cut[0]*o.n : cut[1]*o.n]}, &buf{f: o.x[cut[0]*o.k : cut[1]*o.k]}, []int{cut[1] - cut[0]})
			}
			split := results{all.y, all.dx, make([]float32, o.n*o.k)}
			b.DownloadWeight(split.dw, dw)
			wantSame(t, "dW in four calls", split, all)
		}
	})
}

func TestMulTileIsOneChain(t *testing.T) {
	const kc, rs, cs = 37, 3, 50
	r := rand.New(rand.NewPCG(5, 5))
	eachImpl(t, 1, func(t *testing.T, b *Backend) {
		for m := 1; m <= 40; m++ {
			a, p, c := b.Alloc(m*rs+kc*cs), b.Alloc(kc*panel), b.Alloc(m*20)
			for _, v := range []compute.Buf{a, p, c} {
				for i := range f32(v) {
					f32(v)[i] = float32(r.NormFloat64())
				}
			}
			want := slices.Clone(f32(c))
			for i := range m {
				for j := range panel {
					for k := range kc {
						x, w := f32(a)[i*rs+k*cs], f32(p)[k*panel+j]
						if b.kernel == &portable {
							want[i*20+j] += float32(x * w)
						} else {
							want[i*20+j] = fma32(x, w, want[i*20+j])
						}
					}
				}
			}
			b.mulTile(f32(c), 20, f32(a), rs, cs, f32(p), m, kc)
			if err := sameBits(f32(c), want); err != nil {
				t.Fatalf("m=%d: %v", m, err)
			}
		}
	})
}

// fma32 is x·y+z rounded once to float32. The float64 product is exact; its sum with z is rounded to odd, so that the
// second rounding can't be a double one.
func fma32(x, y, z float32) float32 {
	p := float64(x) * float64(y)
	s := p + float64(z)
	t := s - p
	err := (p - (s - t)) + (float64(z) - t) // two-sum: s + err is exact
	if bits := math.Float64bits(s); err != 0 && bits&1 == 0 {
		if (err > 0) == (s > 0) {
			bits++
		} else {
			bits--
		}
		s = math.Float64frombits(bits)
	}
	return float32(s)
}

func TestNaNAndInfStayInTheirRow(t *testing.T) {
	eachImpl(t, 2, func(t *testing.T, b *Backend) {
		o := newOperands(2, 16, 21, 19)
		clean := o.compute(t, b, false)
		o.x[5*o.k+3] = float32(math.NaN())
		o.dy[6*o.n+2] = float32(math.Inf(1))
		got := o.compute(t, b, false)
		isNaN := func(v float32) bool { return v != v }
		for r := range o.rows {
			row := got.y[r*o.n : (r+1)*o.n]
			if r == 5 && !slices.ContainsFunc(row, func(v float32) bool { return !isNaN(v) }) {
				continue
			}
			if err := sameBits(row, clean.y[r*o.n:(r+1)*o.n]); err != nil {
				t.Errorf("row %d of y: %v", r, err)
			}
		}
		for n := range o.n {
			if v := got.dw[n*o.k+3]; !isNaN(v) {
				t.Errorf("dW[%d, 3] is %v, want NaN from x", n, v)
			}
		}
		for k := range o.k {
			if v := got.dx[6*o.k+k]; !math.IsInf(float64(v), 0) {
				t.Errorf("dx[6, %d] is %v, want an infinity from dy", k, v)
			}
		}
	})
}

func TestDenormalsAreKept(t *testing.T) {
	eachImpl(t, 1, func(t *testing.T, b *Backend) {
		w := b.NewWeight(1, 1)
		b.UploadWeight(w, []float32{0x1p-70})
		x, y := b.Alloc(1), b.Alloc(1)
		b.Upload(x, []float32{0x1p-75})
		b.MatMul(y, x, w, 1, false)
		if got := f32(y)[0]; got != 0x1p-145 {
			t.Errorf("2^-75 · 2^-70 is %v, want the denormal 2^-145", got)
		}
	})
}

func TestTransposedPanels(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	eachImpl(t, 1, func(t *testing.T, b *Backend) {
		const blocks, step = 3, 300
		src, checkSrc := guarded(t, (blocks-1)*step+256, normal(r))
		dst, checkDst := guarded(t, blocks*256, normal(r))
		b.kernel.transpose16(f32(dst), f32(src), step, blocks)
		for n := range blocks {
			for i := range 256 {
				if got, want := f32(dst)[n*256+i], f32(src)[n*step+i%16*16+i/16]; got != want {
					t.Fatalf("block %d, element %d: %v, want %v", n, i, got, want)
				}
			}
		}
		checkSrc()
		checkDst()
	})
}
