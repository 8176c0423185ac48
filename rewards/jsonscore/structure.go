package jsonscore

import (
	"slices"
	"strings"
)

// IsKind is 1 when the value has the kind that is wanted.
func IsKind(v Value, want Kind) float64 { return share(v.Kind == want) }

// Required is the share of the paths that lead to a value: keys, or paths such as a.b[0].c. text must be the exact
// JSON text of v. No paths: 1.
func Required(text string, paths []string) float64 {
	hits := 0
	for _, p := range paths {
		if _, ok := Lookup(text, p); ok {
			hits++
		}
	}
	return ratio(hits, len(paths))
}

// NoExtra is 1 - extra/(extra + known) over the distinct keys at the top level, known those that are allowed. 1 for an
// empty object, 0 for what is no object.
func NoExtra(v Value, allowed []string) float64 {
	if v.Kind != Object {
		return 0
	}
	seen, extra := map[string]bool{}, 0
	for _, m := range v.Members {
		if seen[m.Key] {
			continue
		}
		seen[m.Key] = true
		if !slices.Contains(allowed, m.Key) {
			extra++
		}
	}
	return ratio(len(seen)-extra, len(seen))
}

// Order is the longest run of wanted keys that stand in the wanted order, over the wanted keys present; 1 for fewer
// than two of them, 0 for what is no object.
func Order(v Value, keys []string) float64 {
	if v.Kind != Object {
		return 0
	}
	var ranks []int
	seen := map[string]bool{}
	for _, m := range v.Members {
		if seen[m.Key] {
			continue
		}
		seen[m.Key] = true
		if i := slices.Index(keys, m.Key); i >= 0 {
			ranks = append(ranks, i)
		}
	}
	return ratio(longestIncreasing(ranks), len(ranks))
}

// longestIncreasing is the length of the longest increasing subsequence, by patience sorting.
func longestIncreasing(xs []int) int {
	var tails []int // tails[n] is the smallest last element of a subsequence of n+1
	for _, x := range xs {
		i := 0
		for i < len(tails) && tails[i] < x {
			i++
		}
		if i == len(tails) {
			tails = append(tails, x)
		} else {
			tails[i] = x
		}
	}
	return len(tails)
}

// Field is a path with the type that is wanted there.
type Field struct {
	Path string
	Type string // "string", "number", "integer", "boolean", "null", "array", "object", "any"
}

// TypeNames are the types that a [Field] may ask for.
var TypeNames = []string{"string", "number", "integer", "boolean", "null", "array", "object", "any"}

// Types is the share of the fields that are there with the wanted type; a missing one is wrong. An integer may be
// written 18, 18.0 or 1.8e1, but not "18".
func Types(text string, fields []Field) float64 {
	hits := 0
	for _, f := range fields {
		if v, ok := Lookup(text, f.Path); ok && HasType(v, f.Type) {
			hits++
		}
	}
	return ratio(hits, len(fields))
}

// HasType says whether a value is of a named type.
func HasType(v Value, name string) bool {
	switch name {
	case "any":
		return v.Kind != Invalid
	case "integer":
		n, ok := Rational(v.Text)
		return v.Kind == Number && ok && n.IsInt()
	default:
		return v.Kind.String() == name && v.Kind != Invalid
	}
}

// NonEmpty is the share of the paths that lead to a string with a character that is not blank, to an array with an
// element, or to any other kind but null. Missing is empty.
func NonEmpty(text string, paths []string) float64 {
	hits := 0
	for _, p := range paths {
		v, ok := Lookup(text, p)
		switch {
		case !ok || v.Kind == Null:
		case v.Kind == String:
			hits += int(share(strings.TrimSpace(v.Text) != ""))
		case v.Kind == Array:
			hits += int(share(len(v.Items) > 0))
		default:
			hits++
		}
	}
	return ratio(hits, len(paths))
}

// UniqueKeys is 1 - repeats/members over all objects in the value; 1 without members.
func UniqueKeys(v Value) float64 {
	all, distinct := 0, 0
	v.Walk(func(v Value) {
		seen := map[string]bool{}
		for _, m := range v.Members {
			seen[m.Key] = true
		}
		all += len(v.Members)
		distinct += len(seen)
	})
	return ratio(distinct, all)
}

// ratio is hits/all, 1 when there is nothing to hit.
func ratio(hits, all int) float64 {
	if all == 0 {
		return 1
	}
	return float64(hits) / float64(all)
}
