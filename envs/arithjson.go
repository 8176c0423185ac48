package envs

import (
	"fmt"
	"strconv"
)

// ArithJSON generates arithmetic word problems, without end unless there is a limit, to be answered as
// {"reasoning": "12+7=19; 19*3=57", "answer": 57}.
//
// A task is a function of (seed, split, index) alone. One to three steps add, take away or, as the first step,
// multiply; every number on the way and the answer are whole and in 0 … 260. The prompt is one user message; the
// model's chat template renders it. Metadata: steps, and form, the form of the demonstration (see Forms).
//
// The splits share no problem: a problem's numbers and operations, whatever its names and wording, are hashed, and
// one hash in ten belongs to test.
type ArithJSON struct {
	Split string `yaml:"split"` // train or test; default train
	Seed  uint64 `yaml:"seed"`  // which sequence of problems; default 0
	Limit int    `yaml:"limit"` // problems, only the first so many; 0 (the default) is no end
	// Forms is what the demonstrations look like. json (the default): the wanted object, always. mixed: as untrained
	// models answer, the wanted object in half, else the object in a code fence (1 in 5), prose (1 in 5), or other
	// keys in another order (1 in 10).
	Forms string `yaml:"forms"`
}

// The values of [ArithJSON].Forms.
const (
	FormsJSON  = "json"
	FormsMixed = "mixed"
)

var arithJSON = Info{
	Name:   "arith-json",
	Doc:    "generated arithmetic word problems without end, answered as one JSON object",
	Source: "made for this project; the answer's shape is the GSM8K-JSON task's",
	New:    func() Options { return &ArithJSON{Split: Train, Forms: FormsJSON} },
}

// Validate checks the values.
func (o *ArithJSON) Validate() error {
	if o.Forms != FormsJSON && o.Forms != FormsMixed {
		return fmt.Errorf("arith-json: forms: %q, want json or mixed", o.Forms)
	}
	if o.Limit < 0 {
		return fmt.Errorf("arith-json: limit is %d, want 0 or more", o.Limit)
	}
	return checkSplit("arith-json", o.Split)
}

// Open gives the env, with an end if there is a limit; there is nothing to read.
func (o *ArithJSON) Open() (Env, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Limit > 0 {
		return arithPool{arithEnv{*o}}, nil
	}
	return arithEnv{*o}, nil
}

// HeldOut is the test split of the same seed, without an end.
func (o *ArithJSON) HeldOut() (Options, bool) {
	held := *o
	held.Split, held.Limit = Test, 0
	return &held, true
}

type arithEnv struct{ o ArithJSON }

// arithPool is the first problems of an arithEnv.
type arithPool struct{ arithEnv }

func (p arithPool) Len() int { return p.o.Limit }

func (p arithPool) Task(i int) (Task, error) {
	if i >= p.o.Limit {
		return Task{}, fmt.Errorf("arith-json: task %d, want 0 to %d", i, p.o.Limit-1)
	}
	return p.arithEnv.Task(i)
}

// maxAttempts bounds the search for a problem of the wanted split: a test problem needs 10 attempts in the mean, and
// more than 1,000 once in 10^45 indices.
const maxAttempts = 1000

func (e arithEnv) Task(i int) (Task, error) {
	if i < 0 {
		return Task{}, fmt.Errorf("arith-json: task %d, want 0 or more", i)
	}
	for attempt := range uint32(maxAttempts) {
		d := draws{e.o.Seed, uint64(i), attempt}
		p := drawProblem(d)
		if p.split() != e.o.Split {
			continue
		}
		form := wanted
		if e.o.Forms == FormsMixed {
			form = drawForm(d)
		}
		return Task{
			ID:            taskID(e.o.Split, i),
			Messages:      []Message{{"user", p.text}},
			Reference:     strconv.Itoa(p.answer()),
			Demonstration: form.render(p),
			Metadata:      map[string]string{"steps": strconv.Itoa(len(p.steps)), "form": string(form)},
			Schema:        answerSchema,
		}, nil
	}
	return Task{}, fmt.Errorf("arith-json: task %d: no %s problem in %d attempts", i, e.o.Split, maxAttempts)
}
