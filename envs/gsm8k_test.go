package envs

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGSM8KTask(t *testing.T) {
	task, err := mustOpen(t, &GSM8K{Path: "testdata/problems", Split: Train}).Task(1)
	if err != nil {
		t.Fatal(err)
	}
	if want := "1,200 & 34 is 1,234 people.\nThat is > 1,000.\n#### 1234"; task.Demonstration != want {
		t.Errorf("demonstration %q, want %q", task.Demonstration, want)
	}
	if len(task.Messages) != 1 || task.Messages[0].Role != "user" {
		t.Errorf("messages %v, want one of the user", task.Messages)
	}
	if task.ID != "train/1" || task.Reference != "1234" || task.Metadata["steps"] != "2" || task.Schema != "" {
		t.Errorf("task %+v", task)
	}
}

// The bytes of the demonstration: keys in order, line ends as \n, quotes escaped, <, > and & as they are.
func TestGSM8KJSONDemonstration(t *testing.T) {
	env := mustOpen(t, &GSM8KJSON{Path: "testdata/problems", Split: Train})
	for i, want := range []string{
		`{"reasoning": "It sells 6*4=24 maps.", "answer": 24}`,
		`{"reasoning": "1,200 & 34 is 1,234 people.\nThat is > 1,000.", "answer": 1234}`,
		`{"reasoning": "3-5=-2 \"degrees\".", "answer": -2}`,
	} {
		task, err := env.Task(i)
		if err != nil {
			t.Fatal(err)
		}
		if task.Demonstration != want {
			t.Errorf("task %d: %s, want %s", i, task.Demonstration, want)
		}
		if !json.Valid([]byte(task.Schema)) {
			t.Errorf("task %d: the schema is not JSON", i)
		}
	}
}

func TestGSM8KLimitAndSingleFile(t *testing.T) {
	env := mustOpen(t, &GSM8K{Path: "testdata/problems/train.jsonl", Split: Test, Limit: 2})
	if n := env.(Sized).Len(); n != 2 {
		t.Errorf("%d tasks, want 2", n)
	}
}

func TestGSM8KBadOptions(t *testing.T) {
	for _, c := range []struct {
		o          GSM8K
		want, hint string
	}{
		{GSM8K{Split: Train}, "gsm8k: path: nothing given, want a folder holding train.jsonl and test.jsonl", "set env.path"},
		{GSM8K{Path: "testdata/nowhere", Split: Test}, "testdata/nowhere does not exist, want a folder holding test.jsonl or a file", "set env.path"},
		{GSM8K{Path: "sampler", Split: Test}, "the folder sampler holds no test.jsonl", "the folder that holds test.jsonl"},
		{GSM8K{Path: "testdata/problems", Split: "dev"}, `split: "dev", want train or test`, ""},
		{GSM8K{Path: "testdata/problems", Split: Test, Limit: -1}, "limit: -1, want 0", ""},
	} {
		_, err := c.o.Open()
		wantError(t, err, c.want, c.hint)
	}
}

func TestGSM8KBadRows(t *testing.T) {
	const good = `{"question": "Q?", "answer": "W.\n#### 1"}` + "\n"
	for _, c := range []struct{ name, row, want string }{
		{"no question", `{"answer": "W.\n#### 1"}`, `column "question": missing, want a string`},
		{"blank question", `{"question": " ", "answer": "W.\n#### 1"}`, `column "question": an empty string`},
		{"answer is a number", `{"question": "Q?", "answer": 1}`, `column "answer": a number, want a string`},
		{"no marker", `{"question": "Q?", "answer": "1"}`, `column "answer": no "####"`},
		{"no number", `{"question": "Q?", "answer": "W.\n#### many"}`, `column "answer": "many" after "####", want a number`},
		{"leading zero", `{"question": "Q?", "answer": "W.\n#### 007"}`, `"007" after "####", want a number`},
		{"nothing worked", `{"question": "Q?", "answer": "#### 1"}`, `nothing before "####"`},
		{"empty object", `{}`, `column "question": missing`},
		{"cut off", `{"question": "Q?", "ans`, "not valid JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "rows.jsonl")
			if err := os.WriteFile(file, []byte(good+c.row+"\n"+good), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := (&GSM8KJSON{Path: file, Split: Train}).Open()
			wantError(t, err, file+":2: ", "")
			wantError(t, err, c.want, "")
		})
	}
}

// The published files have 7,473 and 1,319 rows, and every gold is a number.
func TestPublishedGSM8K(t *testing.T) {
	path := os.Getenv("BURNISH_GSM8K")
	if path == "" {
		t.Skip("BURNISH_GSM8K does not name a folder with GSM8K's train.jsonl and test.jsonl")
	}
	for split, rows := range map[string]int{Train: 7473, Test: 1319} {
		env := mustOpen(t, &GSM8KJSON{Path: path, Split: split})
		if n := env.(Sized).Len(); n != rows {
			t.Errorf("%s: %d rows, want %d", split, n, rows)
		}
		for i := range env.(Sized).Len() {
			task, err := env.Task(i)
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				Reasoning string      `json:"reasoning"`
				Answer    json.Number `json:"answer"`
			}
			if err := json.Unmarshal([]byte(task.Demonstration), &got); err != nil || got.Answer.String() != task.Reference {
				t.Errorf("%s: demonstration %s, reference %s: %v", task.ID, task.Demonstration, task.Reference, err)
			}
			if strings.Contains(got.Reasoning, "<<") || strings.Contains(got.Reasoning, "####") {
				t.Errorf("%s: reasoning %q", task.ID, got.Reasoning)
			}
		}
	}
}
