package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// sameRuns A B: two run folders hold the same files with the same bytes; metrics without times, and no lock.
func sameRuns(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 2, "usage: sameruns folder folder")
	if d := differences(ts.MkAbs(args[0]), ts.MkAbs(args[1])); len(d) > 0 {
		ts.Fatalf("%s and %s differ:\n%s", args[0], args[1], strings.Join(d, "\n"))
	}
}

// differences lists the files in which two run folders differ.
func differences(a, b string) []string {
	left, right := snapshot(a), snapshot(b)
	var out []string
	for name, text := range left {
		other, ok := right[name]
		switch {
		case !ok:
			out = append(out, name+": only in "+a)
		case other != text:
			out = append(out, name+": "+firstDifference(text, other))
		}
	}
	for name := range right {
		if _, ok := left[name]; !ok {
			out = append(out, name+": only in "+b)
		}
	}
	sort.Strings(out)
	return out
}

func snapshot(dir string) map[string]string {
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, path)
		if err != nil || d.IsDir() || name == ".lock" {
			return err
		}
		data, err := os.ReadFile(path)
		files[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err != nil {
		files["error"] = err.Error()
	}
	files["metrics.jsonl"] = withoutTimes(files["metrics.jsonl"])
	return files
}

// withoutTimes drops what a clock, or the system's memory, says from metrics.
func withoutTimes(metrics string) string {
	var out strings.Builder
	for line := range strings.Lines(metrics) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			return "broken line: " + line
		}
		for k := range m {
			if strings.HasPrefix(k, "seconds/") || k == "tokens_per_second" || k == "memory_peak" {
				delete(m, k)
			}
		}
		data, _ := json.Marshal(m)
		out.Write(append(data, '\n'))
	}
	return out.String()
}

func firstDifference(a, b string) string {
	la, lb := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(la), len(lb)) {
		if la[i] != lb[i] {
			return "first " + clipped(la[i]) + ", then " + clipped(lb[i])
		}
	}
	return "one is longer"
}

func clipped(s string) string {
	if len(s) > 200 {
		return s[:200] + "..."
	}
	return s
}
