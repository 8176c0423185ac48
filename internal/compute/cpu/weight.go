package cpu

import (
	"fmt"

	"github.com/burnish-rl/burnish/internal/compute"
)

// panel is the number of outputs in one weight panel, and the width of every kernel's accumulator row.
const panel = compute.Lanes

// Weights live in one layout for every instruction set: panel p holds outputs 16p..16p+15 as [K][16],
//
//	data[p·K·16 + k·16 + j] = W[16p+j, k],   0 where 16p+j >= N

// panels is the number of panels for n outputs.
func panels(n int) int { return (n + panel - 1) / panel }

// weightIndex is where W[n, k] lies in the packed data.
func weightIndex(n, k, kdim int) int { return n/panel*panel*kdim + k*panel + n%panel }

// NewWeight returns an n×k matrix of zeros.
func (b *Backend) NewWeight(n, k int) compute.Weight {
	return compute.Weight{N: n, K: k, Data: b.Alloc(panels(n) * panel * k)}
}

// NewHalf gives room for a weight's bf16 copy, pairs in the layout of Data; nil where products are in float32.
func (b *Backend) NewHalf(n, k int) compute.Buf {
	if !b.bf16 {
		return nil
	}
	size := panels(n) * panel * pairs(k)
	return halved(b.Alloc(size), 2*size)
}

// Halve rounds Data to Half.
func (b *Backend) Halve(w compute.Weight) {
	data, half := f32(w.Data), asPairs(w.Half.(*buf).h)
	b.parallel(panels(w.N), rowGrain(w.K*panel), func(lo, hi int) {
		for p := lo; p < hi; p++ {
			from, to := data[p*panel*w.K:][:panel*w.K], half[p*panel*pairs(w.K):][:panel*pairs(w.K)]
			if w.K > 1 {
				b.kernel.pairRows(to, from, from[panel:], panel, w.K/2, 2*panel)
			}
			if w.K%2 == 1 {
				b.kernel.pairRows(to[w.K/2*panel:], from[(w.K-1)*panel:], nil, panel, 1, 0)
			}
		}
	})
}

// UploadWeight packs a row-major [N, K] matrix.
func (b *Backend) UploadWeight(w compute.Weight, rowMajor []float32) {
	data := weightData(w, len(rowMajor))
	b.parallel(panels(w.N), rowGrain(w.K*panel), func(lo, hi int) {
		block := make([]float32, panel*panel)
		for p := lo; p < hi; p++ {
			rows, out := rowMajor[p*panel*w.K:], data[p*panel*w.K:][:panel*w.K]
			n, whole := min(panel, w.N-p*panel), w.K&^(panel-1)
			clear(block[n*panel:]) // outputs that are not there
			for k := 0; k < whole; k += panel {
				for j := range n {
					*(*[panel]float32)(block[j*panel:]) = [panel]float32(rows[j*w.K+k:])
				}
				b.kernel.transpose16(out[k*panel:], block, 0, 1)
			}
			for j := range n {
				for k := whole; k < w.K; k++ {
					out[k*panel+j] = rows[j*w.K+k]
				}
			}
		}
	})
}

// DownloadWeight unpacks into a row-major [N, K] matrix, from Half when there is no Data.
func (b *Backend) DownloadWeight(rowMajor []float32, w compute.Weight) {
	if w.Data == nil {
		b.downloadHalf(rowMajor, w)
		return
	}
	data := weightData(w, len(rowMajor))
	b.parallel(panels(w.N), rowGrain(w.K*panel), func(lo, hi int) {
		block := make([]float32, panel*panel)
		for p := lo; p < hi; p++ {
			rows, in := rowMajor[p*panel*w.K:], data[p*panel*w.K:][:panel*w.K]
			n, whole := min(panel, w.N-p*panel), w.K&^(panel-1)
			for k := 0; k < whole; k += panel {
				b.kernel.transpose16(block, in[k*panel:], 0, 1)
				for j := range n {
					*(*[panel]float32)(rows[j*w.K+k:]) = [panel]float32(block[j*panel:])
				}
			}
			for j := range n {
				for k := whole; k < w.K; k++ {
					rows[j*w.K+k] = in[k*panel+j]
				}
			}
		}
	})
}

func (b *Backend) downloadHalf(rowMajor []float32, w compute.Weight) {
	mustHave("weight: row-major side", len(rowMajor), w.N*w.K)
	half := asPairs(w.Half.(*buf).h)
	b.parallel(panels(w.N), 1, func(lo, hi int) {
		for p := lo; p < hi; p++ {
			in := half[p*panel*pairs(w.K):][:panel*pairs(w.K)]
			for j := 0; j < min(panel, w.N-p*panel); j++ {
				row := rowMajor[(p*panel+j)*w.K:][:w.K]
				for k := range row {
					even, odd := bothHalves(in[k/2*panel+j])
					row[k] = even
					if k%2 == 1 {
						row[k] = odd
					}
				}
			}
		}
	})
}

// weightData checks the length of the row-major side.
func weightData(w compute.Weight, rowMajor int) []float32 {
	if rowMajor != w.N*w.K {
		panic(fmt.Sprintf("cpu: weight: %d elements, want %d×%d", rowMajor, w.N, w.K))
	}
	return f32(w.Data)[:panels(w.N)*panel*w.K]
}
