package train

import (
	"fmt"
	"slices"

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
	Evaluated int64 // cache, logits and scratch while the held-out tasks are answered
	Runtime   int64 // the program itself, and what the collector has not taken back yet
	Peak      int64 // all of it: rollout, training and evaluation don't overlap

	MicroBatchTokens int // most decoder rows of a micro-batch
	WorstGroup       int // decoder rows of the largest prompt group
	MicroBatches     int // of a step, in the worst case
}

// Workload is what a plan is made for.
type Workload struct {
	Config         decoder.Config
	Trained        int64 // trained elements
	StateBytes     int64 // optimizer state
	Adapter        bool  // what is trained stands beside the model
	Reference      bool  // a second model is held
	Prompts        int   // groups a step
	Samples        int   // rows a group
	PromptTokens   int   // of the longest prompt
	MaxTokens      int   // after it
	Demonstrations bool  // no rollout
	MicroBatch     int   // decoder rows; 0 lets the plan choose
	MaxRunning     int   // sequences decoded together; 0 means the default
	EvalPrompts    []int // tokens of each held-out prompt; none without evaluation
	EvalMaxTokens  int   // after each of them
}

const (
	// activationBudget is what a micro-batch's activations may take when the recipe leaves it to the plan. One
	// prompt group is never cut, so a larger group takes what it needs.
	activationBudget = 2 << 30
	// leastMicroBatch is enough rows for the matrix kernels to run at full speed.
	leastMicroBatch = 512
	// runtimeBytes is code, heap of small objects and stacks, as measured.
	runtimeBytes = 40 << 20
	// garbageShare is what lies about of tensors' row-major copies, from loading and saving, as a share of what the model
	// and its optimizer hold. As measured by bench/verify/memory.py with the collector set as package cmd sets it.
	garbageShare = 0.35
	// blockSlack is the average rounding-up of buffers to block sizes.
	blockSlack = 1.06
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
	if w.Adapter {
		p.Weights += 4 * w.Trained
	}
	p.Gradients, p.Optimizer = 4*w.Trained, w.StateBytes
	perRow := 4 * int64(keptRow(c)+c.Hidden+layerRow(c))
	p.MicroBatchTokens = w.MicroBatch
	if p.MicroBatchTokens == 0 {
		p.MicroBatchTokens = max(leastMicroBatch, int(activationBudget/perRow))
	}
	rows := min(max(p.MicroBatchTokens, group), w.Prompts*group)
	groups := max(1, min(p.MicroBatchTokens/max(group, 1), w.Prompts))
	p.MicroBatches = (w.Prompts + groups - 1) / groups
	p.Training = trainingBytes(c, rows)
	if !w.Adapter {
		p.Training += collectedBytes(c, w.Prompts*group)
	}
	if !w.Demonstrations {
		p.Rollout = rolloutBytes(c, w.MaxRunning, slices.Repeat([]int{w.PromptTokens}, w.Prompts), w.Samples, w.MaxTokens)
	}
	p.Evaluated = rolloutBytes(c, w.MaxRunning, w.EvalPrompts, 1, w.EvalMaxTokens)
	p.Runtime += int64(garbageShare * float64(p.Weights+p.Reference+p.Gradients+p.Optimizer))
	p.Peak = p.Runtime + p.Weights + p.Reference + p.Gradients + p.Optimizer + max(p.Training, p.Rollout, p.Evaluated)
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

// keptRow is how many numbers the forward pass keeps of a row: every layer's activations, and the last layer's output.
func keptRow(c decoder.Config) int {
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	return c.Layers*(2*q+2*kv+2*c.Inner+2*c.Hidden) + c.Hidden
}

// layerRow is the backward pass's memory for a layer, numbers a row; the layers use it in turn.
func layerRow(c decoder.Config) int {
	return 2*c.Hidden + 4*c.Inner + 2*c.Heads*c.HeadDim + 2*c.KVHeads*c.HeadDim
}

// trainingBytes is the peak of a micro-batch, in its backward pass: what was kept, the gradient of the residual stream,
// and the larger of what the head needs (a chunk of logits, two rows of the stream a token) and what the layers need.
func trainingBytes(c decoder.Config, rows int) int64 {
	n := int64(rows)
	chunk := int64(min(c.HeadChunk(), rows))
	head := 2*n*int64(c.Hidden) + chunk*int64(c.Vocab+c.Hidden)
	numbers := n*int64(keptRow(c)+c.Hidden) + max(head, n*int64(layerRow(c)))
	return int64(blockSlack * 4 * float64(numbers))
}

// collectedBytes is what gathers the embedding's gradient over a step: a row for every token that occurs, in a buffer
// that doubles.
func collectedBytes(c decoder.Config, stepRows int) int64 {
	rows := 1
	for rows < min(c.Vocab, stepRows) {
		rows *= 2
	}
	return 4 * int64(rows) * int64(c.Hidden)
}

// prefillRow is the forward pass's memory when nothing is kept, numbers a row.
func prefillRow(c decoder.Config) int {
	return 2*c.Heads*c.HeadDim + 2*c.KVHeads*c.HeadDim + 3*c.Inner + 3*c.Hidden
}

// rolloutBytes is the cache for everything that runs together, its logits on both sides, and the prefill's scratch, of
// prompts with so many tokens each.
func rolloutBytes(c decoder.Config, running int, prompts []int, samples, maxTokens int) int64 {
	if len(prompts) == 0 {
		return 0
	}
	if running == 0 {
		running = generate.DefaultRunning
	}
	running = min(running, len(prompts)*samples)
	pages := func(n int) int { return (n + compute.Page - 1) / compute.Page }
	all, largest, longest, tokens := 0, 0, 0, 0
	for _, n := range prompts {
		answer := min(maxTokens, c.MaxPositions-n)
		own := pages(n+max(answer-1, 0)) - n/compute.Page
		all += pages(n) + samples*own
		largest = max(largest, pages(n)+own)
		longest = max(longest, n)
		tokens += n
	}
	total := min(all, (running+1)*largest)
	headDim := (c.HeadDim + compute.Lanes - 1) / compute.Lanes * compute.Lanes
	cache := int64(c.Layers) * int64(total) * int64(c.KVHeads*headDim*compute.Page) * 2 * 4
	logits := int64(running) * int64(c.Vocab) * 4 * 3
	rows := min(max(generate.PrefillRows, longest), tokens) // a long prompt goes alone
	prefill := 4 * int64(rows) * int64(prefillRow(c))
	return cache + logits + prefill
}
