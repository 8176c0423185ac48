package generate

import "github.com/burnish-rl/burnish/internal/compute"

// pagePool hands out pages of a cache and counts who uses each: the samples of a prompt share its full pages.
type pagePool struct {
	cache compute.Cache
	clear func(page int32)
	free  []int32
	refs  []int
	used  []bool // it was taken before; a new cache holds zeros
}

func newPagePool(c compute.Cache, clear func(int32)) *pagePool {
	p := &pagePool{cache: c, clear: clear, refs: make([]int, c.Pages()), used: make([]bool, c.Pages())}
	for i := c.Pages() - 1; i >= 0; i-- {
		p.free = append(p.free, int32(i))
	}
	return p
}

// take gives a zeroed page with one user. The scheduler reserves before it takes, so there is always one.
func (p *pagePool) take() int32 {
	id := p.free[len(p.free)-1]
	p.free = p.free[:len(p.free)-1]
	p.refs[id] = 1
	if p.used[id] {
		p.clear(id) // what an earlier sequence left could be NaN, and 0 × NaN is NaN
	}
	p.used[id] = true
	return id
}

func (p *pagePool) share(pages []int32) {
	for _, id := range pages {
		p.refs[id]++
	}
}

func (p *pagePool) drop(pages []int32) {
	for _, id := range pages {
		if p.refs[id]--; p.refs[id] == 0 {
			p.free = append(p.free, id)
		}
	}
}

// pagesFor is how many pages n positions fill.
func pagesFor(n int) int { return (n + compute.Page - 1) / compute.Page }
