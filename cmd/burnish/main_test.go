package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/cmd"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test binary the program itself when it is called burnish.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"burnish": cmd.Main})
}

// TestScripts runs testdata/*.txt, one file a verb or behaviour.
func TestScripts(t *testing.T) {
	goCache := goEnv(t, "GOCACHE")
	rewardCache := t.TempDir() // shared, so that a reward file is compiled once
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("GOCACHE", goCache)
			env.Setenv("XDG_CACHE_HOME", rewardCache)
			return copyFile("testdata/tiny.yaml", filepath.Join(env.WorkDir, "tiny.yaml"))
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"jsonlines":   jsonLines,
			"oneerror":    oneError,
			"sameruns":    sameRuns,
			"samefields":  sameFields,
			"samevalues":  sameValues,
			"safetensors": writeSafetensors,
			"cut":         cutFile,
			"nan":         spoilWeights,
			"sub":         substitute,
			"pick":        pickLines,
			"waitfor":     waitFor,
			"write":       writeEscaped,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}
