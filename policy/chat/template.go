// Package chat renders conversations into a model's prompt text by the model's own chat template, byte for byte as
// transformers' apply_chat_template does. Start with [FromConfig] or [New], then [Template.Render].
package chat

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ardanlabs/jinja"
)

// Message is one turn of a conversation.
type Message struct {
	Role    string `json:"role"`    // "system", "user", "assistant"; what else is allowed the template decides
	Content string `json:"content"` // plain text
}

// Options are what a template sees beside the conversation.
type Options struct {
	BOS, EOS, PAD, UNK string           // special tokens' texts; "" where the model has none
	Now                func() time.Time // for strftime_now, which some templates write into the system turn; nil: time.Now
}

// Template is a compiled chat template. It is safe for concurrent use.
type Template struct {
	source   string
	compiled *jinja.Template
	options  Options
}

// Limits of a template, which is code that comes with a model.
const (
	MaxTemplateBytes = 256 << 10 // of a template's text
	MaxBrackets      = 200       // one in another
	MaxSteps         = 1_000_000 // rounds of loops and calls of macros in one Render
	MaxCalls         = 200       // of macros in one another
	MaxRange         = 100_000   // of a range(...), as in Jinja's sandbox
)

// ErrNoTemplate says that the model has no chat template. Its prompts are then raw text.
var ErrNoTemplate = errors.New("chat template: the model has none")

// New compiles a template.
func New(template string, o Options) (*Template, error) {
	if template == "" {
		return nil, ErrNoTemplate
	}
	if len(template) > MaxTemplateBytes {
		return nil, fmt.Errorf("chat template: found %d bytes, want at most %d", len(template), MaxTemplateBytes)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	compiled, err := compile(template)
	if err != nil {
		return nil, fmt.Errorf("chat template: %w", err)
	}
	return &Template{source: template, compiled: compiled, options: o}, nil
}

// newlines reads every line end as Jinja does.
var newlines = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// compile turns the library's panics on broken templates into errors. As in Jinja, a newline at the template's end is
// not part of it (keep_trailing_newline is off).
func compile(template string) (t *jinja.Template, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("jinja: %v", p)
		}
	}()
	template, err = explicit(strings.TrimSuffix(newlines.Replace(template), "\n"))
	if err != nil {
		return nil, err
	}
	return jinja.Compile(template)
}

// Source is the template's text as the model's files have it.
func (t *Template) Source() string { return t.source }

// Render gives the prompt text of a conversation. addGenerationPrompt ends it with the head of the answer to come.
// An error of the template itself (raise_exception) carries the template's words.
func (t *Template) Render(messages []Message, addGenerationPrompt bool) (text string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("chat template: jinja: %v", p)
		}
	}()
	text, err = t.compiled.RenderValues(t.values(messages, addGenerationPrompt))
	if err != nil {
		return "", fmt.Errorf("chat template: %w", err)
	}
	return text, nil
}
