package compute

import "math"

const (
	expMost  = 88.72284  // the float32 after the last x whose exponential is finite
	expLeast = -87.33654 // -126·ln 2: below it the exponential is denormal, and we give 0

	log2e = 1.44269504088896341
	ln2Hi = 0.693359375    // ln 2 in nine bits, so that its product with an integer is exact
	ln2Lo = -2.12194440e-4 // ln 2 - ln2Hi

	roundMagic = 12582912 // 1.5·2^23: adding it rounds a float32 to an integer in the low bits
)

// Exp is e^x for every float32 kernel and for sampling: the same bits on every platform, relative error below 2e-7.
// It is 0 for -Inf and wherever the result would be denormal, +Inf on overflow, and NaN for NaN.
//
// e^x = 2^n·e^r with n = round(x/ln 2), and the polynomial for e^r on |r| <= ln 2/2 from Cephes (Moshier), expf.c.
// Products are rounded before they are added, because Go fuses x*y+z on some platforms only.
func Exp(x float32) float32 {
	if !(x >= expLeast && x < expMost) {
		return expEdge(x)
	}
	t := float32(x*log2e) + roundMagic
	n := t - roundMagic
	r := x - float32(n*ln2Hi) - float32(n*ln2Lo)
	p := float32(1.9875691500e-4*r) + 1.3981999507e-3
	p = float32(p*r) + 8.3334519073e-3
	p = float32(p*r) + 4.1665795894e-2
	p = float32(p*r) + 1.6666665459e-1
	p = float32(p*r) + 5.0000001201e-1
	p = float32(p*float32(r*r)) + r + 1
	// The low bits of t hold n; moved to the exponent they multiply p by 2^n.
	return math.Float32frombits(math.Float32bits(p) + math.Float32bits(t)<<23)
}

func expEdge(x float32) float32 {
	switch {
	case x < expLeast:
		return 0
	case x >= expMost:
		return float32(math.Inf(1))
	default: // NaN
		return x
	}
}
