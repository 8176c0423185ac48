package cpu

import "github.com/burnish-rl/burnish/internal/compute"

// againstRows: c[m, position] = Σ_d a[m, d]·x[position, d], where x is packed like keys. a is [M, D], c is [M, s.ld].
// What a row doesn't see stays as it is.
func (b *Backend) againstRows(c []float32, s *attendScratch, a []float32, p *pages, x pageData, head int) {
	g, d := p.h.Q/p.h.KV, p.h.D
	s.wide = b.grown(s.wide, 2*p.size())
	for j := 0; j*compute.Page < s.ld; j += 2 { // two pages fill a tile
		for lo := 0; lo < len(s.n); {
			first, second, hi := s.runOfTwo(lo, j)
			if first >= 0 {
				t := product{
					c0: c[lo*g*s.ld+j*compute.Page:], ldc: s.ld, a: a[lo*g*d:], rs: d, cs: 1, m: (hi - lo) * g, kc: d,
					b0: p.head(b.kernel, x, first, head, s.wide),
				}
				if second >= 0 {
					t.c1 = t.c0[compute.Page:]
					t.b1 = p.head(b.kernel, x, second, head, s.wide[p.size():])
				}
				b.kernel.run(t)
			}
			lo = hi
		}
	}
}

// mix: c[m, d] = Σ_position a[m, position]·x[position, d], positions ascending, where x is packed like values.
// c is [M, Dp], a is [M, s.ld].
func (b *Backend) mix(c []float32, s *attendScratch, a []float32, p *pages, x pageData, head int) {
	g := p.h.Q / p.h.KV
	s.wide = b.grown(s.wide, 2*p.size())
	for j, n := 0, 0; j*compute.Page < s.ld; j += n {
		n = s.following(j, p)
		for lo := 0; lo < len(s.n); {
			page, hi := s.run(lo, j)
			if page >= 0 {
				right, height := p.column(b.kernel, x, page, head, s.wide)
				b.kernel.eachPanel(p.dp, height, product{
					c0: c[lo*g*p.dp:], ldc: p.dp, a: a[lo*g*s.ld+j*compute.Page:], rs: s.ld, cs: 1, m: (hi - lo) * g,
					b0: right, kc: n * compute.Page, load: j > 0,
				})
			}
			lo = hi
		}
	}
}

// following is how many pages from j on lie one after the other and are seen by all rows, at least 1.
func (s *attendScratch) following(j int, p *pages) int {
	n := 1
	if p.slots == 0 || s.page(len(s.n)-1, j) != s.page(0, j) {
		return n
	}
	for ; n*compute.Page < kBlock; n++ {
		// Rows of segments share a table, and later ones see more of it.
		if next := s.page(0, j+n); next < 0 || next != s.tables[0][j+n-1]+1 {
			break
		}
	}
	return n
}

// eachPanel runs the product for all panels of a right-hand side [n/16, height, 16], two at a time.
func (k *kernel) eachPanel(n, height int, p product) {
	for n > panel {
		p.c1, p.b1 = p.c0[panel:], p.b0[height*panel:]
		k.run(p)
		if n -= 2 * panel; n == 0 {
			return
		}
		p.c0, p.b0 = p.c0[2*panel:], p.b0[2*height*panel:]
	}
	p.c1, p.b1 = nil, nil
	k.run(p)
}

// page is what a row sees as page j of its table, -1 for nothing.
func (s *attendScratch) page(row, j int) int32 {
	if int(s.n[row]) <= j*compute.Page {
		return -1
	}
	return s.tables[row][j]
}

// run finds the rows lo, lo+1, …, hi-1 that see the same as page j.
func (s *attendScratch) run(lo, j int) (page int32, hi int) {
	page = s.page(lo, j)
	for hi = lo + 1; hi < len(s.n) && s.page(hi, j) == page; hi++ {
	}
	return page, hi
}

// runOfTwo finds the rows that see the same as page j and the same as page j+1.
func (s *attendScratch) runOfTwo(lo, j int) (first, second int32, hi int) {
	first, second = s.page(lo, j), s.page(lo, j+1)
	for hi = lo + 1; hi < len(s.n) && s.page(hi, j) == first && s.page(hi, j+1) == second; hi++ {
	}
	return first, second, hi
}
