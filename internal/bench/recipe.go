package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/recipes"
	"github.com/burnish-rl/burnish/recipes/resolve"
	"github.com/burnish-rl/burnish/rewards"
	"github.com/burnish-rl/burnish/train"
)

// RecipeSpec is a training run like any other, which a few steps are measured of.
type RecipeSpec struct {
	Backend   compute.Backend
	Model     string
	Precision string   // f32 or bf16
	Adapter   string   // none or lora
	Set       []string // more of the recipe, such as train.memory=4GB
	Repeats   int      // steps that count, after one that doesn't
}

// StepResult is what the measured steps took.
type StepResult struct {
	Seconds Spread // of a step
	Phases  []Phase
	Plan    train.Plan
	Run
}

// Phase is the median seconds of a part of the step.
type Phase struct {
	Name    string
	Seconds float64
}

// task is a line of the recipe's data.
type task struct {
	Prompt     []int32 `json:"prompt"`
	Completion []int32 `json:"completion,omitempty"`
}

// opened is a recipe in a folder of its own.
type opened struct {
	*resolve.Run
	dir string
}

func (o *opened) close() {
	if o.Run != nil {
		o.Run.Close()
	}
	os.RemoveAll(o.dir)
}

// open makes a recipe of these sections and tasks, and opens it.
func (s RecipeSpec) open(ctx context.Context, sections string, tasks []task) (o *opened, err error) {
	o = &opened{}
	if o.dir, err = os.MkdirTemp("", "burnish-bench-"); err != nil {
		return o, err
	}
	data := filepath.Join(o.dir, "tasks.jsonl")
	var lines bytes.Buffer
	e := json.NewEncoder(&lines)
	for _, t := range tasks {
		if err := e.Encode(t); err != nil {
			return o, err
		}
	}
	if err := os.WriteFile(data, lines.Bytes(), 0o600); err != nil {
		return o, err
	}
	set := append([]string{
		"model.from=" + s.Model, "model.precision=" + s.Precision, "model.adapter.kind=" + s.Adapter, "env.path=" + data,
		fmt.Sprintf("train.steps=%d", s.Repeats+2), // one more than is run, so that none is the last, which is saved
	}, s.Set...)
	recipe, err := recipes.Parse("bench", []byte(sections), set...)
	if err != nil {
		return o, err
	}
	o.Run, err = resolve.Open(ctx, recipe, resolve.Options{Backend: s.Backend})
	return o, err
}

// steps runs the recipe until enough steps have been seen, or ctx ends.
func (s RecipeSpec) steps(ctx context.Context, o *opened, end func() Run) (StepResult, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	w := &watch{want: s.Repeats + 1, end: end, stop: stop}
	o.In(filepath.Join(o.dir, "run"), false)
	o.Config.Observer = w
	trainer, err := train.New(o.Config)
	if err != nil {
		return StepResult{}, err
	}
	defer trainer.Close()
	if err := trainer.Run(context.Background(), ctx); err != nil && ctx.Err() == nil {
		return StepResult{}, err
	}
	r := w.result()
	r.Plan = o.Plan
	return r, nil
}

// watch keeps the metrics of every step and stops the run after enough of them.
type watch struct {
	want int
	seen []train.Metrics
	end  func() Run
	run  Run
	stop func()
}

// Observe is told what the run does.
func (w *watch) Observe(e train.Event) {
	if e.Kind != train.StepDone {
		return
	}
	w.seen = append(w.seen, slices.Clone(e.Metrics))
	w.run = w.end()
	if len(w.seen) >= w.want {
		w.stop()
	}
}

// phases are the parts of a step as metrics.jsonl names them.
var phases = []string{"rollout", "reward", "reference", "train", "optimizer"}

// result sums up the steps after the first.
func (w *watch) result() StepResult {
	r := StepResult{Run: w.run}
	if len(w.seen) < 2 {
		return r
	}
	column := func(name string) (v []float64) {
		for _, m := range w.seen[1:] {
			if x, ok := m.Get("seconds/" + name); ok {
				v = append(v, x)
			}
		}
		return v
	}
	r.Seconds = SpreadOf(column("step"))
	for _, name := range phases {
		if v := column(name); len(v) > 0 {
			r.Phases = append(r.Phases, Phase{name, medianOf(v)})
		}
	}
	return r
}

// anyScore is a reward that costs nothing and differs from text to text, so that advantages are not all 0.
type anyScore struct{}

func (anyScore) Score(_ context.Context, a rewards.Attempt) (rewards.Result, error) {
	h := fnv.New32a()
	h.Write([]byte(a.Text))
	return rewards.Result{Score: float64(h.Sum32()%1000) / 1000}, nil
}
