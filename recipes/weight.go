package recipes

import (
	"reflect"

	"go.yaml.in/yaml/v4"
)

// Weight is what a reward's result counts in the sum: a factor of its score, or factors of named parts of it, whose sum
// then stands in place of the score.
type Weight struct {
	Score float64            // with Parts 1
	Parts map[string]float64 // nil: the score counts
}

func (d *decoder) weight(n *yaml.Node, w *Weight, path string) {
	if n.Kind != yaml.MappingNode {
		if want := d.scalar(n, reflect.ValueOf(&w.Score).Elem()); want != "" {
			d.reject(n, path, want+", or a mapping of parts to numbers")
		}
		return
	}
	w.Score = 1
	d.stringMap(n, reflect.ValueOf(&w.Parts).Elem(), path)
	if len(w.Parts) == 0 {
		d.report(n, "%s is empty, want a number, or the name of a part with its weight", path)
	}
}

// node is the weight as it stands in a recipe.
func (w Weight) node() *yaml.Node {
	if w.Parts != nil {
		return nodeOf(reflect.ValueOf(&w.Parts).Elem())
	}
	return nodeOf(reflect.ValueOf(&w.Score).Elem())
}
