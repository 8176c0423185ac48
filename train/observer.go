package train

import "github.com/burnish-rl/burnish/train/eval"

// Observer is told what a run does, for a live view or a log. It must not keep what it is given.
type Observer interface{ Observe(Event) }

// Event is one thing that happened.
type Event struct {
	Kind    Kind
	Step    int // 0 before the first step
	Steps   int // of the whole run
	Phase   string
	Done    int     // Progress: of Total
	Total   int     //
	Metrics Metrics // StepDone: the step's line of metrics.jsonl
	Sample  *Sample // StepDone: one completion of the step
	Report  *eval.Report
	Text    string // Note
}

// Kind says which fields of an Event are set.
type Kind int

const (
	Started  Kind = iota // Text: where the run writes
	Phase                // Phase began
	Progress             // Done of Total, within a phase
	StepDone
	Evaluated
	Saved // Text: the checkpoint's folder
	Note  // Text: something the user should know
	Ended // Text: why, "" when all steps are done
)

// Sample is one completion for people to look at.
type Sample struct {
	Prompt, Text string
	Reward       float64
	Missing      string
}

func (t *Trainer) tell(e Event) {
	if t.Observer == nil {
		return
	}
	e.Steps = t.Steps
	if e.Step == 0 {
		e.Step = t.at
	}
	t.Observer.Observe(e)
}
