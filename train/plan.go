package train

import (
	"fmt"
	"math"

	"github.com/burnish-rl/burnish/policy/decoder"
	"github.com/burnish-rl/burnish/policy/generate"
)

// Plan is the memory of a run for its worst batch, in bytes, and the choices that keep it below a limit. None of the
// choices changes a bit of what the run computes.
type Plan struct {
	Weights   int64
	Reference int64 // models beside the policy: the reference, a copy of the adapter, 0 when it is switched off instead; and those that rewards ask
	Gradients int64
	Optimizer int64
	Rollout   int64 // cache, logits and scratch while sampling
	Recording int64 // activations of the rollout, kept for the update
	Held      int64 // what row norms keep for the update: deltas, gradients at the logits; 0: it computes them again
	Training  int64 // activations and scratch of the largest micro-batch
	Evaluated int64 // cache, logits and scratch while the held-out tasks are answered
	Spare     int64 // freed buffers that wait for their next use
	Saved     int64 // a tensor in row-major order while a checkpoint is written
	Runtime   int64 // the program itself
	Peak      int64 // all of it: rollout, training and evaluation don't overlap

	MicroBatchTokens int // most decoder rows of a micro-batch
	KeptLayers       int // layers that keep their activations; the others are run again in the backward pass
	MaxRunning       int // sequences decoded together
	RecordedLayers   int // layers whose activations the rollout leaves for the update; 0: it runs its own forward pass
	RecordedRows     int // decoder rows of a step, in the worst case

	WorstGroup   int // decoder rows of the largest prompt group
	MicroBatches int // of a step, in the worst case
}

// Workload is what a plan is made for.
type Workload struct {
	Config         decoder.Config
	BF16           bool  // activations, cache and a copy of the matrices are bf16
	Trained        int64 // trained elements
	StateBytes     int64 // optimizer state
	Adapter        bool  // what is trained stands beside the model
	Reference      bool  // a second model is held
	Judges         []Judge
	Prompts        int   // groups a step
	Samples        int   // rows a group
	PromptTokens   int   // of the longest prompt
	MaxTokens      int   // after it
	Longest        int   // tokens of the longest sequence without rollouts; 0: that of prompt and tokens after it
	Together       int   // prompts of a group, which share nothing; 0 is 1
	Demonstrations bool  // no rollout; MaxTokens is that of all rows of a group together
	Updates        int   // of the weights a step; 0 means 1
	BatchPrompts   int   // prompts of an update; 0 means all
	SyncRef        bool  // the reference becomes the policy now and then
	ExactNorms     bool  // squared gradient norms of every row
	HeadNorms      bool  // those of the output matrix alone
	GradStats      bool  // the gradients of prompt groups, in a buffer of their own
	Refills        bool  // prompts may be replaced by others, whose rows are not recorded
	Data           int64 // bytes of rows that stay in memory
	EvalPrompts    []int // tokens of each held-out prompt; none without evaluation
	EvalMaxTokens  int   // after each of them

	Limit int64 // bytes that the peak should stay below; 0 is no limit

	// What is chosen already; 0 lets the plan choose.
	MicroBatch, KeptLayers, MaxRunning int
	RecordedLayers                     int // -1 lets the plan choose
}

// TooLittleMemory says that the limit is below the least that would do.
type TooLittleMemory struct{ Limit, Least int64 }

func (e *TooLittleMemory) Error() string {
	return fmt.Sprintf("plan: the run needs %d MB at least, %d MB are allowed", (e.Least+999_999)/1_000_000, e.Limit/1_000_000)
}

const (
	// fullRows is how many rows a micro-batch needs for the kernels to run at full speed; more gain nothing.
	fullRows = 512
	// passRows is the cost of a micro-batch beside its rows (weights and gradients pass through memory), in rows. It is
	// small: decoder's BenchmarkLearn finds 224 rows as fast as 1,120.
	passRows = 4
	// againShare is the time of running all layers again, as a share of forward and backward, as BenchmarkLearn finds it.
	againShare = 0.2
	// recordedShare is the time of the forward pass that a recording saves, less that of picking its rows.
	recordedShare = 0.27
)

// NewPlan makes the plan of a workload: the fastest that stays below the limit. Without one that does it returns the
// smallest plan and a [*TooLittleMemory].
func NewPlan(w Workload) (Plan, error) {
	longest := w.Longest
	if longest == 0 {
		longest = w.PromptTokens + w.MaxTokens
	}
	if longest > w.Config.MaxPositions && w.Demonstrations {
		return Plan{}, fmt.Errorf("plan: the longest sequence has %d tokens, the model's context is %d", longest, w.Config.MaxPositions)
	}
	p := Plan{WorstGroup: w.groupRows(), Runtime: w.runtimeBytes() + w.Data + w.Data/dataShare}
	p.Weights = w.weightBytes()
	if w.Reference {
		p.Reference = w.frozenBytes()
	} else if w.SyncRef {
		p.Reference = w.copiedBytes()
	}
	p.Reference += w.judgeBytes()
	p.Gradients, p.Optimizer, p.Saved = 4*w.Trained, w.StateBytes, w.savedBytes()
	if w.GradStats {
		p.Gradients *= 2
	}
	held := p.Weights + p.Reference + p.Gradients + p.Optimizer
	room := int64(math.MaxInt64)
	if w.Limit > 0 {
		room = int64(float64(w.Limit-p.Runtime-p.Saved)/(1+spareShare)) - held
	}
	w.chooseRunning(&p, room)
	w.chooseTraining(&p, room)
	w.chooseRecording(&p, room)
	w.chooseHeld(&p, room)
	p.MicroBatches = w.microBatches(p.MicroBatchTokens)
	held += max(p.Recording+p.Held+max(p.Training, p.Rollout), p.Evaluated)
	p.Spare = int64(spareShare * float64(held))
	if p.Held > 0 {
		p.Spare += w.heldLoss()
	}
	p.Peak = held + p.Spare + p.Saved + p.Runtime
	if w.Limit > 0 && p.Peak > w.Limit {
		return p, &TooLittleMemory{Limit: w.Limit, Least: p.Peak}
	}
	return p, nil
}

// chooseRunning takes as many sequences at once as fit: decoding reads all weights for each token of all of them.
func (w *Workload) chooseRunning(p *Plan, room int64) {
	most := w.Prompts * max(w.Together, 1) * w.Samples
	if w.Demonstrations {
		most = 0
	}
	most = max(1, min(generate.DefaultRunning, max(most, len(w.EvalPrompts))))
	p.MaxRunning = w.MaxRunning
	if p.MaxRunning == 0 {
		p.MaxRunning = most
	}
	for {
		p.Rollout, p.Evaluated = max(w.rolloutBytes(p.MaxRunning), w.judgingBytes()), w.evaluationBytes(p.MaxRunning)
		if max(p.Rollout, p.Evaluated) <= room || w.MaxRunning != 0 || p.MaxRunning == 1 {
			return
		}
		p.MaxRunning = max(1, p.MaxRunning*7/8)
	}
}

// chooseTraining weighs smaller micro-batches against layers that are run again.
func (w *Workload) chooseTraining(p *Plan, room int64) {
	p.Training = math.MaxInt64
	best := math.Inf(1)
	for _, rows := range w.microBatchChoices() {
		for _, kept := range w.keptChoices() {
			bytes, cost := w.trainingBytes(rows, kept), w.cost(rows, kept)
			fits, fitted := bytes <= room, p.Training <= room
			if fits && (!fitted || cost < best) || !fits && !fitted && bytes < p.Training {
				p.Training, p.MicroBatchTokens, p.KeptLayers, best = bytes, rows, kept, cost
			}
		}
	}
}

// cost is the time lost, as a share of that of a plan without limits.
func (w *Workload) cost(rows, kept int) float64 {
	rows = min(max(rows, w.groupRows()), w.updateRows())
	return passRows/float64(rows) + againShare*(1-float64(kept)/float64(w.Config.Layers))
}

// microBatchChoices are budgets from full speed down to the largest prompt group, which is never cut.
func (w *Workload) microBatchChoices() []int {
	if w.MicroBatch > 0 {
		return []int{w.MicroBatch}
	}
	least, full := w.groupRows(), fullRows
	if w.BatchPrompts > 0 { // other passes over the rollout are cut alike
		full = min(full, w.updateRows())
	}
	choices := []int{max(full, least)}
	for rows := full * 7 / 8; rows > least; rows = rows * 7 / 8 {
		choices = append(choices, rows)
	}
	return append(choices, least)
}

func (w *Workload) keptChoices() []int {
	if w.KeptLayers > 0 {
		return []int{w.KeptLayers}
	}
	var choices []int
	for n := w.Config.Layers; n >= 1; n-- {
		choices = append(choices, n)
	}
	return choices
}

// groupRows is the decoder rows of the largest prompt group: its prompt once, and completions without their last token; or
// of as many such groups as belong together.
func (w *Workload) groupRows() int {
	if w.Demonstrations {
		return w.PromptTokens + w.MaxTokens
	}
	return max(w.Together, 1) * (w.PromptTokens + w.Samples*max(w.MaxTokens-1, 0))
}

// updatePrompts are the prompts that an update learns from.
func (w *Workload) updatePrompts() int {
	if w.BatchPrompts > 0 {
		return w.BatchPrompts
	}
	return w.Prompts
}

func (w *Workload) updateRows() int { return w.updatePrompts() * w.groupRows() }

func (w *Workload) microBatches(budget int) int {
	prompts := w.updatePrompts()
	groups := max(1, min(budget/max(w.groupRows(), 1), prompts))
	return (prompts + groups - 1) / groups * (w.Prompts / prompts)
}
