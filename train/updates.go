package train

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/burnish-rl/burnish/internal/rng"
	"github.com/burnish-rl/burnish/policy"
)

// sketchLength bounds what is kept of an update, whatever the model's size.
const sketchLength = 4096

// updates measures the cosine between one update of the trained weights and the next.
//
// An update is what the weights are afterwards less what they were before, so it is the optimizer's whole doing, rounding
// and decay included. It is kept as a sketch of 4,096 sums of elements under random signs (Charikar et al. 2002, count
// sketch), from which inner products come out right on average, with a deviation of about 1/64 of the norms; of up to
// 4,096 weights they are exact. A sketch is linear, so an update's is the difference of two of the weights', and no
// weight needs to be kept.
type updates struct {
	seed    uint64
	weights []float64 // sketch of the weights as they stand
	last    []float64 // sketch of the last update that moved them; nil while there is none
	cosine  float64   // between the last two such updates; NaN while there are none
}

func newUpdates(seed uint64, m *policy.Model, trained []*policy.Param) *updates {
	u := &updates{seed: seed, cosine: math.NaN()}
	u.weights = u.sketch(m, trained)
	return u
}

// observe takes in the update that the weights have just had. One that moves nothing, as at rate 0, is passed over.
func (u *updates) observe(m *policy.Model, trained []*policy.Param) {
	now := u.sketch(m, trained)
	update := make([]float64, len(now))
	for i := range now {
		update[i] = now[i] - u.weights[i]
	}
	u.weights = now
	u.cosine = math.NaN()
	if dot(update, update) == 0 {
		return
	}
	if u.last != nil {
		u.cosine = dot(update, u.last) / math.Sqrt(dot(update, update)*dot(u.last, u.last))
	}
	u.last = update
}

// sketch adds the weights up under their signs: element i of all the trained ones, in file order, goes to place
// i mod 4,096.
func (u *updates) sketch(m *policy.Model, trained []*policy.Param) []float64 {
	out := make([]float64, sketchLength)
	at := 0
	var signs signs
	for _, p := range trained {
		for _, w := range m.Read(p, p.Data) {
			place := at % sketchLength
			if place == 0 {
				signs = u.signs(uint32(at / sketchLength))
			}
			if signs[place/32]>>(place%32)&1 == 1 {
				out[place] -= float64(w)
			} else {
				out[place] += float64(w)
			}
			at++
		}
	}
	return out
}

// signs is a bit for each of 4,096 elements.
type signs [sketchLength / 32]uint32

func (u *updates) signs(block uint32) (s signs) {
	for i := 0; i < len(s); i += 4 {
		bits := rng.Bits(u.seed, rng.Sketch, rng.At{A: block, B: uint32(i)})
		copy(s[i:], bits[:])
	}
	return s
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// MarshalBinary saves the cosine and the last update: the next cosine needs it. The weights have a checkpoint of their own.
func (u *updates) MarshalBinary() ([]byte, error) {
	b := binary.LittleEndian.AppendUint64(nil, math.Float64bits(u.cosine))
	for _, x := range u.last {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
	}
	return b, nil
}

// UnmarshalBinary goes on from a saved update.
func (u *updates) UnmarshalBinary(b []byte) error {
	if len(b) != 8 && len(b) != 8+8*sketchLength {
		return fmt.Errorf("updates: saved state of %d bytes, want %d or %d", len(b), 8, 8+8*sketchLength)
	}
	u.cosine = math.Float64frombits(binary.LittleEndian.Uint64(b))
	u.last = nil
	for b = b[8:]; len(b) > 0; b = b[8:] {
		u.last = append(u.last, math.Float64frombits(binary.LittleEndian.Uint64(b)))
	}
	return nil
}
