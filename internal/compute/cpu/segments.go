package cpu

import "github.com/burnish-rl/burnish/internal/compute"

// segmentPages are the keys and values of a call's segments in pages, and where each segment's pages are.
type segmentPages struct {
	pages
	tables [][]int32             // by segment: its pages, prefix included
	rows   [][compute.Page]int32 // by page: the row of each slot, -1 for none
	tiles  []tile                // of the call
	first  map[int]int           // by start of the sequence: the first segment with it
	ids    []int32               // what tables points into

	keyRows, valueColumns pageData // for the gradient: keys packed like values, values packed like keys
}

// tile is a run of rows of a segment, counted in the segment, for one key-value head.
type tile struct{ seg, from, rows, head int }

// cut lists the tiles of all segments in flat order.
func (p *segmentPages) cut(segs []compute.Segment) {
	p.tiles = p.tiles[:0]
	height := tileRows(p.h)
	for i, s := range segs {
		for from := 0; from < s.Len; from += height {
			for head := range p.h.KV {
				p.tiles = append(p.tiles, tile{i, from, min(height, s.Len-from), head})
			}
		}
	}
}

// layout gives every segment its pages, counted from position 0 of the sequence. Pages full of prefix rows are those
// of the prefix's own segment; the page that straddles prefix and segment is the segment's.
func (p *segmentPages) layout(segs []compute.Segment, h compute.Heads) {
	p.h, p.dp = h, padded(h.D)
	p.tables, p.rows, p.ids = p.tables[:0], p.rows[:0], p.ids[:0]
	if p.first == nil {
		p.first = map[int]int{}
	}
	clear(p.first)
	total := 0
	for _, s := range segs {
		total += panels(s.PrefixLen + s.Len)
	}
	if cap(p.ids) < total { // so that tables can point into it
		p.ids = make([]int32, 0, total)
	}
	for i, s := range segs {
		from := len(p.ids)
		start, shareable := leadingRows(s)
		if owner, ok := p.first[start]; ok {
			_, theirs := leadingRows(segs[owner])
			p.ids = append(p.ids, p.tables[owner][:min(shareable, theirs)/compute.Page]...)
		} else {
			p.first[start] = i
		}
		for pos := (len(p.ids) - from) * compute.Page; pos < s.PrefixLen+s.Len; pos += compute.Page {
			p.ids = append(p.ids, int32(len(p.rows)))
			p.rows = append(p.rows, pageRows(s, pos))
		}
		p.tables = append(p.tables, p.ids[from:len(p.ids):len(p.ids)])
	}
	p.slots = len(p.rows) * compute.Page
}

// leadingRows are the contiguous rows that a segment's sequence begins with.
func leadingRows(s compute.Segment) (start, n int) {
	if s.PrefixLen > 0 {
		return s.Prefix, s.PrefixLen
	}
	return s.Start, s.Len
}

// pageRows lists the rows at positions pos … pos+Page-1 of a segment's sequence.
func pageRows(s compute.Segment, pos int) (rows [compute.Page]int32) {
	for i := range rows {
		switch at := pos + i; {
		case at < s.PrefixLen:
			rows[i] = int32(s.Prefix + at)
		case at < s.PrefixLen+s.Len:
			rows[i] = int32(s.Start + at - s.PrefixLen)
		default:
			rows[i] = -1
		}
	}
	return rows
}
