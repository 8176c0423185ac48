package recipes

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

//go:embed *.yaml
var files embed.FS

// Names lists the builtin recipes, sorted.
func Names() []string {
	found, _ := fs.Glob(files, "*.yaml")
	names := make([]string, len(found))
	for i, f := range found {
		names[i] = strings.TrimSuffix(f, path.Ext(f))
	}
	slices.Sort(names) // with their endings they stand in another order
	return names
}

// Builtin is the text of a builtin recipe.
func Builtin(name string) ([]byte, bool) {
	data, err := files.ReadFile(name + ".yaml")
	return data, err == nil
}

// Load reads a builtin recipe by name, or a file, and applies overrides such as "train.steps=20" in order. What is
// wrong with the recipe comes back as [Problems].
func Load(nameOrFile string, overrides ...string) (*Recipe, error) {
	name, data, err := read(nameOrFile)
	if err != nil {
		return nil, err
	}
	return Parse(name, data, overrides...)
}

// read finds a recipe's text, and the name that it has in messages.
func read(nameOrFile string) (name string, data []byte, err error) {
	if data, ok := Builtin(nameOrFile); ok {
		return nameOrFile + ".yaml", data, nil
	}
	f, err := os.Open(nameOrFile)
	if errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(nameOrFile, `/\.`) {
		return "", nil, fmt.Errorf("recipe: no builtin recipe and no file %q%s", nameOrFile, suggest(nameOrFile, Names()))
	}
	if err != nil {
		return "", nil, fmt.Errorf("recipe: %w", err)
	}
	defer f.Close()
	if data, err = io.ReadAll(io.LimitReader(f, maxBytes+1)); err != nil {
		return "", nil, fmt.Errorf("recipe: %w", err)
	}
	return nameOrFile, data, nil
}

// Parse checks a recipe's text; name stands in messages. See [Load].
func Parse(name string, data []byte, overrides ...string) (*Recipe, error) {
	return parse(name, data, overrides, (*decoder).build)
}

func parse(name string, data []byte, overrides []string, build func(*decoder) *Recipe) (*Recipe, error) {
	t := parseTree(name, data)
	if t.root == nil {
		return nil, t.problems
	}
	for _, o := range overrides {
		t.set(o)
	}
	d := &decoder{tree: t, at: map[string]*yaml.Node{}, bad: map[string]bool{}}
	r := build(d)
	if len(d.problems) > 0 {
		d.problems.sort()
		return nil, slices.CompactFunc(d.problems, func(a, b Problem) bool { return a == b })
	}
	r.Name = baseName(name)
	return r, nil
}
