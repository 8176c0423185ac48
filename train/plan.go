package train

import (
	"fmt"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/policy/decoder"
	"github.com/burnish-rl/burnish/policy/generate"
)

// Plan is the memory of a run for its worst batch, in bytes, and the micro-batches that follow from it.
type Plan struct {
	Weights   int64
	Reference int64 // a second model; 0 when the adapter is switched off instead
	Gradients int64
	Optimizer int64
	Rollout   int64 // cache, logits and scratch while sampling
	Training  int64 // activations and scratch of the largest micro-batch
	Runtime   int64 // the program itself
	Peak      int64 // all of it: rollout and training don't overlap

	MicroBatchTokens int // most decoder rows of a micro-batch
	WorstGroup       int // decoder rows of the largest prompt group
	MicroBatches     int // of a step, in the worst case
}

// Workload is what a plan is made for.
type Workload struct {
	Config         decoder.Config
	Trained        int64 // trained elements
	StateBytes     int64 // optimizer state
	Reference      bool  // a second model is held
	Prompts        int   // groups a step
	Samples        int   // rows a group
	PromptTokens   int   // of the longest prompt
	MaxTokens      int   // after it
	Demonstrations bool  // no rollout
	MicroBatch     int   // decoder rows; 0 lets the plan choose
	MaxRunning     int   // sequences decoded together; 0 means the default
}

const (
	// activationBudget is what a micro-batch's activations may take when the recipe leaves it to the plan. One
	// prompt group is never cut, so a larger group takes what it needs.
	activationBudget = 2 << 30
	// leastMicroBatch is enough rows for the matrix kernels to run at full speed.
	leastMicroBatch = 512
	// runtimeBytes is code, heap of small objects and stacks, as measured.
	runtimeBytes = 60 << 20
	// blockSlack is the average rounding-up of buffers to block sizes.
	blockSlack = 1.06
	// prefillRows is how many prompt rows the generator prefills at once.
	prefillRows = 2048
)

// NewPlan computes the plan of a workload.
func NewPlan(w Workload) (Plan, error) {
	c := w.Config
	group := w.PromptTokens + w.Samples*max(w.MaxTokens-1, 0)
	if w.Demonstrations {
		group = w.PromptTokens + w.MaxTokens
	}
	if longest := w.PromptTokens + w.MaxTokens; longest > c.MaxPositions && w.Demonstrations {
		return Plan{}, fmt.Errorf("plan: the longest sequence has %d tokens, the model's context is %d", longest, c.MaxPositions)
	}
	p := Plan{WorstGroup: group, Runtime: runtimeBytes}
	p.Weights = 4 * paddedParams(c)
	if w.Reference {
		p.Reference = p.Weights
	}
	p.Gradients, p.Optimizer = 4*w.Trained, w.StateBytes
	perRow := rowBytes(c, true)
	p.MicroBatchTokens = w.MicroBatch
	if p.MicroBatchTokens == 0 {
		p.MicroBatchTokens = max(leastMicroBatch, int(activationBudget/perRow))
	}
	rows := min(max(p.MicroBatchTokens, group), w.Prompts*group)
	groups := max(1, min(p.MicroBatchTokens/max(group, 1), w.Prompts))
	p.MicroBatches = (w.Prompts + groups - 1) / groups
	p.Training = int64(blockSlack*float64(int64(rows)*perRow)) + headBytes(c, min(rows, p.MicroBatchTokens+group))
	if !w.Demonstrations {
		p.Rollout = rolloutBytes(w)
	}
	p.Peak = p.Runtime + p.Weights + p.Reference + p.Gradients + p.Optimizer + max(p.Training, p.Rollout)
	return p, nil
}

// paddedParams counts the model's elements with outputs padded to the kernels' panels.
func paddedParams(c decoder.Config) int64 {
	pad := func(n, k int) int64 { return int64((n+compute.Lanes-1)/compute.Lanes*compute.Lanes) * int64(k) }
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	layer := pad(q, c.Hidden) + 2*pad(kv, c.Hidden) + pad(c.Hidden, q) + 2*pad(c.Inner, c.Hidden) + pad(c.Hidden, c.Inner) + 2*int64(c.Hidden)
	n := int64(c.Layers)*layer + pad(c.Vocab, c.Hidden) + int64(c.Hidden)
	if !c.Tied {
		n += pad(c.Vocab, c.Hidden)
	}
	return n
}

// rowBytes is what a decoder row costs in the forward pass: kept activations of every layer and the scratch of one,
// forward and backward.
func rowBytes(c decoder.Config, keep bool) int64 {
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	layer := 2*q + 2*kv + 2*c.Inner
	if !keep {
		return 4 * int64(layer+3*c.Hidden+c.Inner)
	}
	kept := c.Layers * (layer + 2*c.Hidden)
	scratch := 4*c.Hidden + 4*c.Inner + 2*q + 2*kv // the backward pass's, larger than the forward pass's
	return 4 * int64(kept+scratch)
}

// headBytes is the chunk of logits and the rows around it.
func headBytes(c decoder.Config, rows int) int64 {
	chunk := int64(min(c.HeadChunk(), max(rows, 1)))
	return 4 * (chunk*int64(c.Vocab+c.Hidden) + 3*int64(rows)*int64(c.Hidden))
}

// rolloutBytes is the cache for everything that runs together, its logits on both sides, and the prefill's scratch.
func rolloutBytes(w Workload) int64 {
	c := w.Config
	running := w.MaxRunning
	if running == 0 {
		running = generate.DefaultRunning
	}
	running = min(running, w.Prompts*w.Samples)
	pages := func(n int) int { return (n + compute.Page - 1) / compute.Page }
	shared := pages(w.PromptTokens)
	own := pages(w.PromptTokens+max(w.MaxTokens-1, 0)) - w.PromptTokens/compute.Page
	total := min(w.Prompts*shared+w.Prompts*w.Samples*own, (running+1)*(shared+own))
	headDim := (c.HeadDim + compute.Lanes - 1) / compute.Lanes * compute.Lanes
	cache := int64(c.Layers) * int64(total) * int64(c.KVHeads*headDim*compute.Page) * 2 * 4
	logits := int64(running) * int64(c.Vocab) * 4 * 3
	prefill := int64(min(prefillRows, w.Prompts*w.PromptTokens)) * rowBytes(c, false)
	return cache + logits + prefill
}
