package bench

import (
	"math"
	"slices"

	"github.com/burnish-rl/burnish/algos/advantage"
	"github.com/burnish-rl/burnish/internal/rng"
)

// Pool is many completions of one prompt, which stand for the policy: groups are drawn from them.
type Pool struct {
	Rewards []float64            // [N]
	Lengths []int                // [N], trained tokens
	Weights map[string][]float64 // [N] by kind
	Gram    [][]float64          // [N][N], K_ij = s_i·s_j, s_i = ∇ log π of completion i
}

// Estimator is a baseline by name: the advantages of a group of members of a pool.
type Estimator struct {
	Name       string
	Advantages func(p *Pool, group []int) []float64
}

// Biased baselines that are measured beside the others.
const (
	OwnReward = "own reward" // the sample's own reward: nothing is learnt, and nothing scatters
	BestFixed = "best fixed" // E[w·r]/E[w] over the whole pool, which no run can know
)

// rloo is what the others are compared with.
const rloo = "rloo"

// Estimators are none, the group's mean, RLOO, OPO, each kind of weights with the sample left out, and two that no run
// can or should use.
func Estimators(kinds []string) []Estimator {
	out := []Estimator{
		{"none", func(p *Pool, g []int) []float64 { return at(p.Rewards, g) }},
		{"mean", func(p *Pool, g []int) []float64 { return advantage.GroupCentred(at(p.Rewards, g)) }},
		{rloo, func(p *Pool, g []int) []float64 { return advantage.RLOO(at(p.Rewards, g)) }},
		{"opo", func(p *Pool, g []int) []float64 { return advantage.OPO(at(p.Rewards, g), at(p.Lengths, g)) }},
	}
	for _, k := range kinds {
		out = append(out, Estimator{k, func(p *Pool, g []int) []float64 {
			return advantage.WeightedLeaveOneOut(at(p.Rewards, g), at(p.Weights[k], g), advantage.Prior{})
		}})
	}
	return append(out,
		Estimator{BestFixed, func(p *Pool, g []int) []float64 {
			b := advantage.WeightedMean(p.Rewards, diagonal(p.Gram))
			a := at(p.Rewards, g)
			for i := range a {
				a[i] -= b
			}
			return a
		}},
		Estimator{OwnReward, func(_ *Pool, g []int) []float64 { return make([]float64, len(g)) }})
}

func at[T any](v []T, group []int) []T {
	out := make([]T, len(group))
	for k, i := range group {
		out[k] = v[i]
	}
	return out
}

func diagonal(k [][]float64) []float64 {
	d := make([]float64, len(k))
	for i := range k {
		d[i] = k[i][i]
	}
	return d
}

// Moments are what an estimator's groups gave on one pool: ĝ = (1/G)·Σ A_i·s_i of each group, g = E[r·s] of the pool.
type Moments struct {
	Variance float64 // E|ĝ - E ĝ|²
	Bias2    float64 // an unbiased estimate of |E ĝ - g|², so it may be below 0
	Along    float64 // E ĝ·g
	Signal   float64 // |g|²
}

// Measure draws groups of a size from the pool, the same for every estimator, with replacement: then the pool is the policy,
// and what is unbiased under a policy is unbiased here. For the same reason the scores are centred, s_i - mean s: under a
// policy E s = 0, over N samples only nearly, and each baseline b would have the bias b·mean s, which no policy gives it. So
// |ĝ|² = a'K a/G² with the rows and columns of K centred.
//
// Source: OBLR-PO's question, Huang et al. 2025, arXiv:2511.23310; the estimate by resampling is ours.
func (p *Pool) Measure(estimators []Estimator, size, groups int, seed uint64) []Moments {
	k, n := centred(p.Gram), len(p.Rewards)
	out := make([]Moments, len(estimators))
	mean := make([][]float64, len(estimators)) // of each estimator: E ĝ = Σ_i mean_i·s_i
	squares := make([]float64, len(estimators))
	for e := range mean {
		mean[e] = make([]float64, n)
	}
	group := make([]int, size)
	for g := range groups {
		for i := range group {
			group[i] = rng.Intn(seed, rng.Groups, rng.At{A: uint32(g), B: uint32(i), C: uint32(size)}, n)
		}
		for e, x := range estimators {
			a := x.Advantages(p, group)
			for i, v := range a {
				mean[e][group[i]] += v / float64(size) / float64(groups)
				for j, w := range a {
					squares[e] += v * w * k[group[i]][group[j]] / float64(size*size)
				}
			}
		}
	}
	truth := make([]float64, n)
	for i, r := range p.Rewards {
		truth[i] = r / float64(n)
	}
	signal, count := quadratic(k, truth, truth), float64(groups)
	for e := range out {
		m := mean[e]
		length := quadratic(k, m, m)
		v := (squares[e]/count - length) * count / (count - 1)
		out[e] = Moments{Variance: v, Along: quadratic(k, m, truth), Signal: signal}
		out[e].Bias2 = length - 2*out[e].Along + signal - v/count
	}
	return out
}

// centred is K of s_i - mean s.
func centred(k [][]float64) [][]float64 {
	n := float64(len(k))
	rows := make([]float64, len(k))
	all := 0.0
	for i, row := range k {
		for _, v := range row {
			rows[i] += v / n
		}
		all += rows[i] / n
	}
	out := make([][]float64, len(k))
	for i, row := range k {
		out[i] = slices.Clone(row)
		for j := range out[i] {
			out[i][j] += all - rows[i] - rows[j]
		}
	}
	return out
}

func quadratic(k [][]float64, a, b []float64) (sum float64) {
	for i, x := range a {
		row := 0.0
		for j, y := range b {
			row += k[i][j] * y
		}
		sum += x * row
	}
	return sum
}

// diagonalGap is the largest relative difference between the Gram matrix' diagonal and squared norms.
func (p *Pool) diagonalGap(norms []float64) float64 {
	gap := 0.0
	for i, w := range norms {
		gap = max(gap, math.Abs(p.Gram[i][i]-w)/max(math.Abs(w), math.SmallestNonzeroFloat64))
	}
	return gap
}
