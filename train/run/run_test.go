package run

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func newFolder(t *testing.T) *Folder {
	t.Helper()
	f, err := Create(filepath.Join(t.TempDir(), "r"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.WriteFile(RecipeFile, []byte("a: 1\n")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func all(s []int) []int { return s }

func TestTwoRunsCannotShareAFolder(t *testing.T) {
	f := newFolder(t)
	if _, err := Open(f.Dir); !errors.Is(err, ErrLocked) {
		t.Fatalf("got %v, want ErrLocked", err)
	}
}

func TestLogIsCutBackToTheCheckpoint(t *testing.T) {
	f := newFolder(t)
	text := `{"step":1,"a":"x"}` + "\n" + `{"step":2}` + "\n" + `{"step":3}` + "\n" + `{"step":4,"torn`
	for through, want := range map[int]string{-1: "", 1: `{"step":1,"a":"x"}` + "\n", 2: `{"step":1,"a":"x"}` + "\n" + `{"step":2}` + "\n", 9: text[:strings.LastIndex(text, "\n")+1]} {
		if err := os.WriteFile(f.Path("m.jsonl"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		l, err := f.OpenLog("m.jsonl", through)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Append(map[string]any{"step": 10, "t": "<a>"}); err != nil {
			t.Fatal(err)
		}
		l.Close()
		got, _ := os.ReadFile(f.Path("m.jsonl"))
		if string(got) != want+`{"step":10,"t":"<a>"}`+"\n" {
			t.Errorf("through %d: got %q", through, got)
		}
	}
}

func TestFailedCheckpointLeavesTheOldOnes(t *testing.T) {
	f := newFolder(t)
	write := func(text string) func(string) error {
		return func(dir string) error { return os.WriteFile(filepath.Join(dir, "w"), []byte(text), 0o644) }
	}
	if err := f.Save(1, write("one"), all); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("no space")
	err := f.Save(2, func(dir string) error {
		_ = write("half")(dir)
		return boom
	}, all)
	if !errors.Is(err, boom) {
		t.Fatalf("got %v", err)
	}
	step, ok, err := Latest(f.Dir)
	if step != 1 || !ok || err != nil {
		t.Fatalf("latest is %d, %v, %v", step, ok, err)
	}
	if got, _ := os.ReadFile(filepath.Join(CheckpointDir(f.Dir, 1), "w")); string(got) != "one" {
		t.Errorf("the old checkpoint holds %q", got)
	}
	if got, _ := os.ReadDir(f.Path("checkpoints")); len(got) != 2 { // step-1 and latest
		t.Errorf("left behind: %v", got)
	}
}

func TestPruneKeepsWhatItIsTold(t *testing.T) {
	f := newFolder(t)
	for s := 1; s <= 4; s++ {
		last := func(steps []int) []int { return append([]int{1}, steps[max(0, len(steps)-2):]...) }
		if err := f.Save(s, func(string) error { return nil }, last); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := Steps(f.Dir); !slices.Equal(got, []int{1, 3, 4}) {
		t.Errorf("steps %v", got)
	}
}

func TestOpenClearsAPartialCheckpoint(t *testing.T) {
	f := newFolder(t)
	if err := os.MkdirAll(filepath.Join(f.Dir, "checkpoints", ".partial-step-3"), 0o755); err != nil {
		t.Fatal(err)
	}
	f.Close()
	g, err := Open(f.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if got, _ := os.ReadDir(g.Path("checkpoints")); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
}
