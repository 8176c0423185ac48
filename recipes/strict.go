package recipes

import (
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v4"
)

// Strict is another kind of YAML file, read with a recipe's strictness: unknown keys, wrong types and what its reader
// refuses are [Problems] with file, line and column, all at once.
type Strict struct{ d *decoder }

// ReadStrict decodes a file into a struct by its yaml tags; fields keep what they hold when their key is absent. noun is
// what messages call such a file. A field of type *yaml.Node keeps its YAML, a struct in a list has its fields checked.
func ReadStrict(name string, data []byte, noun string, into any) *Strict {
	_, keys := fieldsOf(into)
	t := parseFile(name, data, kindOfFile{noun, "a mapping with " + keys[0] + " …"})
	d := &decoder{tree: t, at: map[string]*yaml.Node{}, bad: map[string]bool{}}
	if t.root != nil {
		d.mapping(t.root, "", into)
	}
	return &Strict{d}
}

// Refuse reports a problem at a path such as arms.0.name, or at what it would stand in.
func (s *Strict) Refuse(path, format string, args ...any) {
	if s.d.root != nil {
		s.d.refuse(path, format, args...)
	}
}

// RefuseAt reports a problem at a node that a field kept.
func (s *Strict) RefuseAt(n *yaml.Node, format string, args ...any) { s.d.report(n, format, args...) }

// Unknown reports a name that isn't known, with the nearest that is.
func (s *Strict) Unknown(path, what, name string, known []string) {
	s.Refuse(path, "unknown %s %s%s", what, show(name), suggest(name, known))
}

// Given says that a key stands in the file.
func (s *Strict) Given(path string) bool { return s.d.given(path) }

// Count is how many problems there are so far.
func (s *Strict) Count() int { return len(s.d.problems) }

// Err is everything that is wrong with the file, in its order; nil when nothing is.
func (s *Strict) Err() error {
	if len(s.d.problems) == 0 {
		return nil
	}
	s.d.problems.sort()
	return slices.CompactFunc(s.d.problems, func(a, b Problem) bool { return a == b })
}

// Include reports what is wrong with a recipe that the file makes by overrides: at the override's own place where it came
// from one, at n otherwise, with the recipe's place in the text.
func (s *Strict) Include(n *yaml.Node, from map[string]*yaml.Node, err error) {
	var problems Problems
	if !errors.As(err, &problems) {
		s.RefuseAt(n, "%v", err)
		return
	}
	for _, p := range problems {
		if at := from[p.Where]; at != nil {
			s.RefuseAt(at, "%s", p.Text)
			continue
		}
		s.RefuseAt(n, "%s", p.Error())
	}
}

// Override is a mapping's entry as Load takes it: key=value with the value on one line of YAML; where names it in the
// problems of the recipe.
func Override(key string, value *yaml.Node) (override, where string) {
	data, err := yaml.Dump(inFlow(value), yaml.WithLineWidth(-1))
	if err != nil {
		panic(fmt.Sprintf("recipes: a node that was read can't be written: %v", err))
	}
	for len(data) > 0 && data[len(data)-1] == '\n' {
		data = data[:len(data)-1]
	}
	override = key + "=" + string(data)
	return override, "--set " + override
}

// inFlow is a copy whose mappings and lists are written in one line.
func inFlow(n *yaml.Node) *yaml.Node {
	c := *n
	c.HeadComment, c.LineComment, c.FootComment = "", "", ""
	if c.Kind == yaml.MappingNode || c.Kind == yaml.SequenceNode {
		c.Style = yaml.FlowStyle
	}
	c.Content = nil
	for _, x := range n.Content {
		c.Content = append(c.Content, inFlow(x))
	}
	return &c
}

// Sections lists the sections of a recipe.
func Sections() []string {
	_, keys := fieldsOf(&fileKeys{})
	return keys
}
