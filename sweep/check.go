package sweep

import (
	"fmt"
	"slices"
	"strings"

	"github.com/burnish-rl/burnish/recipes"
	"go.yaml.in/yaml/v4"
)

// checker checks a file whose types are right.
type checker struct {
	*recipes.Strict
	d *Design
}

func (c *checker) all(whole bool) {
	d := c.d
	if d.Title == "" {
		c.Refuse("title", "title is missing, want a line that says what is compared")
	}
	c.seeds()
	before := c.Count()
	c.stages()
	c.expand()
	if c.Count() > before || len(d.Stages) == 0 {
		return // what follows would only mislead
	}
	c.against()
	c.references()
	c.measures()
	c.choices()
	c.plot()
	if d.Probe < 0 || d.Probe > 100_000 {
		c.Refuse("probe", "probe is %d, want 0 to 100000 prompts", d.Probe)
	}
	if whole {
		c.recipes()
	}
}

func (c *checker) stages() {
	d := c.d
	switch {
	case d.Recipe == "" && len(d.Stages) == 0:
		c.Refuse("recipe", "recipe is missing, want a builtin recipe, a file beside this one, or stages")
	case d.Recipe != "" && len(d.Stages) > 0:
		c.Refuse("recipe", "recipe and stages are both given, want one of them")
	case d.Recipe != "":
		d.Stages, d.single = []Stage{{Name: "run", Recipe: d.Recipe}}, true
		return
	}
	seen := map[string]bool{}
	for i, s := range d.Stages {
		at := fmt.Sprintf("stages.%d", i)
		switch {
		case s.Name == "" || slug(s.Name) != s.Name || strings.Contains(s.Name, "."):
			c.Refuse(at+".name", "stage %d has the name %q, want letters, digits, - and _", i, s.Name)
		case slices.Contains(recipes.Sections(), s.Name):
			c.Refuse(at+".name", "stage %q has the name of a recipe's section, so its settings could not be told apart", s.Name)
		case seen[s.Name]:
			c.Refuse(at+".name", "stage %q is given twice", s.Name)
		}
		seen[s.Name] = true
		if s.Recipe == "" {
			c.Refuse(at, "stage %q has no recipe", s.Name)
		}
	}
}

func (c *checker) seeds() {
	d := c.d
	if len(d.Seeds) == 0 {
		c.Refuse("seeds", "seeds are missing, want a list such as [1, 2, 3]")
	}
	for i, s := range d.Seeds {
		if slices.Index(d.Seeds, s) < i {
			c.Refuse(fmt.Sprintf("seeds.%d", i), "seed %d is given twice", s)
		}
	}
}

// against finds the arm that each is compared with.
func (c *checker) against() {
	for _, a := range c.d.Arms {
		name, at := a.spec.Against, a.at+".against"
		if name == "" {
			name, at = c.d.Against, "against"
		}
		if name == "" {
			continue
		}
		other := c.d.find(name, a)
		if other == nil {
			c.Unknown(at, "arm", name, c.d.names())
			return
		}
		if other != a {
			a.Against = other.Name
		}
	}
}

// references finds the arms that settings refer to, and refuses circles.
func (c *checker) references() {
	for _, a := range c.d.Arms {
		for i := range a.settings {
			s := &a.settings[i]
			if s.of == "" {
				continue
			}
			if s.other = c.d.find(s.of, a); s.other == nil {
				c.RefuseAt(s.value, "%s refers to the arm %q, want one of %s", s.key, s.of, strings.Join(c.d.names(), ", "))
			}
		}
	}
	for _, a := range c.d.Arms {
		if a.refersTo(a, len(c.d.Arms)) {
			c.Refuse(a.at, "arm %q waits for itself", a.Name)
		}
	}
}

func (c *checker) measures() {
	d := c.d
	if len(d.Measures) == 0 {
		c.Refuse("measures", "measures are missing, want a list such as [{name: right, metric: eval/answer_correct}]")
	}
	for i := range d.Measures {
		m, at := &d.Measures[i], fmt.Sprintf("measures.%d", i)
		if m.Name == "" || m.Metric == "" {
			c.Refuse(at, "measure %d wants a name and a metric", i)
		}
		if slices.ContainsFunc(d.Measures[:i], func(o Measure) bool { return o.Name == m.Name }) {
			c.Refuse(at+".name", "measure %q is given twice", m.Name)
		}
		c.stageName(at+".stage", &m.Stage)
		c.one(at+".at", &m.At, "end", "first", "best", "best_step", "mean")
		c.one(at+".better", &m.Better, "higher", "lower")
		until := c.Given(at + ".until")
		if until != c.Given(at+".in") || until && c.Given(at+".at") {
			c.Refuse(at, "measure %q: until goes with in, and without at", m.Name)
		}
		if until {
			c.one(at+".in", &m.In, axes...)
		}
		if m.Last < 0 || m.Last > 0 && m.At != "mean" {
			c.Refuse(at+".last", "measure %q: last is %d, want steps of at: mean", m.Name, m.Last)
		}
		probe := strings.HasPrefix(m.Metric, probePrefix)
		switch {
		case probe && !slices.Contains(probes, m.Metric):
			c.Unknown(at+".metric", "metric", m.Metric, probes)
		case m.Metric == survives && !(m.MostKL > 0):
			c.Refuse(at, "measure %q: most_kl is %v, want the nats a completion below which a run is alive", m.Name, m.MostKL)
		case m.Metric != survives && c.Given(at+".most_kl"):
			c.Refuse(at+".most_kl", "measure %q: most_kl is for the metric %s", m.Name, survives)
		case (probe || m.Metric == survives) && d.Probe == 0:
			c.Refuse(at+".metric", "measure %q needs probe, the number of prompts that are answered at a stage's end", m.Name)
		case (probe || m.Metric == survives) && (until || c.Given(at+".at")):
			c.Refuse(at, "measure %q: %s is measured once, at the end", m.Name, m.Metric)
		}
	}
}

func (c *checker) stageName(at string, name *string) {
	var known []string
	for _, s := range c.d.Stages {
		known = append(known, s.Name)
	}
	if *name == "" {
		*name = known[len(known)-1]
	} else if !slices.Contains(known, *name) {
		c.Unknown(at, "stage", *name, known)
	}
}

// one checks a name; the first is the default.
func (c *checker) one(at string, name *string, known ...string) {
	if *name == "" {
		*name = known[0]
	} else if !slices.Contains(known, *name) {
		c.Unknown(at, "value", *name, known)
	}
}

func (c *checker) measureName(at, name string) {
	var known []string
	for _, m := range c.d.Measures {
		known = append(known, m.Name)
	}
	if !slices.Contains(known, name) {
		c.Unknown(at, "measure", name, known)
	}
}

func (c *checker) choices() {
	var names []string
	for i, x := range c.d.Choices {
		at := fmt.Sprintf("choices.%d", i)
		if x.Name == "" || slices.Contains(names, x.Name) {
			c.Refuse(at, "choice %d has the name %q, want one of its own", i, x.Name)
		}
		if (x.Best == "") == (x.Largest == "") {
			c.Refuse(at, "choice %q wants best or largest, one of them", x.Name)
			continue
		}
		c.measureName(at, x.Best+x.Largest)
		c.axis(at+".axis", x.Axis)
		if x.Than != "" && !slices.Contains(names, x.Than) {
			c.Unknown(at+".than", "choice before this one", x.Than, names)
		}
		names = append(names, x.Name)
	}
}

// axis wants every arm to have a number of the grid under the key.
func (c *checker) axis(at, key string) {
	for _, a := range c.d.Arms {
		if v, ok := a.Number(key); !ok || !(v > 0) {
			c.Refuse(at, "axis %q is no key of the grid with numbers > 0 in arm %q", key, a.Name)
			return
		}
	}
}

func (c *checker) plot() {
	p := &c.d.Plot
	switch {
	case p.Metric == "" && p.Axis == "":
		if c.Given("plot") {
			c.Refuse("plot", "plot wants a metric, or an axis and measures")
		}
		return
	case p.Metric != "" && p.Axis != "":
		c.Refuse("plot", "plot has a metric and an axis, want one of them")
	case p.Axis != "":
		c.axis("plot.axis", p.Axis)
		if len(p.Measures) == 0 {
			c.Refuse("plot", "plot.measures is missing, want the measures to draw against %s", p.Axis)
		}
		for i, m := range p.Measures {
			c.measureName(fmt.Sprintf("plot.measures.%d", i), m)
		}
	}
	c.stageName("plot.stage", &p.Stage)
}

// recipes reads every arm's recipe, so that no run stops after hours for a typing error.
func (c *checker) recipes() {
	for _, a := range c.d.Arms {
		for i, s := range c.d.Stages {
			overrides, from := a.overrides(s.Name, i > 0, placeholders{})
			overrides = append(overrides, "train.seed=1")
			at := a.node
			if at == nil {
				at = &yaml.Node{Line: 1, Column: 1}
			}
			if _, err := recipes.Load(c.d.recipePath(s.Recipe), overrides...); err != nil {
				c.Include(at, from, err)
				return // the other arms share most of it
			}
		}
	}
}
