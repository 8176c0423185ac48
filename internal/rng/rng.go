// Package rng is the only source of randomness: counter-based draws that are a function of where they are used,
// never of the order in which they are asked for.
//
// The generator is Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). The key is the
// seed mixed with a stream; the counter says the place.
package rng

import (
	"math"
	"math/bits"
)

// Stream keeps the uses of one seed apart.
type Stream uint32

const (
	Sampling    Stream = iota + 1 // the next token
	Init                          // fresh weights
	Order                         // which task comes next
	Adapter                       // fresh adapter weights
	Tasks                         // generated tasks
	Sketch                        // signs of a sketch of the weights
	MiniBatches                   // which groups of a rollout are learned from together
	Groups                        // which samples make a group, when groups are drawn from a pool
)

// At is a place: for sampling (step, slot, sample, position); other streams use the fields in their own way.
type At struct{ A, B, C, D uint32 }

// Bits gives 128 random bits for a place.
func Bits(seed uint64, s Stream, at At) [4]uint32 {
	k := mix(seed ^ uint64(s)*0x9e3779b97f4a7c15)
	return philox([4]uint32{at.A, at.B, at.C, at.D}, [2]uint32{uint32(k), uint32(k >> 32)})
}

// Uniform is in [0, 1), with 53 bits.
func Uniform(seed uint64, s Stream, at At) float64 {
	b := Bits(seed, s, at)
	return toUnit(b[0], b[1])
}

// Intn is in [0, n); n > 0.
func Intn(seed uint64, s Stream, at At, n int) int {
	b := Bits(seed, s, at)
	hi, _ := bits.Mul64(uint64(b[0])<<32|uint64(b[1]), uint64(n))
	return int(hi)
}

// Normal is a standard normal draw (Box-Muller).
func Normal(seed uint64, s Stream, at At) float64 {
	b := Bits(seed, s, at)
	u := 1 - toUnit(b[0], b[1]) // (0, 1]
	return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*toUnit(b[2], b[3]))
}

// Gumbel is a standard Gumbel draw. The m largest of log w_i + Gumbel_i are m draws without replacement with weights w
// (Gumbel-max; Yellott 1977), in the order of successive draws.
func Gumbel(seed uint64, s Stream, at At) float64 {
	b := Bits(seed, s, at)
	k := (uint64(b[0])<<32 | uint64(b[1])) >> 12
	return -math.Log(-math.Log((float64(k) + 0.5) / (1 << 52))) // never log 0
}

// Shuffle gives a permutation of 0 … n-1 that depends on (seed, stream, epoch, n) only.
func Shuffle(seed uint64, s Stream, epoch uint32, n int) []int {
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	for i := n - 1; i > 0; i-- { // Fisher-Yates, each swap keyed by its place
		j := Intn(seed, s, At{epoch, uint32(i), uint32(n), 0}, i+1)
		p[i], p[j] = p[j], p[i]
	}
	return p
}

func toUnit(hi, lo uint32) float64 {
	return float64((uint64(hi)<<32|uint64(lo))>>11) / (1 << 53)
}

// mix is the finaliser of splitmix64.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func philox(c [4]uint32, k [2]uint32) [4]uint32 {
	for range 10 {
		h0, l0 := bits.Mul32(0xD2511F53, c[0])
		h1, l1 := bits.Mul32(0xCD9E8D57, c[2])
		c = [4]uint32{h1 ^ c[1] ^ k[0], l1, h0 ^ c[3] ^ k[1], l0}
		k[0] += 0x9E3779B9
		k[1] += 0xBB67AE85
	}
	return c
}
