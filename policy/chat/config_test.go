package chat_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/policy/chat"
)

func TestReadConfig(t *testing.T) {
	for name, c := range map[string]struct {
		config, jinja string
		want          chat.Config
	}{
		"plain":       {`{"bos_token": "<s>", "eos_token": "</s>", "pad_token": null, "chat_template": "T", "model_max_length": 1e30}`, "", chat.Config{BOS: "<s>", EOS: "</s>", Template: "T"}},
		"objects":     {`{"eos_token": {"content": "</s>", "lstrip": false}, "unk_token": "<unk>", "pad_token": "<p>"}`, "", chat.Config{EOS: "</s>", UNK: "<unk>", PAD: "<p>"}},
		"named":       {`{"chat_template": [{"name": "tool_use", "template": "A"}, {"name": "default", "template": "B"}]}`, "", chat.Config{Template: "B"}},
		"file":        {`{"chat_template": "A"}`, "B\n", chat.Config{Template: "B\n"}},
		"only a file": {"", "B", chat.Config{Template: "B"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := chat.ReadConfig([]byte(c.config), []byte(c.jinja))
			if err != nil {
				t.Fatal(err)
			}
			if got.BOS != c.want.BOS || got.EOS != c.want.EOS || got.PAD != c.want.PAD || got.UNK != c.want.UNK || got.Template != c.want.Template {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			if c.config != "" && string(got.JSON()) != c.config {
				t.Errorf("JSON gives %s, want the bytes that were read", got.JSON())
			}
		})
	}
}

func TestReadConfigErrors(t *testing.T) {
	for config, want := range map[string]string{
		`{"bos_token": `:       "tokenizer_config.json: byte 14",
		`{"bos_token": 3}`:     "tokenizer_config.json",
		`{"chat_template": 3}`: "chat_template: want a string",
		`{"chat_template": [{"name": "rag", "template": "x"}]}`: `found the names ["rag"], want one called default`,
	} {
		if _, err := chat.ReadConfig([]byte(config), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", config, err, want)
		}
	}
	if _, err := chat.FromConfig([]byte(`{"eos_token": "x"}`), nil); !errors.Is(err, chat.ErrNoTemplate) {
		t.Errorf("error %v, want ErrNoTemplate", err)
	}
}

// What JSON makes of the fields reads back as the same fields.
func TestConfigJSON(t *testing.T) {
	c := chat.Config{BOS: "<s>", EOS: "<|im_end|>", Template: "{{ '<&>' }}\n", ContextLength: 2048}
	data := c.JSON()
	if !strings.Contains(string(data), `'<&>'`) {
		t.Errorf("%s escapes HTML", data)
	}
	var f map[string]any
	if err := json.Unmarshal(data, &f); err != nil || f["model_max_length"] != 2048.0 || f["unk_token"] != nil {
		t.Errorf("%s: error %v, want model_max_length 2048 and no unk_token", data, err)
	}
	got, err := chat.ReadConfig(data, nil)
	if err != nil || got.BOS != c.BOS || got.EOS != c.EOS || got.PAD != "" || got.Template != c.Template {
		t.Errorf("got %+v, error %v, want %+v", got, err, c)
	}
}

func FuzzTemplate(f *testing.F) {
	for _, name := range []string{"smollm2", "inst", "macro", "think"} {
		f.Add(readTemplate(f, name))
	}
	f.Add("{{ 'x' * -1 }}{% for m in messages %}{{ m")
	f.Fuzz(func(t *testing.T, source string) {
		template, err := chat.New(source, chat.Options{BOS: "<s>"})
		if err != nil {
			return
		}
		messages := []chat.Message{{Role: "user", Content: "a"}, {Role: "assistant", Content: "b"}}
		first, err := template.Render(messages, true)
		if err != nil || strings.Contains(source, "strftime_now") {
			return
		}
		if second, err := template.Render(messages, true); err != nil || first != second {
			t.Errorf("rendered %q, then %q with error %v", first, second, err)
		}
	})
}
