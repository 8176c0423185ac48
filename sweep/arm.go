package sweep

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/burnish-rl/burnish/recipes"
	"go.yaml.in/yaml/v4"
)

// Arm is one column of the experiment: an arm of the file at one combination of the grids' values.
type Arm struct {
	Name    string // "grpo", with a grid "grpo lr=1e-4"
	Base    string // "grpo"; "" without arms
	Values  []Value
	Against string // the arm it is compared with, "" for none

	spec     ArmSpec
	more     []string   // settings from outside the file
	at       string     // its path in the file
	node     *yaml.Node // where it stands
	settings []setting
}

// Value is what a key of a grid has in an arm.
type Value struct{ Key, Text string }

// setting is one override of a recipe.
type setting struct {
	stage string // "" for all
	key   string
	value *yaml.Node

	of       string // an arm, when the value is made of its run
	meanRate bool   // its mean rate, otherwise its folder
	next     bool   // of the seed after this one
	other    *Arm
}

// expand makes the arms.
func (c *checker) expand() {
	d := c.d
	shared := c.settings("set", d.Set)
	for i, s := range d.Stages {
		if s.Set == nil {
			continue
		}
		for _, own := range c.settings(fmt.Sprintf("stages.%d.set", i), s.Set) {
			own.stage = s.Name
			shared = append(shared, own)
		}
	}
	outer := c.combinations("grid", d.Grid)
	specs := d.File.Arms
	if len(specs) == 0 {
		specs = []ArmSpec{{}}
	}
	seen := map[string]bool{}
	for i, spec := range specs {
		at := fmt.Sprintf("arms.%d", i)
		if len(d.File.Arms) > 0 && spec.Name == "" {
			c.Refuse(at, "arm %d has no name", i)
			return
		}
		own := c.settings(at+".set", spec.Set)
		for _, o := range outer {
			for _, in := range c.combinations(at+".grid", spec.Grid) {
				a := &Arm{Base: spec.Name, spec: spec, more: d.more, at: at, node: spec.Set}
				a.settings = slices.Concat(shared, o, own, in)
				a.Name = spec.Name
				for _, s := range slices.Concat(o, in) {
					v := Value{s.full(), s.value.Value}
					a.Values = append(a.Values, v)
					a.Name = strings.TrimSpace(a.Name + " " + short(v.Key) + "=" + v.Text)
				}
				if a.Name == "" {
					a.Name = "all"
				}
				if seen[slug(a.Name)] {
					c.Refuse(at, "arm %q is there twice", a.Name)
				}
				seen[slug(a.Name)] = true
				d.Arms = append(d.Arms, a)
			}
		}
	}
}

// settings reads a mapping of keys to values.
func (c *checker) settings(at string, n *yaml.Node) (out []setting) {
	if n == nil || n.Kind == 0 || n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		c.Refuse(at, "%s is no mapping, want keys of the recipe such as {optim.lr: 1e-4}", at)
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		out = append(out, c.setting(n.Content[i], n.Content[i+1]))
	}
	return out
}

func (c *checker) setting(key, value *yaml.Node) setting {
	s := setting{key: key.Value, value: value}
	for _, st := range c.d.Stages {
		if rest, ok := strings.CutPrefix(key.Value, st.Name+"."); ok && !c.d.single {
			s.stage, s.key = st.Name, rest
		}
	}
	if s.key == "train.seed" || s.key == "seed" {
		c.RefuseAt(key, "train.seed is set by seeds")
	}
	if value.Kind == yaml.MappingNode {
		c.reference(&s)
	}
	return s
}

// reference reads {mean_rate_of: ARM} and {run_of: ARM, seed: next}.
func (c *checker) reference(s *setting) {
	fields := map[string]*yaml.Node{}
	for i := 0; i+1 < len(s.value.Content); i += 2 {
		fields[s.value.Content[i].Value] = s.value.Content[i+1]
	}
	mean, folder, seed := fields["mean_rate_of"], fields["run_of"], fields["seed"]
	if mean == nil && folder == nil {
		return
	}
	known := 1
	if seed != nil {
		known++
		s.next = seed.Value == "next"
		if seed.Value != "next" && seed.Value != "same" {
			c.RefuseAt(seed, "seed is %q, want same or next", seed.Value)
		}
		if s.next && len(c.d.Seeds) < 2 {
			c.RefuseAt(seed, "seed: next wants at least two seeds")
		}
	}
	if len(fields) != known {
		c.RefuseAt(s.value, "%s refers to another arm, want {mean_rate_of: ARM} or {run_of: ARM}, and seed: next beside it or nothing", s.key)
	}
	of := folder
	if s.meanRate = mean != nil; s.meanRate {
		of = mean
	}
	s.of = of.Value
}

// combinations are all choices of one value a key, in the file's order; one empty choice without a grid.
func (c *checker) combinations(at string, n *yaml.Node) [][]setting {
	out := [][]setting{nil}
	if n == nil || n.Kind == 0 {
		return out
	}
	if n.Kind != yaml.MappingNode {
		c.Refuse(at, "%s is no mapping, want lists of values such as {optim.lr: [1e-4, 2e-4]}", at)
		return out
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, list := n.Content[i], n.Content[i+1]
		if list.Kind != yaml.SequenceNode || len(list.Content) == 0 {
			c.RefuseAt(list, "%s is no list of values", key.Value)
			continue
		}
		var longer [][]setting
		for _, before := range out {
			for _, v := range list.Content {
				if v.Kind != yaml.ScalarNode {
					c.RefuseAt(v, "a value of a grid is one word or number: name other settings as arms")
				}
				longer = append(longer, append(slices.Clone(before), c.setting(key, v)))
			}
		}
		out = longer
	}
	return out
}

// full is the key as the file has it.
func (s setting) full() string {
	if s.stage == "" {
		return s.key
	}
	return s.stage + "." + s.key
}

func short(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

// slug is a name that can be a folder's.
func slug(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("-_.=+", r):
			return r
		}
		return '_'
	}, name)
}

// Number is an axis' value.
func (a *Arm) Number(key string) (float64, bool) {
	for _, v := range a.Values {
		if v.Key == key {
			x, err := strconv.ParseFloat(v.Text, 64)
			return x, err == nil
		}
	}
	return 0, false
}

// group names the arms that differ in an axis only.
func (a *Arm) group(axis string) string {
	name := a.Base
	for _, v := range a.Values {
		if v.Key != axis {
			name = strings.TrimSpace(name + " " + short(v.Key) + "=" + v.Text)
		}
	}
	if name == "" {
		return "all"
	}
	return name
}

// find is the arm of a full name, or the one of a base name with the same values as near.
func (d *Design) find(name string, near *Arm) *Arm {
	for _, a := range d.Arms {
		if a.Name == name {
			return a
		}
	}
	for _, a := range d.Arms {
		if a.Base != name {
			continue
		}
		same := true
		for _, v := range a.Values {
			same = same && (slices.Contains(near.Values, v) || !slices.ContainsFunc(near.Values, func(o Value) bool { return o.Key == v.Key }))
		}
		if same {
			return a
		}
	}
	return nil
}

// names lists the arms, and their names without the grid's values.
func (d *Design) names() []string {
	var out []string
	for _, a := range d.Arms {
		for _, n := range []string{a.Base, a.Name} {
			if n != "" && !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	return out
}

// refersTo says whether a's runs need those of another arm, at most so many arms away.
func (a *Arm) refersTo(b *Arm, far int) bool {
	if far == 0 {
		return false
	}
	return slices.ContainsFunc(a.settings, func(s setting) bool {
		return s.other != nil && (s.other == b || s.other.refersTo(b, far-1))
	})
}

// values are what references stand for.
type values interface {
	rate(s setting) string
	folder(s setting) string
	before(stage string) string // the folder of the stage before
}

// placeholders stand for what isn't there yet.
type placeholders struct{}

func (placeholders) rate(setting) string     { return "1e-5" }
func (placeholders) folder(s setting) string { return "run of " + s.of }
func (placeholders) before(string) string    { return "the stage before" }

// overrides are a stage's settings as recipes.Load takes them, and where each stands by its name in messages.
func (a *Arm) overrides(stage string, later bool, v values) (out []string, from map[string]*yaml.Node) {
	from = map[string]*yaml.Node{}
	for _, s := range a.settings {
		if s.stage != "" && s.stage != stage {
			continue
		}
		var o, where string
		switch {
		case s.of == "":
			o, where = recipes.Override(s.key, s.value)
		case s.meanRate:
			o = s.key + "=" + v.rate(s)
			where = "--set " + o
		default:
			o = s.key + "=" + strconv.Quote(v.folder(s))
			where = "--set " + o
		}
		out = append(out, o)
		from[where] = s.value
	}
	out = append(out, a.more...)
	if later {
		out = append(out, "model.from="+strconv.Quote(v.before(stage)))
	}
	return out, from
}
