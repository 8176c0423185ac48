package jsonscore

import (
	"math/big"
	"regexp"
	"slices"
	"unicode/utf8"
)

// Constraint is what must hold of the value at a path. Each field that is set counts as one declared constraint.
type Constraint struct {
	Path      string
	Min       *big.Rat       // a number, at least this
	Max       *big.Rat       // a number, at most this
	Enum      []string       // a string, one of these
	Pattern   *regexp.Regexp // a string that it matches somewhere
	MinLength int            // a string of at least so many characters; 0 declares nothing
	Items     string         // an array whose elements all have this type, see [TypeNames]
}

// Constraints is satisfied/declared. What is missing or of the wrong kind is not satisfied; 1 when nothing is declared.
func Constraints(text string, list []Constraint) float64 {
	hits, declared := 0, 0
	for _, c := range list {
		v, found := Lookup(text, c.Path)
		for _, holds := range c.checks() {
			declared++
			if found && holds(v) {
				hits++
			}
		}
	}
	return ratio(hits, declared)
}

// checks lists the declared constraints.
func (c Constraint) checks() []func(Value) bool {
	var list []func(Value) bool
	compare := func(bound *big.Rat, sign int) {
		list = append(list, func(v Value) bool {
			n, ok := Rational(v.Text)
			return v.Kind == Number && ok && n.Cmp(bound) != sign
		})
	}
	if c.Min != nil {
		compare(c.Min, -1)
	}
	if c.Max != nil {
		compare(c.Max, 1)
	}
	if c.Enum != nil {
		list = append(list, func(v Value) bool { return v.Kind == String && slices.Contains(c.Enum, v.Text) })
	}
	if c.Pattern != nil {
		list = append(list, func(v Value) bool { return v.Kind == String && c.Pattern.MatchString(v.Text) })
	}
	if c.MinLength > 0 {
		list = append(list, func(v Value) bool { return v.Kind == String && utf8.RuneCountInString(v.Text) >= c.MinLength })
	}
	if c.Items != "" {
		list = append(list, func(v Value) bool {
			return v.Kind == Array && !slices.ContainsFunc(v.Items, func(item Value) bool { return !HasType(item, c.Items) })
		})
	}
	return list
}
