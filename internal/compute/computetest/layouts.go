package computetest

import "github.com/burnish-rl/burnish/internal/compute"

// layout is a batch of segments.
type layout struct {
	name string
	segs []compute.Segment
}

func seg(start, length int) compute.Segment { return compute.Segment{Start: start, Len: length} }

func after(prefix, prefixLen, start, length int) compute.Segment {
	return compute.Segment{Start: start, Len: length, Prefix: prefix, PrefixLen: prefixLen}
}

// layouts are batches around the edges of a page of 16: rows alone, prefixes of less than a page, of exactly one, of
// more, groups one after the other and mixed, a segment of several tiles, and segments that share more keys than one
// piece of a gradient's work.
var layouts = []layout{
	{"one row", []compute.Segment{seg(0, 1)}},
	{"rows alone", []compute.Segment{seg(0, 1), seg(1, 1), seg(2, 1)}},
	{"33 rows", []compute.Segment{seg(0, 33)}},
	{"empty prefix", []compute.Segment{seg(0, 6), after(3, 0, 6, 17)}},
	{"short prefix", []compute.Segment{seg(0, 5), after(0, 5, 5, 7), after(0, 5, 12, 1), after(0, 5, 13, 20)}},
	{"page prefix", []compute.Segment{seg(0, 16), after(0, 16, 16, 3), after(0, 16, 19, 17)}},
	{"two groups", []compute.Segment{
		seg(0, 16), after(0, 16, 16, 1), after(0, 16, 17, 17),
		seg(34, 33), after(34, 33, 67, 2), after(34, 33, 69, 16),
	}},
	{"mixed groups", []compute.Segment{seg(0, 18), seg(18, 3), after(0, 18, 21, 15), after(18, 3, 36, 14), after(0, 18, 50, 2)}},
	{"part of a prefix", []compute.Segment{seg(0, 40), after(0, 35, 40, 4), after(0, 17, 44, 1)}},
	{"150 rows", []compute.Segment{seg(0, 150)}},
	{"long prefix", []compute.Segment{seg(0, 130), after(0, 130, 130, 120), after(0, 130, 250, 50)}},
}

func (l layout) rows() int {
	n := 0
	for _, s := range l.segs {
		n = max(n, s.Start+s.Len)
	}
	return n
}

// headShapes have ratios 1, 2, 3 and head sizes on and off the panel width.
var headShapes = []compute.Heads{
	{Q: 1, KV: 1, D: 8}, {Q: 3, KV: 1, D: 8}, {Q: 2, KV: 2, D: 16}, {Q: 4, KV: 2, D: 24}, {Q: 6, KV: 2, D: 64},
}

// positions gives the position of every row in its sequence.
func (l layout) positions() []int32 {
	pos := make([]int32, l.rows())
	for _, s := range l.segs {
		for i := range s.Len {
			pos[s.Start+i] = int32(s.PrefixLen + i)
		}
	}
	return pos
}
