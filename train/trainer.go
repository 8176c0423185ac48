package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/train/optim"
	"github.com/burnish-rl/burnish/train/rollout"
	"github.com/burnish-rl/burnish/train/run"
	"github.com/burnish-rl/burnish/train/schedule"
)

// Trainer runs a [Config].
type Trainer struct {
	Config
	folder      *run.Folder
	metrics     *run.Log
	completions *run.Log
	deadlines   *deadlines

	params        []optim.Param   // what is trained
	tensors       []*policy.Param // the same, as the policy knows them
	optimizer     optim.Optimizer
	ranking       ranking
	kept          *rowCache // of the reference's log-probs; nil where none are kept
	at            int       // steps done
	trainedTokens int64     // by the steps done
	updates       *updates  // nil unless the schedule needs it
	best          best
	saved         time.Duration // the last checkpoint's time, reported with the next step

	recording *policy.Recording // of the step's rollout; nil when the update runs its own forward pass
	gradStats *policy.GradStats // nil unless the algorithm needs them
	earlier   *policy.Earlier   // the reference since it became the policy; nil before
	synced    int               // the step after which it did, 0 is none

	neverSkip    bool   // tests learn from groups without a gradient too
	afterRollout func() // tests reach in here, between rollout and training
	generate     generator
}

// generator is [rollout.Generate]; tests put recorded completions in its place.
type generator func(ctx context.Context, m *policy.Model, prompts []rollout.Prompt, samples int, d policy.Decoding) (groups []rollout.Group, computed int, err error)

// best is the evaluation that the best checkpoint had.
type best struct {
	Step  int     `json:"step"` // 0: none yet
	Value float64 `json:"value"`
}

// New prepares a run: folder, lock, logs, optimizer; with Resume it reads the latest checkpoint back.
func New(c Config) (*Trainer, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	t := &Trainer{Config: c, generate: rollout.Generate}
	if o, ok := c.Algo.(algos.Opener); ok {
		t.Algo = o.Open()
	}
	t.Model.EnableGrads()
	if t.KeptLayers > 0 {
		t.Model.KeepLayers(t.KeptLayers)
	}
	for _, p := range t.Model.Params() {
		if p.Trainable {
			t.params = append(t.params, optim.Param{Name: p.Name, Data: p.Data, Grad: p.Grad, Decay: p.Decay})
			t.tensors = append(t.tensors, p)
		}
	}
	t.optimizer = c.Optim.New(t.Model.Backend(), t.params)
	if n, ok := c.Schedule.(schedule.Needing); ok && n.Needs().Cosine {
		t.updates = newUpdates(c.Seed, t.Model, t.tensors)
	}
	if c.Algo.Needs().GradStats {
		t.gradStats = t.Model.NewGradStats()
	}
	err := t.openKept() // while the weights are those of the start
	if err == nil && c.Algo.Needs().SyncRef > 0 && c.Reference != nil {
		err = t.openEarlier()
	}
	if err == nil {
		err = t.openFolder()
	}
	if err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// openFolder makes the run's folder, or takes an earlier run up again where its latest checkpoint stands.
func (t *Trainer) openFolder() (err error) {
	through := -1
	if t.Resume {
		if t.folder, err = run.Open(t.Dir); err != nil {
			return err
		}
		if err = t.sameRecipe(); err != nil {
			return err
		}
		if err = t.rank(); err != nil { // before the weights become those of a checkpoint
			return err
		}
		if through, err = t.restore(); err != nil {
			return err
		}
	} else {
		if t.folder, err = run.Create(t.Dir); err != nil {
			return err
		}
		if err = t.rank(); err != nil { // before the folder is that of a run, so that the command may be given again
			return err
		}
		if err = t.folder.WriteFile(run.RecipeFile, t.Recipe); err != nil {
			return err
		}
	}
	if t.metrics, err = t.folder.OpenLog(run.MetricsFile, through); err != nil {
		return err
	}
	if t.completions, err = t.folder.OpenLog(run.CompletionsFile, through); err != nil {
		return err
	}
	t.deadlines, err = openDeadlines(t.folder, t.Rewards)
	return err
}

// sameRecipe refuses to go on with another recipe than the run began with.
func (t *Trainer) sameRecipe() error {
	began, err := os.ReadFile(t.folder.Path(run.RecipeFile))
	if err == nil && !bytes.Equal(began, t.Recipe) {
		err = fmt.Errorf("resume: %s: the recipe is not the one that the run began with", t.Dir)
	}
	return err
}

// Run trains to the end, or until ctx ends or StopAfter is reached: then the step in hand is finished and saved. A
// second way out is hard: cancelling the context of hard stops inside a step and saves nothing.
func (t *Trainer) Run(ctx, hard context.Context) error {
	t.tell(Event{Kind: Started, Text: t.Dir})
	if warning, _ := t.checkPace(); warning != "" { // an error was refused by New
		t.tell(Event{Kind: Note, Text: warning})
	}
	if t.at == 0 && t.Eval.AtEnds {
		if err := t.firstEvaluation(hard); err != nil {
			return err
		}
	}
	for t.at < t.Steps {
		if ctx.Err() != nil || t.StopAfter > 0 && t.at >= t.StopAfter {
			return t.stop(ctx)
		}
		if err := t.step(hard, t.at+1); err != nil {
			return err
		}
	}
	if _, err := t.saveUnlessSaved(); err != nil {
		return err
	}
	t.tell(Event{Kind: Ended})
	return nil
}

// stop saves what an interrupted run has and says how to go on.
func (t *Trainer) stop(ctx context.Context) error {
	why := fmt.Sprintf("stopped after step %d of %d", t.at, t.Steps)
	if _, err := t.saveUnlessSaved(); err != nil {
		return err
	}
	t.tell(Event{Kind: Ended, Text: why})
	if ctx.Err() != nil {
		return ErrInterrupted
	}
	return nil
}

// ErrInterrupted means that the run was told to stop, and has saved.
var ErrInterrupted = errors.New("interrupted")

// Close gives back the folder. It leaves the model open.
func (t *Trainer) Close() error {
	var errs []error
	if t.metrics != nil {
		errs = append(errs, t.metrics.Close())
	}
	if t.completions != nil {
		errs = append(errs, t.completions.Close())
	}
	errs = append(errs, t.deadlines.close(), t.kept.close())
	t.forget()
	if t.gradStats != nil {
		t.gradStats.Free()
		t.gradStats = nil
	}
	if t.earlier != nil {
		t.earlier.Free()
		t.earlier = nil
	}
	if t.folder != nil {
		errs = append(errs, t.folder.Close())
	}
	return errors.Join(errs...)
}

// remember makes room for the activations of a rollout, unless there is.
func (t *Trainer) remember() *policy.Recording {
	if t.RecordedLayers > 0 && t.recording == nil {
		t.recording = t.Model.NewRecording(t.RecordedRows, t.RecordedLayers)
	}
	return t.recording
}

// forget frees the rollout's activations, where something else needs the memory.
func (t *Trainer) forget() {
	if t.recording != nil {
		t.recording.Free()
		t.recording = nil
	}
}

// Step is how many steps are done.
func (t *Trainer) Step() int { return t.at }
