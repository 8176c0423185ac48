package chat

import (
	"errors"
	"fmt"
	"time"

	"github.com/ardanlabs/jinja"
	"github.com/ncruces/go-strftime"
)

// values are the names that a template can use, those that apply_chat_template gives it.
func (t *Template) values(messages []Message, addGenerationPrompt bool) map[string]jinja.Value {
	turns := make([]jinja.Value, len(messages))
	for i, m := range messages {
		turns[i] = jinja.NewDict() // ordered: templates print it
		turns[i].AsDict().Set("role", jinja.NewString(m.Role))
		turns[i].AsDict().Set("content", jinja.NewString(m.Content))
	}
	v := map[string]jinja.Value{
		"messages":              jinja.NewList(turns),
		"add_generation_prompt": jinja.NewBool(addGenerationPrompt),
		"tools":                 jinja.None(), // defined, and none
		"documents":             jinja.None(),
		"raise_exception":       jinja.NewCallable("raise_exception", raise),
		"range":                 jinja.NewCallable("range", boundedRange),
		"strftime_now":          jinja.NewCallable("strftime_now", strftimeNow(t.options.Now)),
	}
	new(limits).register(v)
	o := t.options
	for name, token := range map[string]string{"bos_token": o.BOS, "eos_token": o.EOS, "pad_token": o.PAD, "unk_token": o.UNK} {
		if token != "" {
			v[name] = jinja.NewString(token)
		}
	}
	return v
}

type (
	args   = []jinja.Value
	kwargs = map[string]jinja.Value
)

func raise(a args, _ kwargs) (jinja.Value, error) {
	if len(a) != 1 {
		return jinja.Undefined(), errors.New("raise_exception: want a message")
	}
	message := a[0].String()
	if a[0].IsString() {
		message = a[0].AsString() // without the quotes that String puts around it
	}
	return jinja.Undefined(), fmt.Errorf("refuses the conversation: %s", message)
}

func strftimeNow(now func() time.Time) func(args, kwargs) (jinja.Value, error) {
	return func(a args, _ kwargs) (jinja.Value, error) {
		if len(a) != 1 || !a[0].IsString() {
			return jinja.Undefined(), errors.New("strftime_now: want a format")
		}
		return jinja.NewString(strftime.Format(a[0].AsString(), now())), nil
	}
}

// boundedRange is Python's range, at most MaxRange long.
func boundedRange(a args, _ kwargs) (jinja.Value, error) {
	bounds := [3]int64{0, 0, 1} // start, stop, step
	if len(a) < 1 || len(a) > 3 {
		return jinja.Undefined(), fmt.Errorf("range: found %d arguments, want 1 to 3", len(a))
	}
	for i, x := range a {
		if !x.IsInt() {
			return jinja.Undefined(), fmt.Errorf("range: found %s, want an integer", x.String())
		}
		at := i
		if len(a) == 1 {
			at = 1
		}
		bounds[at] = x.AsInt()
	}
	start, stop, step := bounds[0], bounds[1], bounds[2]
	if step == 0 {
		return jinja.Undefined(), errors.New("range: found step 0")
	}
	var items args
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		if len(items) == MaxRange {
			return jinja.Undefined(), fmt.Errorf("range: longer than %d", MaxRange)
		}
		items = append(items, jinja.NewInt(i))
	}
	return jinja.NewList(items), nil
}
