package envs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestParquet reads a file that pyarrow wrote: nested lists, nulls, whole numbers beyond 2^53, and its split in a folder.
func TestParquet(t *testing.T) {
	for _, c := range []struct {
		name string
		o    JSONL
		i    int
		want Task
	}{
		{"conversations", JSONL{Chosen: "chosen", Rejected: "rejected"}, 0,
			Task{Messages: []Message{{"user", "Héllo < >"}}, Pair: Pair{Chosen: "Hi.", Rejected: "Go away."}}},
		{"label and metadata", JSONL{Messages: "chosen", Label: "label", Reference: "large", Metadata: []string{"note", "score"}}, 1,
			Task{Messages: []Message{{"user", "A"}}, Demonstration: "B", Label: Undesirable, Reference: "7", Metadata: map[string]string{"note": "x", "score": "1"}}},
		{"null and a large number", JSONL{Prompt: "prompt", Reference: "large", Metadata: []string{"note", "score"}}, 0,
			Task{Messages: []Message{{"user", "1+1?"}}, Reference: "9007199254740993", Metadata: map[string]string{"score": "0.25"}}},
		{"ids", JSONL{PromptIDs: "ids", Chosen: "ids", Rejected: "ids"}, 0,
			Task{PromptIDs: []int32{1, 2147483647}, Pair: Pair{ChosenIDs: []int32{1, 2147483647}, RejectedIDs: []int32{1, 2147483647}}}},
		{"texts", JSONL{Prompt: "prompt", Answers: "texts"}, 1, Task{Messages: []Message{{"user", "Second"}}, Answers: []string{"c", "d"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Path, c.o.Split = "testdata/parquet", Train
			env := mustOpen(t, &c.o)
			if n := env.(Sized).Len(); n != 2 {
				t.Errorf("%d rows, want 2", n)
			}
			got, err := env.Task(c.i)
			if err != nil {
				t.Fatal(err)
			}
			c.want.ID = taskID(Train, c.i)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
	o := &JSONL{Path: "testdata/parquet", Split: Train, Limit: 1, Prompt: "prompt"}
	if env := mustOpen(t, o); env.(Sized).Len() != 1 {
		t.Error("the limit is ignored")
	}
	_, err := (&JSONL{Path: "testdata/parquet", Split: Train, Prompt: "note"}).Open()
	wantError(t, err, `train.parquet: row 1: column "note": null, want a string`, "")
	_, err = (&JSONL{Path: "testdata/parquet", Split: Test, Prompt: "note"}).Open()
	wantError(t, err, "holds no test.jsonl", "or test.parquet")
}

// TestDamagedParquet: whatever is cut off or flipped is an error that names the file, or a file that can be read; never a
// panic.
func TestDamagedParquet(t *testing.T) {
	good, err := os.ReadFile("testdata/parquet/train.parquet")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.parquet")
	open := func(data []byte) error {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := (&JSONL{Path: path, Split: Train, Chosen: "chosen", Rejected: "rejected"}).Open()
		if err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("error %v, want one with the file", err)
		}
		return err
	}
	if err := open(good); err != nil {
		t.Fatal(err)
	}
	for n := range 40 {
		if open(good[:n*len(good)/40]) == nil {
			t.Errorf("a file cut to %d of 40 parts was read", n)
		}
	}
	failed := 0
	for i := 0; i < len(good); i += 3 {
		data := append([]byte(nil), good...)
		data[i] ^= 0x55
		if open(data) != nil {
			failed++
		}
	}
	if failed < 50 {
		t.Errorf("%d of %d damaged files were refused", failed, len(good)/3)
	}
}
