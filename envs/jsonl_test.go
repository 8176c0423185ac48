package envs

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJSONLColumns(t *testing.T) {
	const file = "testdata/columns.jsonl"
	for _, c := range []struct {
		name string
		o    JSONL
		i    int
		want Task
	}{
		{"prompt", JSONL{Prompt: "ask", Reference: "gold.value"}, 0, Task{
			Messages: []Message{{"user", "Which is larger, 3 or 8?"}}, Reference: "8"}},
		{"object as completion", JSONL{Prompt: "ask", System: "S", Completion: "reply"}, 1, Task{
			Messages: []Message{{"system", "S"}, {"user", "Name the colour of grass."}}, Demonstration: `{"colour": "green"}`}},
		{"messages with an answer", JSONL{Messages: "chat", System: "S"}, 0, Task{
			Messages: []Message{{"system", "S"}, {"user", "Hello"}}, Demonstration: "Hi."}},
		{"messages without", JSONL{Messages: "chat"}, 1, Task{
			Messages: []Message{{"system", "Be short."}, {"user", "Bye"}}}},
		{"text", JSONL{Text: "raw", Completion: "gold.value"}, 0, Task{
			Text: "3 < 8? ", Demonstration: "8"}},
		{"ids", JSONL{PromptIDs: "ids", CompletionIDs: "out", Metadata: []string{"meta.level", "meta.topic"}}, 0, Task{
			PromptIDs: []int32{5, 0, 17}, TargetIDs: []int32{2}, Metadata: map[string]string{"meta.level": "1"}}},
		{"largest id", JSONL{PromptIDs: "ids", CompletionIDs: "out"}, 1, Task{
			PromptIDs: []int32{9}, TargetIDs: []int32{2147483647, 1}}},
		{"nested list", JSONL{Prompt: "chat.0.content", Reference: "ids.#"}, 0, Task{
			Messages: []Message{{"user", "Hello"}}, Reference: "3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Path, c.o.Split, c.o.Limit = file, Test, c.i+1
			env := mustOpen(t, &c.o)
			got, err := env.Task(c.i)
			if err != nil {
				t.Fatal(err)
			}
			c.want.ID = taskID(Test, c.i)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestJSONLBadOptions(t *testing.T) {
	for _, c := range []struct {
		o    JSONL
		want string
	}{
		{JSONL{}, "no prompt, want the column of one of prompt, messages, text, prompt_ids"},
		{JSONL{Prompt: "a", Text: "b"}, "prompt and text are given, want one"},
		{JSONL{Text: "a", System: "S"}, "system: given with text"},
		{JSONL{PromptIDs: "a", Completion: "b"}, "want completion_ids"},
		{JSONL{Prompt: "a", CompletionIDs: "b"}, "completion_ids: given with prompt"},
		{JSONL{Prompt: "a", Metadata: []string{""}}, "metadata: an empty name"},
	} {
		c.o.Path, c.o.Split = "testdata/columns.jsonl", Train
		wantError(t, c.o.Validate(), c.want, "")
	}
}

func TestJSONLBadRows(t *testing.T) {
	for _, c := range []struct {
		name string
		o    JSONL
		row  string
		want string
	}{
		{"no column", JSONL{Prompt: "ask"}, `{"aks": "x"}`, `column "ask": missing, want a string`},
		{"blank", JSONL{Prompt: "ask"}, `{"ask": ""}`, `column "ask": an empty string`},
		{"null reference", JSONL{Prompt: "ask", Reference: "gold"}, `{"ask": "x", "gold": null}`, `column "gold": null, want a value`},
		{"blank completion", JSONL{Prompt: "ask", Completion: "out"}, `{"ask": "x", "out": " "}`, `column "out": an empty string`},
		{"no metadata", JSONL{Prompt: "ask", Metadata: []string{"m.n"}}, `{"ask": "x", "m": {}}`, `column "m.n": missing, want a value`},
		{"messages is text", JSONL{Messages: "chat"}, `{"chat": "hi"}`, `column "chat": a string, want a list`},
		{"no messages", JSONL{Messages: "chat"}, `{"chat": []}`, `column "chat": an empty list`},
		{"message is text", JSONL{Messages: "chat"}, `{"chat": ["hi"]}`, `message 0: a string, want an object`},
		{"unknown role", JSONL{Messages: "chat"}, `{"chat": [{"role": "human", "content": "hi"}]}`, `message 0: role: "human", want system, user`},
		{"no role", JSONL{Messages: "chat"}, `{"chat": [{"content": "hi"}]}`, `message 0: role: missing`},
		{"content is parts", JSONL{Messages: "chat"}, `{"chat": [{"role": "user", "content": [{}]}]}`, `message 0: content: an array, want a string`},
		{"answer alone", JSONL{Messages: "chat"}, `{"chat": [{"role": "assistant", "content": "hi"}]}`, `an assistant message alone`},
		{"blank answer", JSONL{Messages: "chat"}, `{"chat": [{"role": "user", "content": "a"}, {"role": "assistant", "content": ""}]}`, `last message is empty`},
		{"two answers", JSONL{Messages: "chat", Completion: "out"}, `{"out": "x", "chat": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}`, `want no completion column`},
		{"two systems", JSONL{Messages: "chat", System: "S"}, `{"chat": [{"role": "system", "content": "a"}]}`, `begins with a system message`},
		{"ids as text", JSONL{PromptIDs: "ids"}, `{"ids": "1 2"}`, `column "ids": a string, want a list of token ids`},
		{"no ids", JSONL{PromptIDs: "ids"}, `{"ids": []}`, `column "ids": an empty list`},
		{"negative id", JSONL{PromptIDs: "ids"}, `{"ids": [1, -1]}`, `column "ids": element 1: -1, want a token id`},
		{"fraction", JSONL{PromptIDs: "ids"}, `{"ids": [1.0]}`, `element 0: 1.0, want a token id`},
		{"too large", JSONL{PromptIDs: "ids"}, `{"ids": [2147483648]}`, `element 0: 2147483648, want a token id`},
		{"id as text", JSONL{PromptIDs: "ids", CompletionIDs: "out"}, `{"ids": [1], "out": ["2"]}`, `column "out": element 0: "2"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "rows.jsonl")
			if err := os.WriteFile(file, []byte(c.row), 0o600); err != nil {
				t.Fatal(err)
			}
			c.o.Path, c.o.Split = file, Train
			_, err := c.o.Open()
			wantError(t, err, file+":1: ", "")
			wantError(t, err, c.want, "")
		})
	}
}
