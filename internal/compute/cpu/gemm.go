package cpu

// kernel is one instruction set's way to multiply.
type kernel struct{ name string }

var portable = kernel{name: "portable"}

// mulTile adds to a tile of m rows by 16 columns:
//
//	c[i·ldc+j] += Σ_k a[i·rs+k·cs]·p[k·16+j],   k ascending from the value in c, fused
//
// The result's bits don't depend on m.
func (b *Backend) mulTile(c []float32, ldc int, a []float32, rs, cs int, p []float32, m, kc int) {
	mulTileGeneric(c, ldc, a, rs, cs, p, m, kc)
}

func mulTileGeneric(c []float32, ldc int, a []float32, rs, cs int, p []float32, m, kc int) {
	for i := range m {
		acc := c[i*ldc:][:panel]
		for k := range kc {
			x := a[i*rs+k*cs]
			for j, w := range p[k*panel:][:panel] {
				acc[j] += float32(x * w)
			}
		}
	}
}
