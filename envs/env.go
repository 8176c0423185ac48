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
	Metadata      map[string]string // for rewards and metrics
	Schema        string            // JSON Schema of the wanted answer, "" when there is none
}

// Env gives tasks by index. It must be safe for concurrent use, and the same index always gives the same task.
type Env interface {
	Task(i int) (Task, error)
}

// Sized is an env with an end. Indices are [0, Len).
type Sized interface {
	Env
	Len() int
}
