package machine

import (
	"os"
	"path/filepath"
	"testing"
)

func TestMemoryIsPlausible(t *testing.T) {
	free, ok := FreeMemory()
	peak, ok2 := PeakMemory()
	if !ok || !ok2 || free < 1<<20 || peak < 1<<20 || peak > 1<<40 {
		t.Errorf("free %d %v, peak %d %v", free, ok, peak, ok2)
	}
	if total, ok := TotalMemory(); !ok || total < free {
		t.Errorf("total %d %v, want at least what is free, %d", total, ok, free)
	}
	held := make([]byte, 64<<20)
	for i := range held {
		held[i] = 1
	}
	if more, _ := PeakMemory(); more < peak+32<<20 {
		t.Errorf("peak %d after touching 64 MB, %d before", more, peak)
	}
}

// TestGroupLimits: the tightest of a group and those above it counts, and file pages make room.
func TestGroupLimits(t *testing.T) {
	root := t.TempDir()
	group := func(name, most, used, cached string) {
		dir := filepath.Join(root, name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for file, text := range map[string]string{"memory.max": most, "memory.current": used, "memory.stat": "anon 1\ninactive_file " + cached + "\n"} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, limited := groupLeft(root, "/a/b"); limited {
		t.Error("no files, and a limit")
	}
	group("a/b", "max", "5", "0")
	if _, limited := groupLeft(root, "/a/b"); limited {
		t.Error("max is a limit")
	}
	group("a", "1000", "700", "100")
	if left, limited := groupLeft(root, "/a/b"); !limited || left != 400 {
		t.Errorf("left %d, %v, want the parent's 400", left, limited)
	}
	group("a/b", "500", "600", "0")
	if left, _ := groupLeft(root, "/a/b"); left != 0 {
		t.Errorf("left %d of a group over its limit, want 0", left)
	}
}
