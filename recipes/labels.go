package recipes

import (
	"fmt"
	"math"
	"reflect"

	"go.yaml.in/yaml/v4"

	"github.com/burnish-rl/burnish/algos"
)

// Where labelled answers come from.
const (
	FromData     = "data"
	FromRollouts = "rollouts"
)

func (r *Recipe) needs() algos.Needs {
	if r.Algo.Kind == "" {
		return algos.Needs{}
	}
	return r.Algo.Options.Needs()
}

func (r *Recipe) demonstrations() bool { return r.needs().Demonstrations }

// sampled says whether a step begins with completions of the policy.
func (r *Recipe) sampled() bool {
	return !r.demonstrations() && (r.Labels.From == "" || r.Labels.From == FromRollouts)
}

// labels decodes the section. The algorithm stands already.
func (d *decoder) labels(r *Recipe, n *yaml.Node) {
	if !r.needs().Labelled() {
		if !isNull(n) && r.Algo.Kind != "" {
			d.report(n, "labels have no meaning under %s", r.Algo.Kind)
		}
		return
	}
	r.Labels.From = FromData
	d.mapping(n, "labels", &r.Labels)
	for _, k := range r.labelKeys() {
		if k.read && k.fallback != nil && !d.given("labels."+k.name) {
			reflect.ValueOf(k.value).Elem().Set(reflect.ValueOf(k.fallback))
		}
	}
}

// labelKey is a key of the section beside from.
type labelKey struct {
	name     string
	value    any // pointer into Labels
	fallback any
	read     bool // under this algorithm, from rollouts
}

func (r *Recipe) labelKeys() []labelKey {
	n, l := r.needs(), &r.Labels
	own := l.From == FromRollouts
	return []labelKey{
		{"gap", &l.Gap, 0.1, own && n.Pairs},
		{"threshold", &l.Threshold, 0.5, own && n.Unpaired},
		{"principles", &l.Principles, nil, n.Principles},
	}
}

// checkLabels refuses what the section can't mean.
func (d *decoder) checkLabels(r *Recipe) {
	if r.Labels.From == "" {
		return
	}
	if r.Labels.From != FromData && r.Labels.From != FromRollouts {
		d.refuse("labels.from", "labels.from is %s, want data or rollouts", show(r.Labels.From))
		return
	}
	for _, k := range r.labelKeys() {
		if !k.read && d.given("labels."+k.name) {
			d.refuse("labels."+k.name, "labels.%s has no meaning under %s with labels from %s", k.name, r.Algo.Kind, r.Labels.From)
		}
	}
	n, own := r.needs(), r.Labels.From == FromRollouts
	if own && n.Pairs {
		d.number("labels.gap", r.Labels.Gap, r.Labels.Gap > 0 && !math.IsInf(r.Labels.Gap, 0), "a number > 0")
	}
	if n.Principles {
		if len(r.Labels.Principles) < 2 {
			d.refuse("labels.principles", "labels.principles: %d, want at least 2", len(r.Labels.Principles))
		}
		for i, p := range r.Labels.Principles {
			if p == "" {
				d.refuse(fmt.Sprintf("labels.principles.%d", i), "labels.principles: number %d is empty", i)
			}
		}
	}
}

// labelsNode is the section with the keys that are read.
func (r *Recipe) labelsNode() *yaml.Node {
	n := mappingOf(struct {
		From string `yaml:"from"`
	}{r.Labels.From})
	for _, k := range r.labelKeys() {
		if k.read {
			put(n, k.name, nodeOf(reflect.ValueOf(k.value).Elem()))
		}
	}
	return n
}
