package generate

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/burnish-rl/burnish/internal/compute"
)

// Decoding is how the next token is chosen from logits. Transforms apply in the order of the fields; among equal
// logits the lower id comes first.
type Decoding struct {
	Temperature float32 // > 0; 0 is greedy
	TopK        int     // keep the k likeliest; 0 off
	TopP        float32 // keep the smallest set whose mass reaches p, in (0, 1]; 0 or 1 off
	MinP        float32 // keep what has at least this share of the likeliest token's probability, [0, 1); 0 off
}

// Validate says what is out of range.
func (d Decoding) Validate() error {
	switch {
	case !(d.Temperature >= 0) || math.IsInf(float64(d.Temperature), 0):
		return fmt.Errorf("temperature %v, want a number >= 0", d.Temperature)
	case d.TopK < 0:
		return fmt.Errorf("top_k %d, want >= 0", d.TopK)
	case !(d.TopP >= 0 && d.TopP <= 1):
		return fmt.Errorf("top_p %v, want 0 to 1", d.TopP)
	case !(d.MinP >= 0 && d.MinP < 1):
		return fmt.Errorf("min_p %v, want 0 to below 1", d.MinP)
	}
	return nil
}

// LogProbTemperature is the temperature at which log-probs are reported and trained: 1 under greedy decoding.
func (d Decoding) LogProbTemperature() float32 {
	if d.Temperature == 0 {
		return 1
	}
	return d.Temperature
}

// chooser picks tokens; it keeps scratch between calls and is not safe for concurrent use.
type chooser struct {
	weight []float32
	order  []int32
}

// choose picks a token for one row of logits; u is uniform in [0, 1).
func (c *chooser) choose(logits []float32, d Decoding, u float64) int32 {
	best := int32(0)
	for i, z := range logits {
		if z > logits[best] {
			best = int32(i)
		}
	}
	if d.Temperature == 0 {
		return best
	}
	c.weight = slices.Grow(c.weight[:0], len(logits))[:len(logits)]
	top := logits[best]
	for i, z := range logits {
		c.weight[i] = compute.Exp((z - top) / d.Temperature)
	}
	if d.TopK == 0 && (d.TopP == 0 || d.TopP == 1) && d.MinP == 0 {
		return pick(c.weight, u, best)
	}
	c.rank(logits, d)
	kept := make([]float32, len(c.order))
	for i, id := range c.order {
		kept[i] = c.weight[id]
	}
	return c.order[pick(kept, u, 0)]
}

// rank fills order with the kept ids, likeliest first: top-k, then top-p over what that kept, then min-p.
func (c *chooser) rank(logits []float32, d Decoding) {
	var total float64
	for _, w := range c.weight {
		total += float64(w)
	}
	nucleus := d.TopP > 0 && d.TopP < 1
	// Sort only the likeliest: lower the bar until it surely holds every token that can be kept.
	for _, bar := range []float32{1e-2, 1e-4, 1e-7, 0} {
		var mass float64
		c.order = c.order[:0]
		for i, w := range c.weight {
			if w >= bar {
				c.order = append(c.order, int32(i))
				mass += float64(w)
			}
		}
		if d.TopK > 0 && len(c.order) >= d.TopK || d.TopK == 0 && nucleus && mass >= float64(d.TopP)*total || d.TopK == 0 && !nucleus && bar <= d.MinP {
			break
		}
	}
	slices.SortFunc(c.order, func(a, b int32) int {
		if logits[a] != logits[b] {
			return cmp.Compare(logits[b], logits[a])
		}
		return cmp.Compare(a, b)
	})
	if d.TopK > 0 && d.TopK < len(c.order) {
		c.order = c.order[:d.TopK]
	}
	if nucleus {
		if d.TopK > 0 {
			total = c.mass(c.order)
		}
		c.order = c.order[:c.reach(float64(d.TopP)*total)]
	}
	for len(c.order) > 1 && c.weight[c.order[len(c.order)-1]] < d.MinP { // the likeliest has weight 1
		c.order = c.order[:len(c.order)-1]
	}
}

func (c *chooser) mass(ids []int32) float64 {
	var m float64
	for _, id := range ids {
		m += float64(c.weight[id])
	}
	return m
}

// reach counts how many of the likeliest tokens it takes for their mass to reach want.
func (c *chooser) reach(want float64) int {
	var m float64
	for i, id := range c.order {
		if m += float64(c.weight[id]); m >= want {
			return i + 1
		}
	}
	return len(c.order)
}

// pick draws an index in proportion to w by inverting the running sum; fallback answers when rounding runs past the
// end or w is not finite.
func pick(w []float32, u float64, fallback int32) int32 {
	var total float64
	for _, x := range w {
		total += float64(x)
	}
	target := u * total
	var sum float64
	last := fallback
	for i, x := range w {
		if x == 0 {
			continue
		}
		sum += float64(x)
		last = int32(i)
		if sum > target {
			return last
		}
	}
	return last
}
