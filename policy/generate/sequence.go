package generate

import (
	"bytes"

	"github.com/burnish-rl/burnish/internal/compute"
)

// Stop says why a sequence ended.
type Stop string

const (
	StopEOS    Stop = "eos"
	StopString Stop = "stop"
	StopLength Stop = "length"
)

// Sequence is one finished sample.
type Sequence struct {
	Request  int // index in the call
	Sample   int // 0 … Samples-1 within the request
	Tokens   []int32
	LogProbs []float32 // log-softmax of logits/temperature over the whole vocabulary; len(Tokens)
	// SampledLogProbs are those among the tokens that top-k, top-p and min-p kept; nil without these: then they are LogProbs.
	SampledLogProbs []float32

	Stop     Stop
	Recorded []int32 // rows in the recording of the prompt and then of all tokens but the last; nil without one

	// With Options.Statistics, len(Tokens) each: Σ_v p_v² at the temperature of LogProbs, and |h|² of the output matrix's input.
	SumP2        []float32
	InputSquares []float64
}

// prompt is a request; once its keys and values are in the cache it has pages and logits.
type prompt struct {
	index   int
	req     Request
	table   []int32     // its pages; the last one may be partly filled
	waiting int         // samples not yet started
	logits  compute.Buf // of its last token, [V]

	recorded int     // first row in the recording
	squares  float64 // |h|² of its last token, with Statistics
}

// fullPages counts the pages that its samples share. A partly filled one is copied: each sample goes on in its own.
func (p *prompt) fullPages() int { return len(p.req.Prompt) / compute.Page }

// sequence is a running sample.
type sequence struct {
	from   *prompt
	sample int
	table  []int32 // pages: shared ones of the prompt, then its own
	n      int     // positions in the cache
	next   int32   // sampled, not yet in the cache
	out    Sequence
	tail   []byte // the last bytes of its text, for stop strings
	limit  int    // tokens it may have
}

// rules is what ends a sequence.
type rules struct {
	eos     map[int32]bool
	stop    [][]byte
	longest int // bytes of the longest stop string
	bytes   func(int32) []byte
}

func newRules(o Options) rules {
	r := rules{eos: map[int32]bool{}, bytes: o.Bytes}
	for _, id := range o.EOS {
		r.eos[id] = true
	}
	for _, t := range o.Stop {
		r.stop = append(r.stop, []byte(t))
		r.longest = max(r.longest, len(t))
	}
	return r
}

// note records the statistics of a sampled token.
func (s *sequence) note(sumP2 float32, squares float64) {
	s.out.SumP2 = append(s.out.SumP2, sumP2)
	s.out.InputSquares = append(s.out.InputSquares, squares)
}

// push records a sampled token and says whether the sequence ended.
func (s *sequence) push(id int32, logp float32, r *rules) bool {
	s.out.Tokens = append(s.out.Tokens, id)
	s.out.LogProbs = append(s.out.LogProbs, logp)
	s.next = id
	if r.eos[id] {
		s.out.Stop = StopEOS
		return true
	}
	if len(r.stop) > 0 && s.sawStop(id, r) {
		s.out.Stop = StopString
		return true
	}
	if len(s.out.Tokens) >= s.limit {
		s.out.Stop = StopLength
		return true
	}
	return false
}

// sawStop says whether the new token completes a stop string.
func (s *sequence) sawStop(id int32, r *rules) bool {
	s.tail = append(s.tail, r.bytes(id)...)
	for _, stop := range r.stop {
		if bytes.Contains(s.tail, stop) {
			return true
		}
	}
	if keep := r.longest - 1; len(s.tail) > keep {
		s.tail = append(s.tail[:0], s.tail[len(s.tail)-keep:]...)
	}
	return false
}
