package envs

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// GSM8K is grade-school math word problems, answered in plain text that ends with a line `#### N`.
//
// The prompt is the question, unchanged, as one user message. The reference is what follows the last "####" of the
// row's answer, commas removed. The demonstration is the row's answer without its <<...>> annotations, ending with
// the line `#### N`. Metadata: steps, the number of lines of the worked answer.
//
// Rows are {"question": text, "answer": text}; other keys are left alone.
type GSM8K struct {
	Path  string `yaml:"path"`  // a folder holding train.jsonl and test.jsonl, or one such file; required
	Split string `yaml:"split"` // train or test: which file of the folder, and the tasks' names; default train
	Limit int    `yaml:"limit"` // rows, only the first so many; 0 (the default) is all
}

var gsm8k = Info{
	Name:   "gsm8k",
	Doc:    "grade-school math word problems, the answer after ####",
	Source: "Cobbe et al. 2021, arXiv:2110.14168; rows as in openai/grade-school-math",
	New:    func() Options { return &GSM8K{Split: Train} },
}

// Validate checks the values alone.
func (o *GSM8K) Validate() error { return checkRows("gsm8k", o.Path, o.Split, o.Limit) }

// Open reads and checks the rows.
func (o *GSM8K) Open() (Env, error) {
	rows, err := openWordProblems("gsm8k", o.Path, o.Split, o.Limit)
	if err != nil {
		return nil, err
	}
	return gsm8kEnv{rows, o.Split}, nil
}

// HeldOut is the folder's test split.
func (o *GSM8K) HeldOut() (Options, bool) {
	return &GSM8K{Path: o.Path, Split: Test}, isFolder(o.Path)
}

type gsm8kEnv struct {
	rows  []wordProblem
	split string
}

func (e gsm8kEnv) Len() int { return len(e.rows) }

func (e gsm8kEnv) Task(i int) (Task, error) {
	if err := inRange("gsm8k", i, len(e.rows)); err != nil {
		return Task{}, err
	}
	r := e.rows[i]
	return Task{
		ID:            taskID(e.split, i),
		Messages:      []Message{{"user", r.question}},
		Reference:     r.gold,
		Demonstration: r.worked + "\n#### " + r.gold,
		Metadata:      map[string]string{"steps": strconv.Itoa(r.steps())},
	}, nil
}

// wordProblem is a row of GSM8K.
type wordProblem struct {
	question string
	worked   string // the answer's text before ####, without <<...>>
	gold     string // a JSON number
}

func (p wordProblem) steps() int {
	return strings.Count(p.worked, "\n") + 1
}

func openWordProblems(kind, path, split string, limit int) ([]wordProblem, error) {
	if err := checkRows(kind, path, split, limit); err != nil {
		return nil, err
	}
	file, err := locate(kind, path, split)
	if err != nil {
		return nil, err
	}
	var rows []wordProblem
	err = readFile(file, limit, func(_ int, r gjson.Result) error {
		p, err := parseWordProblem(r)
		rows = append(rows, p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	return rows, nil
}

var (
	annotation = regexp.MustCompile(`<<[^<>\n]*>>`)
	jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)
)

func parseWordProblem(r gjson.Result) (wordProblem, error) {
	question, err := textColumn(r, "question")
	if err != nil {
		return wordProblem{}, err
	}
	answer, err := textColumn(r, "answer")
	if err != nil {
		return wordProblem{}, err
	}
	at := strings.LastIndex(answer, "####")
	if at < 0 {
		return wordProblem{}, errors.New(`column "answer": no "####", want a line "#### N" at its end`)
	}
	gold := strings.ReplaceAll(strings.TrimSpace(answer[at+len("####"):]), ",", "")
	if !jsonNumber.MatchString(gold) {
		return wordProblem{}, fmt.Errorf(`column "answer": %.40q after "####", want a number`, gold)
	}
	worked := strings.TrimSpace(annotation.ReplaceAllString(answer[:at], ""))
	if worked == "" {
		return wordProblem{}, errors.New(`column "answer": nothing before "####", want a worked answer`)
	}
	return wordProblem{strings.Clone(question), worked, gold}, nil
}

// textColumn reads a string that holds more than blanks.
func textColumn(r gjson.Result, path string) (string, error) {
	v := r.Get(path)
	if v.Type != gjson.String {
		return "", fmt.Errorf("column %q: %s, want a string", path, kindOf(v))
	}
	if strings.TrimSpace(v.Str) == "" {
		return "", fmt.Errorf("column %q: an empty string, want text", path)
	}
	return strings.Clone(v.Str), nil
}

func inRange(kind string, i, n int) error {
	if i < 0 || i >= n {
		return fmt.Errorf("%s: task %d, want 0 to %d", kind, i, n-1)
	}
	return nil
}

func taskID(split string, i int) string {
	return split + "/" + strconv.Itoa(i)
}
