package sampler

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Ranker is a sampler that orders tasks by what is measured of them before the first step, with the policy as it stands
// then. Rank is called once, before anything else.
type Ranker interface {
	Sampler
	Needs() Needs
	Rank(Table) error
	// Scores are what tasks were ranked by, or would have been; NaN where unknown. Their correlation with prompt length is
	// reported: a ranking may be one by length in disguise.
	Scores() []float64
}

// Needs says what a [Ranker] wants measured.
type Needs struct {
	Tap      string // where hidden states of the prompts are read for their angle concentration; "" for none
	Online   string // what [Outcome].Angles holds: one of Prompt, Sequence, or "" for nothing
	Samples  int    // completions a task, scored by the rewards; 0 for none
	Metadata string // key of the tasks' metadata whose numbers are wanted; "" for none
}

// Values of [Needs].Online.
const (
	Prompt   = "prompt"   // angle concentration of the prompt under the policy as it is now: two values, Intra and Inter
	Sequence = "sequence" // the released signal of prompt and completion together: a value a sample
)

// Table is what was measured, a value a task. Columns that nobody asked for are nil.
type Table struct {
	Budget   int       // tasks that the run will ask for
	Tokens   []float64 // of the prompt; always there
	Question []float64 // of the prompt without what all prompts share

	Intra, Inter []float64 // angle concentration, see package train/angle
	Released     []float64 // the metric of the authors' code, NaN for short prompts

	Rewards  [][]float64 // of each task's samples, NaN where missing
	Metadata []float64
}

// check finds a table that isn't of this env.
func (t Table) check(kind string, size int, columns ...[]float64) error {
	for _, c := range append(columns, t.Tokens) {
		if len(c) != size {
			return fmt.Errorf("sampler %s: measurements of %d tasks, want %d", kind, len(c), size)
		}
	}
	return nil
}

// finite refuses an env without an end, which can't be ranked.
func finite(kind string, size int) error {
	if size == Unlimited {
		return fmt.Errorf("sampler %s: the env has no end, and all tasks are looked at first: give it a limit", kind)
	}
	if size <= 0 {
		return fmt.Errorf("sampler %s: %d tasks, want 1 or more", kind, size)
	}
	return nil
}

// ranked gives task indices by falling score; NaN comes last, and equals come by index.
func ranked(score []float64) []int {
	order := make([]int, len(score))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if x, y := math.IsNaN(score[a]), math.IsNaN(score[b]); x || y {
			return boolToInt(x) - boolToInt(y)
		}
		return cmp.Compare(score[b], score[a])
	})
	return order
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func negated(x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = -v
	}
	return out
}

// Spearman is the correlation of the ranks of x and y, equals sharing their mean rank. Pairs with a NaN are left out; NaN
// for fewer than two pairs, or where one side is constant.
func Spearman(x, y []float64) float64 {
	var a, b []float64
	for i := range x {
		if !math.IsNaN(x[i]) && !math.IsNaN(y[i]) {
			a, b = append(a, x[i]), append(b, y[i])
		}
	}
	return pearson(ranks(a), ranks(b))
}

func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(x[a], x[b]) })
	out := make([]float64, len(x))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && x[order[j]] == x[order[i]] {
			j++
		}
		for _, k := range order[i:j] {
			out[k] = float64(i+j-1) / 2
		}
		i = j
	}
	return out
}

func pearson(x, y []float64) float64 {
	mx, my := mean(x), mean(y)
	xy, xx, yy := 0.0, 0.0, 0.0
	for i := range x {
		dx, dy := x[i]-mx, y[i]-my
		xy, xx, yy = xy+dx*dy, xx+dx*dx, yy+dy*dy
	}
	return xy / math.Sqrt(xx*yy)
}

// mean is NaN of nothing.
func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// rankingHash names an order, so that a resumed run notices another one.
func rankingHash(order []int) [sha256.Size]byte {
	h := sha256.New()
	for _, i := range order {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], uint64(i))
		h.Write(b[:])
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// rankedPosition is a position in an order that was measured.
type rankedPosition struct {
	position
	hash [sha256.Size]byte
}

const rankedVersion = 1

// MarshalBinary saves the position and the hash of its ranking.
func (p *rankedPosition) MarshalBinary() ([]byte, error) {
	return saved(rankedVersion, p.seed, p.size, p.next, p.hash), nil
}

// UnmarshalBinary goes on from a saved position of the same ranking.
func (p *rankedPosition) UnmarshalBinary(b []byte) error {
	var hash [sha256.Size]byte
	var next uint64
	if err := restored(p.kind, b, rankedVersion, p.seed, p.size, &next, &hash); err != nil {
		return err
	}
	p.next = next
	return sameRanking(p.kind, hash, p.hash)
}

func sameRanking(kind string, saved, now [sha256.Size]byte) error {
	if saved != now {
		return fmt.Errorf("sampler %s: saved with ranking %x, the tasks are ranked as %x now: the data or the model have changed", kind, saved[:4], now[:4])
	}
	return nil
}
