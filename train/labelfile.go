package train

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/burnish-rl/burnish/train/run"
)

// PairRow is a line of a file of pairs, in the model's tokens: columns prompt_ids, chosen_ids and rejected_ids of the env
// jsonl. The texts and rewards are for people.
type PairRow struct {
	Index          int     `json:"index"`
	PromptIDs      []int32 `json:"prompt_ids"`
	ChosenIDs      []int32 `json:"chosen_ids"`
	RejectedIDs    []int32 `json:"rejected_ids"`
	Chosen         string  `json:"chosen"`
	Rejected       string  `json:"rejected"`
	ChosenReward   float64 `json:"chosen_reward"`
	RejectedReward float64 `json:"rejected_reward"`
}

// LabelRow is a line of a file of labelled answers: columns prompt_ids, completion_ids and label of the env jsonl.
type LabelRow struct {
	Index         int     `json:"index"`
	PromptIDs     []int32 `json:"prompt_ids"`
	CompletionIDs []int32 `json:"completion_ids"`
	Label         bool    `json:"label"`
	Completion    string  `json:"completion"`
	Reward        float64 `json:"reward"`
}

// Labelled counts what [LabelRun] wrote.
type Labelled struct {
	Prompts int // groups of completions
	Train   int // rows of train.jsonl
	Test    int // rows of test.jsonl
}

// heldOutEvery says which tasks go to test.jsonl: those whose index ends in 9.
const heldOutEvery = 10

// maxLine bounds a line of completions.jsonl.
const maxLine = 64 << 20

// LabelRun makes labelled answers of a run's completions.jsonl: of each prompt of each step the best and the worst whose
// rewards are at least gap apart, or with gap 0 every completion, desirable from the reward threshold on. It writes
// train.jsonl and test.jsonl into a new folder; a task is in one of them only.
func LabelRun(runDir, out string, gap, threshold float64) (n Labelled, err error) {
	in, err := os.Open(filepath.Join(runDir, run.CompletionsFile))
	if err != nil {
		return n, err
	}
	defer in.Close()
	if err := os.Mkdir(out, 0o755); err != nil {
		return n, err
	}
	w := labelWriter{out: out, gap: gap, threshold: threshold}
	for _, name := range []string{"train", "test"} {
		f, err := os.Create(filepath.Join(out, name+".jsonl"))
		if err != nil {
			return n, err
		}
		defer f.Close()
		w.to = append(w.to, bufio.NewWriter(f))
	}
	if err := w.read(in); err != nil {
		return w.n, err
	}
	return w.n, errors.Join(w.to[0].Flush(), w.to[1].Flush())
}

type labelWriter struct {
	out            string
	gap, threshold float64
	to             []*bufio.Writer // train, test
	n              Labelled
	group          []completionLine // of one prompt, in the order of the file
}

// read takes the lines group by group: those of a prompt of a step follow one another.
func (w *labelWriter) read(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	for at := 1; lines.Scan(); at++ {
		var line completionLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return fmt.Errorf("%s:%d: %w", run.CompletionsFile, at, err)
		}
		if len(w.group) > 0 && (w.group[0].Step != line.Step || w.group[0].Slot != line.Slot) {
			if err := w.finish(); err != nil {
				return err
			}
		}
		w.group = append(w.group, line)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", run.CompletionsFile, err)
	}
	return w.finish()
}

// finish writes what a prompt's completions give. Missing scores give nothing.
func (w *labelWriter) finish() error {
	group := w.group
	w.group = nil
	if len(group) == 0 {
		return nil
	}
	w.n.Prompts++
	var best, worst *completionLine
	for i := range group {
		c := &group[i]
		if c.Reward == nil {
			continue
		}
		if w.gap == 0 {
			row := LabelRow{c.Index, c.PromptIDs, c.CompletionIDs, *c.Reward >= w.threshold, c.Text, *c.Reward}
			if err := w.write(c.Index, row); err != nil {
				return err
			}
		}
		if best == nil || *c.Reward > *best.Reward {
			best = c
		}
		if worst == nil || *c.Reward < *worst.Reward {
			worst = c
		}
	}
	if w.gap == 0 || best == nil || *best.Reward-*worst.Reward < w.gap {
		return nil
	}
	return w.write(best.Index, PairRow{best.Index, best.PromptIDs, best.CompletionIDs, worst.CompletionIDs, best.Text, worst.Text, *best.Reward, *worst.Reward})
}

func (w *labelWriter) write(index int, row any) error {
	to := w.to[0]
	if index%heldOutEvery == heldOutEvery-1 {
		to = w.to[1]
		w.n.Test++
	} else {
		w.n.Train++
	}
	e := json.NewEncoder(to)
	e.SetEscapeHTML(false)
	return e.Encode(row)
}
