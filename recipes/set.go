package recipes

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// set applies one override "a.b=value" to the tree. The value is YAML, so lists are written [a, b]; list items are
// reached by number, rewards.0.weight. A name without a section stands for the one key of that name in model,
// rollout, optim or train: steps=20 is train.steps=20.
func (t *tree) set(keyValue string) {
	flag := "--set " + keyValue
	key, text, ok := strings.Cut(keyValue, "=")
	path := strings.Split(strings.TrimSpace(key), ".")
	if !ok || path[0] == "" {
		t.problems = append(t.problems, Problem{Where: flag, Text: "want key=value, such as train.steps=20"})
		return
	}
	if len(path) == 1 {
		path = lengthen(path[0])
	}
	value := parseValue(text)
	t.mark(value, override{flag, text})
	t.checkShape(value, 1)
	parent := t.root
	for i, name := range path {
		slot, problem := t.slot(parent, name, override{flag, text})
		if problem != "" {
			t.problems = append(t.problems, Problem{Where: flag, Text: strings.Join(path[:i+1], ".") + ": " + problem})
			return
		}
		if i == len(path)-1 {
			*slot = value
			return
		}
		if isNull(*slot) {
			*slot = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
			t.override[*slot] = override{flag, text}
		}
		parent = *slot
	}
}

// slot is where the value of a key or an item lives; a missing key is made.
func (t *tree) slot(n *yaml.Node, name string, o override) (slot **yaml.Node, problem string) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == name {
				return &n.Content[i+1], ""
			}
		}
		k := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}
		t.override[k] = o
		n.Content = append(n.Content, k, nil)
		return &n.Content[len(n.Content)-1], ""
	case yaml.SequenceNode:
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i >= len(n.Content) {
			return nil, "no such item, the list has " + strconv.Itoa(len(n.Content))
		}
		return &n.Content[i], ""
	}
	return nil, "its section is " + kindOf(n) + ", want a mapping"
}

// parseValue reads the text as YAML; what is not YAML is a string as it stands.
func parseValue(text string) *yaml.Node {
	var doc yaml.Node
	if strings.TrimSpace(text) != "" && yaml.Load([]byte(text), &doc) == nil {
		n := &doc
		if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
			n = doc.Content[0]
		}
		if n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode || n.Kind == yaml.ScalarNode && !isNull(n) || strings.TrimSpace(text) == "null" {
			return n
		}
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Style: yaml.DoubleQuotedStyle}
}

// mark remembers that a value and all inside it came from an override.
func (t *tree) mark(n *yaml.Node, o override) {
	if n == nil {
		return
	}
	t.override[n] = o
	for _, c := range n.Content {
		t.mark(c, o)
	}
}

// lengthen finds the section of a key that only one section has.
func lengthen(name string) []string {
	if _, ok := sectionKeys[name]; ok {
		return []string{name}
	}
	var found []string
	for _, section := range []string{"model", "rollout", "optim", "train"} {
		for _, k := range sectionKeys[section] {
			if k == name {
				found = append(found, section)
			}
		}
	}
	if len(found) == 1 {
		return []string{found[0], name}
	}
	return []string{name}
}
