package runner

import (
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/scanner"
	"go/token"
	"path/filepath"
	"strings"
)

// userSource is a user's file made ready to compile as package user.
type userSource struct {
	text   string
	simple bool // func Score(text, reference string) float64
}

const wantScore = "func Score(a rewards.Attempt) (rewards.Result, error) or func Score(text, reference string) float64"

// parseSource checks the file for its Score function, renames the package (so that package main is fine), and switches
// build constraints off (such a file often stands in a folder where it must not be built).
func parseSource(path string, source []byte) (userSource, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, path, source, parser.ParseComments)
	if list, ok := err.(scanner.ErrorList); ok && len(list) > 0 {
		return userSource{}, &FileError{Path: path, Reason: fmt.Sprintf("%d:%d: %s%s", list[0].Pos.Line, list[0].Pos.Column, list[0].Msg, more(len(list)-1))}
	} else if err != nil {
		return userSource{}, &FileError{Path: path, Reason: " " + err.Error()}
	}
	u := userSource{}
	score := findScore(f)
	if score == nil {
		return u, &FileError{Path: path, Reason: " found no function Score", Remedy: "want " + wantScore}
	}
	switch signature := text(fset, score.Type); signature {
	case "(string, string) float64":
		u.simple = true
	case "(rewards.Attempt) (rewards.Result, error)":
	default:
		at := fset.Position(score.Pos())
		return u, &FileError{Path: path, Reason: fmt.Sprintf("%d:%d: found func Score%s", at.Line, at.Column, signature), Remedy: "want " + wantScore}
	}
	name := fset.Position(f.Name.Pos()).Offset
	head := strings.ReplaceAll(string(source[:name]), "//go:build ", "// go:build ")
	rest := string(source[name+len(f.Name.Name):])
	u.text = "//line " + filepath.Base(path) + ":1:1\n" + head + "user" + rest
	return u, nil
}

func findScore(f *ast.File) *ast.FuncDecl {
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "Score" {
			return fn
		}
	}
	return nil
}

// text is a signature's types without names, as in (string, string) float64.
func text(fset *token.FileSet, t *ast.FuncType) string {
	params := "(" + strings.Join(types(fset, t.Params), ", ") + ")"
	switch results := types(fset, t.Results); len(results) {
	case 0:
		return params
	case 1:
		return params + " " + results[0]
	default:
		return params + " (" + strings.Join(results, ", ") + ")"
	}
}

func types(fset *token.FileSet, list *ast.FieldList) []string {
	var out []string
	if list == nil {
		return nil
	}
	for _, field := range list.List {
		var b strings.Builder
		if err := format.Node(&b, fset, field.Type); err != nil {
			b.WriteString("?")
		}
		for range max(1, len(field.Names)) {
			out = append(out, b.String())
		}
	}
	return out
}

func more(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" (and %d more)", n)
}
