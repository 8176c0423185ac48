package cpu

// portable is run in plain Go. The explicit conversion rounds each product before the sum, so that no compiler fuses
// the two and every platform gives the same bits, for every shape of tile.
func (p *product) portable() {
	mul := mulGeneric
	if p.pairs {
		mul = mulPairsGeneric
	}
	mul(p.c0, p.ldc, p.a, p.rs, p.cs, p.b0, p.m, p.kc, p.load)
	if p.c1 != nil {
		mul(p.c1, p.ldc, p.a, p.rs, p.cs, p.b1, p.m, p.kc, p.load)
	}
}

// mulGeneric is the reference of the assembly tiles, for any number of rows and one panel.
func mulGeneric(c []float32, ldc int, a []float32, rs, cs int, b []float32, m, kc int, load bool) {
	for i := range m {
		row := (*[panel]float32)(c[i*ldc:])
		if !load {
			*row = [panel]float32{}
		}
		for j := 0; j < panel && kc > 0; j += 8 {
			mul1x8((*[8]float32)(row[j:]), a[i*rs:], cs, b[j:], kc)
		}
	}
}

// mul1x8 keeps 8 sums in registers: c[j] += Σ_k a[k·cs]·b[k·16+j].
func mul1x8(c *[8]float32, a []float32, cs int, b []float32, kc int) {
	c0, c1, c2, c3, c4, c5, c6, c7 := c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
	for k := range kc {
		x := a[k*cs]
		w := (*[8]float32)(b[k*panel:])
		c0 += float32(x * w[0])
		c1 += float32(x * w[1])
		c2 += float32(x * w[2])
		c3 += float32(x * w[3])
		c4 += float32(x * w[4])
		c5 += float32(x * w[5])
		c6 += float32(x * w[6])
		c7 += float32(x * w[7])
	}
	*c = [8]float32{c0, c1, c2, c3, c4, c5, c6, c7}
}
