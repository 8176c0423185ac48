package train

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/policy"
)

// watched is GRPO that shows what it was asked, and may hide that it is linear in the entropy.
type watched struct {
	algos.OnPolicy
	hides bool
	steps []algos.Step
	gave  [][]float64
}

func (w *watched) Needs() algos.Needs {
	n := w.OnPolicy.Needs()
	n.EntropyLinear = n.EntropyLinear && !w.hides
	return n
}

func (w *watched) Factor(s algos.Step) ([]float64, error) {
	f, err := w.OnPolicy.Factor(s)
	w.steps, w.gave = append(w.steps, s), append(w.gave, f)
	return f, err
}

func watch(c *Config, change func(a *algos.OnPolicy)) *watched {
	w := &watched{OnPolicy: *algorithm("grpo").(*algos.OnPolicy)}
	change(&w.OnPolicy)
	c.Algo = w
	return w
}

// TestEntropyKnownBeforehandChangesNoBit: whether the bonus's gradient is taken as known before the forward pass, or after
// it, and whether the pass was recorded.
func TestEntropyKnownBeforehandChangesNoBit(t *testing.T) {
	dir := func(name string) string { return filepath.Join(t.TempDir(), name) }
	run := func(name string, hides bool, recorded int) string {
		at := dir(name)
		runAll(t, setup{threads: 2, change: func(c *Config) {
			watch(c, func(a *algos.OnPolicy) { a.EntropyCoef = 0.05 }).hides = hides
			c.RecordedLayers, c.RecordedRows = recorded, 4096
		}}.config(t, at))
		return at
	}
	once := run("once", false, 0)
	sameTree(t, "in two passes", run("twice", true, 0), once)
	sameTree(t, "from a recording", run("recorded", false, 2), once)
}

// TestTermsByHand: in a step of GRPO whose policy has left the reference, the policy's term is multiplied by importance
// weights and by the entropy mask, and neither the KL nor the entropy bonus is.
func TestTermsByHand(t *testing.T) {
	for _, kl := range []string{"k2", "k3", "k3_corrected"} {
		dir := filepath.Join(t.TempDir(), "run")
		var w *watched
		c := setup{threads: 2, reference: true, change: func(c *Config) {
			oneStep(c)
			c.Steps, c.Rate, c.Decoding.TopK = 2, 3, 6
			byFunction(t, c, lengthAndPlace)
			w = watch(c, func(a *algos.OnPolicy) {
				a.KL, a.KLCoef, a.EntropyCoef, a.TopEntropy = kl, 0.7, 0.3, 0.4
				a.Importance, a.ImportanceLimit = "sequence_truncate", 0.9
			})
		}}.config(t, dir)
		tr := newTrainer(t, c)
		w = tr.Algo.(*watched)
		model, base := openModel(t, cpu.New(2)), openModel(t, cpu.New(2))
		tr.afterRollout = func() { // the weights as the second step finds them
			for i, p := range model.Params() {
				model.Write(p, p.Data, tr.Model.Read(tr.Model.Params()[i], tr.Model.Params()[i].Data))
			}
		}
		runOn(t, tr)
		h := terms{t: t, w: w, kl: kl, rows: completionLines(t, dir)[12:]}
		want, norm := h.gradient(model, base)
		m := metricLines(t, dir)[1]
		near(t, kl+": loss", m["loss"], want, 1e-6)
		near(t, kl+": grad_norm", m["grad_norm"], norm, 1e-5*norm)
	}
}

// terms computes the second step of TestTermsByHand through the policy alone.
type terms struct {
	t    *testing.T
	w    *watched
	kl   string
	rows []completionLine
}

func (h *terms) gradient(model, base *policy.Model) (loss, norm float64) {
	batch := policy.Batch{Temperature: 0.9}
	for i, r := range h.rows {
		if i%4 == 0 {
			batch.Prompts = append(batch.Prompts, r.PromptIDs)
		}
		batch.Rows = append(batch.Rows, policy.Row{Prompt: i / 4, Tokens: r.CompletionIDs})
	}
	model.EnableGrads()
	model.ZeroGrads()
	tokens, err := model.LogProbs(batch, true)
	if err != nil {
		h.t.Fatal(err)
	}
	ref, err := base.LogProbs(batch, false)
	if err != nil {
		h.t.Fatal(err)
	}
	s := h.w.steps[1]
	mask := topEntropy(tokens.Entropy, 0.4)
	var dlogp, dentropy []float32
	i := 0
	for k, r := range h.rows {
		sampler := 0.0 // the whole answer's weight
		for j := range r.CompletionIDs {
			sampler += float64(r.LogProbs[j]) - s.Sampled[i+j]
		}
		importance := min(math.Exp(sampler), 0.9)
		for range r.CompletionIDs {
			weight := 1 / (12 * float64(len(r.CompletionIDs)))
			factor := importance * mask[i]
			near(h.t, "multiplier", h.w.gave[1][i], factor, 1e-6)
			near(h.t, "advantage", s.Advantage[k], r.Advantage, 0)
			u := float64(tokens.LogP[i]) - float64(ref.LogP[i])
			kl, dkl := u*u/2, u
			switch h.kl {
			case "k3":
				kl, dkl = math.Exp(-u)+u-1, 1-math.Exp(-u)
			case "k3_corrected": // the ratio is 1, and differentiated
				kl = math.Exp(-u) + u - 1
			}
			loss += weight * (-factor*r.Advantage + 0.7*kl - 0.3*float64(tokens.Entropy[i]))
			dlogp = append(dlogp, float32(weight*(-factor*r.Advantage+0.7*dkl)))
			dentropy = append(dentropy, float32(-0.3*weight))
			i++
		}
	}
	if err := tokens.Backward(dlogp, dentropy); err != nil {
		h.t.Fatal(err)
	}
	if err := model.FinishGrads(); err != nil {
		h.t.Fatal(err)
	}
	for _, p := range model.Params() {
		for _, g := range model.Read(p, p.Grad) {
			norm += float64(g) * float64(g)
		}
	}
	return loss, math.Sqrt(norm)
}

// topEntropy is 1 on the share of tokens of highest entropy, by counting.
func topEntropy(entropy []float32, share float64) []float64 {
	sorted := slices.Sorted(slices.Values(entropy))
	out := make([]float64, len(entropy))
	for i, h := range entropy {
		if at, _ := slices.BinarySearch(sorted, h); float64(at) >= (1-share)*float64(len(entropy)-1) {
			out[i] = 1
		}
	}
	return out
}

// TestWhatMultipliersSee: before the first update the policy's log-probs are the rollout's, later they are others; without
// top-k, top-p and min-p the sampler's are the rollout's too, with them no smaller.
func TestWhatMultipliersSee(t *testing.T) {
	for _, topK := range []int{0, 5} {
		var w *watched
		c := setup{threads: 2, change: func(c *Config) {
			oneStep(c)
			c.Decoding.TopK, c.Epochs = topK, 2
			byFunction(t, c, lengthAndPlace)
			w = watch(c, func(a *algos.OnPolicy) { a.OffPolicyLimit, a.TopEntropy = 0.01, 0.5 })
		}}.config(t, filepath.Join(t.TempDir(), "run"))
		runAll(t, c)
		if len(w.steps) != 2 {
			t.Fatalf("asked %d times, want once an update", len(w.steps))
		}
		first, second := w.steps[0], w.steps[1]
		if !slices.Equal(first.LogP, first.Old) || slices.Equal(second.LogP, second.Old) || !slices.Equal(first.Old, second.Old) {
			t.Error("the policy's log-probs are the rollout's in the first update, and in that alone")
		}
		if slices.Equal(first.Entropy, second.Entropy) {
			t.Error("the second update has the entropy of the first")
		}
		if same := slices.Equal(first.Sampled, first.Old); same != (topK == 0) {
			t.Errorf("top_k %d: the sampler's log-probs are the rollout's: %v", topK, same)
		}
		for i, v := range first.Sampled {
			if v < first.Old[i]-1e-6 || v > 0 {
				t.Errorf("token %d: log-prob %v among the kept, %v among all", i, v, first.Old[i])
			}
		}
		if !slices.Contains(w.gave[1], 0) || !slices.Contains(w.gave[1], 1) {
			t.Errorf("multipliers %v, want some 0 and some 1", w.gave[1])
		}
	}
}
