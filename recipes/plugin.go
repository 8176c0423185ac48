package recipes

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// table is a plug-in registry as the decoder sees it.
type table struct {
	names  []string
	later  []string
	why    map[string]string // of later, for those that need a word
	lookup func(name string) (options any, ok bool)
}

// kind is the plug-in that a section names; "" and a problem when there is none. A section that is absent has the
// default, "" meaning that it must be there.
func (d *decoder) kind(n *yaml.Node, path, what, fallback string, t table) string {
	if isNull(n) {
		if fallback == "" {
			d.report(n, "%s is missing, want %s such as {kind: %s}", path, what, t.names[0])
		}
		return fallback
	}
	if n.Kind != yaml.MappingNode {
		d.reject(n, path, fmt.Sprintf("a mapping such as {kind: %s}", t.names[0]))
		return ""
	}
	k := child(n, "kind")
	switch {
	case k == nil && fallback != "":
		return fallback
	case k == nil:
		d.report(n, "%s has no kind, want one of %s", path, strings.Join(t.names, ", "))
		return ""
	case k.Kind != yaml.ScalarNode || isNull(k):
		d.report(k, "%s.kind is %s, want one of %s", path, kindOf(k), strings.Join(t.names, ", "))
		return ""
	case slices.Contains(t.names, k.Value):
		return k.Value
	case slices.Contains(t.later, k.Value):
		d.report(k, "%s %q: not in this version%s, want one of %s", what, k.Value, t.why[k.Value], strings.Join(t.names, ", "))
	default:
		d.report(k, "unknown %s %s%s", what, show(k.Value), suggest(k.Value, t.names))
	}
	return ""
}

// validator is what all options offer.
type validator interface{ Validate() error }

// check runs a plug-in's own check and reports its error at the key it speaks of, unless that key's value has already
// been refused.
func (d *decoder) check(n *yaml.Node, path string, v validator) {
	err := v.Validate()
	if err == nil {
		return
	}
	text := strings.ReplaceAll(err.Error(), "\n", " ")
	if !strings.HasPrefix(text, path) {
		text = path + ": " + text
	}
	if key := spokenOf(n, text); key != "" {
		path = join(path, key)
	}
	d.refuse(path, "%s", text)
}

// spokenOf is the first key of a mapping that a message names, "" when it names none.
func spokenOf(n *yaml.Node, text string) string {
	words := strings.FieldsFunc(text, func(r rune) bool {
		return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	for _, w := range words {
		if w != "kind" && child(n, w) != nil {
			return w
		}
	}
	return ""
}

// tableOf adapts a registry.
func tableOf[I, O any](all []I, name func(I) string, make func(I) O, later []string) table {
	t := table{later: later}
	byName := map[string]I{}
	for _, i := range all {
		t.names = append(t.names, name(i))
		byName[name(i)] = i
	}
	t.lookup = func(n string) (any, bool) {
		i, ok := byName[n]
		if !ok {
			return nil, false
		}
		return make(i), true
	}
	return t
}

// choose decodes a section that is one plug-in: its kind, keys of the section in common, and the plug-in's options.
func choose[T validator](d *decoder, n *yaml.Node, path, what, fallback string, t table, common any) Choice[T] {
	d.at[path] = n
	name := d.kind(n, path, what, fallback, t)
	if name == "" { // the keys that every plug-in of the section has can still be checked
		d.known(n, path, common)
		return Choice[T]{}
	}
	options, _ := t.lookup(name)
	typed, ok := options.(T)
	if !ok {
		panic(fmt.Sprintf("recipes: %s %q gives options of type %T", what, name, options))
	}
	d.mapping(n, path, &kindKey{}, common, typed)
	d.check(n, path, typed)
	return Choice[T]{name, typed}
}

// kindKey is the key that every plug-in section has.
type kindKey struct {
	Kind string `yaml:"kind"` // its name
}
