package envs

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// GSM8KJSON is GSM8K answered as one JSON object with a string "reasoning" and then a number "answer".
//
// The prompt is a fixed system message and the question, unchanged. The reference is the gold number. The
// demonstration is the wanted object: the worked answer without its <<...>> annotations, its line ends written \n as
// JSON needs, <, > and & as they are; then the gold number. Metadata: steps. Rows as in [GSM8K].
type GSM8KJSON struct {
	Path  string `yaml:"path"`  // a folder holding train.jsonl and test.jsonl, or one such file; required
	Split string `yaml:"split"` // train or test: which file of the folder, and the tasks' names; default train
	Limit int    `yaml:"limit"` // rows, only the first so many; 0 (the default) is all
}

var gsm8kJSON = Info{
	Name:   "gsm8k-json",
	Doc:    "grade-school math word problems, answered as one JSON object",
	Source: "GSM8K-JSON task of RL-Struct, Hu and Wu 2025, arXiv:2512.00319; data Cobbe et al. 2021, arXiv:2110.14168",
	New:    func() Options { return &GSM8KJSON{Split: Train} },
}

const gsm8kJSONSystem = `Solve the problem. Reply with one JSON object and nothing else, no code fence:
{"reasoning": "<your steps, short>", "answer": <number>}
"answer" is a JSON number without units, commas or quotes.`

// answerSchema is what both JSON envs want: exactly reasoning, not blank, then answer.
const answerSchema = `{"type":"object","properties":{"reasoning":{"type":"string","pattern":"\\S"},"answer":{"type":"number"}},"required":["reasoning","answer"],"additionalProperties":false}`

// Validate checks the values alone.
func (o *GSM8KJSON) Validate() error { return checkRows("gsm8k-json", o.Path, o.Split, o.Limit) }

// Open reads and checks the rows.
func (o *GSM8KJSON) Open() (Env, error) {
	rows, err := openWordProblems("gsm8k-json", o.Path, o.Split, o.Limit)
	if err != nil {
		return nil, err
	}
	return gsm8kJSONEnv{rows, o.Split}, nil
}

// HeldOut is the folder's test split.
func (o *GSM8KJSON) HeldOut() (Options, bool) {
	return &GSM8KJSON{Path: o.Path, Split: Test}, isFolder(o.Path)
}

type gsm8kJSONEnv struct {
	rows  []wordProblem
	split string
}

func (e gsm8kJSONEnv) Len() int { return len(e.rows) }

func (e gsm8kJSONEnv) Task(i int) (Task, error) {
	if err := inRange("gsm8k-json", i, len(e.rows)); err != nil {
		return Task{}, err
	}
	r := e.rows[i]
	return Task{
		ID:            taskID(e.split, i),
		Messages:      []Message{{"system", gsm8kJSONSystem}, {"user", r.question}},
		Reference:     r.gold,
		Demonstration: answerObject(r.worked, r.gold),
		Metadata:      map[string]string{"steps": strconv.Itoa(r.steps())},
		Schema:        answerSchema,
	}, nil
}

// answerObject writes the wanted object on one line, spaced as Python's json.dumps does. number is a JSON number.
func answerObject(reasoning, number string) string {
	return `{"reasoning": ` + quote(reasoning) + `, "answer": ` + number + `}`
}

// quote writes a JSON string without escaping <, > and &.
func quote(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic(err) // a string always encodes
	}
	return strings.TrimSuffix(b.String(), "\n")
}
