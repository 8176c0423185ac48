package cpu

import (
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
)

// Sizes: the builtin model (4 heads of 32, hidden 128, vocabulary 430, 8 samples of 80 tokens after a prompt of 60)
// and SmolLM2-135M (9 query and 3 key-value heads of 64, hidden 576, inner 1536, vocabulary 49,152).

func filled(b *Backend, n int) compute.Buf {
	x := b.Alloc(n)
	f := f32(x)
	for i := range f {
		f[i] = float32(i*7919%2003)/1000 - 1
	}
	return x
}

func BenchmarkAttention(b *testing.B) {
	for _, c := range []struct {
		name             string
		h                compute.Heads
		prompts, samples int
		prompt, own      int
	}{
		{"tiny", compute.Heads{Q: 4, KV: 2, D: 32}, 16, 8, 60, 80},
		{"smollm2", compute.Heads{Q: 9, KV: 3, D: 64}, 1, 4, 100, 128},
		{"smollm2-long", compute.Heads{Q: 9, KV: 3, D: 64}, 1, 0, 2048, 0},
	} {
		var segs []compute.Segment
		rows, pairs := 0, 0
		for range c.prompts {
			start := rows
			segs = append(segs, compute.Segment{Start: start, Len: c.prompt})
			rows += c.prompt
			pairs += c.prompt * (c.prompt + 1) / 2
			for range c.samples {
				segs = append(segs, compute.Segment{Start: rows, Len: c.own, Prefix: start, PrefixLen: c.prompt})
				rows += c.own
				pairs += c.own*c.prompt + c.own*(c.own+1)/2
			}
		}
		be := New(0)
		q, k, v := filled(be, rows*c.h.Q*c.h.D), filled(be, rows*c.h.KV*c.h.D), filled(be, rows*c.h.KV*c.h.D)
		out, dq, dk, dv := be.Alloc(q.Len()), be.Alloc(q.Len()), be.Alloc(k.Len()), be.Alloc(k.Len())
		gflop := float64(pairs*c.h.Q*c.h.D) * 4e-9
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				be.Attention(out, q, k, v, segs, c.h)
			}
			report(b, gflop, rows)
		})
		b.Run(c.name+"/gradient", func(b *testing.B) {
			for b.Loop() {
				be.AttentionGrad(dq, dk, dv, q, out, q, k, v, segs, c.h)
			}
			report(b, 2.5*gflop, rows)
		})
	}
}

// BenchmarkCacheAttention is one decoding step in one layer: 128 sequences, 8 of each prompt share 48 positions.
func BenchmarkCacheAttention(b *testing.B) {
	h := compute.Heads{Q: 4, KV: 2, D: 32}
	const groups, samples, shared, own = 16, 8, 3, 5
	be := New(0)
	c := be.NewCache(1, groups*(shared+samples*own), h)
	var tables [][]int32
	var n []int32
	next := int32(0)
	take := func(k int) (ids []int32) {
		for range k {
			ids = append(ids, next)
			next++
		}
		return ids
	}
	for range groups {
		prefix := take(shared)
		for range samples {
			tables = append(tables, append(append([]int32{}, prefix...), take(own)...))
			n = append(n, (shared+own)*compute.Page-5)
		}
	}
	q := filled(be, len(n)*h.Q*h.D)
	out := be.Alloc(q.Len())
	b.ResetTimer()
	for b.Loop() {
		be.CacheAttention(out, q, c, 0, tables, n, h)
	}
	report(b, float64(len(n)*int(n[0])*h.Q*h.D)*4e-9, len(n))
}

func report(b *testing.B, gflop float64, rows int) {
	s := b.Elapsed().Seconds() / float64(b.N)
	b.ReportMetric(gflop/s, "GFLOP/s")
	b.ReportMetric(s*1e9/float64(rows), "ns/row")
}

func perElement(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/element")
}
