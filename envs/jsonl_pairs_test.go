package envs

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// oneRow opens a file of one row.
func oneRow(t *testing.T, o JSONL, row string) (Task, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rows.jsonl")
	if err := os.WriteFile(file, []byte(row), 0o600); err != nil {
		t.Fatal(err)
	}
	o.Path, o.Split = file, Train
	env, err := o.Open()
	if err != nil {
		return Task{}, err
	}
	return env.Task(0)
}

func TestJSONLLabelledAnswers(t *testing.T) {
	user := []Message{{"user", "Hi"}}
	pair := JSONL{Chosen: "c", Rejected: "r"}
	for _, c := range []struct {
		name string
		o    JSONL
		row  string
		want Task
	}{
		{"prompt and text", JSONL{Prompt: "p", Chosen: "c", Rejected: "r", System: "S"}, `{"p": "Hi", "c": "good", "r": "bad"}`,
			Task{Messages: []Message{{"system", "S"}, {"user", "Hi"}}, Pair: Pair{Chosen: "good", Rejected: "bad"}}},
		{"prompt and objects", JSONL{Prompt: "p", Chosen: "c", Rejected: "r"}, `{"p": "Hi", "c": {"a": 1}, "r": 2}`,
			Task{Messages: user, Pair: Pair{Chosen: `{"a": 1}`, Rejected: "2"}}},
		{"prompt and messages", JSONL{Messages: "p", Chosen: "c", Rejected: "r"},
			`{"p": [{"role": "user", "content": "Hi"}], "c": [{"role": "assistant", "content": "good"}], "r": [{"role": "assistant", "content": "bad"}]}`,
			Task{Messages: user, Pair: Pair{Chosen: "good", Rejected: "bad"}}},
		{"ids", JSONL{PromptIDs: "p", Chosen: "c", Rejected: "r"}, `{"p": [1, 2], "c": [3], "r": [4, 5]}`,
			Task{PromptIDs: []int32{1, 2}, Pair: Pair{ChosenIDs: []int32{3}, RejectedIDs: []int32{4, 5}}}},
		{"raw text", JSONL{Text: "p", Chosen: "c", Rejected: "r"}, `{"p": "Hi ", "c": "good", "r": "bad"}`,
			Task{Text: "Hi ", Pair: Pair{Chosen: "good", Rejected: "bad"}}},
		// TRL's own example of an implicit prompt.
		{"conversations", pair, `{"c": [{"role": "user", "content": "What color is the sky?"}, {"role": "assistant", "content": "It is blue."}],
 "r": [{"role": "user", "content": "What color is the sky?"}, {"role": "assistant", "content": "It is green."}]}`,
			Task{Messages: []Message{{"user", "What color is the sky?"}}, Pair: Pair{Chosen: "It is blue.", Rejected: "It is green."}}},
		{"several turns", JSONL{Chosen: "c", Rejected: "r", System: "S"},
			`{"c": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}, {"role": "assistant", "content": "d"}],
 "r": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}, {"role": "assistant", "content": "e"}]}`,
			Task{Messages: []Message{{"system", "S"}, {"user", "a"}, {"assistant", "b"}, {"user", "c"}}, Pair: Pair{Chosen: "d", Rejected: "e"}}},
		{"shared text", pair, `{"c": "The sky is blue.", "r": "The sky is green."}`,
			Task{Text: "The sky is", Pair: Pair{Chosen: " blue.", Rejected: " green."}}},
		{"shared text within a character", pair, `{"c": "Preis: 5 €", "r": "Preis: 5 ₤"}`, // € and ₤ begin with the same byte
			Task{Text: "Preis: 5", Pair: Pair{Chosen: " €", Rejected: " ₤"}}},
		{"label", JSONL{Prompt: "p", Completion: "a", Label: "ok"}, `{"p": "Hi", "a": "x", "ok": true}`,
			Task{Messages: user, Demonstration: "x", Label: Desirable}},
		{"label of a conversation, as a number", JSONL{Messages: "p", Label: "ok"}, `{"p": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "x"}], "ok": 0}`,
			Task{Messages: user, Demonstration: "x", Label: Undesirable}},
		{"principles", JSONL{Prompt: "p", Answers: "a"}, `{"p": "Hi", "a": ["x", "y", "z"]}`,
			Task{Messages: user, Answers: []string{"x", "y", "z"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := oneRow(t, c.o, oneLine(c.row))
			if err != nil {
				t.Fatal(err)
			}
			c.want.ID = taskID(Train, 0)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// oneLine lets a row stand on several lines.
func oneLine(row string) string {
	out := []byte(row)
	for i, b := range out {
		if b == '\n' {
			out[i] = ' '
		}
	}
	return string(out)
}

func TestJSONLBadLabelledAnswers(t *testing.T) {
	prompted, alone := JSONL{Prompt: "p", Chosen: "c", Rejected: "r"}, JSONL{Chosen: "c", Rejected: "r"}
	const talk = `[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]`
	for _, c := range []struct {
		name string
		o    JSONL
		row  string
		want string
	}{
		{"no chosen", prompted, `{"p": "a", "r": "b"}`, `rows.jsonl:1: column "c": missing, want a value`},
		{"empty", prompted, `{"p": "a", "c": "x", "r": " "}`, `column "r": an empty string, want text`},
		{"whole conversation beside a prompt", prompted, `{"p": "a", "c": ` + talk + `, "r": "x"}`, `column "c": a whole conversation, want the assistant's message alone, or no prompt column`},
		{"answer of the user", prompted, `{"p": "a", "c": [{"role": "user", "content": "b"}], "r": "x"}`, `the answer is of role "user", want assistant`},
		{"other prompts", alone, `{"c": ` + talk + `, "r": [{"role": "user", "content": "A"}, {"role": "assistant", "content": "b"}]}`, `their first messages differ`},
		{"the same", alone, `{"c": ` + talk + `, "r": ` + talk + `}`, `column "c": 0 messages after the prompt, want the one of the assistant`},
		{"longer tail", alone, `{"c": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "x"}, {"role": "user", "content": "y"}], "r": ` + talk + `}`, `column "c": 2 messages after the prompt`},
		{"text and messages", alone, `{"c": ` + talk + `, "r": "b"}`, `column "r": a string, want a list of {"role", "content"}`},
		{"nothing shared", alone, `{"c": "yes", "r": "no"}`, `they begin differently, want the same prompt in both`},
		{"one begins the other", alone, `{"c": "Say yes", "r": "Say"}`, `one is the beginning of the other`},
		{"raw text and a system message", JSONL{Chosen: "c", Rejected: "r", System: "S"}, `{"c": "a b", "r": "a c"}`, `want messages beside the option system`},
		{"two systems", JSONL{Chosen: "c", Rejected: "r", System: "S"}, `{"c": [{"role": "system", "content": "a"}, {"role": "assistant", "content": "x"}], "r": [{"role": "system", "content": "a"}, {"role": "assistant", "content": "y"}]}`, `begins with a system message`},
		{"ids as text", JSONL{PromptIDs: "p", Chosen: "c", Rejected: "r"}, `{"p": [1], "c": "x", "r": [2]}`, `column "c": a string, want a list of token ids`},
		{"label as text", JSONL{Prompt: "p", Completion: "a", Label: "ok"}, `{"p": "a", "a": "b", "ok": "yes"}`, `column "ok": "yes", want true or false, or 1 or 0`},
		{"label as another number", JSONL{Prompt: "p", Completion: "a", Label: "ok"}, `{"p": "a", "a": "b", "ok": -1}`, `column "ok": -1, want`},
		{"no label", JSONL{Prompt: "p", Completion: "a", Label: "ok"}, `{"p": "a", "a": "b"}`, `column "ok": missing`},
		{"one answer", JSONL{Prompt: "p", Answers: "a"}, `{"p": "a", "a": ["x"]}`, `column "a": 1 texts, want at least 2`},
		{"answers as text", JSONL{Prompt: "p", Answers: "a"}, `{"p": "a", "a": "x"}`, `column "a": a string, want a list of strings`},
		{"an empty answer", JSONL{Prompt: "p", Answers: "a"}, `{"p": "a", "a": ["x", ""]}`, `column "a": element 1`},
		{"a system message under principles", JSONL{Messages: "p", Answers: "a"}, `{"p": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}], "a": ["x", "y"]}`, `want none beside answers`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := oneRow(t, c.o, c.row)
			wantError(t, err, c.want, "")
			wantError(t, err, "rows.jsonl:1: ", "")
		})
	}
	for _, c := range []struct {
		o    JSONL
		want string
	}{
		{JSONL{Prompt: "p", Chosen: "c"}, "chosen and rejected: one is given"},
		{JSONL{Rejected: "r"}, "no prompt"},
		{JSONL{Prompt: "p", Label: "ok"}, "label: given without an answer to it"},
		{JSONL{Text: "p", Answers: "a"}, "answers: they are written under system messages, want prompt or messages"},
		{JSONL{Prompt: "p", System: "S", Answers: "a"}, "want no option system beside them"},
	} {
		c.o.Path, c.o.Split = "x", Train
		wantError(t, c.o.Validate(), c.want, "")
	}
}
