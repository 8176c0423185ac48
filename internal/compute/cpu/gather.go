package cpu

import "github.com/burnish-rl/burnish/internal/compute"

// Embed: y[r,:] = W[ids[r],:], from the bf16 copy of W if it has one.
func (b *Backend) Embed(y compute.Buf, w compute.Weight, ids []int32) {
	c := &b.calls.embed
	*c = embedCall{y: f32(y), n: w.N, k: w.K, ids: ids}
	if w.Half != nil {
		c.half = w.Half.(*buf).h
	} else {
		c.data = f32(w.Data)
	}
	mustHave("embed: y", len(c.y), len(ids)*w.K)
	b.spread(len(ids), rowGrain(w.K), c)
	*c = embedCall{}
}

type embedCall struct {
	y, data []float32
	half    []uint16
	n, k    int
	ids     []int32
}

func (c *embedCall) span(_, lo, hi int) {
	for r := lo; r < hi; r++ {
		id, y := checkRow("embed", c.ids[r], c.n), c.y[r*c.k:][:c.k]
		if c.half != nil {
			halfRow(y, c.half, id)
			continue
		}
		for k, at := 0, weightIndex(id, 0, c.k); k < len(y); k, at = k+1, at+panel {
			y[k] = c.data[at]
		}
	}
}

// halfRow widens row n of a packed bf16 matrix with rows of len(y), which lie in pairs:
//
//	W[16p+j, k] = h[((p·ceil(K/2) + k/2)·16 + j)·2 + k%2]
func halfRow(y []float32, h []uint16, n int) {
	at := (n/panel*panel*pairs(len(y)) + n%panel) * 2
	for k := range y {
		y[k] = widenHalf(h[at+k/2*2*panel+k%2])
	}
}

// AddRows: W[ids[i],:] += x[i,:]. ids are distinct, so rows don't meet.
func (b *Backend) AddRows(w compute.Weight, x compute.Buf, ids []int32) {
	xf, data := f32(x), f32(w.Data)
	mustHave("add rows: x", len(xf), len(ids)*w.K)
	b.parallel(len(ids), rowGrain(w.K), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			at := weightIndex(checkRow("add rows", ids[i], w.N), 0, w.K)
			for k, v := range xf[i*w.K:][:w.K] {
				data[at+k*panel] += v
			}
		}
	})
}

// GatherAdd: acc[slot[r],:] += x[r,:], r ascending. Threads share the columns, so each sum keeps its order.
func (b *Backend) GatherAdd(acc, x compute.Buf, slot []int32, width int) {
	af, xf := f32(acc), f32(x)
	mustHave("gather: x", len(xf), len(slot)*width)
	rows := len(af) / max(1, width)
	// One piece a thread: short pieces of rows are slow to read.
	b.parallelBlocks(width, max(ceilDiv(width, b.threads), rowGrain(len(slot))), func(lo, hi int) {
		for r, s := range slot {
			at := checkRow("gather", s, rows) * width
			b.kernel.add(af[at+lo:at+hi], xf[r*width+lo:r*width+hi])
		}
	})
}

// PickRows: y[i,:] = x[rows[i],:].
func (b *Backend) PickRows(y, x compute.Buf, rows []int32, width int) {
	to, from := y.(*buf), x.(*buf)
	mustHave("pick rows: y", to.Len(), len(rows)*width)
	b.parallel(len(rows), rowGrain(width), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			at := int(rows[i]) * width
			if to.h != nil {
				copy(to.h[i*width:][:width], from.h[at:at+width])
			} else {
				copy(to.f[i*width:][:width], from.f[at:at+width])
			}
		}
	})
}

// AddPicked: x[rows[i],:] += y[i,:]. rows are distinct.
func (b *Backend) AddPicked(x, y compute.Buf, rows []int32, width int) {
	xf, yf := f32(x), f32(y)
	mustHave("add picked: y", len(yf), len(rows)*width)
	b.parallel(len(rows), rowGrain(width), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			b.kernel.add(xf[int(rows[i])*width:][:width], yf[i*width:][:width])
		}
	})
}

// checkRow panics when a row number is outside [0, n): in a packed weight it could land in the padding unseen.
func checkRow(what string, r int32, n int) int {
	if r < 0 || int(r) >= n {
		mustBeRow(what, r, n)
	}
	return int(r)
}
