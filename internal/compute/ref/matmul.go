package ref

import "github.com/burnish-rl/burnish/internal/compute"

// NewWeight is row-major [N, K] without padding.
func (b *Backend) NewWeight(n, k int) compute.Weight {
	return compute.Weight{N: n, K: k, Data: b.Alloc(n * k)}
}

// UploadWeight is Upload: the layout is row-major.
func (b *Backend) UploadWeight(w compute.Weight, rowMajor []float32) { b.Upload(w.Data, rowMajor) }

// DownloadWeight is Download: the layout is row-major.
func (b *Backend) DownloadWeight(rowMajor []float32, w compute.Weight) { b.Download(rowMajor, w.Data) }

// MatMul: y[r,n] = Σ_k x[r,k]·W[n,k], or y += ….
func (*Backend) MatMul(y, x compute.Buf, w compute.Weight, rows int, add bool) {
	yd, xd, wd := Data(y), Data(x), Data(w.Data)
	mustEqual(len(yd), rows*w.N)
	mustEqual(len(xd), rows*w.K)
	for r := range rows {
		for n := range w.N {
			s := 0.0
			if add {
				s = yd[r*w.N+n]
			}
			for k := range w.K {
				s += xd[r*w.K+k] * wd[n*w.K+k]
			}
			yd[r*w.N+n] = s
		}
	}
}

// MatMuls is MatMul by each weight.
func (b *Backend) MatMuls(y []compute.Buf, x compute.Buf, w []compute.Weight, rows int) {
	for i := range w {
		b.MatMul(y[i], x, w[i], rows, false)
	}
}

// MatMulGradX: dx[r,k] = Σ_n dy[r,n]·W[n,k], or dx += ….
func (*Backend) MatMulGradX(dx, dy compute.Buf, w compute.Weight, rows int, add bool) {
	dxd, dyd, wd := Data(dx), Data(dy), Data(w.Data)
	mustEqual(len(dxd), rows*w.K)
	mustEqual(len(dyd), rows*w.N)
	for r := range rows {
		for k := range w.K {
			s := 0.0
			if add {
				s = dxd[r*w.K+k]
			}
			for n := range w.N {
				s += dyd[r*w.N+n] * wd[n*w.K+k]
			}
			dxd[r*w.K+k] = s
		}
	}
}

// MatMulGradW: dW[n,k] += Σ_r dy[r,n]·x[r,k].
func (*Backend) MatMulGradW(dw compute.Weight, dy, x compute.Buf, runs []int) {
	rows := 0
	for _, n := range runs {
		rows += n
	}
	dwd, dyd, xd := Data(dw.Data), Data(dy), Data(x)
	mustEqual(len(dyd), rows*dw.N)
	mustEqual(len(xd), rows*dw.K)
	for r := range rows {
		for n := range dw.N {
			for k := range dw.K {
				dwd[n*dw.K+k] += dyd[r*dw.N+n] * xd[r*dw.K+k]
			}
		}
	}
}

// Embed: y[r,:] = W[ids[r],:].
func (*Backend) Embed(y compute.Buf, w compute.Weight, ids []int32) {
	yd, wd := Data(y), Data(w.Data)
	mustEqual(len(yd), len(ids)*w.K)
	for r, id := range ids {
		copy(row(yd, r, w.K), row(wd, int(id), w.K))
	}
}

// AddRows: W[ids[i],:] += x[i,:].
func (*Backend) AddRows(w compute.Weight, x compute.Buf, ids []int32) {
	wd, xd := Data(w.Data), Data(x)
	mustEqual(len(xd), len(ids)*w.K)
	for i, id := range ids {
		addTo(row(wd, int(id), w.K), row(xd, i, w.K))
	}
}

// GatherAdd: acc[slot[r],:] += x[r,:].
func (*Backend) GatherAdd(acc, x compute.Buf, slot []int32, width int) {
	ad, xd := Data(acc), Data(x)
	mustEqual(len(xd), len(slot)*width)
	for r, s := range slot {
		addTo(row(ad, int(s), width), row(xd, r, width))
	}
}

func row(x []float64, r, width int) []float64 { return x[r*width : (r+1)*width] }

func addTo(y, x []float64) {
	mustEqual(len(y), len(x))
	for i := range y {
		y[i] += x[i]
	}
}
