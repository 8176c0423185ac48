package envs

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// parse reads the named columns of a row.
func (o *JSONL) parse(r gjson.Result) (t Task, err error) {
	if o.implicitPrompt() {
		err = o.parseShared(r, &t)
	} else {
		err = o.parsePrompt(r, &t)
	}
	if err == nil {
		err = o.parseAnswers(r, &t)
	}
	if err != nil {
		return t, err
	}
	if o.Completion != "" {
		if t.Demonstration != "" {
			return t, fmt.Errorf("column %q: the last message is the assistant's, want no completion column beside it", o.Messages)
		}
		if t.Demonstration, err = anyColumn(r, o.Completion); err != nil {
			return t, err
		}
	}
	if o.CompletionIDs != "" {
		if t.TargetIDs, err = idsColumn(r, o.CompletionIDs); err != nil {
			return t, err
		}
	}
	if o.Reference != "" {
		if t.Reference, err = anyColumn(r, o.Reference); err != nil {
			return t, err
		}
	}
	for _, path := range o.Metadata {
		if v := r.Get(path); v.Exists() && v.Type == gjson.Null {
			continue
		}
		if t.Metadata == nil {
			t.Metadata = make(map[string]string, len(o.Metadata))
		}
		if t.Metadata[path], err = literal(r, path); err != nil {
			return t, err
		}
	}
	return t, nil
}

func (o *JSONL) parsePrompt(r gjson.Result, t *Task) (err error) {
	switch {
	case o.Prompt != "":
		content, err := textColumn(r, o.Prompt)
		t.Messages = []Message{{"user", content}}
		if err != nil {
			return err
		}
	case o.Messages != "":
		if t.Messages, err = messagesColumn(r, o.Messages); err != nil {
			return err
		}
		if last := len(t.Messages) - 1; t.Messages[last].Role == "assistant" {
			t.Demonstration = t.Messages[last].Content
			t.Messages = t.Messages[:last]
			if strings.TrimSpace(t.Demonstration) == "" {
				return fmt.Errorf("column %q: the assistant's last message is empty, want text", o.Messages)
			}
		}
		if len(t.Messages) == 0 {
			return fmt.Errorf("column %q: an assistant message alone, want a prompt before it", o.Messages)
		}
	case o.Text != "":
		t.Text, err = textColumn(r, o.Text)
		return err
	default:
		t.PromptIDs, err = idsColumn(r, o.PromptIDs)
		return err
	}
	return o.addSystem(t, o.Messages)
}

// addSystem puts the option's system message first; column is where another could stand.
func (o *JSONL) addSystem(t *Task, column string) error {
	if o.System != "" && t.Messages[0].Role == "system" {
		return fmt.Errorf("column %q: begins with a system message, want none beside the option system", column)
	}
	if o.System != "" {
		t.Messages = append([]Message{{"system", o.System}}, t.Messages...)
	}
	return nil
}

func messagesColumn(r gjson.Result, path string) ([]Message, error) {
	v := r.Get(path)
	if !v.IsArray() {
		return nil, fmt.Errorf(`column %q: %s, want a list of {"role", "content"}`, path, kindOf(v))
	}
	var out []Message
	for i, m := range v.Array() {
		role, content := m.Get("role"), m.Get("content")
		switch {
		case !m.IsObject():
			return nil, fmt.Errorf("column %q: message %d: %s, want an object", path, i, kindOf(m))
		case role.Type != gjson.String:
			return nil, fmt.Errorf("column %q: message %d: role: %s, want a string", path, i, kindOf(role))
		case role.Str != "system" && role.Str != "user" && role.Str != "assistant" && role.Str != "tool":
			return nil, fmt.Errorf("column %q: message %d: role: %.40q, want system, user, assistant or tool", path, i, role.Str)
		case content.Type != gjson.String:
			return nil, fmt.Errorf("column %q: message %d: content: %s, want a string", path, i, kindOf(content))
		}
		out = append(out, Message{strings.Clone(role.Str), strings.Clone(content.Str)})
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("column %q: an empty list, want messages", path)
	}
	return out, nil
}

// anyColumn is literal, and not blank.
func anyColumn(r gjson.Result, path string) (string, error) {
	s, err := literal(r, path)
	if err == nil && strings.TrimSpace(s) == "" {
		err = fmt.Errorf("column %q: an empty string, want text", path)
	}
	return s, err
}

// literal is a string's value, or another value's JSON text as it stands in the row.
func literal(r gjson.Result, path string) (string, error) {
	v := r.Get(path)
	switch {
	case !v.Exists() || v.Type == gjson.Null:
		return "", fmt.Errorf("column %q: %s, want a value", path, kindOf(v))
	case v.Type == gjson.String || v.Raw == "": // a path such as rows.# computes its value
		return strings.Clone(v.String()), nil
	}
	return strings.Clone(v.Raw), nil
}

// idsColumn reads token ids, whole numbers in [0, 2^31).
func idsColumn(r gjson.Result, path string) ([]int32, error) {
	v := r.Get(path)
	if !v.IsArray() {
		return nil, fmt.Errorf("column %q: %s, want a list of token ids", path, kindOf(v))
	}
	var ids []int32
	var bad error
	v.ForEach(func(_, e gjson.Result) bool {
		id, err := strconv.ParseUint(e.Raw, 10, 31)
		if e.Type != gjson.Number || err != nil {
			bad = fmt.Errorf("column %q: element %d: %.40s, want a token id", path, len(ids), e.Raw)
			return false
		}
		ids = append(ids, int32(id))
		return true
	})
	if bad == nil && len(ids) == 0 {
		bad = errors.New("column " + strconv.Quote(path) + ": an empty list, want token ids")
	}
	return ids, bad
}
