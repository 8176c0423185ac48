package loss

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/compute/ref"
	"github.com/burnish-rl/burnish/internal/rng"
	"github.com/burnish-rl/burnish/policy/decoder"
)

// exactBackend is the reference backend; it keeps the head's statistics in the float64 that the caller gets rounded.
type exactBackend struct {
	*ref.Backend
	rows []ref.RowStats
}

func (b *exactBackend) TokenStats(logits compute.Buf, v int, temperature float32, target []int32) compute.Stats {
	b.rows = append(b.rows, ref.Stats(logits, v, temperature, target)...)
	return b.Backend.TokenStats(logits, v, temperature, target)
}

// exactPolicy is a tiny decoder in float64 and a batch of the golden batch's shape, two prompts shared by four answers each.
type exactPolicy struct {
	b *exactBackend
	m *decoder.Model
	p decoder.Packed
}

const exactTemperature = 0.75

func newExactPolicy(t *testing.T, lengths []int) *exactPolicy {
	t.Helper()
	c := decoder.Config{ModelType: "llama", Hidden: 12, Inner: 10, Layers: 2, Heads: 6, KVHeads: 2, HeadDim: 4, Vocab: 19, MaxPositions: 64,
		NormEps: 1e-5, RopeTheta: 100, Tied: true, InitStd: 0.4, BOS: decoder.NoToken, PAD: decoder.NoToken}
	b := &exactBackend{Backend: ref.New()}
	m, err := decoder.New(c, b, decoder.RandomSource(c, 5))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	m.EnableGrads()
	x := &exactPolicy{b: b, m: m}
	drawn := uint32(0)
	draw := func(n int) []int32 {
		out := make([]int32, n)
		for i := range out {
			drawn++
			out[i] = int32(rng.Intn(8, rng.Tasks, rng.At{A: drawn}, c.Vocab))
		}
		return out
	}
	var prompt compute.Segment
	for i, n := range lengths {
		if i%4 == 0 {
			prompt = x.segment(draw(3+i), compute.Segment{})
		}
		x.answer(draw(n), prompt)
	}
	return x
}

// segment appends rows that follow a prompt, or make one.
func (x *exactPolicy) segment(ids []int32, prompt compute.Segment) compute.Segment {
	s := compute.Segment{Start: len(x.p.IDs), Len: len(ids), Prefix: prompt.Start, PrefixLen: prompt.Len}
	for i, id := range ids {
		x.p.IDs, x.p.Pos = append(x.p.IDs, id), append(x.p.Pos, int32(prompt.Len+i))
	}
	x.p.Segs = append(x.p.Segs, s)
	return s
}

func (x *exactPolicy) answer(ids []int32, prompt compute.Segment) {
	s := x.segment(ids, prompt)
	for i, id := range ids {
		at := s.Start + i - 1
		if i == 0 {
			at = prompt.Start + prompt.Len - 1
		}
		x.p.Out, x.p.Target = append(x.p.Out, int32(at)), append(x.p.Target, id)
	}
}

// stats are the log-probs, entropies and sums of squared probabilities of the trained tokens, in float64.
func (x *exactPolicy) stats(t *testing.T) (logp, entropy, sumP2 []float64) {
	t.Helper()
	x.b.rows = nil
	if _, err := x.m.LogProbs(x.p, exactTemperature, false); err != nil {
		t.Fatal(err)
	}
	for _, r := range x.b.rows {
		logp, entropy, sumP2 = append(logp, r.LogP), append(entropy, r.Entropy), append(sumP2, r.SumP2)
	}
	return logp, entropy, sumP2
}

// gradient sends the gradients of log-probs and entropies back and gives each trained tensor's.
func (x *exactPolicy) gradient(t *testing.T, out Output) [][]float64 {
	t.Helper()
	x.m.ZeroGrads()
	pass, err := x.m.LogProbs(x.p, exactTemperature, true)
	if err != nil {
		t.Fatal(err)
	}
	var dentropy []float32
	if out.DEntropy != nil {
		dentropy = float32s(out.DEntropy)
	}
	if err := pass.Backward(float32s(out.DLogP), dentropy); err != nil {
		t.Fatal(err)
	}
	x.m.FinishGrads()
	var grads [][]float64
	for _, p := range x.m.Params() {
		grads = append(grads, slices.Clone(ref.Data(p.Grad)))
	}
	return grads
}

// step is a straight way through the tensors of one kind, of length 1, and what the policy says at four points of it: ±h and
// ±h/2.
type step struct {
	name      string
	params    []int
	direction [][]float64 // of each of params
	logp      [4][]float64
	entropy   [4][]float64
}

const stepLength = 2e-3

var stepAt = [4]float64{stepLength, -stepLength, stepLength / 2, -stepLength / 2}

// steps go through every kind of tensor (in both layers at once) in a random direction, so that every element counts.
func (x *exactPolicy) steps(t *testing.T) []step {
	t.Helper()
	var out []step
	for k, p := range x.m.Params() {
		kind := strings.NewReplacer(".0.", ".", ".1.", ".").Replace(p.Name)
		i := slices.IndexFunc(out, func(s step) bool { return s.name == kind })
		if i < 0 {
			i = len(out)
			out = append(out, step{name: kind})
		}
		d := make([]float64, p.Data.Len())
		for j := range d {
			d[j] = rng.Normal(4, rng.Tasks, rng.At{A: uint32(k), B: uint32(j)})
		}
		out[i].params, out[i].direction = append(out[i].params, k), append(out[i].direction, d)
	}
	for i := range out {
		x.walk(t, &out[i])
	}
	return out
}

// walk makes the step's length 1, goes to its four points and back.
func (x *exactPolicy) walk(t *testing.T, s *step) {
	t.Helper()
	norm := 0.0
	for _, d := range s.direction {
		for _, v := range d {
			norm += v * v
		}
	}
	var data, at [][]float64
	for i, k := range s.params {
		data = append(data, ref.Data(x.m.Params()[k].Data))
		at = append(at, slices.Clone(data[i]))
		for j := range s.direction[i] {
			s.direction[i][j] /= math.Sqrt(norm)
		}
	}
	for j, h := range stepAt {
		for i, d := range s.direction {
			for e, v := range d {
				data[i][e] = at[i][e] + h*v
			}
		}
		s.logp[j], s.entropy[j], _ = x.stats(t)
	}
	for i := range data {
		copy(data[i], at[i])
	}
}

// slope is the derivative along the step: central differences at h and h/2, extrapolated to 0 (Richardson).
func (s step) slope(value func(logp, entropy []float64) float64) float64 {
	var v [4]float64
	for j := range v {
		v[j] = value(s.logp[j], s.entropy[j])
	}
	coarse, fine := (v[0]-v[1])/(2*stepLength), (v[2]-v[3])/stepLength
	return (4*fine - coarse) / 3
}

// TestGradientsThroughThePolicy: for every objective, the entropy bonus among them, the gradient that expression and decoder
// make together is the slope of the loss along random directions through each kind of tensor, within 1e-6 of those tensors' gradient.
// Everything is in float64 but the gradients of log-probs on their way into the decoder. What an objective holds constant
// is held where the policy stands. Old policy, reference and sampler lie as far from it as in the golden batch, whose ratios
// stand on no kink.
func TestGradientsThroughThePolicy(t *testing.T) {
	g := readGolden(t)
	x := newExactPolicy(t, g.Shape.Lengths)
	steps := x.steps(t)
	logp, entropy, sumP2 := x.stats(t)
	moved := g.around(logp, sumP2)
	for _, c := range withEntropy() {
		t.Run(c.name, func(t *testing.T) {
			in := moved.of(t, c)
			in.Entropy = entropy
			out := eval(t, c.obj, in)
			if (out.DEntropy != nil) != (c.name == entropyCase) {
				t.Fatalf("gradient of the entropy %v", out.DEntropy)
			}
			grads := x.gradient(t, out)
			in.held = logp
			for _, s := range steps {
				want := s.slope(func(logp, entropy []float64) float64 {
					in.LogP, in.Entropy = logp, entropy
					return eval(t, c.obj, in).Loss
				})
				got, norm := 0.0, 0.0
				for i, k := range s.params {
					for e, d := range grads[k] {
						got += d * s.direction[i][e]
						norm += d * d
					}
				}
				if norm == 0 {
					t.Errorf("%s: its gradient is 0", s.name)
				}
				if e := math.Abs(got-want) / math.Sqrt(norm); !(e <= 1e-6) {
					t.Errorf("%s: slope %.9g, want %.9g: %.1e of its gradient", s.name, got, want, e)
				}
			}
		})
	}
}

// around is the golden batch moved to other log-probs of the policy: everything else keeps its distance from them.
func (g golden) around(logp, sumP2 []float64) golden {
	out := g
	now := g.trained(g.Inputs.LogP)
	for _, v := range []*[][]float64{&out.Inputs.LogP, &out.Inputs.Old, &out.Inputs.Ref, &out.Inputs.Wide, &out.Inputs.Sampler} {
		far := g.trained(*v)
		*v = g.filled(*v, func(k int) float64 { return logp[k] + far[k] - now[k] })
	}
	out.Inputs.LogSumSq = g.filled(g.Inputs.LogSumSq, func(k int) float64 { return math.Log(sumP2[k]) })
	return out
}

// filled puts values of trained tokens into the padded form.
func (g golden) filled(like [][]float64, value func(k int) float64) [][]float64 {
	out := make([][]float64, len(like))
	k := 0
	for i, row := range like {
		out[i] = slices.Clone(row)
		for t := range row {
			if g.Inputs.Mask[i][t] == 1 {
				out[i][t] = value(k)
				k++
			}
		}
	}
	return out
}
