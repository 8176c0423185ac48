//go:build unix

package runner

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/burnish-rl/burnish/rewards"
)

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ownCache keeps the test's binaries out of the user's cache.
func ownCache(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	keep, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("GOCACHE") == "" { // the compiler's own cache stays where it is
		t.Setenv("GOCACHE", filepath.Join(keep, "go-build"))
	}
	t.Setenv("XDG_CACHE_HOME", dir)
	return dir
}

func TestGoFile(t *testing.T) {
	cache := ownCache(t)
	text := "//go:build ignore\n\npackage main\n\nimport \"strings\"\n\nfunc main() {}\n\n" +
		"func Score(text, reference string) float64 {\n\tprintln(\"seen\")\n\treturn float64(strings.Count(text, reference))\n}\n"
	path := writeFile(t, "count_test.go", text) // a name that go build would leave out
	r := goFile(t, path)
	if got, err := r.Score(context.Background(), attempt("18 and 18")); err != nil || got.Score != 2 {
		t.Errorf("%+v, %v, want 2", got, err)
	}
	// The second time nothing is compiled: there is no go command.
	t.Setenv("PATH", goOnlyForEnv(t))
	start := time.Now()
	r = goFile(t, path)
	if got, err := r.Score(context.Background(), attempt("18")); err != nil || got.Score != 1 {
		t.Errorf("from the cache: %+v, %v, want 1 (%v)", got, err, time.Since(start))
	}
	found, err := filepath.Glob(filepath.Join(cache, "burnish", cacheName, "*"))
	if left, _ := filepath.Glob(filepath.Join(cache, "burnish", cacheName, ".build-*")); err != nil || len(found)+len(left) != 1 {
		t.Errorf("cache holds %v %v, %v, want one binary and nothing half made", found, left, err)
	}
}

// goOnlyForEnv is a PATH with a go command that knows its version and can't build.
func goOnlyForEnv(t *testing.T) string {
	t.Helper()
	tool, err := findToolchain()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	script := "#!/bin/sh\n[ \"$1\" = env ] && echo " + tool.version + " && exit 0\necho no build >&2; exit 1\n"
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func goFile(t *testing.T, path string) *Runner {
	t.Helper()
	r, err := GoFile(path, Config{Deadline: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// What `reward new` writes compiles, scores, and misses without a reference.
func TestStarter(t *testing.T) {
	ownCache(t)
	r := goFile(t, writeFile(t, rewards.StarterFile("short answer"), string(rewards.Starter("short answer"))))
	got, err := r.Score(context.Background(), attempt("it is 18"))
	if err != nil || got.Score != 1 || len(got.Parts) != 2 || got.Parts[0] != (rewards.Part{Name: "right", Score: 1}) {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = r.Score(context.Background(), rewards.Attempt{Text: "x"})
	if err != nil || got.Missing != "the task has no reference" {
		t.Errorf("without a reference: %+v, %v", got, err)
	}
}

func TestGoFilePanics(t *testing.T) {
	ownCache(t)
	text := "package p\n\nfunc Score(text, reference string) float64 {\n\treturn 1 / float64([]int{}[len(text)])\n}\n"
	r := goFile(t, writeFile(t, "panics.go", text))
	got, err := r.Score(context.Background(), attempt("x"))
	if want := "panic: runtime error: index out of range [1] with length 0 (panics.go:4)"; err != nil || got.Missing != want {
		t.Errorf("%+v, %v, want %s", got, err, want)
	}
}

func TestGoFileErrors(t *testing.T) {
	ownCache(t)
	const head = "package p\n\n"
	for _, c := range []struct{ name, text, want, hint string }{
		{"type.go", head + "func Score(text, reference string) float64 {\n\treturn text\n}\n",
			":4:9: cannot use text (variable of type string) as float64 value in return statement", ""},
		{"two.go", head + "func Score(text, reference string) float64 {\n\tx := 1\n\ty := 2\n\treturn 0\n}\n",
			":4:2: declared and not used: x (and 1 more)", ""},
		{"syntax.go", head + "func Score(text, reference string) float64 {\n\treturn (\n}\n", ":5:1: expected operand, found '}'", ""},
		{"none.go", head + "func score(text, reference string) float64 { return 0 }\n", ": found no function Score", "want func Score(a rewards.Attempt)"},
		{"signature.go", head + "func Score(text string) (float64, error) { return 0, nil }\n",
			":3:1: found func Score(string) (float64, error)", "want func Score(a rewards.Attempt)"},
		{"import.go", head + "import \"github.com/x/y\"\n\nfunc Score(text, reference string) float64 { return y.Z }\n",
			":3:8: no required module provides package github.com/x/y", "a .go reward can import the standard library"},
		{"empty.go", "", ":1:1: expected 'package', found 'EOF'", ""},
		{"reward.py", "x", ": found no .go file", "a program in another language goes under command"},
	} {
		path := writeFile(t, c.name, c.text)
		_, err := GoFile(path, Config{})
		var file *FileError
		if !errors.As(err, &file) || !strings.HasPrefix(err.Error(), path+c.want) || !strings.HasPrefix(file.Hint(), c.hint) || (c.hint == "") != (file.Hint() == "") {
			t.Errorf("%s: %v\nhint %q\nwant %s", c.name, err, file.Hint(), path+c.want)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: more than one line: %v", c.name, err)
		}
	}
	if _, err := GoFile("/no/such/file.go", Config{}); err == nil || err.Error() != "/no/such/file.go: no such file" {
		t.Errorf("missing file: %v", err)
	}
}

func TestGoFileWithoutToolchain(t *testing.T) {
	ownCache(t)
	t.Setenv("PATH", t.TempDir())
	_, err := GoFile(writeFile(t, "x.go", "package p\n\nfunc Score(text, reference string) float64 { return 1 }\n"), Config{})
	var file *FileError
	if !errors.As(err, &file) || !strings.Contains(err.Error(), "found no go command in PATH") || !strings.HasPrefix(file.Hint(), "install Go") {
		t.Errorf("%v", err)
	}
}
