package sweep

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"github.com/burnish-rl/burnish/recipes"
	"github.com/burnish-rl/burnish/recipes/resolve"
	"github.com/burnish-rl/burnish/train"
	"github.com/burnish-rl/burnish/train/eval"
	"github.com/burnish-rl/burnish/train/optim"
	"github.com/burnish-rl/burnish/train/run"
)

// Files of a job's folder, beside the run folders of its stages.
const (
	madeOfFile = "made-of" // hash of the recipes, so that a changed experiment isn't mixed with what it was
	endFile    = "end.json"
)

// StageEnd is what is known of a stage when it is over, besides its metrics.jsonl.
type StageEnd struct {
	Stage   string       `json:"stage"`
	Steps   int          `json:"steps"`
	Failed  string       `json:"failed,omitempty"` // it diverged: why
	Setting eval.Setting `json:"setting"`          // of its evaluations
	Prompts int          `json:"prompts"`          // a step
	Samples int          `json:"samples"`          // a prompt
	Probe   *Probe       `json:"probe,omitempty"`
}

// job runs one arm with one seed, stage after stage, and goes on where it stood.
func (r *runner) job(soft, hard context.Context, j job) (State, string, error) {
	dir := j.dir(r.Dir)
	ends, err := readEnds(filepath.Join(dir, endFile))
	if err != nil {
		return 0, "", err
	}
	if err := r.sameAs(j, dir); err != nil {
		return 0, "", err
	}
	state := Found
	for i := len(ends); i < len(r.Stages); i++ {
		if n := len(ends); n > 0 && ends[n-1].Failed != "" {
			break
		}
		state = Finished
		end, err := r.stage(soft, hard, j, i)
		if err != nil {
			return 0, "", err
		}
		ends = append(ends, end)
		data, err := json.MarshalIndent(ends, "", "  ")
		if err != nil {
			return 0, "", err
		}
		if err := run.Replace(filepath.Join(dir, endFile), append(data, '\n')); err != nil {
			return 0, "", err
		}
	}
	last := ends[len(ends)-1]
	if last.Failed != "" {
		return Diverged, last.Failed, r.tidy(dir)
	}
	return state, "", r.tidy(dir)
}

// tidy removes what a finished job's results aren't made of.
func (r *runner) tidy(dir string) error {
	if r.Keep {
		return nil
	}
	var errs []error
	for _, s := range r.Stages {
		for _, name := range []string{"checkpoints", run.CompletionsFile} {
			errs = append(errs, os.RemoveAll(filepath.Join(dir, s.Name, name)))
		}
	}
	return errors.Join(errs...)
}

// readEnds gives the stages that are over; none when the job hasn't begun.
func readEnds(path string) (ends []StageEnd, err error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &ends)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return ends, nil
}

// sameAs refuses a folder whose runs were made by other settings.
func (r *runner) sameAs(j job, dir string) error {
	h := sha256.New()
	for i, s := range r.Stages {
		overrides, _ := j.arm.overrides(s.Name, i > 0, placeholders{})
		recipe, err := r.load(s, overrides, j.seed)
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%s\n%s\n", s.Name, recipe.YAML())
	}
	fmt.Fprintln(h, "probe", r.Probe)
	want := hex.EncodeToString(h.Sum(nil)) + "\n"
	path := filepath.Join(dir, madeOfFile)
	got, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		return run.Replace(path, []byte(want))
	case err != nil:
		return err
	case string(got) != want:
		return hinted{fmt.Errorf("%s: found a run of other settings than the experiment has now", dir), "choose another --out, or remove that folder to run it again"}
	}
	return nil
}

func (r *runner) load(s Stage, overrides []string, seed uint64) (*recipes.Recipe, error) {
	return recipes.Load(r.recipePath(s.Recipe), append(overrides, fmt.Sprintf("train.seed=%d", seed))...)
}

// stage runs one recipe to its end.
func (r *runner) stage(soft, hard context.Context, j job, i int) (end StageEnd, err error) {
	s := r.Stages[i]
	dir := filepath.Join(j.dir(r.Dir), s.Name)
	resume := run.IsRun(dir)
	var recipe *recipes.Recipe
	if resume { // as it was planned then, with what references stood for
		recipe, err = recipes.Load(filepath.Join(dir, run.RecipeFile))
	} else {
		found := &found{runner: r, job: j}
		overrides, _ := j.arm.overrides(s.Name, i > 0, found)
		if found.err != nil {
			return end, found.err
		}
		recipe, err = r.load(s, overrides, j.seed)
	}
	if err != nil {
		return end, err
	}
	if where := recipe.TestSplit(); where != "" && !r.AllowTest {
		return end, TestSplitError(where)
	}
	backend, err := r.Backend(recipe.Model.Precision)
	if err != nil {
		return end, err
	}
	opened, err := resolve.Open(hard, recipe, resolve.Options{Backend: backend, Sharing: r.Jobs})
	if err != nil {
		return end, err
	}
	defer opened.Close()
	opened.In(dir, resume)
	if r.Observer != nil {
		opened.Config.Observer = r.Observer(j.name())
	}
	trainer, err := train.New(opened.Config)
	if err != nil {
		return end, err
	}
	end = StageEnd{Stage: s.Name, Setting: opened.EvalSetting(), Prompts: opened.Config.Prompts, Samples: opened.Config.Samples}
	err = errors.Join(trainer.Run(soft, hard), trainer.Close())
	end.Steps = trainer.Step()
	if errors.Is(err, optim.ErrNotFinite) {
		end.Failed = err.Error()
		return end, nil
	}
	if err != nil || r.Probe == 0 {
		return end, err
	}
	end.Probe, err = r.probe(hard, j, opened)
	return end, err
}

// TestSplitError refuses to learn or to tune on what is kept for the end.
func TestSplitError(where string) error {
	return hinted{fmt.Errorf("%s: found the split test, want another one: what is tuned on it says nothing about new tasks", where), "--allow-test, once and at the end"}
}

// hinted is an error with a remedy.
type hinted struct {
	error
	hint string
}

func (h hinted) Hint() string  { return h.hint }
func (h hinted) Unwrap() error { return h.error }

// found are the values of references, from runs that are over.
type found struct {
	*runner
	job
	err error
}

func (f *found) of(s setting) string {
	j := job{s.other, f.seedOf(s, f.seed)}
	stage := s.stage
	if stage == "" {
		stage = f.Stages[len(f.Stages)-1].Name
	}
	return filepath.Join(j.dir(f.Dir), stage)
}

// rate is the mean learning rate of a run's steps.
func (f *found) rate(s setting) string {
	table, err := run.ReadMetrics(f.of(s), "lr")
	sum := 0.0
	for _, row := range table {
		sum += row[0]
	}
	mean := sum / float64(len(table))
	if err == nil && !(mean > 0) || math.IsInf(mean, 0) {
		err = fmt.Errorf("%s: the mean learning rate of %d steps is %v, want a number > 0", f.of(s), len(table), mean)
	}
	if err != nil {
		f.err = err
	}
	return strconv.FormatFloat(mean, 'g', -1, 64)
}

func (f *found) folder(s setting) string { return f.of(s) }

func (f *found) before(stage string) string {
	for i, s := range f.Stages {
		if s.Name == stage && i > 0 {
			return filepath.Join(f.job.dir(f.Dir), f.Stages[i-1].Name)
		}
	}
	return ""
}
