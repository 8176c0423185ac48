// Package rewards holds the judges: one attempt in, a [Result] out. It knows no model. A reward is a struct with
// its options, a Validate and one Score method, in a file of its own, and a line in the table of registry.go.
package rewards

import "context"

// Message is one turn of a conversation.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Attempt is one completion to be judged, with what its task says would be right.
type Attempt struct {
	Text    string  `json:"text"`              // decoded completion, special tokens removed
	Tokens  int     `json:"tokens"`            // its length in tokens, end token included
	Offsets []int32 `json:"offsets,omitempty"` // byte of Text where each token begins
	Stop    string  `json:"stop"`              // "eos", "stop" or "length"
	Task    Task    `json:"task"`

	PromptIDs []int32 `json:"-"` // token ids of the prompt, for rewards of this program that ask models; nil when unknown
	IDs       []int32 `json:"-"` // of the completion, as it was sampled; never those of Text encoded again
}

// Task is the read-only view of the task that a reward may look at.
type Task struct {
	Messages  []Message         `json:"messages"`
	Reference string            `json:"reference"` // the gold answer, "" when there is none
	Metadata  map[string]string `json:"metadata,omitempty"`
	Schema    string            `json:"schema,omitempty"` // JSON Schema of the wanted answer, "" when there is none
	Step      int               `json:"step"`
}

// Part is a named piece of a score, before weights.
type Part struct {
	Name  string  `json:"name"`
	Score float64 `json:"score"`
}

// Span marks bytes [From, To) of the text, with a note.
type Span struct {
	From int    `json:"from"`
	To   int    `json:"to"`
	Note string `json:"note"`
}

// Result is what a reward says of an attempt. A non-empty Missing means "no score": it is not zero and not a
// failure, gets no advantage, and is counted.
type Result struct {
	Score   float64  `json:"score"`
	Parts   []Part   `json:"parts,omitempty"`
	Notes   []string `json:"notes,omitempty"`
	Spans   []Span   `json:"spans,omitempty"`
	Missing string   `json:"missing,omitempty"`
}

// Reward scores one attempt. It must be safe for concurrent use and return the same result for the same attempt.
type Reward interface {
	Score(ctx context.Context, a Attempt) (Result, error)
}

// GroupReward also sees the other samples of the prompt: ranking, diversity.
type GroupReward interface {
	ScoreGroup(ctx context.Context, as []Attempt) ([]Result, error)
}
