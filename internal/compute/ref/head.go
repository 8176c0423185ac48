package ref

import (
	"math"

	"github.com/burnish-rl/burnish/internal/compute"
)

// TokenStats reads logits [R, V] divided by temperature.
func (b *Backend) TokenStats(logits compute.Buf, v int, temperature float32, target []int32) compute.Stats {
	var s compute.Stats
	for _, row := range Stats(logits, v, temperature, target) {
		s.LogP = append(s.LogP, float32(row.LogP))
		s.Entropy = append(s.Entropy, float32(row.Entropy))
		s.SumP2 = append(s.SumP2, float32(row.SumP2))
	}
	return s
}

// RowStats are the statistics of one row in float64.
type RowStats struct{ LogP, Entropy, SumP2 float64 }

// Stats is TokenStats before rounding, for finite differences.
func Stats(logits compute.Buf, v int, temperature float32, target []int32) []RowStats {
	ld := Data(logits)
	mustEqual(len(ld), len(target)*v)
	out := make([]RowStats, len(target))
	for r, t := range target {
		logp := logSoftmax(row(ld, r, v), temperature)
		out[r].LogP = logp[t]
		for _, lp := range logp {
			p := math.Exp(lp)
			out[r].SumP2 += p * p
			if p != 0 { // 0·log 0 = 0; NaN is not equal to 0 and comes through
				out[r].Entropy -= p * lp
			}
		}
	}
	return out
}

// TokenStatsGrad overwrites logits with dlogp·(1[v=t] − p)/T − dentropy·p·(log p + H)/T.
func (*Backend) TokenStatsGrad(logits compute.Buf, v int, temperature float32, target []int32, dlogp, dentropy []float32) {
	stats := Stats(logits, v, temperature, target)
	mustEqual(len(dlogp), len(target))
	for r, t := range target {
		z := row(Data(logits), r, v)
		for i, lp := range logSoftmax(z, temperature) {
			p := math.Exp(lp)
			g := -float64(dlogp[r]) * p
			if i == int(t) {
				g += float64(dlogp[r])
			}
			if dentropy != nil && p != 0 {
				g -= float64(dentropy[r]) * p * (lp + stats[r].Entropy)
			}
			z[i] = g / float64(temperature)
		}
	}
}

// logSoftmax is z/T − log Σ exp(z/T).
func logSoftmax(z []float64, temperature float32) []float64 {
	out := make([]float64, len(z))
	most := math.Inf(-1)
	for i, x := range z {
		out[i] = x / float64(temperature)
		most = math.Max(most, out[i])
	}
	sum := 0.0
	for _, x := range out {
		sum += math.Exp(x - most)
	}
	for i := range out {
		out[i] -= most + math.Log(sum)
	}
	return out
}
