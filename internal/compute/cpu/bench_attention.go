package cpu

import (
	"context"
	"time"

	"github.com/burnish-rl/burnish/internal/compute"
)

// AttentionShape is a batch for the attention: sequences of one length, or for the cache as many rows that see it.
type AttentionShape struct {
	Heads         compute.Heads
	Batch, Length int
}

// AttentionResult is the speed of one layer's attention in GFLOP/s: forward and gradient over packed causal sequences,
// and one step of decoding over the paged cache, whose speed is also the GB/s of keys and values it reads.
type AttentionResult struct {
	Shape                 AttentionShape
	Kernel                string
	Forward, Grad, Decode float64
	DecodeRead            float64
}

// BenchAttention measures each shape for about the given seconds a kernel. It stops between two measurements when ctx
// ends.
func BenchAttention(ctx context.Context, b *Backend, shapes []AttentionShape, seconds float64) []AttentionResult {
	var results []AttentionResult
	for _, s := range shapes {
		if ctx.Err() != nil {
			break
		}
		r := AttentionResult{Shape: s, Kernel: b.kernel.name}
		packedSpeed(b, s, seconds, &r)
		cachedSpeed(b, s, seconds, &r)
		results = append(results, r)
	}
	return results
}

// packedSpeed measures Attention and AttentionGrad.
func packedSpeed(b *Backend, s AttentionShape, seconds float64, r *AttentionResult) {
	h, rows := s.Heads, s.Batch*s.Length
	segs := make([]compute.Segment, s.Batch)
	for i := range segs {
		segs[i] = compute.Segment{Start: i * s.Length, Len: s.Length}
	}
	q, k, v := benchActs(b, rows*h.Q*h.D), benchActs(b, rows*h.KV*h.D), benchActs(b, rows*h.KV*h.D)
	out, dout := b.AllocActs(q.Len()), benchActs(b, q.Len())
	dq, dk, dv := b.Alloc(q.Len()), b.Alloc(k.Len()), b.Alloc(v.Len())
	defer freeAll(b, q, k, v, out, dout, dq, dk, dv)
	pairs := float64(s.Batch) * float64(s.Length) * float64(s.Length+1) / 2
	flops := 4 * pairs * float64(h.Q*h.D)
	r.Forward = fastest(func() { b.Attention(out, q, k, v, segs, h) }, flops, seconds)
	r.Grad = fastest(func() { b.AttentionGrad(dq, dk, dv, dout, out, q, k, v, segs, h) }, 2.5*flops, seconds)
}

// cachedSpeed measures CacheAttention, every row over pages of its own.
func cachedSpeed(b *Backend, s AttentionShape, seconds float64, r *AttentionResult) {
	h := s.Heads
	pages := ceilDiv(s.Length, compute.Page)
	c := b.NewCache(1, s.Batch*pages, h)
	defer b.FreeCache(c)
	tables, n := make([][]int32, s.Batch), make([]int32, s.Batch)
	for i := range tables {
		n[i] = int32(s.Length)
		for p := range pages {
			tables[i] = append(tables[i], int32(i*pages+p))
		}
	}
	q := benchActs(b, s.Batch*h.Q*h.D)
	out := b.AllocActs(q.Len())
	defer freeAll(b, q, out)
	seen := float64(s.Batch * s.Length)
	flops := 4 * seen * float64(h.Q*h.D)
	r.Decode = fastest(func() { b.CacheAttention(out, q, c, 0, tables, n, h) }, flops, seconds)
	perElement := 4
	if b.bf16 {
		perElement = 2
	}
	r.DecodeRead = r.Decode / flops * seen * float64(2*h.KV*h.D*perElement)
}

// benchActs is n values between -0.05 and 0.05 in the precision of activations.
func benchActs(b *Backend, n int) compute.Buf {
	x := b.AllocActs(n)
	b.Upload(x, benchValues(n))
	return x
}

func benchValues(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(i%7-3) / 64
	}
	return v
}

func freeAll(b *Backend, bufs ...compute.Buf) {
	for _, x := range bufs {
		b.Free(x)
	}
}

// fastest is the speed of fn, so many flops a call, in GFLOP/s: that of the fastest of ten parts of the given time, so
// that another process's burst doesn't count.
func fastest(fn func(), flops, seconds float64) float64 {
	const parts = 10
	fn() // faults the pages in
	best := 0.0
	for begin := time.Now(); ; {
		start, n := time.Now(), 0
		for n == 0 || time.Since(start).Seconds() < seconds/parts {
			fn()
			n++
		}
		best = max(best, float64(n)*flops/time.Since(start).Seconds()/1e9)
		if time.Since(begin).Seconds() >= seconds {
			return best
		}
	}
}
