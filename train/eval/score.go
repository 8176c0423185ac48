// Package eval measures a policy: it answers held-out tasks and turns the answers into named metrics with intervals.
// Start with [Run], or with [Score] for answers that are already there. It trains nothing.
package eval

import (
	"slices"

	"github.com/burnish-rl/burnish/rewards/jsonscore"
)

// Item is one answer to be judged.
type Item struct {
	Text      string // decoded completion, special tokens removed
	Reference string // what would be right; "" when unknown, and then no answer is correct
	Stop      string // why it ended; "length" means it was cut
	Tokens    int    // its length, end token included
}

// Kind is what answers an env wants, and with it which metrics are reported.
type Kind string

const (
	JSON Kind = "json" // one object with reasoning and answer
	Text Kind = "text" // free text, such as GSM8K's that ends in "#### 18"
)

// KindOf is JSON when the tasks carry a schema of the wanted answer, else Text.
func KindOf(schema string) Kind {
	if schema != "" {
		return JSON
	}
	return Text
}

// share is a metric that counts the answers for which something holds.
type share struct {
	name  string
	holds func(judged) bool
}

// judged is an answer with what is known of it.
type judged struct {
	jsonscore.Verdict      // of kind JSON
	textCorrect       bool // of kind Text
	truncated         bool
}

var truncated = share{"truncated", func(j judged) bool { return j.truncated }}

// shares lists the shares of each kind in the order of the report; tokens_mean and tokens_p95 follow.
var shares = map[Kind][]share{
	JSON: {
		{"json_valid", func(j judged) bool { return j.JSONValid }},
		{"json_valid_lenient", func(j judged) bool { return j.JSONValidLenient }},
		{"structure", func(j judged) bool { return j.Structure }},
		{"answer_correct", func(j judged) bool { return j.AnswerCorrect }},
		{"answer_correct_lenient", func(j judged) bool { return j.AnswerCorrectLenient }},
		{"both", func(j judged) bool { return j.Both }},
		truncated,
	},
	Text: {
		{"answer_correct", func(j judged) bool { return j.textCorrect }},
		truncated,
	},
}

// Score judges all items. Every share is of all items, never of the readable ones only, with a [Wilson] interval;
// tokens_mean has a [MeanInterval]; tokens_p95 has none. Several samples of a task are several items: then a share is
// the mean over samples, and its interval is too narrow where samples of a task agree.
//
// Metrics of JSON: json_valid, json_valid_lenient, structure, answer_correct, answer_correct_lenient, both, truncated,
// tokens_mean, tokens_p95. Of Text: answer_correct, truncated, tokens_mean, tokens_p95.
//
// Source of the definitions: the GSM8K-JSON task of RL-Struct, arXiv:2512.00319, made exact in package jsonscore.
func Score(kind Kind, items []Item) Report {
	r := Report{Kind: kind, Items: len(items)}
	answers := make([]judged, len(items))
	tokens := make([]float64, len(items))
	for i, item := range items {
		answers[i] = judge(kind, item)
		tokens[i] = float64(item.Tokens)
	}
	for _, s := range shares[kind] {
		hits := 0
		for _, j := range answers {
			if s.holds(j) {
				hits++
			}
		}
		r.Metrics = append(r.Metrics, shareMetric(s.name, hits, len(items)))
	}
	slices.Sort(tokens)
	r.Metrics = append(r.Metrics, meanMetric("tokens_mean", tokens), percentileMetric("tokens_p95", tokens, 95))
	return r
}

func judge(kind Kind, item Item) judged {
	j := judged{truncated: item.Stop == "length"}
	switch kind {
	case JSON:
		j.Verdict = jsonscore.Grade(item.Text, item.Reference, !j.truncated)
	case Text:
		j.textCorrect = TextCorrect(item.Text, item.Reference)
	}
	return j
}
