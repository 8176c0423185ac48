package cpu

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
)

// bothBuffers gives n numbers that bf16 can hold, in bf16 and in float32.
func bothBuffers(b *Backend, n, seed int) (half, wide compute.Buf) {
	x := make([]float32, n)
	for i := range x {
		x[i] = widenHalf(halfOf(float32((i+seed)*7919%2003)/700 - 1.4))
	}
	half, wide = b.AllocActs(n), b.Alloc(n)
	b.Upload(half, x)
	b.Upload(wide, x)
	return half, wide
}

func bitsOf(b *Backend, x compute.Buf) []uint32 {
	f := make([]float32, x.Len())
	b.Download(f, x)
	out := make([]uint32, len(f))
	for i, v := range f {
		out[i] = math.Float32bits(v)
	}
	return out
}

// TestHalfAttention: on bf16 buffers the calls give what they give on the same numbers in float32, rounded where the
// result is bf16; and the cache, whose pages are bf16, gives the bits of the segments.
func TestHalfAttention(t *testing.T) {
	segs := []compute.Segment{{Len: 41}, {Start: 41, Len: 33, Prefix: 0, PrefixLen: 41}, {Start: 74, Len: 18, Prefix: 0, PrefixLen: 41}, {Start: 92, Len: 100}}
	const rows = 192
	for _, impl := range Impls() {
		for _, h := range []compute.Heads{{Q: 9, KV: 3, D: 64}, {Q: 4, KV: 2, D: 24}, {Q: 2, KV: 2, D: 6}} {
			t.Run(fmt.Sprintf("%s/Q%d KV%d D%d", impl, h.Q, h.KV, h.D), func(t *testing.T) {
				b, err := Open(Options{Threads: 2, Kernels: impl, BF16: true})
				if err != nil {
					t.Fatal(err)
				}
				q, wideQ := bothBuffers(b, rows*h.Q*h.D, 1)
				k, wideK := bothBuffers(b, rows*h.KV*h.D, 2)
				v, wideV := bothBuffers(b, rows*h.KV*h.D, 3)
				dout, wideD := bothBuffers(b, rows*h.Q*h.D, 4)
				out, wideOut := b.AllocActs(rows*h.Q*h.D), b.Alloc(rows*h.Q*h.D)
				b.Attention(out, q, k, v, segs, h)
				b.Attention(wideOut, wideQ, wideK, wideV, segs, h)
				rounded := b.AllocActs(out.Len())
				b.Copy(rounded, wideOut)
				if !slices.Equal(bitsOf(b, out), bitsOf(b, rounded)) {
					t.Error("attention is not the float32 result, rounded")
				}
				if got := cachedBits(b, q, k, v, segs, h); !slices.Equal(got, bitsOf(b, out)) {
					t.Error("attention from the cache has other bits")
				}
				b.Copy(wideOut, out) // the gradient reads what was kept
				var grads [2][3]compute.Buf
				for i, in := range [][5]compute.Buf{{dout, out, q, k, v}, {wideD, wideOut, wideQ, wideK, wideV}} {
					g := [3]compute.Buf{b.Alloc(q.Len()), b.Alloc(k.Len()), b.Alloc(v.Len())}
					b.AttentionGrad(g[0], g[1], g[2], in[0], in[1], in[2], in[3], in[4], segs, h)
					grads[i] = g
				}
				for i, name := range []string{"dq", "dk", "dv"} {
					if !slices.Equal(bitsOf(b, grads[0][i]), bitsOf(b, grads[1][i])) {
						t.Errorf("%s from bf16 buffers differs from that of float32 ones", name)
					}
				}
			})
		}
	}
}

// cachedBits writes every segment to pages of its own and attends from there.
func cachedBits(b *Backend, q, k, v compute.Buf, segs []compute.Segment, h compute.Heads) []uint32 {
	c := b.NewCache(2, 64, h)
	defer b.FreeCache(c)
	out := b.AllocActs(q.Len())
	var tables [][]int32
	var n []int32
	page := int32(0)
	for _, s := range segs {
		var table []int32
		for range panels(s.PrefixLen + s.Len) {
			table = append(table, page)
			page++
		}
		for pos := range s.PrefixLen + s.Len {
			row := s.Start + pos - s.PrefixLen
			if pos < s.PrefixLen {
				row = s.Prefix + pos
			} else {
				tables, n = append(tables, table), append(n, int32(pos+1))
			}
			from, to := row*h.KV*h.D, (row+1)*h.KV*h.D
			ref := compute.RowRef{Page: table[pos/compute.Page], Slot: int32(pos % compute.Page)}
			b.CacheWrite(c, 1, b.Slice(k, from, to), b.Slice(v, from, to), []compute.RowRef{ref})
		}
	}
	b.CacheAttention(out, q, c, 1, tables, n, h)
	return bitsOf(b, out)
}

// TestHalfCacheTakesHalfTheMemory: also that its pages can be cleared and copied.
func TestHalfCacheTakesHalfTheMemory(t *testing.T) {
	h := compute.Heads{Q: 2, KV: 1, D: 16}
	half, err := Open(Options{BF16: true})
	if err != nil {
		t.Fatal(err)
	}
	small, large := half.NewCache(3, 10, h).(*cache), New(0).NewCache(3, 10, h).(*cache)
	if 2*len(small.block) > len(large.block)*9/8 {
		t.Errorf("%d elements in bf16, %d in float32", len(small.block), len(large.block))
	}
	k, _ := bothBuffers(half, 16, 1)
	half.CacheWrite(small, 1, k, k, []compute.RowRef{{Page: 4, Slot: 2}})
	half.CacheCopy(small, 7, 4)
	half.CacheClear(small, 4)
	p := &small.layers[1]
	for d := range 16 {
		if got := p.keys.h[p.at(4, 0)+d*compute.Page+2]; got != 0 {
			t.Errorf("a cleared page holds %x, want 0", got)
		}
		if got := p.keys.h[p.at(7, 0)+d*compute.Page+2]; got != k.(*buf).h[d] {
			t.Errorf("copied page holds %x for dimension %d, want %x", got, d, k.(*buf).h[d])
		}
	}
}
