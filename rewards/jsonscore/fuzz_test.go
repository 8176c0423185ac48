package jsonscore

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

func FuzzScores(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) { checkScores(t, "fuzzed", text) })
}

// FuzzParse compares with encoding/json where the two should agree: on valid UTF-8 within our limits of depth and size.
func FuzzParse(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := Parse(text)
		if e, ok := err.(*SyntaxError); ok && e.want == overLimit || !utf8.ValidString(text) {
			return
		}
		if want := json.Valid([]byte(text)); (err == nil) != want {
			t.Fatalf("%q: accepted %v, encoding/json says %v: %v", text, err == nil, want, err)
		}
		var s string
		if v.Kind == String && (json.Unmarshal([]byte(text), &s) != nil || s != v.Text) {
			t.Fatalf("%q: decoded %q, encoding/json says %q", text, v.Text, s)
		}
	})
}

func FuzzCleanNumber(f *testing.F) {
	for _, seed := range []string{"18", "-$1,800.00", "1/2", "18 dollars", "1e308", "5%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if n, ok := CleanNumber(text); ok && (n == nil || !SameNumber(n, n)) {
			t.Fatalf("%q: %v is not itself", text, n)
		}
	})
}

var seeds = []string{
	`{"reasoning":"9*2=18","answer":18}`, "```json\n{\"a\": 1}\n```", `{'a': True,}`, `[1, [2, {"b": "x`, "Sure: {} {}",
	`"\ud800\u0041\udc00\ud834\udd1e"`, "\"a\xc3\"", `-0.5e+10`, `{"a":{"b":[{"c":1}]},"a":2}`, "[\"```\"", `]{`,
}
