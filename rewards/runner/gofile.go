package runner

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/burnish-rl/burnish/rewards"
	"github.com/burnish-rl/burnish/rewards/runner/serve"
)

const (
	maxSource = 1 << 20 // bytes of a reward file
	cacheName = "rewards-v1"
)

// GoFile is a reward in one Go file, compiled once by the Go toolchain and kept under the user's cache folder by its
// content. The file's package may have any name; it has one of
//
//	func Score(a rewards.Attempt) (rewards.Result, error)   // import "github.com/burnish-rl/burnish/rewards"
//	func Score(text, reference string) float64
//
// It may import the standard library and the types of package rewards, nothing else; neither needs a module or the
// network. The error is a *[FileError] when the file is at fault.
func GoFile(path string, c Config) (*Runner, error) {
	if err := supported(); err != nil {
		return nil, fmt.Errorf("reward %s: %w", path, err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("reward %s: cache: %w", path, err)
	}
	binary, err := build(path, filepath.Join(cache, "burnish", cacheName))
	if err != nil {
		return nil, err
	}
	return newRunner(filepath.Base(path), c, []string{binary}, nil)
}

// FileError says what is wrong with a reward file, in one line.
type FileError struct {
	Path   string
	Reason string // begins with line:column where there is one
	Remedy string
}

func (e *FileError) Error() string { return e.Path + ":" + e.Reason }

// Hint is the remedy, "" when there is none.
func (e *FileError) Hint() string { return e.Remedy }

// build returns the compiled program, from the cache if it is there.
func build(path, cache string) (string, error) {
	source, err := readSource(path)
	if err != nil {
		return "", err
	}
	user, err := parseSource(path, source)
	if err != nil {
		return "", err
	}
	tool, err := findToolchain()
	if err != nil {
		return "", &FileError{Path: path, Reason: " " + err.Error(), Remedy: "install Go, see go.dev/dl, or give a compiled program as command"}
	}
	files := user.module(tool.language())
	binary := filepath.Join(cache, contentKey(tool.version, files), "reward")
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}
	if err := compile(path, files, tool, binary); err != nil {
		return "", err
	}
	return binary, nil
}

func readSource(path string) ([]byte, error) {
	if filepath.Ext(path) != ".go" {
		return nil, &FileError{Path: path, Reason: " found no .go file", Remedy: "a program in another language goes under command"}
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &FileError{Path: path, Reason: " no such file", Remedy: "burnish reward new NAME writes one to start from"}
	case err != nil:
		return nil, fmt.Errorf("reward: %w", err)
	case !info.Mode().IsRegular() || info.Size() > maxSource:
		return nil, &FileError{Path: path, Reason: fmt.Sprintf(" found no plain file of at most %d bytes", maxSource)}
	}
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reward: %w", err)
	}
	return source, nil
}

// moduleFile is one file of the module that is compiled.
type moduleFile struct{ name, text string }

// contentKey names a build: the toolchain and every byte that is compiled, ours included.
func contentKey(version string, files []moduleFile) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q\n", version)
	for _, f := range files {
		fmt.Fprintf(h, "%q %q\n", f.name, f.text)
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// module is the module around the user's file. It takes the name of ours and holds the contract and the worker, so that
// the import of package rewards finds them without a download.
func (u userSource) module(language string) []moduleFile {
	files := []moduleFile{
		{"go.mod", "module " + modulePath + "\n\ngo " + language + "\n"},
		{"rewards/reward.go", rewards.Contract},
		{"user/reward_user.go", u.text},
		{"main.go", u.main()},
	}
	names, err := fs.Glob(serve.Sources, "*.go")
	if err != nil {
		panic("runner: the embedded sources: " + err.Error()) // the pattern is a constant
	}
	for _, name := range names {
		text, err := serve.Sources.ReadFile(name)
		if err != nil {
			panic("runner: the embedded sources: " + err.Error())
		}
		files = append(files, moduleFile{"rewards/runner/serve/" + name, string(text)})
	}
	return files
}

const modulePath = "github.com/burnish-rl/burnish"

// main is the generated main package.
func (u userSource) main() string {
	call := "user.Score(a)"
	if u.simple {
		call = "rewards.Result{Score: user.Score(a.Text, a.Task.Reference)}, nil"
	}
	return strings.NewReplacer("MODULE", modulePath, "CALL", call).Replace(`package main

import (
	"context"
	"os"

	"MODULE/rewards"
	"MODULE/rewards/runner/serve"
	"MODULE/user"
)

func main() {
	os.Exit(serve.Main(func(_ context.Context, a rewards.Attempt) (rewards.Result, error) {
		return CALL
	}))
}
`)
}
