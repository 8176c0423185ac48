package chat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Config is what a model's tokenizer_config.json says that concerns prompts.
type Config struct {
	BOS, EOS, PAD, UNK string // special tokens' texts; "" where there is none
	Template           string // the default chat template; "" where there is none
	ContextLength      int    // model_max_length, only written; 0: not said

	source []byte
}

// ReadConfig reads a tokenizer_config.json and the text of a chat_template.jinja beside it, which goes before a
// template in the configuration; either may be nil. Of several named templates the one called "default" counts.
func ReadConfig(tokenizerConfig, jinjaFile []byte) (Config, error) {
	c := Config{source: append([]byte(nil), tokenizerConfig...)}
	if len(tokenizerConfig) > 0 {
		if err := c.read(tokenizerConfig); err != nil {
			return Config{}, fmt.Errorf("tokenizer_config.json: %w", err)
		}
	}
	if len(jinjaFile) > 0 {
		c.Template = string(jinjaFile)
	}
	return c, nil
}

func (c *Config) read(data []byte) error {
	var f struct {
		BOS      token           `json:"bos_token"`
		EOS      token           `json:"eos_token"`
		PAD      token           `json:"pad_token"`
		UNK      token           `json:"unk_token"`
		Template json.RawMessage `json:"chat_template"`
	}
	if err := json.Unmarshal(data, &f); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return fmt.Errorf("byte %d: %w", syntax.Offset, err)
		}
		return err
	}
	c.BOS, c.EOS, c.PAD, c.UNK = string(f.BOS), string(f.EOS), string(f.PAD), string(f.UNK)
	template, err := defaultTemplate(f.Template)
	if err != nil {
		return fmt.Errorf("chat_template: %w", err)
	}
	c.Template = template
	return nil
}

// defaultTemplate reads a template's text or a list of named ones.
func defaultTemplate(data []byte) (string, error) {
	if len(data) == 0 || string(data) == "null" {
		return "", nil
	}
	var text string
	if json.Unmarshal(data, &text) == nil {
		return text, nil
	}
	var named []struct{ Name, Template string }
	if json.Unmarshal(data, &named) != nil {
		return "", errors.New("want a string, or a list of names and templates")
	}
	names := make([]string, len(named))
	for i, t := range named {
		if t.Name == "default" {
			return t.Template, nil
		}
		names[i] = t.Name
	}
	return "", fmt.Errorf("found the names %q, want one called default", names)
}

// token is a special token: its text, or an object that has it as content.
type token string

func (t *token) UnmarshalJSON(data []byte) error {
	var object struct{ Content string }
	switch {
	case string(data) == "null":
		return nil
	case len(data) > 0 && data[0] == '{':
		err := json.Unmarshal(data, &object)
		*t = token(object.Content)
		return err
	}
	return json.Unmarshal(data, (*string)(t))
}

// JSON gives a tokenizer_config.json for transformers: the bytes that were read, or one made of the fields. A template
// of a chat_template.jinja is not in the bytes that were read: keep that file beside them.
func (c Config) JSON() []byte {
	if len(c.source) > 0 {
		return append([]byte(nil), c.source...)
	}
	optional := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	var length *int
	if c.ContextLength > 0 {
		length = &c.ContextLength
	}
	f := struct {
		Class    string  `json:"tokenizer_class"`
		BOS      *string `json:"bos_token"`
		EOS      *string `json:"eos_token"`
		PAD      *string `json:"pad_token"`
		UNK      *string `json:"unk_token"`
		CleanUp  bool    `json:"clean_up_tokenization_spaces"`
		Length   *int    `json:"model_max_length,omitempty"`
		Template *string `json:"chat_template,omitempty"`
	}{"PreTrainedTokenizerFast", optional(c.BOS), optional(c.EOS), optional(c.PAD), optional(c.UNK), false, length, optional(c.Template)}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(f); err != nil {
		panic(err) // strings and numbers always encode
	}
	return out.Bytes()
}

// New compiles the template with the special tokens.
func (c Config) New() (*Template, error) {
	return New(c.Template, Options{BOS: c.BOS, EOS: c.EOS, PAD: c.PAD, UNK: c.UNK})
}

// FromConfig is [ReadConfig] and [Config.New]: [ErrNoTemplate] where neither file has a template.
func FromConfig(tokenizerConfig, jinjaFile []byte) (*Template, error) {
	c, err := ReadConfig(tokenizerConfig, jinjaFile)
	if err != nil {
		return nil, err
	}
	return c.New()
}
