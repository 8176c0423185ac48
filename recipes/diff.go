package recipes

import (
	"fmt"

	"go.yaml.in/yaml/v4"
)

// Diff lists the keys in which two recipes differ, as `train.steps: "20", was "10"` with was from a. Every key counts.
func Diff(a, b *Recipe) []string {
	was, is := flatten(a.node()), flatten(b.node())
	var out []string
	for _, k := range is.keys {
		old, ok := was.values[k]
		switch {
		case !ok:
			out = append(out, fmt.Sprintf("%s: %s, was not given", k, show(is.values[k])))
		case old != is.values[k]:
			out = append(out, fmt.Sprintf("%s: %s, was %s", k, show(is.values[k]), show(old)))
		}
	}
	for _, k := range was.keys {
		if _, ok := is.values[k]; !ok {
			out = append(out, fmt.Sprintf("%s: not given, was %s", k, show(was.values[k])))
		}
	}
	return out
}

type flat struct {
	keys   []string
	values map[string]string
}

// flatten lists the scalars of a tree by path.
func flatten(root *yaml.Node) flat {
	f := flat{values: map[string]string{}}
	var walk func(n *yaml.Node, path string)
	walk = func(n *yaml.Node, path string) {
		switch {
		case n.Kind == yaml.MappingNode && len(n.Content) > 0:
			for i := 0; i+1 < len(n.Content); i += 2 {
				walk(n.Content[i+1], join(path, n.Content[i].Value))
			}
		case n.Kind == yaml.SequenceNode && len(n.Content) > 0:
			for i, c := range n.Content {
				walk(c, fmt.Sprintf("%s.%d", path, i))
			}
		default:
			f.keys = append(f.keys, path)
			f.values[path] = n.Value
		}
	}
	walk(root, "")
	return f
}
