package envs

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// checkAnswers checks the options that name labelled answers.
func (o *JSONL) checkAnswers() error {
	switch {
	case (o.Chosen == "") != (o.Rejected == ""):
		return errors.New("jsonl: chosen and rejected: one is given, want both or neither")
	case o.Label != "" && o.Completion == "" && o.CompletionIDs == "" && o.Messages == "":
		return errors.New("jsonl: label: given without an answer to it, want the column completion")
	case o.Answers != "" && o.Prompt == "" && o.Messages == "":
		return errors.New("jsonl: answers: they are written under system messages, want prompt or messages beside them")
	case o.Answers != "" && o.System != "":
		return errors.New("jsonl: answers: they are written under system messages, want no option system beside them")
	}
	return nil
}

// implicitPrompt says that the prompt is what chosen and rejected share.
func (o *JSONL) implicitPrompt() bool {
	return o.Prompt == "" && o.Messages == "" && o.Text == "" && o.PromptIDs == ""
}

// parseShared reads a prompt that isn't written apart: the messages, or the characters, that chosen and rejected begin
// with alike. As in TRL a space at the end of shared characters belongs to the answers.
func (o *JSONL) parseShared(r gjson.Result, t *Task) (err error) {
	if r.Get(o.Chosen).Type == gjson.String {
		return o.parseSharedText(r, t)
	}
	chosen, err := messagesColumn(r, o.Chosen)
	if err != nil {
		return err
	}
	rejected, err := messagesColumn(r, o.Rejected)
	if err != nil {
		return err
	}
	n := 0
	for n < len(chosen) && n < len(rejected) && chosen[n] == rejected[n] {
		n++
	}
	if n == 0 {
		return fmt.Errorf("columns %q and %q: their first messages differ, want the same prompt in both, or a column with it", o.Chosen, o.Rejected)
	}
	t.Messages = chosen[:n:n]
	if t.Pair.Chosen, err = theAnswer(o.Chosen, chosen[n:]); err != nil {
		return err
	}
	if t.Pair.Rejected, err = theAnswer(o.Rejected, rejected[n:]); err != nil {
		return err
	}
	return o.addSystem(t, o.Chosen)
}

func (o *JSONL) parseSharedText(r gjson.Result, t *Task) error {
	if o.System != "" {
		return fmt.Errorf("column %q: a string without a prompt column is a raw prompt and its answer, want messages beside the option system", o.Chosen)
	}
	chosen, err := textColumn(r, o.Chosen)
	if err != nil {
		return err
	}
	rejected, err := textColumn(r, o.Rejected)
	if err != nil {
		return err
	}
	n := 0
	for i, c := range chosen { // by characters, so that none is cut
		if !strings.HasPrefix(rejected[i:], string(c)) {
			break
		}
		n = i + len(string(c))
	}
	if n > 0 && chosen[n-1] == ' ' {
		n--
	}
	t.Text, t.Pair = chosen[:n], Pair{Chosen: chosen[n:], Rejected: rejected[n:]}
	switch {
	case t.Text == "":
		return fmt.Errorf("columns %q and %q: they begin differently, want the same prompt in both, or a column with it", o.Chosen, o.Rejected)
	case t.Pair.Chosen == "" || t.Pair.Rejected == "":
		return fmt.Errorf("columns %q and %q: one is the beginning of the other, want answers that differ after the prompt", o.Chosen, o.Rejected)
	}
	return nil
}

// theAnswer is the one message that follows a prompt.
func theAnswer(column string, after []Message) (string, error) {
	switch {
	case len(after) != 1:
		return "", fmt.Errorf("column %q: %d messages after the prompt, want the one of the assistant", column, len(after))
	case after[0].Role != "assistant":
		return "", fmt.Errorf("column %q: the answer is of role %q, want assistant", column, after[0].Role)
	case strings.TrimSpace(after[0].Content) == "":
		return "", fmt.Errorf("column %q: the assistant's message is empty, want text", column)
	}
	return after[0].Content, nil
}

// parseAnswers reads what labelled answers there are beside the prompt.
func (o *JSONL) parseAnswers(r gjson.Result, t *Task) (err error) {
	switch {
	case o.Chosen == "" || o.implicitPrompt():
	case o.PromptIDs != "":
		if t.Pair.ChosenIDs, err = idsColumn(r, o.Chosen); err != nil {
			return err
		}
		if t.Pair.RejectedIDs, err = idsColumn(r, o.Rejected); err != nil {
			return err
		}
	default:
		if t.Pair.Chosen, err = answerColumn(r, o.Chosen); err != nil {
			return err
		}
		if t.Pair.Rejected, err = answerColumn(r, o.Rejected); err != nil {
			return err
		}
	}
	if o.Label != "" {
		if t.Label, err = labelColumn(r, o.Label); err != nil {
			return err
		}
	}
	if o.Answers != "" {
		if t.Messages[0].Role == "system" {
			return fmt.Errorf("column %q: begins with a system message, want none beside answers: each was written under one", o.Messages)
		}
		t.Answers, err = textsColumn(r, o.Answers)
	}
	return err
}

// answerColumn is text, another value's JSON text, or a list with the assistant's message.
func answerColumn(r gjson.Result, path string) (string, error) {
	v := r.Get(path)
	if !v.IsArray() {
		return anyColumn(r, path)
	}
	ms, err := messagesColumn(r, path)
	if err != nil {
		return "", err
	}
	if len(ms) > 1 && slices.ContainsFunc(ms, func(m Message) bool { return m.Role == "user" }) {
		return "", fmt.Errorf("column %q: a whole conversation, want the assistant's message alone, or no prompt column: then the prompt is what chosen and rejected share", path)
	}
	return theAnswer(path, ms)
}

func labelColumn(r gjson.Result, path string) (Label, error) {
	switch v := r.Get(path); {
	case v.Type == gjson.True, v.Type == gjson.Number && v.Num == 1:
		return Desirable, nil
	case v.Type == gjson.False, v.Type == gjson.Number && v.Num == 0:
		return Undesirable, nil
	case v.Type == gjson.Number || v.Type == gjson.String:
		return Unlabelled, fmt.Errorf("column %q: %.40s, want true or false, or 1 or 0", path, v.Raw)
	default:
		return Unlabelled, fmt.Errorf("column %q: %s, want true or false, or 1 or 0", path, kindOf(v))
	}
}

func textsColumn(r gjson.Result, path string) ([]string, error) {
	v := r.Get(path)
	if !v.IsArray() {
		return nil, fmt.Errorf("column %q: %s, want a list of strings", path, kindOf(v))
	}
	var out []string
	for i, e := range v.Array() {
		if e.Type != gjson.String || strings.TrimSpace(e.Str) == "" {
			return nil, fmt.Errorf("column %q: element %d: %s, want text", path, i, kindOf(e))
		}
		out = append(out, strings.Clone(e.Str))
	}
	if len(out) < 2 {
		return nil, fmt.Errorf("column %q: %d texts, want at least 2", path, len(out))
	}
	return out, nil
}
