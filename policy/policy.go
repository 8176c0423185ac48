// Package policy is the model: tokens in; samples, log-probs and gradients out. Start with [Open] and [Model].
//
// Token ids are the only currency between generation, scoring and training. Text is a read-only view of them, and
// nothing ever re-encodes a completion.
package policy

import (
	"github.com/burnish-rl/burnish/policy/chat"
	"github.com/burnish-rl/burnish/policy/decoder"
	"github.com/burnish-rl/burnish/policy/generate"
)

// Stop says why a completion ended.
type Stop string

const (
	StopEOS    Stop = "eos"    // the model sampled an end-of-sequence token; it is kept, and trained
	StopString Stop = "stop"   // a stop string appeared; its tokens are kept, the text ends before it
	StopLength Stop = "length" // max tokens or the context ended it; no end token
)

// Completion is one sampled answer.
type Completion struct {
	Request  int       // index of its Request in the call
	Sample   int       // 0 … Samples-1 within the request
	Tokens   []int32   // sampled ids, EOS included
	Text     string    // decoded, special tokens removed, cut before a stop string
	Offsets  []int32   // Offsets[t] is the byte of Text where token t begins; len(Tokens)
	LogProbs []float32 // log-softmax of logits/temperature over the whole vocabulary; len(Tokens)

	// SampledLogProbs are those among the tokens that top-k, top-p and min-p kept; nil without these: then they are LogProbs.
	SampledLogProbs []float32

	Stop     Stop
	Recorded []int32 // rows of prompt and answer in Decoding.Record; nil without it

	// With Decoding.Statistics, len(Tokens) each, with the bits of the training pass. See [Completion.RowNorm].
	SumP2        []float32 // Σ_v p_v² where the token was sampled, at the temperature of LogProbs
	InputSquares []float64 // |h|² of the output matrix's input there
}

// Request asks for samples of one prompt. Samples of a prompt share its computation.
type Request struct {
	Prompt  []int32
	Samples int
	Slot    uint32 // the request's place in the step: with seed, step, sample and position it keys every draw
}

// Message is one turn of a conversation.
type Message = chat.Message

// Decoding is how completions are sampled.
type Decoding struct {
	generate.Decoding          // temperature, top-k, top-p, min-p
	MaxTokens         int      // per completion, at least 1
	Stop              []string // stop strings
	Seed              uint64
	Step              uint32
	MaxRunning        int  // sequences decoded together; 0 means generate.DefaultRunning
	IgnoreEnd         bool // end tokens end nothing: every completion has MaxTokens, for measurements

	Statistics bool // completions say more of each token than its log-prob

	Record *Recording // unless nil, keeps what went through the decoder, for [Model.Learn]

	Sampled func(request, sample int, id int32) // unless nil, told of every token as it is sampled
}

// Row is one sequence to be scored or trained: a prompt of the batch and the tokens that follow it.
type Row struct {
	Prompt int     // index into Batch.Prompts
	Tokens []int32 // the tokens after the prompt, in order
	Train  []bool  // which of Tokens are trained and counted; nil means all

	Recorded []int32 // a completion's; used when all rows of a batch have them
}

// Batch is rows over shared prompts, without padding. A prompt's segment is computed once for all its rows.
type Batch struct {
	Prompts     [][]int32
	Rows        []Row
	Temperature float32    // logits are divided by it; 0 means 1
	Recording   *Recording // of its rows, or nil
}

// Tokens are the per-token results for the trained tokens of a batch, rows in order. All have length N.
type Tokens struct {
	LogP, Entropy, SumP2 []float32
	Lengths              []int // trained tokens of each row; they sum to N
	Computed             int   // rows that went through the decoder: prompts once, then completions

	pass *decoder.Pass // nil after Learn
	seqs []decoder.Sequence
}
