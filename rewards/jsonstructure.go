package rewards

import (
	"context"
	"fmt"
	"slices"

	"github.com/burnish-rl/burnish/rewards/jsonscore"
)

var jsonStructure = Info{
	Name:   "json-structure",
	Doc:    "whether the completion is an object with the wanted keys, types and order, and nothing else",
	Source: "Hu and Wu 2025, arXiv:2512.00319",
	New: func() Options {
		return &JSONStructure{
			Keys:  []string{jsonscore.ReasoningKey, jsonscore.AnswerKey},
			Types: []string{"string", "number"},
		}
	},
}

// Weights of the parts of json-structure in tenths, so that a perfect answer is exactly 1.
const (
	onlyJSONWeight   = 1
	requiredWeight   = 2
	typesWeight      = 2
	noExtraWeight    = 1
	orderWeight      = 1
	nonEmptyWeight   = 1
	uniqueKeysWeight = 1
	completeWeight   = 1
)

// JSONStructure scores the form of an object.
//
//	score = 0.1·only_json + required·(0.2 + 0.2·types + 0.1·(no_extra + order + nonempty + unique_keys + complete))
//
// All parts but only_json are 0 unless the whole completion parses as an object, so keys in prose earn nothing; and all
// hang on required, so an empty object, which has no wrong key and no wrong order, earns 0.1. 1 means: nothing but the
// object, every key there once with its type, in order, not blank, no other key, ended by the model itself.
type JSONStructure struct {
	Keys  []string `yaml:"keys" doc:"keys that the object must have, in the wanted order; a path such as a.b[0].c reaches inside"`
	Types []string `yaml:"types" doc:"type of each key: string, number, integer, boolean, null, array, object, any; [] for any"`
}

// Validate wants at least one key, each a path that can be read, and a known type for each or none at all.
func (r *JSONStructure) Validate() error {
	if len(r.Keys) == 0 {
		return fmt.Errorf("json-structure: keys: found none, want at least one")
	}
	if err := validKeys("json-structure", r.Keys); err != nil {
		return err
	}
	for _, k := range r.Keys {
		if _, ok := jsonscore.SplitPath(k); !ok {
			return fmt.Errorf("json-structure: keys: found %q, want a key or a path such as a.b[0].c", k)
		}
	}
	if n := len(r.Types); n != 0 && n != len(r.Keys) {
		return fmt.Errorf("json-structure: types: found %d for %d keys, want one for each key or none", n, len(r.Keys))
	}
	for _, t := range r.Types {
		if !slices.Contains(jsonscore.TypeNames, t) {
			return fmt.Errorf("json-structure: types: found %q, want one of %v", t, jsonscore.TypeNames)
		}
	}
	return nil
}

// Score has the parts only_json, required, types, no_extra, order, nonempty, unique_keys and complete.
func (r *JSONStructure) Score(ctx context.Context, a Attempt) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	only := jsonscore.OnlyJSON(a.Text)
	var required, types, noExtra, order, nonEmpty, unique, complete float64
	if v, ok := jsonscore.Exact(a.Text); ok && v.Kind == jsonscore.Object {
		top := r.topKeys()
		required = jsonscore.Required(a.Text, r.Keys)
		types = jsonscore.Types(a.Text, r.fields())
		noExtra = jsonscore.NoExtra(v, top)
		order = jsonscore.Order(v, top)
		nonEmpty = jsonscore.NonEmpty(a.Text, r.Keys)
		unique = jsonscore.UniqueKeys(v)
		complete = jsonscore.Complete(a.Stop != StopLength)
	}
	bonus := typesWeight*types + noExtraWeight*noExtra + orderWeight*order +
		nonEmptyWeight*nonEmpty + uniqueKeysWeight*unique + completeWeight*complete
	tenths := onlyJSONWeight*only + required*(requiredWeight+bonus)
	return Result{Score: tenths / 10, Parts: []Part{
		{"only_json", only}, {"required", required}, {"types", types}, {"no_extra", noExtra}, {"order", order},
		{"nonempty", nonEmpty}, {"unique_keys", unique}, {"complete", complete},
	}}, nil
}

// topKeys are the first steps of the paths: what may stand at the top level.
func (r *JSONStructure) topKeys() []string {
	var top []string
	for _, k := range r.Keys {
		if steps, ok := jsonscore.SplitPath(k); ok && !slices.Contains(top, steps[0]) {
			top = append(top, steps[0])
		}
	}
	return top
}

func (r *JSONStructure) fields() []jsonscore.Field {
	fields := make([]jsonscore.Field, len(r.Keys))
	for i, k := range r.Keys {
		fields[i] = jsonscore.Field{Path: k, Type: "any"}
		if len(r.Types) > 0 {
			fields[i].Type = r.Types[i]
		}
	}
	return fields
}
