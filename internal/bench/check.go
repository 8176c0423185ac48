package bench

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
)

// CheckResult is how far a kernel set's result is from the portable set's.
type CheckResult struct {
	Kernels string  // the set
	Work    string  // such as "matmul 13x33x95"
	Diff    float64 // largest difference, as a share of the largest value
	Bound   float64 // what rounding explains
}

// OK says whether the difference is within the bound. NaN is not.
func (r CheckResult) OK() bool { return r.Diff <= r.Bound }

// What the order of rounding changes: sums of up to some hundred terms, fused or not; and in bf16, whose numbers have 8
// bits, a value that is rounded the other way, and what follows from it.
const (
	checkBound     = 2e-5
	checkBoundBF16 = 2e-2
)

// checked is one kernel on random data of one odd size. run writes results that have to agree.
type checked struct {
	work string
	run  func(b compute.Backend, d *draws) []compute.Buf
}

// Check compares every kernel of a set, on sizes that are no multiples of anything, with the portable set's of the same
// precision.
func Check(kernels string, bf16 bool, threads int) ([]CheckResult, error) {
	b, err := cpu.Open(cpu.Options{Kernels: kernels, BF16: bf16, Threads: threads})
	if err != nil {
		return nil, err
	}
	want, err := cpu.Open(cpu.Options{Kernels: "portable", BF16: bf16, Threads: threads})
	if err != nil {
		return nil, err
	}
	bound := checkBound
	if bf16 {
		bound = checkBoundBF16
	}
	var results []CheckResult
	for i, c := range checks() {
		got := download(b, c.run(b, newDraws(b, i)))
		results = append(results, CheckResult{
			Kernels: kernels, Work: c.work, Bound: bound,
			Diff: difference(got, download(want, c.run(want, newDraws(want, i)))),
		})
	}
	return results, nil
}

func download(b compute.Backend, bufs []compute.Buf) [][]float32 {
	out := make([][]float32, len(bufs))
	for i, x := range bufs {
		out[i] = make([]float32, x.Len())
		b.Download(out[i], x)
	}
	return out
}

// difference is the largest one as a share of the largest value of its buffer; NaN where either is not a number.
func difference(got, want [][]float32) float64 {
	worst := 0.0
	for i := range want {
		most, diff := 0.0, 0.0
		for j, w := range want[i] {
			d := math.Abs(float64(got[i][j]) - float64(w))
			if math.IsNaN(d) {
				return d
			}
			most, diff = max(most, math.Abs(float64(w))), max(diff, d)
		}
		worst = max(worst, diff/max(most, math.SmallestNonzeroFloat32))
	}
	return worst
}

// draws are the random operands of a check, the same for every backend.
type draws struct {
	b compute.Backend
	r *rand.Rand
}

func newDraws(b compute.Backend, seed int) *draws {
	return &draws{b, rand.New(rand.NewPCG(uint64(seed), 7))}
}

func (d *draws) values(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(d.r.NormFloat64())
	}
	return v
}

func (d *draws) buf(n int) compute.Buf {
	x := d.b.Alloc(n)
	d.b.Upload(x, d.values(n))
	return x
}

// acts is a buffer of activations.
func (d *draws) acts(n int) compute.Buf {
	x := d.b.AllocActs(n)
	d.b.Upload(x, d.values(n))
	return x
}

func (d *draws) weight(n, k int) compute.Weight {
	w := d.b.NewWeight(n, k)
	d.b.UploadWeight(w, d.values(n*k))
	if w.Half = d.b.NewHalf(n, k); w.Half != nil {
		d.b.Halve(w)
	}
	return w
}

// checks lists every kernel that a training step runs.
func checks() []checked {
	var list []checked
	for _, s := range [][3]int{{1, 33, 95}, {13, 100, 31}, {29, 17, 257}} {
		list = append(list, productChecks(s[0], s[1], s[2])...)
	}
	return append(append(list, rowChecks()...), attentionChecks()...)
}

// productChecks are the three products of one matrix.
func productChecks(rows, n, k int) []checked {
	size := fmt.Sprintf(" %dx%dx%d", rows, n, k)
	return []checked{
		{"matmul" + size, func(b compute.Backend, d *draws) []compute.Buf {
			y := d.buf(rows * n)
			b.MatMul(y, d.acts(rows*k), d.weight(n, k), rows, true)
			return []compute.Buf{y}
		}},
		{"matmul gradient of x" + size, func(b compute.Backend, d *draws) []compute.Buf {
			dx := d.buf(rows * k)
			b.MatMulGradX(dx, d.acts(rows*n), d.weight(n, k), rows, true)
			return []compute.Buf{dx}
		}},
		{"matmul gradient of w" + size, func(b compute.Backend, d *draws) []compute.Buf {
			dw := d.weight(n, k)
			b.MatMulGradW(dw, d.acts(rows*n), d.acts(rows*k), []int{rows})
			out := b.Alloc(n * k)
			flat := make([]float32, n*k)
			b.DownloadWeight(flat, dw)
			b.Upload(out, flat)
			return []compute.Buf{out}
		}},
	}
}

// rowChecks are the kernels that walk along rows.
func rowChecks() []checked {
	const rows, h = 7, 43
	return []checked{
		{"rms norm", func(b compute.Backend, d *draws) []compute.Buf {
			y := d.acts(rows * h)
			b.RMSNorm(y, d.buf(rows*h), d.buf(h), rows, 1e-5)
			return []compute.Buf{y}
		}},
		{"rms norm gradient", func(b compute.Backend, d *draws) []compute.Buf {
			dx, dg := d.buf(rows*h), d.buf(h)
			b.RMSNormGrad(dx, dg, d.buf(rows*h), d.buf(rows*h), d.buf(h), rows, 1e-5)
			return []compute.Buf{dx, dg}
		}},
		{"swiglu", func(b compute.Backend, d *draws) []compute.Buf {
			y := d.acts(rows * h)
			b.SwiGLU(y, d.acts(rows*h), d.acts(rows*h))
			return []compute.Buf{y}
		}},
		{"swiglu gradient", func(b compute.Backend, d *draws) []compute.Buf {
			dgate, dup := d.acts(rows*h), d.acts(rows*h)
			b.SwiGLUGrad(dgate, dup, d.acts(rows*h), d.acts(rows*h), d.acts(rows*h))
			return []compute.Buf{dgate, dup}
		}},
		{"rope", func(b compute.Backend, d *draws) []compute.Buf {
			const heads, size = 3, 12
			x := d.acts(rows * heads * size)
			b.RoPE(x, []int32{0, 1, 2, 30, 31, 500, 4000}, heads, size, []float32{1, 0.3, 0.1, 0.03, 0.01, 0.003}, false)
			return []compute.Buf{x}
		}},
		{"head statistics", func(b compute.Backend, d *draws) []compute.Buf {
			const v = 101
			target, dlogp := []int32{0, 3, 100, 50, 50, 7, 99}, d.values(rows)
			z := d.buf(rows * v)
			s := b.TokenStats(z, v, 0.7, target)
			b.TokenStatsGrad(z, v, 0.7, target, dlogp, dlogp)
			out := b.Alloc(3 * rows)
			b.Upload(out, append(append(append([]float32{}, s.LogP...), s.Entropy...), s.SumP2...))
			return []compute.Buf{out, z}
		}},
		{"adamw", func(b compute.Backend, d *draws) []compute.Buf {
			p, m, v := d.buf(rows*h), d.buf(rows*h), b.Alloc(rows*h)
			b.AdamW(p, d.buf(rows*h), m, v, compute.AdamW{Rate: 1e-2, Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, Decay: 0.1, C1: 0.1, C2: 0.01, GradScale: 0.5})
			return []compute.Buf{p, m, v}
		}},
	}
}

// attentionChecks are a packed batch with a shared prefix, forward and backward.
func attentionChecks() []checked {
	h := compute.Heads{Q: 6, KV: 2, D: 20}
	segs := []compute.Segment{{Start: 0, Len: 19}, {Start: 19, Len: 5, Prefix: 0, PrefixLen: 19}, {Start: 24, Len: 33, Prefix: 0, PrefixLen: 19}}
	const rows = 57
	q, kv := rows*h.Q*h.D, rows*h.KV*h.D
	return []checked{
		{"attention", func(b compute.Backend, d *draws) []compute.Buf {
			out := d.acts(q)
			b.Attention(out, d.acts(q), d.acts(kv), d.acts(kv), segs, h)
			return []compute.Buf{out}
		}},
		{"attention gradient", func(b compute.Backend, d *draws) []compute.Buf {
			out, dq, dk, dv := d.acts(q), d.buf(q), d.buf(kv), d.buf(kv)
			qs, ks, vs := d.acts(q), d.acts(kv), d.acts(kv)
			b.Attention(out, qs, ks, vs, segs, h)
			b.AttentionGrad(dq, dk, dv, d.acts(q), out, qs, ks, vs, segs, h)
			return []compute.Buf{dq, dk, dv}
		}},
	}
}
