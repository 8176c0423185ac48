package sweep

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/train"
)

// Options are how an experiment is run.
type Options struct {
	Dir       string // folder of the experiment
	Jobs      int    // runs at the same time, at least 1
	AllowTest bool   // a recipe may train or be tuned on a split named test
	Keep      bool   // checkpoints and completions of finished runs stay
	Backend   func(precision string) (compute.Backend, error)
	Tell      func(Event)                     // told of every run's start and end; may be nil
	Observer  func(run string) train.Observer // of a run's steps; may be nil
}

// Event is a run that began or ended.
type Event struct {
	Run         string // arm and seed
	Done, Total int    // runs
	State       State
	Text        string // why it failed
}

// State is what became of a run.
type State int

const (
	Begun State = iota
	Finished
	Diverged // its gradients stopped being finite: a result
	Found    // it was finished before
)

// job is one arm with one seed.
type job struct {
	arm  *Arm
	seed uint64
}

func (j job) name() string { return fmt.Sprintf("%s, seed %d", j.arm.Name, j.seed) }

// dir is the job's folder in the experiment's.
func (j job) dir(root string) string {
	return filepath.Join(root, "runs", slug(j.arm.Name), fmt.Sprintf("seed-%d", j.seed))
}

// jobs lists all runs, seed by seed, so that an experiment that is stopped early has whole seeds.
func (d *Design) jobs() (out []job) {
	for _, seed := range d.Seeds {
		for _, a := range d.Arms {
			out = append(out, job{a, seed})
		}
	}
	return out
}

// needs are the jobs whose runs a job's settings are made of.
func (d *Design) needs(j job) (out []job) {
	for _, s := range j.arm.settings {
		if s.other != nil {
			out = append(out, job{s.other, d.seedOf(s, j.seed)})
		}
	}
	return out
}

// seedOf is the seed that a reference means: the run's own, or the next in the list, the first after the last.
func (d *Design) seedOf(s setting, seed uint64) uint64 {
	if !s.next {
		return seed
	}
	for i, x := range d.Seeds {
		if x == seed {
			return d.Seeds[(i+1)%len(d.Seeds)]
		}
	}
	return seed
}

// Run runs what isn't finished yet. When soft ends, runs finish their step and save, and a later call goes on with them;
// when hard ends they stop at once. A run that diverges is a result and stops nothing; any other error lets the runs
// at hand finish and starts no more.
func (d *Design) Run(soft, hard context.Context, o Options) error {
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return err
	}
	r := &runner{Design: d, Options: o}
	pending, total := d.jobs(), len(d.jobs())
	done := map[job]bool{}
	tell := func(j job, s State, text string) {
		if o.Tell != nil {
			o.Tell(Event{j.name(), len(done), total, s, text})
		}
	}
	type outcome struct {
		job
		state State
		text  string
		err   error
	}
	ended := make(chan outcome)
	running := 0
	var errs []error
	for {
		for running < max(o.Jobs, 1) && len(errs) == 0 && soft.Err() == nil {
			i := d.ready(pending, done)
			if i < 0 {
				break
			}
			j := pending[i]
			pending = append(pending[:i:i], pending[i+1:]...)
			running++
			if ends, _ := readEnds(filepath.Join(j.dir(o.Dir), endFile)); !d.over(ends) { // an error comes back from the job
				tell(j, Begun, "")
			}
			go func() {
				state, text, err := r.job(soft, hard, j)
				ended <- outcome{j, state, text, err}
			}()
		}
		if running == 0 {
			break
		}
		e := <-ended
		running--
		if e.err != nil {
			if !errors.Is(e.err, train.ErrInterrupted) {
				e.err = fmt.Errorf("%s: %w", e.name(), e.err)
			}
			errs = append(errs, e.err)
			continue
		}
		done[e.job] = true
		tell(e.job, e.state, e.text)
	}
	if len(errs) == 0 && len(pending) > 0 {
		return train.ErrInterrupted
	}
	return errors.Join(errs...)
}

// over says whether a run with these stages behind it is finished.
func (d *Design) over(ends []StageEnd) bool {
	n := len(ends)
	return n == len(d.Stages) || n > 0 && ends[n-1].Failed != ""
}

// ready is the first pending job whose needs are done, -1 for none.
func (d *Design) ready(pending []job, done map[job]bool) int {
next:
	for i, j := range pending {
		for _, n := range d.needs(j) {
			if !done[n] {
				continue next
			}
		}
		return i
	}
	return -1
}

// runner is a design being run.
type runner struct {
	*Design
	Options
}
