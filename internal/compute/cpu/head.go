package cpu

import (
	"math"

	"github.com/burnish-rl/burnish/internal/compute"
)

// statsBlock is how many logits go into one set of float32 lanes before they are added up in float64: with a
// vocabulary of 152k, float32 alone would lose two more digits.
const statsBlock = 4096

// faintest is below the logarithm of the smallest p that counts: e^faintest is 0 in float32. Clamping to it keeps
// 0·log 0 from becoming NaN where a logit is -Inf.
const faintest = -110

// rowSums are the sums over a row of logits with d = (logit - most)/T and e = e^d.
type rowSums struct {
	most  float32
	e     float64 // Σ e
	ed    float64 // Σ e·d
	ee    float64 // Σ e²
	log   float64 // log Σ e
	scale float32 // 1/T
}

func (k *kernel) sumRow(z []float32, temperature float32) rowSums {
	s := rowSums{most: k.maximum(z), scale: 1 / temperature}
	for from := 0; from < len(z); from += statsBlock {
		k.addBlock(&s, z[from:min(len(z), from+statsBlock)])
	}
	s.log = math.Log(s.e)
	return s
}

func (k *kernel) addBlock(s *rowSums, z []float32) {
	var e, ed, ee lanes
	most, scale := s.most, s.scale
	if k.vector {
		k.statBlocks(z, most, scale, &e, &ed, &ee)
		z = nil
	}
	for ; len(z) >= compute.Lanes; z = z[compute.Lanes:] {
		p := (*lanes)(z)
		for j := range p {
			d := clampFaint((p[j] - most) * scale)
			x := compute.Exp(d)
			e[j] += x
			ed[j] += float32(x * d)
			ee[j] += float32(x * x)
		}
	}
	for j, v := range z {
		d := clampFaint((v - most) * scale)
		x := compute.Exp(d)
		e[j&(compute.Lanes-1)] += x
		ed[j&(compute.Lanes-1)] += float32(x * d)
		ee[j&(compute.Lanes-1)] += float32(x * x)
	}
	s.e += float64(e.sum())
	s.ed += float64(ed.sum())
	s.ee += float64(ee.sum())
}

// clampFaint lets NaN through.
func clampFaint(d float32) float32 {
	if d < faintest {
		return faintest
	}
	return d
}

// entropy is log Σ e - Σ e·d/Σ e; rounding can make it a tiny negative, which becomes 0. NaN stays.
func (s *rowSums) entropy() float64 {
	h := s.log - s.ed/s.e
	if h < 0 {
		return 0
	}
	return h
}

// TokenStats reads logits [R, V] divided by temperature and gives log-softmax values.
func (b *Backend) TokenStats(logits compute.Buf, v int, temperature float32, target []int32) compute.Stats {
	f, rows := f32(logits), len(target)
	mustHave("token stats: logits", len(f), rows*v)
	all := make([]float32, 3*rows)
	out := compute.Stats{LogP: all[:rows:rows], Entropy: all[rows : 2*rows : 2*rows], SumP2: all[2*rows:]}
	c := &b.calls.stats
	*c = statsCall{b.kernel, f, v, temperature, target, out}
	b.spread(rows, rowGrain(8*v), c)
	*c = statsCall{}
	return out
}

type statsCall struct {
	k           *kernel
	logits      []float32
	v           int
	temperature float32
	target      []int32
	out         compute.Stats
}

func (c *statsCall) span(_, lo, hi int) {
	for r := lo; r < hi; r++ {
		z := c.logits[r*c.v:][:c.v]
		s := c.k.sumRow(z, c.temperature)
		d := (z[checkRow("token stats", c.target[r], c.v)] - s.most) * s.scale
		c.out.LogP[r] = float32(float64(d) - s.log)
		c.out.Entropy[r] = float32(s.entropy())
		c.out.SumP2[r] = float32(s.ee / (s.e * s.e))
	}
}

// TokenStatsGrad overwrites logits with dlogp·(1[v=t] - p)/T - dentropy·p·(log p + H)/T.
func (b *Backend) TokenStatsGrad(logits compute.Buf, v int, temperature float32, target []int32, dlogp, dentropy []float32) {
	f, rows := f32(logits), len(target)
	mustHave("token stats gradient: logits", len(f), rows*v)
	mustHave("token stats gradient: dlogp", len(dlogp), rows)
	if dentropy != nil {
		mustHave("token stats gradient: dentropy", len(dentropy), rows)
	}
	b.parallel(rows, rowGrain(8*v), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			z := f[r*v:][:v]
			t := checkRow("token stats gradient", target[r], v)
			if dentropy == nil {
				b.kernel.logpGradRow(z, temperature, dlogp[r])
			} else {
				b.kernel.statsGradRow(z, temperature, dlogp[r], dentropy[r])
			}
			z[t] += dlogp[r] / temperature
		}
	})
}

// logpGradRow overwrites z with -dlogp·p/T, with one exponential an element.
func (k *kernel) logpGradRow(z []float32, temperature, dlogp float32) {
	most, s := k.maximum(z), 1/temperature
	total := 0.0
	for from := 0; from < len(z); from += statsBlock {
		total += float64(k.expSum(z[from:min(len(z), from+statsBlock)], most, s))
	}
	k.scale(z, -dlogp*s*float32(1/total))
}

// statsGradRow overwrites z with -p·(dlogp + dentropy·(log p + H))/T.
func (k *kernel) statsGradRow(z []float32, temperature, dlogp, dentropy float32) {
	s := k.sumRow(z, temperature)
	g := gradScalars{s.most, s.scale, float32(1 / s.e), dlogp, dentropy, float32(s.log), float32(s.entropy())}
	k.statGrad(z, &g)
}

// gradScalars are most, 1/T, 1/Σ e, dlogp, dentropy, log Σ e and H of a row, in the order that the assembly reads.
type gradScalars [7]float32

// statGrad is the part of statsGradRow after the sums.
func (k *kernel) statGrad(z []float32, s *gradScalars) {
	if k.vector {
		k.statGradBlocks(z, s)
		return
	}
	most, scale, inv, dlogp, dentropy, log, h := s[0], s[1], s[2], s[3], s[4], s[5], s[6]
	for i, x := range z {
		d := clampFaint((x - most) * scale)
		p := compute.Exp(d) * inv
		z[i] = -p * (dlogp + float32(dentropy*(d-log+h))) * scale
	}
}
