package cpu

import "github.com/burnish-rl/burnish/internal/compute"

// Embed: y[r,:] = W[ids[r],:].
func (b *Backend) Embed(y compute.Buf, w compute.Weight, ids []int32) {
	yf, data := f32(y), f32(w.Data)
	mustHave("embed: y", len(yf), len(ids)*w.K)
	b.parallel(len(ids), rowGrain(w.K), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			at := weightIndex(checkRow("embed", ids[r], w.N), 0, w.K)
			for k := range yf[r*w.K:][:w.K] {
				yf[r*w.K+k] = data[at+k*panel]
			}
		}
	})
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
	b.parallel(width, max(panel, rowGrain(len(slot))), func(lo, hi int) {
		for r, s := range slot {
			at := checkRow("gather", s, rows) * width
			addTo(af[at+lo:at+hi], xf[r*width+lo:r*width+hi])
		}
	})
}

// PickRows: y[i,:] = x[rows[i],:].
func (b *Backend) PickRows(y, x compute.Buf, rows []int32, width int) {
	yf, xf := f32(y), f32(x)
	mustHave("pick rows: y", len(yf), len(rows)*width)
	b.parallel(len(rows), rowGrain(width), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			copy(yf[i*width:][:width], xf[int(rows[i])*width:][:width])
		}
	})
}

// AddPicked: x[rows[i],:] += y[i,:]. rows are distinct.
func (b *Backend) AddPicked(x, y compute.Buf, rows []int32, width int) {
	xf, yf := f32(x), f32(y)
	mustHave("add picked: y", len(yf), len(rows)*width)
	b.parallel(len(rows), rowGrain(width), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			addTo(xf[int(rows[i])*width:][:width], yf[i*width:][:width])
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
