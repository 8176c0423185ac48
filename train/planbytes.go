package train

import (
	"slices"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/policy/decoder"
	"github.com/burnish-rl/burnish/policy/generate"
)

const (
	// programBytes is code, stacks and small objects, as measured with bench/verify/memory.py.
	programBytes = 40 << 20
	// vocabularyBytes is what a token of the vocabulary takes in the tokenizer, its text, merges and maps.
	vocabularyBytes = 600
	// dataShare is the part of the data's rows that the collector lets garbage grow to.
	dataShare = 5
	// uncollectedShare is what the collector leaves lying about of row-major tensors: 0 to 0.4 of the largest, as measured.
	uncollectedShare = 0.4
	// spareShare is how many freed buffers the cpu backend keeps for their next use, as a share of those in use at the peak.
	spareShare = 1.0 / 16
	// blockElements is what the cpu backend rounds large blocks up to a multiple of, 64 KB; smaller ones lie on the Go heap.
	blockElements = 1 << 14
	// garbageShare is how much the heap grows before it is collected, as a share of it; see gcPercent in package cmd.
	garbageShare = 0.2
)

// actBytes is the size of an activation.
func (w *Workload) actBytes() int64 {
	if w.BF16 {
		return 2
	}
	return 4
}

// widths of a row of the decoder's matrices.
func widths(c decoder.Config) (hidden, inner, q, kv int64) {
	return int64(c.Hidden), int64(c.Inner), int64(c.Heads * c.HeadDim), int64(c.KVHeads * c.HeadDim)
}

// matrixElements counts the model's matrices with outputs padded to the kernels' panels and inputs to a multiple.
func matrixElements(c decoder.Config, multiple int64) (n int64) {
	up := func(n, to int64) int64 { return (n + to - 1) / to * to }
	size := func(n, k int64) int64 { return up(n, compute.Lanes) * up(k, multiple) }
	h, i, q, kv := widths(c)
	n = int64(c.Layers) * (size(q, h) + 2*size(kv, h) + size(h, q) + 2*size(i, h) + size(h, i))
	heads := int64(2)
	if c.Tied {
		heads = 1
	}
	return n + heads*size(int64(c.Vocab), h)
}

func normBytes(c decoder.Config) int64 { return 4 * int64(2*c.Layers+1) * int64(c.Hidden) }

// frozenBytes is a model that only answers.
func (w *Workload) frozenBytes() int64 {
	if w.BF16 {
		return 2*matrixElements(w.Config, 2) + normBytes(w.Config)
	}
	return 4*matrixElements(w.Config, 1) + normBytes(w.Config)
}

// weightBytes is the policy: with an adapter a frozen model and the adapter, else master weights, and under bf16 their
// copies.
func (w *Workload) weightBytes() int64 {
	master, half := 4*matrixElements(w.Config, 1)+normBytes(w.Config), 2*matrixElements(w.Config, 2)
	if w.Adapter {
		master, half = 4*w.Trained, 2*w.Trained
	}
	if !w.BF16 {
		half = 0
	}
	if w.Adapter {
		return w.frozenBytes() + master + half
	}
	return master + half
}

// copiedBytes is a copy of the adapter.
func (w *Workload) copiedBytes() int64 {
	if w.BF16 {
		return (4 + 2) * w.Trained
	}
	return 4 * w.Trained
}

// trainingBytes is the peak of a micro-batch with the given budget, in its backward pass: what was kept, the gradient of
// the residual stream, and the larger of what the head needs and what a layer needs; the layers use that in turn.
func (w *Workload) trainingBytes(budget, kept int) int64 {
	c, act := w.Config, w.actBytes()
	h, inner, q, kv := widths(c)
	rows := int64(min(max(budget, w.groupRows()), w.updateRows()))
	trained := rows // at most, but for first tokens: every sample asks the prompt's last row
	if !w.Demonstrations {
		trained = rows * int64(max(w.Together, 1)*w.Samples*w.MaxTokens) / int64(w.groupRows())
	}
	row := w.keptRow(kept) + 4*h // and dx
	layer := rows * (4*(h+q+2*kv) + act*(h+4*inner+q))
	chunk := int64(c.HeadChunk())
	if w.ExactNorms || w.HeadNorms { // a sequence's logits are held together
		chunk = max(chunk, int64(w.MaxTokens))
	}
	head := min(trained, chunk) * (4*int64(c.Vocab) + (8+act)*h)
	total := rows*row + 4*h*trained + max(layer, head)
	if w.ExactNorms {
		apart := rows * int64(w.Samples*(w.PromptTokens+max(w.MaxTokens-1, 0))) / int64(w.groupRows()) // each row with its own prompt
		layer = layer / rows * apart
		total = rows*w.keptRow(kept) + 4*h*trained + max(layer, head) + apart*w.normRow()
		if w.Updates <= 1 { // else the update doesn't go through them
			total += w.heldBytes(w.groupsOf(rows))
		}
	}
	if !w.Adapter {
		total += w.collectedBytes()
	}
	return total
}

// normRow is what a row takes whose gradient's norm is asked for: it picks a layer's input and activations from the pass it
// belongs to, and has a gradient of the residual stream; the embedding's rows wait for it. Bytes a row.
func (w *Workload) normRow() int64 {
	h, inner, q, kv := widths(w.Config)
	row := 12*h + w.actBytes()*(2*q+2*kv+2*inner)
	if !w.Adapter {
		row += 4 * h
	}
	return row
}

// groupsOf is how many prompt groups so many decoder rows hold.
func (w *Workload) groupsOf(rows int64) int { return max(1, int(rows)/w.groupRows()) }

// heldBytes are what so many groups' rows leave for the update: of small matrices and of norms each row's gradient, of
// others the gradients at their outputs, each row with a prompt of its own.
func (w *Workload) heldBytes(groups int) int64 {
	samples := int64(groups * w.Samples)
	if w.Adapter {
		return 4 * samples * w.Trained
	}
	c, tokens := w.Config, int64(w.PromptTokens+max(w.MaxTokens-1, 0))
	h, inner, q, kv := widths(c)
	row := h*tokens + int64(2*c.Layers+1)*h
	for _, s := range [][2]int64{{q, h}, {kv, h}, {kv, h}, {h, q}, {inner, h}, {inner, h}, {h, inner}} {
		if n, k := s[0], s[1]; n*k <= decoder.SmallMatrix {
			row += int64(c.Layers) * ((n + compute.Lanes - 1) / compute.Lanes * compute.Lanes) * k
		} else {
			row += int64(c.Layers) * n * tokens
		}
	}
	return 4 * samples * row
}

// unitBytes are the gradients at the logits of the step's tokens, where the update needs them.
func (w *Workload) unitBytes() int64 {
	if w.Adapter && w.ExactNorms {
		return 0
	}
	return 4 * int64(w.Prompts*w.Samples*w.MaxTokens) * int64(w.Config.Vocab)
}

// heldLoss is what the blocks of held gradients take beyond their elements: rounding of large ones, and garbage of the Go
// heap, where small ones lie. An adapter's are of both kinds, at about the same loss.
func (w *Workload) heldLoss() int64 {
	samples := int64(w.Prompts * w.Samples)
	if w.Adapter {
		return int64(4 * garbageShare * float64(samples*w.Trained))
	}
	c := w.Config
	h, inner, q, kv := widths(c)
	loss := int64(2*c.Layers+1) * blockLoss(h)
	for _, s := range [][2]int64{{q, h}, {kv, h}, {kv, h}, {h, q}, {inner, h}, {inner, h}, {h, inner}} {
		if n, k := s[0], s[1]; n*k <= decoder.SmallMatrix {
			loss += int64(c.Layers) * blockLoss((n+compute.Lanes-1)/compute.Lanes*compute.Lanes*k)
		}
	}
	return samples * loss
}

func blockLoss(elements int64) int64 {
	if elements >= blockElements {
		return 4 * ((elements+blockElements-1)/blockElements*blockElements - elements)
	}
	return int64(4 * garbageShare * float64(elements))
}

// keptRow is the input of every layer and the activations of some, bytes a row; see decoder's kept.go.
func (w *Workload) keptRow(kept int) int64 {
	h, inner, q, kv := widths(w.Config)
	return int64(w.Config.Layers)*4*h + int64(kept)*(4*h+w.actBytes()*(2*q+2*kv+2*inner))
}

// collectedBytes is what gathers the embedding's gradient over a step: a row for every token that occurs, in a buffer
// that doubles.
func (w *Workload) collectedBytes() int64 {
	rows := 64
	for rows < min(w.Config.Vocab, w.updateRows()) {
		rows *= 2
	}
	return 4 * int64(rows) * int64(w.Config.Hidden)
}

// savedBytes is the largest tensor in row-major order, while a checkpoint is written, and what the collector hasn't taken
// back of those before it. Where a frozen bf16 model takes the policy over, it passes through one in float32.
func (w *Workload) savedBytes() int64 {
	c := w.Config
	largest := min(4*w.Trained, 4*int64(max(c.Vocab, c.Inner))*int64(c.Hidden))
	saved := int64((1 + uncollectedShare) * float64(largest))
	if w.SyncRef && w.Reference && w.BF16 {
		saved += largest
	}
	return saved
}

func (w *Workload) runtimeBytes() int64 { return programBytes + vocabularyBytes*int64(w.Config.Vocab) }

// rolloutBytes is that of the samples; greedy completions, one a prompt, are made when they are done and take less.
func (w *Workload) rolloutBytes(running int) int64 {
	if w.Demonstrations {
		return 0
	}
	return w.samplingBytes(running, slices.Repeat([]int{w.PromptTokens}, w.Prompts*max(w.Together, 1)), w.Samples, w.MaxTokens)
}

func (w *Workload) evaluationBytes(running int) int64 {
	if len(w.EvalPrompts) == 0 {
		return 0
	}
	return w.samplingBytes(running, w.EvalPrompts, 1, w.EvalMaxTokens)
}

// samplingBytes is the cache for everything that runs together, the logits, and the prefill's scratch.
func (w *Workload) samplingBytes(running int, prompts []int, samples, maxTokens int) int64 {
	c, act := w.Config, w.actBytes()
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
	cache := act * int64(c.Layers) * int64(total) * int64(c.KVHeads*headDim*compute.Page) * 2
	logits := int64(running) * int64(c.Vocab) * 4 * 3
	rows := int64(min(max(generate.PrefillRows, longest), tokens)) // a long prompt goes alone
	return cache + logits + rows*w.scratchRow()
}

// scratchRow is the forward pass's memory when nothing is kept, bytes a row.
func (w *Workload) scratchRow() int64 {
	h, inner, q, kv := widths(w.Config)
	return 2*4*h + w.actBytes()*(h+2*q+2*kv+3*inner)
}
