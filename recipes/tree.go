package recipes

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

const (
	maxBytes = 1 << 20 // of a recipe
	maxDepth = 32      // of its nesting
)

// tree is a recipe's YAML with what is known about where each value came from.
type tree struct {
	name     string
	what     kindOfFile
	root     *yaml.Node
	override map[*yaml.Node]override // values that --set brought, and everything inside them
	problems Problems
}

// kindOfFile is what a strict file is called in messages, and what its top must be.
type kindOfFile struct{ noun, want string }

var recipeFile = kindOfFile{"recipe", "a mapping with model, env, algo …"}

// override is one --set.
type override struct {
	flag string // as given: "--set a.b=c"
	text string // the value's text
}

// parseTree reads one YAML document whose top is a mapping. Aliases and merge keys are refused: a recipe says
// everything once, where it stands.
func parseTree(name string, data []byte) *tree { return parseFile(name, data, recipeFile) }

func parseFile(name string, data []byte, what kindOfFile) *tree {
	t := &tree{name: name, what: what, override: map[*yaml.Node]override{}}
	if len(data) > maxBytes {
		t.problems = Problems{{name, 1, 1, fmt.Sprintf("%s has %d bytes, want at most %d", what.noun, len(data), maxBytes)}}
		return t
	}
	var doc yaml.Node
	if err := yaml.Load(data, &doc); err != nil {
		t.syntax(err)
		return t
	}
	root := &doc
	if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
		root = doc.Content[0]
	}
	if root.Kind != yaml.MappingNode {
		t.problems = append(t.problems, Problem{name, max(root.Line, 1), max(root.Column, 1), what.noun + " is " + kindOf(root) + ", want " + what.want})
		return t
	}
	t.checkShape(root, 0)
	t.root = root
	return t
}

func (t *tree) syntax(err error) {
	p := Problem{t.name, 1, 1, "not YAML: " + strings.ReplaceAll(err.Error(), "\n", " ")}
	var one *yaml.LoadError
	switch {
	case strings.Contains(err.Error(), "no documents in stream"):
		p.Text = t.what.noun + " is empty, want " + t.what.want
	case errors.As(err, &one):
		p.Line, p.Col, p.Text = max(one.Mark.Line, 1), max(one.Mark.Column, 1), "not YAML: "+one.Message
	}
	t.problems = append(t.problems, p)
}

// checkShape refuses what the decoder does not want to meet.
func (t *tree) checkShape(n *yaml.Node, depth int) {
	if depth > maxDepth {
		t.report(n, "nested deeper than %d levels", maxDepth)
		n.Content = nil
		return
	}
	switch n.Kind {
	case yaml.AliasNode:
		t.report(n, "alias *%s: a %s takes no anchors and aliases, write the value out", n.Value, t.what.noun)
		*n = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: n.Line, Column: n.Column}
	case yaml.MappingNode:
		seen := map[string]int{}
		kept := n.Content[:0]
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			switch {
			case k.Kind != yaml.ScalarNode:
				t.report(k, "key is %s, want a name", kindOf(k))
			case k.ShortTag() == "!!merge":
				t.report(k, "merge key <<: a %s takes none, write the values out", t.what.noun)
			case seen[k.Value] > 0:
				t.report(k, "key %s is given twice, first in line %d", show(k.Value), seen[k.Value])
			default:
				seen[k.Value] = max(k.Line, 1)
				kept = append(kept, k, n.Content[i+1])
			}
		}
		n.Content = kept
		for i := 1; i < len(n.Content); i += 2 {
			t.checkShape(n.Content[i], depth+1)
		}
	case yaml.SequenceNode:
		for _, c := range n.Content {
			t.checkShape(c, depth+1)
		}
	}
}

// report notes a problem at a node.
func (t *tree) report(n *yaml.Node, format string, args ...any) {
	p := Problem{Where: t.name, Text: fmt.Sprintf(format, args...)}
	if o, ok := t.override[n]; ok {
		p.Where = o.flag
	} else if n != nil {
		p.Line, p.Col = max(n.Line, 1), max(n.Column, 1)
	} else {
		p.Line, p.Col = 1, 1
	}
	t.problems = append(t.problems, p)
}

// kindOf names what a node is, for messages.
func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null", n.Kind == 0:
		return "empty"
	case n.Kind == yaml.ScalarNode:
		return show(n.Value)
	}
	return "empty"
}

func isNull(n *yaml.Node) bool {
	return n == nil || n.Kind == 0 || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// child is the value of a key, nil when there is none.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
