// Package snr sets the learning rate by the gradient's signal-to-noise ratio. Start with [Measure], which turns the norms
// of a step's gradients into unbiased estimates of |E g|² and of the variance, and [Rule], which smooths them.
//
// For an L-smooth objective and an unbiased estimate ĝ of its gradient g, a step of rate η gains at least
//
//	η·|g|² - (L/2)·η²·(|g|² + tr Var ĝ),   best at η = (1/L)·ρ,   ρ = |g|²/E|ĝ|² = SNR/(1 + SNR)
//
// The user's rate stands for 1/L and is never exceeded.
//
// Source: the pairing of rate and baseline is OBLR-PO, Huang et al. 2025, arXiv:2511.23310, of which only the abstract was
// read; this bound is derived here, and has the shape of the noise-scale rule of McCandlish et al. 2018, arXiv:1812.06162.
package snr

import "math"

// Estimate is what the gradients of a step's K prompt groups say, on the scale of the step's gradient.
type Estimate struct {
	Groups  int     // K
	Signal  float64 // unbiased estimate of |E g|²; it can be negative
	Squared float64 // |ĝ|², ĝ the mean of the K
}

// Measure makes the estimate from K gradients, each on the scale of the whole: q is Σ_k |g_k|² and n2 is |Σ_k g_k|².
//
//	Signal = (n2 - q)/(K·(K-1)),   Squared = n2/K²,   Noise = Squared - Signal
//
// The mean of g_k·g_l over k ≠ l has expectation |E g|², as the groups are independent.
func Measure(q, n2 float64, k int) Estimate {
	n := float64(k)
	return Estimate{Groups: k, Signal: (n2 - q) / (n * (n - 1)), Squared: n2 / (n * n)}
}

// Noise estimates tr Var ĝ, the variance of the step's gradient, without bias.
func (e Estimate) Noise() float64 { return e.Squared - e.Signal }

// Single estimates the variance of one group's gradient, K times that of their mean.
func (e Estimate) Single() float64 { return float64(e.Groups) * e.Noise() }

// Ratio is Signal/Squared, ρ before smoothing.
func (e Estimate) Ratio() float64 { return e.Signal / e.Squared }

// TwoSizes is the same estimate from squared gradient norms at two batch sizes: |E g|² and the variance of one sample's
// gradient.
//
//	|G|² = (big·|G_big|² - small·|G_small|²)/(big - small),   S = (|G_small|² - |G_big|²)/(1/small - 1/big)
//
// Source: McCandlish et al. 2018, arXiv:1812.06162, appendix A.1.
func TwoSizes(bigNorm2, smallNorm2 float64, big, small int) (signal, noise float64) {
	b, s := float64(big), float64(small)
	return (b*bigNorm2 - s*smallNorm2) / (b - s), (smallNorm2 - bigNorm2) / (1/s - 1/b)
}

// Ratio is SNR/(1 + SNR); 1 at an infinite SNR.
func Ratio(snr float64) float64 {
	if math.IsInf(snr, 1) {
		return 1
	}
	return snr / (1 + snr)
}
