package cpu

import (
	"fmt"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
)

// smol are the heads of SmolLM2-135M, few is one key-value head of a small model.
var (
	smol = compute.Heads{Q: 9, KV: 3, D: 64}
	few  = compute.Heads{Q: 4, KV: 1, D: 32}
)

// prompts makes groups of one prompt and its completions, or of one sequence when samples is 0.
func prompts(groups, prompt, samples, completion int) (segs []compute.Segment, rows int, pairs float64) {
	for range groups {
		at := rows
		segs = append(segs, compute.Segment{Start: at, Len: prompt})
		rows += prompt
		pairs += float64(prompt) * float64(prompt+1) / 2
		for range samples {
			segs = append(segs, compute.Segment{Start: rows, Len: completion, Prefix: at, PrefixLen: prompt})
			rows += completion
			pairs += float64(completion)*float64(prompt) + float64(completion)*float64(completion+1)/2
		}
	}
	return segs, rows, pairs
}

// BenchmarkAttention counts 4 floating-point operations for a pair of positions, query head and dimension, and 10 for
// the gradient, which computes the scores again.
func BenchmarkAttention(b *testing.B) {
	for _, c := range []struct {
		heads                               compute.Heads
		groups, prompt, samples, completion int
	}{
		{smol, 4, 512, 0, 0}, {smol, 1, 4096, 0, 0}, {smol, 4, 128, 8, 128}, {few, 1, 2048, 0, 0},
		{compute.Heads{Q: 4, KV: 2, D: 32}, 16, 60, 8, 80},
	} {
		for _, gradient := range []bool{false, true} {
			segs, rows, pairs := prompts(c.groups, c.prompt, c.samples, c.completion)
			b.Run(fmt.Sprintf("gradient=%t/heads=%d:%d/D=%d/sequences=%d/T=%d/samples=%d/own=%d", gradient, c.heads.Q, c.heads.KV, c.heads.D,
				c.groups, c.prompt, c.samples, c.completion), func(b *testing.B) {
				be := New(0)
				q, k, v := filled(be, rows*c.heads.Q*c.heads.D), filled(be, rows*c.heads.KV*c.heads.D), filled(be, rows*c.heads.KV*c.heads.D)
				out, dq, dk, dv := be.Alloc(q.Len()), be.Alloc(q.Len()), be.Alloc(k.Len()), be.Alloc(k.Len())
				be.Attention(out, q, k, v, segs, c.heads)
				flop := 4.0
				b.ResetTimer()
				for b.Loop() {
					if gradient {
						be.AttentionGrad(dq, dk, dv, q, out, q, k, v, segs, c.heads)
						flop = 10
					} else {
						be.Attention(out, q, k, v, segs, c.heads)
					}
				}
				report(b, flop*pairs*float64(c.heads.Q*c.heads.D)*1e-9, rows)
			})
		}
	}
}

// BenchmarkCacheAttention is one decoding step in one layer: the samples of a prompt share its positions.
func BenchmarkCacheAttention(b *testing.B) {
	for _, c := range []struct {
		heads                        compute.Heads
		groups, samples, prompt, own int
	}{
		{smol, 1, 1, 512, 64}, {smol, 4, 8, 128, 64}, {smol, 1, 32, 128, 64}, {smol, 32, 1, 128, 64}, {compute.Heads{Q: 4, KV: 2, D: 32}, 16, 8, 48, 80},
	} {
		b.Run(fmt.Sprintf("heads=%d:%d/D=%d/prompts=%d/samples=%d/T=%d/own=%d", c.heads.Q, c.heads.KV, c.heads.D, c.groups, c.samples, c.prompt, c.own), func(b *testing.B) {
			be := New(0)
			shared, own := c.prompt/compute.Page, c.own/compute.Page
			const layers = 30 // so that keys and values come from memory
			cache := be.NewCache(layers, c.groups*(shared+c.samples*own), c.heads)
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
			for range c.groups {
				prefix := take(shared)
				for range c.samples {
					tables = append(tables, append(append([]int32{}, prefix...), take(own)...))
					n = append(n, int32(c.prompt+c.own-5))
				}
			}
			for id := range next {
				be.CacheClear(cache, id) // memory that nobody wrote to is all one page
			}
			q := filled(be, len(n)*c.heads.Q*c.heads.D)
			out := be.Alloc(q.Len())
			b.ResetTimer()
			for b.Loop() {
				for layer := range layers {
					be.CacheAttention(out, q, cache, layer, tables, n, c.heads)
				}
			}
			report(b, float64(layers*len(n)*int(n[0])*c.heads.Q*c.heads.D)*4e-9, len(n)*layers)
		})
	}
}
