package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// compileLimit is how long the Go toolchain may take for one file. The first build of a machine compiles the standard
// library too.
const compileLimit = 5 * time.Minute

// toolchain is the go command with its version, such as "go1.26.8".
type toolchain struct{ path, version string }

func findToolchain() (toolchain, error) {
	path, err := exec.LookPath("go")
	if err != nil {
		return toolchain{}, errors.New("found no go command in PATH, which is needed to compile it")
	}
	out, err := goCommand(context.Background(), path, os.TempDir(), "env", "GOVERSION").Output()
	if err != nil {
		return toolchain{}, fmt.Errorf("go env GOVERSION: %w", err)
	}
	return toolchain{path, strings.TrimSpace(string(out))}, nil
}

var languageForm = regexp.MustCompile(`\bgo(1\.\d+)`)

// language is the language version for go.mod.
func (t toolchain) language() string {
	if m := languageForm.FindStringSubmatch(t.version); m != nil {
		return m[1]
	}
	return "1.24"
}

// goCommand runs the go command undisturbed by the user's workspace, flags and network.
func goCommand(ctx context.Context, path, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOENV=off", "GOWORK=off", "GOFLAGS=", "GO111MODULE=on", "GOPROXY=off", "GOTOOLCHAIN=local",
		"CGO_ENABLED=0", "GOOS=", "GOARCH=")
	cmd.WaitDelay = pipeGrace
	return cmd
}

// compile builds the files into binary, which appears whole or not at all.
func compile(path string, files []moduleFile, tool toolchain, binary string) error {
	cache := filepath.Dir(filepath.Dir(binary))
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return fmt.Errorf("reward %s: cache: %w", path, err)
	}
	dir, err := os.MkdirTemp(cache, ".build-")
	if err != nil {
		return fmt.Errorf("reward %s: cache: %w", path, err)
	}
	defer os.RemoveAll(dir)
	for _, f := range files {
		name := filepath.Join(dir, "module", f.name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return fmt.Errorf("reward %s: cache: %w", path, err)
		}
		if err := os.WriteFile(name, []byte(f.text), 0o600); err != nil {
			return fmt.Errorf("reward %s: cache: %w", path, err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), compileLimit)
	defer cancel()
	built := filepath.Join(dir, "reward")
	cmd := goCommand(ctx, tool.path, filepath.Join(dir, "module"), "build", "-trimpath", "-o", built, ".")
	out, err := cmd.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("reward %s: not compiled within %v", path, compileLimit)
	case err != nil:
		return compileError(path, out, err)
	}
	if err := os.MkdirAll(filepath.Dir(binary), 0o700); err != nil {
		return fmt.Errorf("reward %s: cache: %w", path, err)
	}
	if err := os.Rename(built, binary); err != nil {
		return fmt.Errorf("reward %s: cache: %w", path, err)
	}
	return nil
}

// compileError makes one line of what the compiler said: the first complaint, in the user's file.
func compileError(path string, out []byte, err error) error {
	place := regexp.MustCompile(`^(?:.*[/\\])?` + regexp.QuoteMeta(filepath.Base(path)) + `:(\d+(?::\d+)?: .*)$`)
	var complaints []string
	for line := range bytes.Lines(out) {
		if m := place.FindStringSubmatch(strings.TrimRight(string(line), "\r\n")); m != nil {
			complaints = append(complaints, m[1])
		}
	}
	if len(complaints) == 0 {
		return fmt.Errorf("reward %s: go build: %w: %.300s", path, err, bytes.Join(bytes.Fields(out), []byte(" ")))
	}
	e := &FileError{Path: path, Reason: complaints[0] + more(len(complaints)-1)}
	for _, mark := range []string{"no required module", "is not in std", "cannot find module", "cannot find package", "does not contain package"} {
		if strings.Contains(complaints[0], mark) {
			e.Remedy = "a .go reward can import the standard library and " + modulePath + "/rewards; for more, register it in a main of your own"
		}
	}
	return e
}
