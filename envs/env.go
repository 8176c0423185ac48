// Package envs holds the tasks: which prompt, and what would be right. An environment is one file, with its options
// as a struct, and a line in the table of registry.go.
package envs

// Message is one turn of a conversation.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Task is one thing to be done. A task is either messages, rendered through the model's chat template, or
// pre-tokenised ids.
type Task struct {
	ID            string            // stable name inside its env, such as "test/17"
	Messages      []Message         // the prompt
	Text          string            // a raw prompt when there are no messages: encoded as it is, no template
	PromptIDs     []int32           // a pre-tokenised prompt when there are neither
	Reference     string            // what would be right; "" when unknown
	Demonstration string            // a worked answer, what sft trains on; "" when there is none
	TargetIDs     []int32           // a pre-tokenised demonstration
	Label         Label             // whether the demonstration is a good answer
	Pair          Pair              // a better and a worse answer; zero when there are none
	Answers       []string          // answers written under each of several principles; nil when there are none
	Metadata      map[string]string // for rewards and metrics
	Schema        string            // JSON Schema of the wanted answer, "" when there is none
}

// Pair is two answers to a task, as text or pre-tokenised.
type Pair struct {
	Chosen, Rejected       string
	ChosenIDs, RejectedIDs []int32
}

// IsZero says that there is no pair.
func (p Pair) IsZero() bool { return p.Chosen == "" && len(p.ChosenIDs) == 0 }

// Label is what somebody said of a single answer.
type Label int8

// The labels.
const (
	Unlabelled Label = iota
	Desirable
	Undesirable
)

// Env gives tasks by index. It must be safe for concurrent use, and the same index always gives the same task.
type Env interface {
	Task(i int) (Task, error)
}

// Held is an env whose rows stay in memory.
type Held interface {
	// Bytes is about how much they take.
	Bytes() int64
}

// Sized is an env with an end. Indices are [0, Len).
type Sized interface {
	Env
	Len() int
}
