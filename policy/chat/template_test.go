package chat_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/burnish-rl/burnish/policy/chat"
)

var moment = time.Date(2024, 7, 4, 9, 5, 3, 0, time.UTC)

// Every rendering equals transformers'; where its template raises, ours fails with the same words.
func TestGolden(t *testing.T) {
	var golden struct {
		Special struct {
			BOS string `json:"bos_token"`
			EOS string `json:"eos_token"`
			UNK string `json:"unk_token"`
		}
		Templates map[string]string
		Cases     []struct {
			Template string
			Messages []chat.Message
			Add      bool
			Want     json.RawMessage
		}
	}
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Cases) < 240 {
		t.Fatalf("%d cases, want 240 or more", len(golden.Cases))
	}
	o := chat.Options{
		BOS: golden.Special.BOS, EOS: golden.Special.EOS, UNK: golden.Special.UNK,
		Now: func() time.Time { return moment },
	}
	for i, c := range golden.Cases {
		source, ok := golden.Templates[c.Template]
		if !ok {
			source = readTemplate(t, c.Template)
		}
		template, err := chat.New(source, o)
		if err != nil {
			t.Fatalf("%s: %v", c.Template, err)
		}
		got, err := template.Render(c.Messages, c.Add)
		var want string
		var raised struct{ Error string }
		if json.Unmarshal(c.Want, &want) != nil {
			if err := json.Unmarshal(c.Want, &raised); err != nil || raised.Error == "" {
				t.Fatalf("case %d: bad golden %s", i, c.Want)
			}
			if err == nil || !strings.Contains(err.Error(), raised.Error) {
				t.Errorf("case %d, %s: error %v, want %q", i, c.Template, err, raised.Error)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("case %d, %s, %+v, add %v: error %v\n got %q\nwant %q", i, c.Template, c.Messages, c.Add, err, got, want)
		}
	}
}

// White space around tags, and literals in them, come out as Jinja's lexer has them.
func TestLexer(t *testing.T) {
	var golden struct {
		Small []struct{ Template, Want string }
	}
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Small) < 400 {
		t.Fatalf("%d templates, want 400 or more", len(golden.Small))
	}
	for _, c := range golden.Small {
		template, err := chat.New(c.Template, chat.Options{BOS: "<s>"})
		if err != nil {
			t.Errorf("%q: %v", c.Template, err)
			continue
		}
		got, err := template.Render([]chat.Message{{Role: "user", Content: "Hi"}}, true)
		if err != nil || got != c.Want {
			t.Errorf("%q: error %v\n got %q\nwant %q", c.Template, err, got, c.Want)
		}
	}
}

func readTemplate(t testing.TB, name string) string {
	t.Helper()
	if name == "builtin" {
		data, err := os.ReadFile("../builtin/tokenizer_config.json")
		if err != nil {
			t.Fatal(err)
		}
		c, err := chat.ReadConfig(data, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c.Template
	}
	data, err := os.ReadFile(filepath.Join("testdata", "templates", name+".jinja"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestErrors(t *testing.T) {
	user := []chat.Message{{Role: "user", Content: "hi"}}
	for name, c := range map[string]struct{ template, want string }{
		"none":      {"", chat.ErrNoTemplate.Error()},
		"too large": {strings.Repeat("x", chat.MaxTemplateBytes+1), "want at most"},
		"unclosed":  {"{% for m in messages %}", "chat template: jinja"},
		"open":      {"{{ x", `tag without its end "}}"`},
		"broken":    {"{{ 1 + }}", "chat template: jinja"},
		"raises":    {"{{ raise_exception('no ' + messages[0].role) }}", "refuses the conversation: no user"},
		"range":     {"{% for i in range(1000000000) %}x{% endfor %}", "range: longer than 100000"},
		"step":      {"{{ range(1, 2, 0) }}", "range: found step 0"},
		"loops":     {"{% for i in range(5000) %}{% for j in range(5000) %}{% endfor %}{% endfor %}", "more than 1000000 steps"},
		"recursion": {"{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}", "more than 200 macros"},
		"recursive": {"{% for m in messages recursive %}{{ loop(messages) }}{% endfor %}", "recursive for"},
		"brackets":  {"{{ " + strings.Repeat("(", 100_000) + " }}", "more than 200 brackets"},
		"comment":   {"a\n{# b", "line 2: comment without its end"},
		"string":    {"{{ 'a }}", "line 1: string without its end"},
		"raw":       {"{% raw %}{% endra %}", "raw without endraw"},
		"filter":    {"{{ messages | nosuch }}", "nosuch"},
		"repeat":    {"{{ 'x' * -1 }}{{ messages[5].content.x.y() }}", "chat template"},
	} {
		t.Run(name, func(t *testing.T) {
			template, err := chat.New(c.template, chat.Options{})
			if err == nil {
				_, err = template.Render(user, true)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	if _, err := chat.New("", chat.Options{}); !errors.Is(err, chat.ErrNoTemplate) {
		t.Errorf("error %v, want ErrNoTemplate", err)
	}
}
