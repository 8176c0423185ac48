package rewards

import (
	"context"
	"fmt"
	"slices"

	"github.com/burnish-rl/burnish/rewards/jsonscore"
)

var jsonValid = Info{
	Name:   "json-valid",
	Doc:    "whether the completion is one strict JSON value, with credit for how far a broken one gets",
	Source: "Hu and Wu 2025, arXiv:2512.00319",
	New: func() Options {
		return &JSONValid{Graded: true, Keys: []string{jsonscore.ReasoningKey, jsonscore.AnswerKey}}
	},
}

// JSONValid is 1 for text that is exactly one JSON value of RFC 8259. Broken text gets 0, or, when Graded,
//
//	0.9·share           when it only stops too early
//	0.5·p/n·share       when byte p of n can't continue any JSON text
//
// where share is the part of Keys that occur as "key" and a colon: a lone bracket earns nothing.
type JSONValid struct {
	Graded bool     `yaml:"graded" doc:"give broken text credit for its valid beginning; false: 0 or 1"`
	Keys   []string `yaml:"keys" doc:"graded: broken text is scaled by the share of these keys that it has; [] for no scaling"`
}

// Validate wants keys that are not empty and not repeated.
func (r *JSONValid) Validate() error {
	return validKeys("json-valid", r.Keys)
}

// Score has the parts valid (0 or 1) and prefix (before the share of keys).
func (r *JSONValid) Score(ctx context.Context, a Attempt) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	_, err := jsonscore.Parse(a.Text)
	if err == nil {
		return Result{Score: 1, Parts: []Part{{"valid", 1}, {"prefix", 1}}}, nil
	}
	res := Result{Parts: []Part{{"valid", 0}, {"prefix", jsonscore.Prefix(a.Text)}}, Notes: []string{err.Error()}}
	if r.Graded {
		res.Score = jsonscore.PrefixWithKeys(a.Text, r.Keys)
	}
	if e, ok := err.(*jsonscore.SyntaxError); ok {
		res.Spans = []Span{{From: e.Offset, To: min(e.Offset+1, len(a.Text)), Note: e.Reason}}
	}
	return res, nil
}

func validKeys(kind string, keys []string) error {
	for i, k := range keys {
		if k == "" || slices.Index(keys, k) < i {
			return fmt.Errorf("%s: keys: found %q, want keys that are not empty and not repeated", kind, k)
		}
	}
	return nil
}
