package loss

import (
	"math"
	"slices"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/internal/rng"
	"github.com/burnish-rl/burnish/policy"
)

const layoutConfig = `{"model_type": "llama", "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
	"num_key_value_heads": 2, "head_dim": 8, "vocab_size": 442, "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "tie_word_embeddings": true,
	"initializer_range": 0.2}`

// layoutPolicy is a random policy in float32, and answers of the golden batch's lengths, four to a prompt.
type layoutPolicy struct {
	*policy.Model
	prompts [][]int32 // of every four answers
	answers [][]int32
}

func newLayoutPolicy(t *testing.T, lengths []int) *layoutPolicy {
	t.Helper()
	m, err := policy.OpenNew([]byte(layoutConfig), "builtin:tiny", 7, cpu.New(2))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	m.EnableGrads()
	p := &layoutPolicy{Model: m}
	draw := func(n, which int) []int32 {
		out := make([]int32, n)
		for i := range out {
			out[i] = int32(rng.Intn(3, rng.Tasks, rng.At{A: uint32(which), B: uint32(i)}, 442))
		}
		return out
	}
	for i, n := range lengths {
		if i%4 == 0 {
			p.prompts = append(p.prompts, draw(5+i, 100+i))
		}
		p.answers = append(p.answers, draw(n, i))
	}
	return p
}

// rows is a batch of some answers; without shared each has a copy of its prompt.
func (p *layoutPolicy) rows(of []int, shared bool) policy.Batch {
	b := policy.Batch{Temperature: 0.9}
	for k, i := range of {
		if !shared || k == 0 || i/4 != of[k-1]/4 {
			b.Prompts = append(b.Prompts, p.prompts[i/4])
		}
		b.Rows = append(b.Rows, policy.Row{Prompt: len(b.Prompts) - 1, Tokens: p.answers[i]})
	}
	return b
}

// learn adds up the gradient of a step. The expression is evaluated for each unit of sequences, from log-probs of the batches
// that the unit is cut into: whole, or a row each.
func (p *layoutPolicy) learn(t *testing.T, c objectiveCase, in Inputs, units [][]int, shared, whole bool) (logp []float32, grads [][]float32) {
	t.Helper()
	p.ZeroGrads()
	for _, unit := range units {
		var parts []*policy.Tokens
		some, _ := in.sequences(unit)
		some.LogP, some.Entropy = nil, nil
		cut := [][]int{unit}
		if !whole {
			cut = slices.Collect(slices.Chunk(unit, 1))
		}
		for _, of := range cut {
			tokens, err := p.LogProbs(p.rows(of, shared), true)
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, tokens)
			for k, v := range tokens.LogP {
				some.LogP, some.Entropy = append(some.LogP, float64(v)), append(some.Entropy, float64(tokens.Entropy[k]))
				some.SumP2[len(some.LogP)-1] = float64(tokens.SumP2[k])
			}
			logp = append(logp, tokens.LogP...)
		}
		out := eval(t, c.obj, some)
		for _, tokens := range parts {
			n := len(tokens.LogP)
			var dentropy []float32
			if out.DEntropy != nil {
				dentropy = float32s(out.DEntropy[:n])
				out.DEntropy = out.DEntropy[n:]
			}
			if err := tokens.Backward(float32s(out.DLogP[:n]), dentropy); err != nil {
				t.Fatal(err)
			}
			out.DLogP = out.DLogP[n:]
		}
	}
	if err := p.FinishGrads(); err != nil {
		t.Fatal(err)
	}
	for _, w := range p.Params() {
		grads = append(grads, p.Read(w, w.Grad))
	}
	return logp, grads
}

// TestLayouts: for every objective a step has the same gradient of all parameters however it is laid out. All rows in one batch
// and a row a batch, which the expression sees in the smallest units that the objective allows, agree to the bit; answers
// packed behind shared prompts agree with those that have their own within 1e-6 of each tensor's gradient, and log-probs to
// the bit.
func TestLayouts(t *testing.T) {
	g := readGolden(t)
	p := newLayoutPolicy(t, g.Shape.Lengths)
	all := span(0, len(g.Shape.Lengths))
	start, err := p.LogProbs(p.rows(all, true), false)
	if err != nil {
		t.Fatal(err)
	}
	logp, sumP2 := make([]float64, len(start.LogP)), make([]float64, len(start.LogP))
	for k, v := range start.LogP {
		logp[k], sumP2[k] = float64(v), float64(start.SumP2[k])
	}
	moved := g.around(logp, sumP2)
	for _, c := range withEntropy() {
		t.Run(c.name, func(t *testing.T) {
			in := moved.of(t, c)
			units := c.units(in)
			wantLogP, want := p.learn(t, c, in, [][]int{all}, true, true)
			for _, layout := range []struct {
				name          string
				units         [][]int
				shared, whole bool
			}{
				{"all rows, each with its prompt", [][]int{all}, false, true},
				{"a row at a time", units, false, false},
				{"a unit at a time, prompts shared", units, true, true},
			} {
				gotLogP, got := p.learn(t, c, in, layout.units, layout.shared, layout.whole)
				if !slices.Equal(gotLogP, wantLogP) {
					t.Errorf("%s: log-probs differ", layout.name)
				}
				for k, w := range p.Params() {
					if e := apart(got[k], want[k]); !(e <= 1e-6) {
						t.Errorf("%s: gradient of %s differs by %.1e", layout.name, w.Name, e)
					}
				}
			}
			_, together := p.learn(t, c, in, [][]int{all}, false, true)
			_, alone := p.learn(t, c, in, units, false, false)
			for k, w := range p.Params() {
				if !slices.Equal(together[k], alone[k]) {
					t.Errorf("a row at a time: gradient of %s has other bits than all rows have", w.Name)
				}
			}
		})
	}
}

// withEntropy are all cases, and one that learns from the entropy too.
func withEntropy() []objectiveCase {
	bonus := cases[slices.IndexFunc(cases, func(c objectiveCase) bool { return c.name == "grpo_kl_k3" })]
	bonus.name, bonus.obj = entropyCase, Sum(WithKL(Clip(0.2, 0.2), 0.05), EntropyBonus(0.3))
	return append(slices.Clone(cases), bonus)
}

const entropyCase = "grpo_kl_k3_entropy"

// apart is the distance of two vectors as a share of the second.
func apart(got, want []float32) float64 {
	d, n := 0.0, 0.0
	for i := range want {
		d += math.Pow(float64(got[i]-want[i]), 2)
		n += math.Pow(float64(want[i]), 2)
	}
	return math.Sqrt(d / n)
}
