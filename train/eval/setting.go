package eval

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/rewards/jsonscore"
)

// TextVersion numbers what [TextCorrect] says, as jsonscore.Version does for JSON.
const TextVersion = 1

// Setting is what a table of results must say of itself for another to be comparable.
type Setting struct {
	Env      string `json:"env"`
	Split    string `json:"split"` // "" where the environment has none
	Items    int    `json:"n"`
	Decoding string `json:"decoding"`
	Scorer   string `json:"scorer"`
}

// SettingOf describes an evaluation of items tasks of an environment by name and options.
func SettingOf(name string, o envs.Options, kind Kind, items int, d policy.Decoding) Setting {
	return Setting{name, SplitOf(o), items, DecodingText(d), Scorer(kind)}
}

// Scorer names the judge of a kind of answers with its version.
func Scorer(k Kind) string {
	switch k {
	case JSON:
		return fmt.Sprintf("json-%d", jsonscore.Version)
	case Preference:
		return "implicit reward" // of the policy itself: no judge
	}
	return fmt.Sprintf("text-%d", TextVersion)
}

// SplitOf is an environment's option split, "" when it has none.
func SplitOf(o envs.Options) string {
	v := reflect.Indirect(reflect.ValueOf(o))
	if !v.IsValid() || v.Kind() != reflect.Struct {
		return ""
	}
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.Tag.Get("yaml") == "split" && f.Type.Kind() == reflect.String {
			return v.Field(i).String()
		}
	}
	return ""
}

// DecodingText says how answers are decoded: "greedy", or the temperature and what is cut off.
func DecodingText(d policy.Decoding) string {
	out := []string{"greedy"}
	if d.Temperature > 0 {
		out = []string{fmt.Sprintf("temperature %v", d.Temperature)}
		if d.TopK > 0 {
			out = append(out, fmt.Sprintf("top-k %d", d.TopK))
		}
		if d.TopP > 0 && d.TopP < 1 {
			out = append(out, fmt.Sprintf("top-p %v", d.TopP))
		}
		if d.MinP > 0 {
			out = append(out, fmt.Sprintf("min-p %v", d.MinP))
		}
	}
	return strings.Join(append(out, fmt.Sprintf("at most %d tokens", d.MaxTokens)), ", ")
}

// String is the setting in a line.
func (s Setting) String() string {
	split := ""
	if s.Split != "" {
		split = ", split " + s.Split
	}
	return fmt.Sprintf("%s%s, n %d, %s, scorer %s", s.Env, split, s.Items, s.Decoding, s.Scorer)
}
