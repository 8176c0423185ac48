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
	Temperature float32 // from LeastTemperature; 0 is greedy
	TopK        int     // keep the k likeliest; 0 off
	TopP        float32 // keep the smallest set whose mass reaches p, in (0, 1]; 0 or 1 off
	MinP        float32 // keep what has at least this share of the likeliest token's probability, [0, 1); 0 off
}

// LeastTemperature is the lowest that is not greedy: far below it 1/temperature is no float32.
const LeastTemperature = 1e-6

// Validate says what is out of range.
func (d Decoding) Validate() error {
	switch {
	case d.Temperature != 0 && !(d.Temperature >= LeastTemperature) || math.IsInf(float64(d.Temperature), 0):
		return fmt.Errorf("temperature %v, want 0 (greedy) or a number from %g", d.Temperature, LeastTemperature)
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

// keepsSome says whether a transform keeps only some of the tokens.
func (d Decoding) keepsSome() bool {
	return d.Temperature != 0 && (d.TopK != 0 || d.nucleus() || d.MinP != 0)
}

// chooser picks among the tokens that the transforms keep. It keeps scratch between calls and is not safe for
// concurrent use.
type chooser struct {
	weight []float32 // by id, relative to the likeliest token's: in [0, 1]
	order  []int32   // kept ids
	kept   []float32 // their weights
	logp   float32   // of the token last chosen, among the kept
}

// choose picks a token for one row of logits; u is uniform in [0, 1). Of a row with NaN it picks any: its log-prob is
// NaN too, and the scheduler stops there.
func (c *chooser) choose(logits []float32, d Decoding, u float64) int32 {
	best := int32(0)
	for i, z := range logits {
		if z > logits[best] {
			best = int32(i)
		}
	}
	var total float64
	c.weight = sized(c.weight, len(logits))
	top := logits[best]
	for i, z := range logits {
		c.weight[i] = compute.Exp((z - top) / d.Temperature)
		total += float64(c.weight[i])
	}
	if math.IsNaN(total) {
		return best
	}
	c.rank(logits, total, d)
	c.kept = c.kept[:0]
	for _, id := range c.order {
		c.kept = append(c.kept, c.weight[id])
	}
	mass := c.mass(c.order)
	at := pick(c.kept, mass, u)
	c.logp = float32(math.Log(float64(c.kept[at]) / mass))
	return c.order[at]
}

func (d Decoding) nucleus() bool { return d.TopP > 0 && d.TopP < 1 }

// rank fills order with the kept ids, likeliest first: top-k, then top-p over what that kept, then min-p. total is the
// sum of all weights.
func (c *chooser) rank(logits []float32, total float64, d Decoding) {
	nucleus := d.nucleus()
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
		if d.TopK > 0 && len(c.order) >= d.TopK ||
			d.TopK == 0 && nucleus && mass >= float64(d.TopP)*total ||
			d.TopK == 0 && !nucleus && bar <= d.MinP {
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

// pick draws an index in proportion to w, whose sum is total, by inverting the running sum. An index of weight 0 is
// never drawn.
func pick(w []float32, total, u float64) int32 {
	target := u * total
	var sum float64
	last := int32(0)
	for i, x := range w {
		if x == 0 {
			continue
		}
		sum += float64(x)
		last = int32(i)
		if sum > target {
			break
		}
	}
	return last
}
