// Package sweep runs experiments: one file says which arms of a recipe are compared, over which seeds, and what is measured.
// Start with [Load], [Design.Run] and [Design.Collect].
//
// It stands apart from the drawing of docs/architecture.md, above recipes and train: it runs whole recipes, and no room
// needs it. Within a seed all arms start from the same weights and, under the same sampler, see the same prompts, so that
// differences are paired.
package sweep

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/burnish-rl/burnish/recipes"
	"go.yaml.in/yaml/v4"
)

// File is an experiment as its YAML says it.
type File struct {
	Kind     string     `yaml:"kind"`     // sweep
	Title    string     `yaml:"title"`    // what is compared, in a line; required
	Question string     `yaml:"question"` // what it is to show, and what would count as shown
	Recipe   string     `yaml:"recipe"`   // a builtin recipe, or a file beside this one; or stages
	Stages   []Stage    `yaml:"stages"`   // recipes one after the other, each from the weights that the one before ends with
	Set      *yaml.Node `yaml:"set"`      // settings of every arm, such as train.steps: 50; STAGE.train.steps is one stage's
	Grid     *yaml.Node `yaml:"grid"`     // lists of values; every arm is run with each combination
	Arms     []ArmSpec  `yaml:"arms"`     // what is compared; without arms the grid is
	Against  string     `yaml:"against"`  // the arm that the others are compared with; with a grid, at the same values
	Seeds    []uint64   `yaml:"seeds"`    // of the runs; at least two for any interval; required
	Probe    int        `yaml:"probe"`    // held-out prompts that each stage's policy answers at its end, for probe/kl and probe/entropy; 0: none
	Measures []Measure  `yaml:"measures"` // numbers of a run; required
	Choices  []Choice   `yaml:"choices"`  // values of the grid that a measure picks
	Plot     Plot       `yaml:"plot"`     // what the picture shows
}

// Stage is one recipe of several.
type Stage struct {
	Name   string     `yaml:"name"`   // also the first part of settings that are this stage's alone
	Recipe string     `yaml:"recipe"` // as above
	Set    *yaml.Node `yaml:"set"`    // settings of this stage
}

// ArmSpec is a way to run the recipe. A setting may refer to another arm: {mean_rate_of: ARM} is the mean learning rate of
// its run of the same seed, {run_of: ARM} the folder of that run, and with seed: next that of the seed after.
type ArmSpec struct {
	Name    string     `yaml:"name"`
	Set     *yaml.Node `yaml:"set"`     // its settings
	Grid    *yaml.Node `yaml:"grid"`    // its own lists of values
	Against string     `yaml:"against"` // instead of the file's
}

// Measure is a number of a run.
type Measure struct {
	Name   string  `yaml:"name"`
	Metric string  `yaml:"metric"`  // a key of metrics.jsonl; probe/kl, probe/kl_k1, probe/entropy, probe/tokens; or survives
	Stage  string  `yaml:"stage"`   // default the last
	At     string  `yaml:"at"`      // of the series: end (the default), first, best, best_step, mean
	Last   int     `yaml:"last"`    // at mean: of the last so many steps; 0: of all
	Until  float64 `yaml:"until"`   // instead of at: how much it takes until the series is there
	In     string  `yaml:"in"`      // of until: completions, tokens, steps or seconds
	Better string  `yaml:"better"`  // higher (the default) or lower: which is best, and from which side until is reached
	MostKL float64 `yaml:"most_kl"` // survives: nats of probe/kl below which a run counts as alive
}

// Choice is, for each seed, a value of a grid: the one with the best measure, or the largest up to which all have the
// measure 1. Choices are compared as log2.
type Choice struct {
	Name    string `yaml:"name"`
	Axis    string `yaml:"axis"`    // a key of the grid whose values are numbers > 0
	Best    string `yaml:"best"`    // a measure
	Largest string `yaml:"largest"` // or a measure that is 0 or 1
	Than    string `yaml:"than"`    // another choice that this one is compared with, within each arm
}

// Plot is the picture: a metric against what it took, or measures against an axis of the grid.
type Plot struct {
	Metric   string   `yaml:"metric"` // of metrics.jsonl, against completions and against tokens
	Stage    string   `yaml:"stage"`  // whose; default the last
	Axis     string   `yaml:"axis"`   // or: a key of the grid
	Measures []string `yaml:"measures"`
}

// Design is a checked experiment.
type Design struct {
	File
	Name   string // the file's, without folder and ending
	Path   string
	Hash   string // SHA-256 of the file
	Arms   []*Arm
	single bool     // the recipe has no stages of its own
	more   []string // settings from outside the file
}

// KindSweep and KindVariance are the kinds of experiment files: learning runs, and bench variance.
const (
	KindSweep    = "sweep"
	KindVariance = "variance"
)

// maxFile bounds an experiment file.
const maxFile = 1 << 20

// Load reads and checks an experiment. Everything that is wrong comes back at once, as [recipes.Problems]: every arm's
// recipe is read with its settings. More of them, such as where a model is on this machine, are given as
// "model.from=PATH"; they apply to every stage of every arm and come last.
func Load(path string, settings ...string) (*Design, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("experiment: %w", err)
	}
	return Parse(path, data, settings...)
}

// Parse is Load for a file's text.
func Parse(path string, data []byte, settings ...string) (*Design, error) {
	return parse(path, data, settings, true)
}

// Describe reads an experiment without its recipes, whose model and data may be elsewhere.
func Describe(path string) (*Design, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("experiment: %w", err)
	}
	return parse(path, data, nil, false)
}

func parse(path string, data []byte, settings []string, whole bool) (*Design, error) {
	sum := sha256.Sum256(data)
	name := filepath.Base(path)
	d := &Design{Name: strings.TrimSuffix(name, filepath.Ext(name)), Path: path, Hash: hex.EncodeToString(sum[:])}
	d.Kind = KindSweep
	if len(data) > maxFile {
		return nil, fmt.Errorf("experiment: %s: %d bytes, want at most %d", path, len(data), maxFile)
	}
	s := recipes.ReadStrict(path, data, "experiment", &d.File)
	if d.Kind != KindSweep {
		return nil, otherKind(path, d.Kind)
	}
	d.more = settings
	c := &checker{Strict: s, d: d}
	c.all(whole)
	if err := s.Err(); err != nil {
		return nil, err
	}
	return d, nil
}

// otherKind says what a file of another kind is for.
func otherKind(path, kind string) error {
	if kind == KindVariance {
		return fmt.Errorf("%s: found kind %s, want %s: 'burnish bench variance %s' runs it", path, kind, KindSweep, path)
	}
	return fmt.Errorf("%s: found kind %q, want %s or %s", path, kind, KindSweep, KindVariance)
}

// recipePath is where a recipe is: a builtin one by name, else a file beside the experiment's.
func (d *Design) recipePath(name string) string {
	if _, ok := recipes.Builtin(name); ok || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(d.Path), name)
}
