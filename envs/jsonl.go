package envs

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// JSONL is any file of JSON lines, or of Parquet by its ending, whose columns are named here. Columns are paths as gjson reads them: `answer`,
// `meta.source`, `turns.0.text`; a dot inside a key is written `\.`. A named column must be there, and not null, in
// every row.
//
// The prompt is exactly one of prompt, messages, text and prompt_ids; or none of them, and it is what chosen and rejected
// share from their beginning on. Every row is checked when the env is opened.
type JSONL struct {
	Path  string `yaml:"path"`  // a file, or a folder holding train.jsonl and test.jsonl, or .parquet; required
	Split string `yaml:"split"` // train or test: which file of the folder, and the tasks' names; default train
	Limit int    `yaml:"limit"` // rows, only the first so many; 0 (the default) is all

	Prompt string `yaml:"prompt"` // column of text: one user message
	// Messages is a column holding a list of {"role", "content"}. A last assistant message is the demonstration.
	Messages  string `yaml:"messages"`
	Text      string `yaml:"text"`       // column of text: a raw prompt, encoded without a chat template
	PromptIDs string `yaml:"prompt_ids"` // column of token ids: a prompt that is already encoded
	System    string `yaml:"system"`     // a system message, literally, before prompt or messages; default none

	Completion    string   `yaml:"completion"`         // column of the demonstration; with prompt, messages or text
	CompletionIDs string   `yaml:"completion_ids"`     // column of token ids, the demonstration; with prompt_ids
	Label         string   `yaml:"label"`              // column of true or false (or 1 and 0): whether the completion is a good answer
	Chosen        string   `yaml:"chosen"`             // column of the better answer: text, messages of which the last is the assistant's, or with prompt_ids token ids
	Rejected      string   `yaml:"rejected"`           // column of the worse answer, like chosen
	Answers       string   `yaml:"answers"`            // column of a list of texts: the answer written under each of the recipe's labels.principles
	Reference     string   `yaml:"reference"`          // column of what would be right; other values than strings as JSON
	Metadata      []string `yaml:"metadata,omitempty"` // columns kept under their own names; null leaves the name out
}

var jsonl = Info{
	Name:   "jsonl",
	Doc:    "any file of JSON lines or Parquet, columns by name; text, messages or token ids, pairs of answers, labels",
	Source: "your own data",
	New:    func() Options { return &JSONL{Split: Train} },
}

// Validate checks the values alone.
func (o *JSONL) Validate() error {
	if err := checkRows("jsonl", o.Path, o.Split, o.Limit); err != nil {
		return err
	}
	var prompts []string
	for _, p := range []struct{ name, column string }{
		{"prompt", o.Prompt}, {"messages", o.Messages}, {"text", o.Text}, {"prompt_ids", o.PromptIDs},
	} {
		if p.column != "" {
			prompts = append(prompts, p.name)
		}
	}
	switch {
	case len(prompts) == 0 && o.Chosen == "":
		return errors.New("jsonl: no prompt, want the column of one of prompt, messages, text, prompt_ids, or chosen and rejected that begin with it")
	case len(prompts) > 1:
		return fmt.Errorf("jsonl: %s are given, want one of them", strings.Join(prompts, " and "))
	case o.System != "" && o.Prompt == "" && o.Messages == "" && len(prompts) > 0:
		return fmt.Errorf("jsonl: system: given with %s, want prompt or messages beside it", prompts[0])
	case o.Completion != "" && o.PromptIDs != "":
		return errors.New("jsonl: completion: given with prompt_ids, want completion_ids")
	case o.CompletionIDs != "" && o.PromptIDs == "":
		return fmt.Errorf("jsonl: completion_ids: given with %s, want prompt_ids beside it", prompts[0])
	case slices.Contains(o.Metadata, ""):
		return errors.New("jsonl: metadata: an empty name, want a column")
	}
	return o.checkAnswers()
}

// Open reads and checks the rows.
func (o *JSONL) Open() (Env, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	file, err := locate("jsonl", o.Path, o.Split)
	if err != nil {
		return nil, err
	}
	var tasks []Task
	err = readFile(file, o.Limit, func(_ int, r gjson.Result) error {
		t, err := o.parse(r)
		t.ID = taskID(o.Split, len(tasks))
		tasks = append(tasks, t)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("jsonl: %w", err)
	}
	return jsonlEnv{tasks}, nil
}

// HeldOut is the folder's test split.
func (o *JSONL) HeldOut() (Options, bool) {
	held := *o
	held.Split, held.Limit = Test, 0
	return &held, isFolder(o.Path)
}

type jsonlEnv struct{ tasks []Task }

func (e jsonlEnv) Len() int { return len(e.tasks) }

// taskBytes is what a task takes beside its text and ids, as the allocator rounds it.
const taskBytes = 700

// Bytes adds up texts and ids.
func (e jsonlEnv) Bytes() int64 {
	var n int64
	for _, t := range e.tasks {
		n += taskBytes + int64(len(t.Text)+len(t.Reference)+len(t.Demonstration)+len(t.Pair.Chosen)+len(t.Pair.Rejected))
		n += 4 * int64(len(t.PromptIDs)+len(t.TargetIDs)+len(t.Pair.ChosenIDs)+len(t.Pair.RejectedIDs))
		for _, m := range t.Messages {
			n += 2*16 + int64(len(m.Role)+len(m.Content))
		}
		for _, a := range t.Answers {
			n += 16 + int64(len(a))
		}
		for k, v := range t.Metadata { // a sum, so the order doesn't matter
			n += 2*16 + int64(len(k)+len(v))
		}
	}
	return n
}

func (e jsonlEnv) Task(i int) (Task, error) {
	if err := inRange("jsonl", i, len(e.tasks)); err != nil {
		return Task{}, err
	}
	t := e.tasks[i] // its own slices and map, so that no caller changes another's task
	t.Messages = slices.Clone(t.Messages)
	t.PromptIDs = slices.Clone(t.PromptIDs)
	t.TargetIDs = slices.Clone(t.TargetIDs)
	t.Pair.ChosenIDs, t.Pair.RejectedIDs = slices.Clone(t.Pair.ChosenIDs), slices.Clone(t.Pair.RejectedIDs)
	t.Answers = slices.Clone(t.Answers)
	t.Metadata = maps.Clone(t.Metadata)
	return t, nil
}
