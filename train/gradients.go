package train

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/train/optim"
)

// plainSteps is how many updates the groups' gradients are measured plainly for: Adam's second moments are noise before.
const plainSteps = 10

// validateGradients checks what an algorithm wants to know of gradients.
func (c *Config) validateGradients() error {
	for _, name := range c.Algo.Needs().RowNorms {
		kind := c.normKind(name)
		lora := c.Model.Adapter() != nil
		switch {
		case !slices.Contains(policy.NormKinds, kind):
			return fmt.Errorf("train: the algorithm asks for row norms %q, want one of %q", name, policy.NormKinds)
		case kind == policy.NormLoRA && !lora:
			return fmt.Errorf("train: weights lora are of an adapter, and the model has none: want exact or ghost")
		case kind.Backward() && kind != policy.NormLoRA && lora:
			return fmt.Errorf("train: weights %s are of a model that is trained itself, and an adapter is trained: want exact or lora", name)
		}
	}
	_, err := c.checkPace()
	return err
}

// normKind resolves the kind that is exact for what is trained.
func (c *Config) normKind(name string) policy.NormKind {
	if name == algos.ExactNorm {
		return c.Model.ExactNorm()
	}
	return policy.NormKind(name)
}

// ExactNorms says whether the algorithm asks for row norms that take a backward pass.
func (c *Config) ExactNorms() bool {
	return slices.ContainsFunc(c.Algo.Needs().RowNorms, func(name string) bool { return c.normKind(name).Backward() })
}

// HeadNorms says whether it asks for those of the output matrix alone, exactly.
func (c *Config) HeadNorms() bool {
	return slices.Contains(c.Algo.Needs().RowNorms, string(policy.NormHeadExact))
}

// checkPace asks an algorithm that measures prompt groups whether there are enough of them in an update.
func (c *Config) checkPace() (warning string, err error) {
	if p, ok := c.Algo.(algos.PromptChecker); ok {
		if warning, err = p.CheckPrompts(c.Prompts / c.miniBatches()); err != nil {
			if c.miniBatches() > 1 {
				err = fmt.Errorf("a mini-batch of %d prompts: %w", c.BatchPrompts, err)
			}
			return "", fmt.Errorf("train: %w", err)
		}
	}
	return warning, nil
}

// rowNorms fills the batch with the kinds that the algorithm needs. Where the rollout was recorded this takes no forward
// pass; rows whose score is missing have none.
func (t *Trainer) rowNorms(ctx context.Context, b *batch) error {
	names := t.Algo.Needs().RowNorms
	if len(names) == 0 {
		return nil
	}
	defer b.time("row_norms")()
	t.tell(Event{Kind: Phase, Phase: "row norms"})
	var kinds []policy.NormKind
	var measured []string // the names of kinds
	b.norms = map[string][][]float64{}
	for _, name := range names {
		all := make([][]float64, len(b.groups))
		for i := range all {
			all[i] = slices.Repeat([]float64{math.NaN()}, len(b.rewards[i]))
		}
		b.norms[name] = all
		if kind := t.normKind(name); !b.sampledNorms(name, kind) {
			kinds, measured = append(kinds, kind), append(measured, name)
		}
	}
	if kinds == nil {
		return nil
	}
	b.scores = map[int]*policy.Scores{}
	once := t.UpdatesPerStep() == 1 // else updates are cut otherwise
	for _, mb := range b.cut(t.budget(b), false) {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		packed := mb.pack(t.Decoding)
		packed.Recording = t.recording
		scores, err := t.Model.ScoreRows(packed, t.HoldNorms && once, kinds...)
		if err != nil {
			return err
		}
		if once && scores.ForLearning() {
			b.scores[mb.from] = scores
		}
		for i, r := range b.rows[mb.from:mb.to] {
			for k, name := range measured {
				b.norms[name][r.group][r.sample] = scores.Norms[k][i]
			}
		}
	}
	return nil
}

// sampledNorms says that the algorithm asks for norms that are made of what sampling says of each token.
func (t *Trainer) sampledNorms() bool {
	return slices.ContainsFunc(t.Algo.Needs().RowNorms, func(name string) bool {
		kind := t.normKind(name)
		return kind.Sampled() && kind != policy.NormLen
	})
}

// sampledNorms fills in the norms of a kind from the completions, if they know them: the same bits as a pass would give.
func (b *batch) sampledNorms(name string, kind policy.NormKind) bool {
	if !kind.Sampled() {
		return false
	}
	for _, r := range b.rows {
		norm, ok := b.groups[r.group].Samples[r.sample].RowNorm(kind)
		if !ok {
			return false
		}
		b.norms[name][r.group][r.sample] = norm
	}
	return true
}

// budget is the decoder rows of a micro-batch: one prompt group at a time where groups are measured.
func (t *Trainer) budget(b *batch) int {
	if t.gradStats != nil && b.update == 0 {
		return 1
	}
	return t.MicroBatchTokens
}

// learnScored is policy.Learn through what the micro-batch's row norms left behind, if they left anything; exact ones do
// where dL/dlogp is one number a row: ok says so. Whether they hold anything changes no bit.
func (m microBatch) learnScored(dlogp, dentropy []float32) (tokens *policy.Tokens, ok bool, err error) {
	scores := m.scores[m.from]
	if scores == nil {
		return nil, false, nil
	}
	defer scores.Free()
	if dentropy != nil {
		return nil, false, nil
	}
	if !scores.ByRow() {
		tokens, err = scores.LearnTokens(dlogp)
		return tokens, true, err
	}
	var scale []float32
	for _, r := range m.rows[m.from:m.to] {
		own := dlogp[:r.trained]
		dlogp = dlogp[r.trained:]
		first := float32(0)
		for i, d := range own {
			if i == 0 {
				first = d
			} else if d != first {
				return nil, false, nil
			}
		}
		scale = append(scale, first)
	}
	tokens, err = scores.Learn(scale)
	return tokens, true, err
}

// groupGradients measures the gradients of a step's prompt groups, or does nothing when nobody asks.
type groupGradients struct {
	t    *Trainer
	on   bool
	adam *optim.AdamW // whose metric is used, or nil
	mass map[*policy.Param]adamMass
}

type adamMass struct {
	sum float64
	n   int
}

// beginGroups starts the measurement of a step, in its first update.
func (t *Trainer) beginGroups(b *batch) *groupGradients {
	g := &groupGradients{t: t, on: t.gradStats != nil && b.update == 0}
	if !g.on {
		return g
	}
	var metric policy.Metric
	if o, ok := t.Optim.(*optim.AdamW); ok && t.optimizer.Count() >= plainSteps {
		g.adam, g.mass = o, map[*policy.Param]adamMass{}
		metric = g.adamMetric()
	}
	t.gradStats.Begin(metric)
	return g
}

// adamMetric is Σ d·g² with Adam's d = 1/(sqrt(v̂)+eps) of the step before; finish scales it to a mean d of 1.
func (g *groupGradients) adamMetric() policy.Metric {
	square := map[*policy.Param]compute.Buf{}
	for _, slot := range g.t.optimizer.State() {
		if slot.Name == "exp_avg_sq" {
			square[g.t.tensors[slot.Param]] = slot.Buf
		}
	}
	c2 := float32(1 - math.Pow(g.adam.Beta2, float64(g.t.optimizer.Count())))
	return func(p *policy.Param, x compute.Buf) float64 {
		squares, mass, n := g.t.Model.Backend().AdamSquares(x, square[p], c2, float32(g.adam.Eps))
		g.mass[p] = adamMass{mass, n}
		return squares
	}
}

// add takes the gradient of the group that was just learned from.
func (g *groupGradients) add() error {
	if !g.on {
		return nil
	}
	return g.t.gradStats.Add()
}

// finish leaves the norms in the batch. Groups without a scored sample count as gradients of zero.
func (g *groupGradients) finish(b *batch) error {
	if !g.on {
		return nil
	}
	n, err := g.t.gradStats.Finish()
	if err != nil {
		return err
	}
	scale, mass, count := 1.0, 0.0, 0
	for _, p := range g.t.tensors { // in file order, so that the sum has the same bits every time
		mass, count = mass+g.mass[p].sum, count+g.mass[p].n
	}
	if mass > 0 {
		scale = float64(count) / mass
	}
	b.grads = &algos.GradNorms{Groups: b.measured(), Squares: scale * n.Squares, Sum: scale * n.Sum, Plain: n.Plain, Adam: g.adam != nil}
	return nil
}

// pace is the algorithm's factor on the learning rate, if it has one. Weight decay goes on at the rate without it.
func (t *Trainer) pace(b *batch) (factor float64, ok bool) {
	p, ok := t.Algo.(algos.Pacer)
	if !ok || b.grads == nil {
		return 1, false
	}
	factor = p.Pace(*b.grads)
	t.optimizer.ScaleDecay(1 / factor)
	return factor, true
}

// addMeasures adds what the algorithm shows of itself, and tells what it decided.
func (t *Trainer) addMeasures(m *Metrics, b *batch) {
	a, ok := t.Algo.(algos.Measurer)
	if !ok {
		return
	}
	for _, x := range a.Measures() {
		m.add(x.Name, x.Value)
	}
	for _, note := range a.Notes() {
		t.tell(Event{Kind: Note, Text: note})
	}
}
