package sweep

import (
	"context"
	"errors"
	"math"

	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/policy/generate"
	"github.com/burnish-rl/burnish/recipes/resolve"
	"github.com/burnish-rl/burnish/train/rollout"
)

// Probe is what a policy's own answers, sampled at temperature 1, say of it.
//
//	KL   mean over answers of Σ_t exp(-u_t) + u_t - 1      KL1  mean of Σ_t u_t,      u_t = logp_t - base_t
//
// Both estimate the KL divergence of the policy from the weights that the first stage began with, in nats an answer; each
// term of the first (k3) is >= 0, so it scatters less. Entropy is the mean over tokens, in nats.
type Probe struct {
	KL      float64 `json:"kl"`
	KL1     float64 `json:"kl_k1"`
	Entropy float64 `json:"entropy"`
	Tokens  float64 `json:"tokens"` // of an answer, mean
	N       int     `json:"n"`      // answers
}

const (
	probePrefix = "probe/"
	survives    = "survives"
)

// probes are the names of a Probe's numbers among metrics.
var probes = []string{probePrefix + "kl", probePrefix + "kl_k1", probePrefix + "entropy", probePrefix + "tokens"}

// get is a number by its name.
func (p *Probe) get(name string) float64 {
	switch {
	case p == nil:
		return math.NaN()
	case name == probes[0]:
		return p.KL
	case name == probes[1]:
		return p.KL1
	case name == probes[2]:
		return p.Entropy
	}
	return p.Tokens
}

const (
	probeStep = math.MaxUint32 - 2 // keys the draws apart from those of every step, evaluation and ranking
	probeRows = 16                 // answers of a forward pass
)

// probe answers the first held-out prompts, the same in every run, and scores the answers with the policy and with the
// first stage's start.
func (r *runner) probe(ctx context.Context, j job, o *resolve.Run) (*Probe, error) {
	env := o.Config.Eval.Env
	if env == nil {
		return nil, errors.New("probe: the recipe has no held-out tasks (train.eval_limit 0)")
	}
	first := o.Recipe
	if len(r.Stages) > 1 {
		overrides, _ := j.arm.overrides(r.Stages[0].Name, false, &found{runner: r, job: j})
		var err error
		if first, err = r.load(r.Stages[0], overrides, j.seed); err != nil {
			return nil, err
		}
	}
	base, err := resolve.Base(first, o.Config.Model.Backend())
	if err != nil {
		return nil, err
	}
	defer base.Close()
	base.Freeze()
	indices := make([]int, r.Probe)
	for i := range indices {
		indices[i] = i
	}
	m := o.Config.Model
	prompts, err := rollout.Render(m, env, indices)
	if err != nil {
		return nil, err
	}
	d := o.Config.Decoding
	d.Decoding, d.Seed, d.Step, d.Record = generate.Decoding{Temperature: 1}, j.seed, probeStep, nil
	groups, _, err := rollout.Generate(ctx, m, prompts, 1, d)
	if err != nil {
		return nil, err
	}
	sum := &Probe{}
	tokens := 0.0
	for from := 0; from < len(groups); from += probeRows {
		var b policy.Batch
		for i, g := range groups[from:min(from+probeRows, len(groups))] {
			b.Prompts = append(b.Prompts, g.IDs)
			b.Rows = append(b.Rows, policy.Row{Prompt: i, Tokens: g.Samples[0].Tokens})
		}
		if err := sum.add(m, base, b); err != nil {
			return nil, err
		}
		for _, row := range b.Rows {
			tokens += float64(len(row.Tokens))
		}
	}
	n := float64(len(groups))
	return &Probe{KL: sum.KL / n, KL1: sum.KL1 / n, Entropy: sum.Entropy / tokens, Tokens: tokens / n, N: len(groups)}, nil
}

// add sums over the tokens of a batch.
func (p *Probe) add(m, base *policy.Model, b policy.Batch) error {
	own, err := m.LogProbs(b, false)
	if err != nil {
		return err
	}
	defer own.Release()
	theirs, err := base.LogProbs(b, false)
	if err != nil {
		return err
	}
	defer theirs.Release()
	for t, logp := range own.LogP {
		u := float64(logp) - float64(theirs.LogP[t])
		p.KL += math.Exp(-u) + u - 1
		p.KL1 += u
		p.Entropy += float64(own.Entropy[t])
	}
	return nil
}
