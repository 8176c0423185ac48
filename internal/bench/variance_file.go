package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/burnish-rl/burnish/recipes"
	"github.com/burnish-rl/burnish/sweep"
	"go.yaml.in/yaml/v4"
)

// VarianceFile is the experiment as its YAML says it.
type VarianceFile struct {
	Kind        string     `yaml:"kind"`        // variance
	Title       string     `yaml:"title"`       // what is compared, in a line; required
	Question    string     `yaml:"question"`    // what it is to show
	Recipe      string     `yaml:"recipe"`      // whose policy is measured: a builtin recipe, or a file beside this one; required
	Set         *yaml.Node `yaml:"set"`         // settings of the recipe, such as optim.lr: 1e-4
	At          []int      `yaml:"at"`          // steps of the recipe after which it is measured, rising; 0 is before the first
	Prompts     int        `yaml:"prompts"`     // held-out tasks
	Completions int        `yaml:"completions"` // of each
	Groups      int        `yaml:"groups"`      // drawn from each prompt's completions
	Sizes       []int      `yaml:"sizes"`       // of the groups
	Seed        uint64     `yaml:"seed"`        // of the recipe and of all draws

	path string
}

// The paper's question at a size that takes minutes with the builtin model.
func defaultVariance() VarianceFile {
	return VarianceFile{Kind: sweep.KindVariance, Recipe: "quickstart", At: []int{0, 60, 200}, Prompts: 40, Completions: 64, Groups: 2000, Sizes: []int{4, 8, 16}, Seed: 1}
}

// LoadVariance reads and checks the experiment; everything wrong comes back at once, as [recipes.Problems].
func LoadVariance(path string) (VarianceFile, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return VarianceFile{}, fmt.Errorf("experiment: %w", err)
	}
	return ParseVariance(path, data)
}

// ParseVariance is LoadVariance for a file's text.
func ParseVariance(path string, data []byte) (VarianceFile, error) {
	f := defaultVariance()
	f.path = path
	s := recipes.ReadStrict(path, data, "experiment", &f)
	f.check(s)
	return f, s.Err()
}

func (f *VarianceFile) check(s *recipes.Strict) {
	if f.Kind != sweep.KindVariance {
		s.Unknown("kind", "kind of experiment", f.Kind, []string{sweep.KindVariance})
		return
	}
	if f.Title == "" {
		s.Refuse("title", "title is missing, want a line that says what is compared")
	}
	for _, n := range []struct {
		key              string
		value, low, high int
	}{{"prompts", f.Prompts, 2, 100_000}, {"completions", f.Completions, 2, 4096}, {"groups", f.Groups, 2, 10_000_000}} {
		if n.value < n.low || n.value > n.high {
			s.Refuse(n.key, "%s is %d, want %d to %d", n.key, n.value, n.low, n.high)
		}
	}
	for i, n := range f.Sizes {
		if n < 2 || n > 4096 {
			s.Refuse(fmt.Sprintf("sizes.%d", i), "a group of %d, want 2 to 4096", n)
		}
	}
	if len(f.Sizes) == 0 {
		s.Refuse("sizes", "sizes is empty, want the sizes of groups")
	}
	if len(f.At) == 0 || f.At[0] < 0 || !slices.IsSorted(f.At) || len(slices.Compact(slices.Clone(f.At))) != len(f.At) {
		s.Refuse("at", "at is %v, want rising steps from 0", f.At)
	}
	if s.Err() != nil {
		return
	}
	overrides, from := f.settings()
	r, err := recipes.Load(f.recipePath(), overrides...)
	if err != nil {
		s.Include(&yaml.Node{Line: 1, Column: 1}, from, err)
		return
	}
	switch last := f.At[len(f.At)-1]; {
	case len(r.Rewards) == 0:
		s.Refuse("recipe", "recipe %s has no rewards, and a baseline is about rewards", f.Recipe)
	case last > r.Train.Steps:
		s.Refuse("at", "step %d, and the recipe has %d", last, r.Train.Steps)
	}
}

func (f *VarianceFile) recipePath() string {
	if _, ok := recipes.Builtin(f.Recipe); ok || filepath.IsAbs(f.Recipe) {
		return f.Recipe
	}
	return filepath.Join(filepath.Dir(f.path), f.Recipe)
}

func (f *VarianceFile) overrides() []string {
	out, _ := f.settings()
	return out
}

func (f *VarianceFile) settings() (out []string, from map[string]*yaml.Node) {
	from = map[string]*yaml.Node{}
	if f.Set == nil {
		return nil, from
	}
	for i := 0; i+1 < len(f.Set.Content); i += 2 {
		o, where := recipes.Override(f.Set.Content[i].Value, f.Set.Content[i+1])
		out, from[where] = append(out, o), f.Set.Content[i+1]
	}
	return out, from
}

// IsVariance says whether a file is of this kind, whatever else is wrong with it.
func IsVariance(data []byte) bool {
	var f struct {
		Kind string `yaml:"kind"`
	}
	err := yaml.Load(data, &f)
	return err == nil && f.Kind == sweep.KindVariance
}

// VarianceSection is the experiment's part of a page, from its published results.
func VarianceSection(path string) (sweep.Section, error) {
	f, err := LoadVariance(path)
	if err != nil {
		return sweep.Section{}, err
	}
	s := sweep.Section{Path: path, Title: f.Title, Question: f.Question, Command: "burnish bench variance " + filepath.ToSlash(path)}
	r, err := ReadVariance(sweep.ResultsBeside(path))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return s, nil
	case err != nil:
		return s, err
	}
	s.Results = r.Table()
	return s, nil
}
