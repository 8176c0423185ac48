package cpu

import "github.com/burnish-rl/burnish/internal/compute"

// pages holds keys and values in pages of [compute.Page] positions, each head packed as right-hand sides of mulTile:
//
//	keys    [pages][KV][Dp/16·16][16 slots]     for q·kᵀ: a sum over D
//	values  [pages][KV][Dp/16][16 slots][16]    for p·v: a sum over positions
//
// Dp is D rounded up to a multiple of 16. Unused slots and padding hold 0.
type pages struct {
	h            compute.Heads
	dp           int
	keys, values []float32
}

// padded is n rounded up to whole panels.
func padded(n int) int { return panels(n) * panel }

func (p *pages) at(page int32, head int) int { return (int(page)*p.h.KV + head) * p.dp * compute.Page }

func (p *pages) keyPanel(page int32, head int) []float32 {
	return p.keys[p.at(page, head):][:p.dp*compute.Page]
}

func (p *pages) valuePanels(page int32, head int) []float32 {
	return p.values[p.at(page, head):][:p.dp*compute.Page]
}

// packAcross stores a row of D numbers as slot of a key panel.
func packAcross(dst []float32, slot int, row []float32) {
	for d, v := range row {
		dst[d*compute.Page+slot] = v
	}
}

// packAlong stores a row of D numbers as slot of value panels of height slots.
func packAlong(dst []float32, slot, height int, row []float32) {
	for len(row) >= panel {
		*(*[panel]float32)(dst[slot*panel:]) = [panel]float32(row)
		dst, row = dst[min(len(dst), height*panel):], row[panel:]
	}
	if len(row) > 0 {
		copy(dst[slot*panel:], row)
	}
}
