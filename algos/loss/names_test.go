package loss_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryObjectiveHasACase reads this package: a function that others can call and that makes an objective, a loss of pairs
// or a divergence has to stand in the table of cases, which gives it its golden row, slopes and layouts.
func TestEveryObjectiveHasACase(t *testing.T) {
	used := map[string]bool{}
	var made []string
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case name == "cases_test.go" || name == "layout_test.go":
			ast.Inspect(file, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					used[id.Name] = true
				}
				return true
			})
		case !strings.HasSuffix(name, "_test.go"):
			for _, d := range file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.IsExported() && makesObjective(f.Type) {
					made = append(made, f.Name.Name)
				}
			}
		}
	}
	if len(made) < 40 {
		t.Errorf("%d objectives were found, want at least 40", len(made))
	}
	for _, name := range made {
		if !used[name] {
			t.Errorf("%s has no case", name)
		}
	}
}

// makesObjective says whether a function gives an objective or a loss of pairs, or is itself a divergence.
func makesObjective(f *ast.FuncType) bool {
	if f.Results == nil || len(f.Results.List) != 1 {
		return false
	}
	switch r := f.Results.List[0].Type.(type) {
	case *ast.Ident:
		return r.Name == "Objective" || r.Name == "PairLoss"
	case *ast.FuncType:
		return makesObjective(r)
	case *ast.StarExpr:
		s, ok := r.X.(*ast.SelectorExpr)
		return ok && s.Sel.Name == "Node"
	}
	return false
}
