package jsonscore

import (
	"math"
	"math/big"
	"regexp"
	"strings"
	"testing"
)

func near(a, b float64) bool { return math.Abs(a-b) < 5e-5 }

// The table of section 2.3 of our digest of RL-Struct.
func TestGradedValidity(t *testing.T) {
	for _, c := range []struct {
		text            string
		valid           bool
		prefix, repairs float64
	}{
		{`{"a": 1}`, true, 1, 1},
		{`{"a": 1`, false, 0.9, 0.5},
		{`{"a": 1,}`, false, 0.4444, 0.5},
		{`{'a': 1}`, false, 0.0625, 0.5},
		{`{"a": True}`, false, 0.2727, 0.5},
		{`{"a": "x`, false, 0.9, 1. / 3},
		{`{"a": 1} ok`, false, 0.4091, 0.5},
		{`Sure! {"a": 1}`, false, 0, 0.5},
		{`[1, 2`, false, 0.9, 0.5},
		{`{"a": 01}`, false, 0.3889, 0},
		{``, false, 0, 0},
		// Each edit of the list, and where it must not apply.
		{"```json\n{\"a\": 1}\n```", false, 0, 0.5},
		{`{"a": 1 "b": 2}`, false, 0.5 * 8 / 15, 0.5},
		{`{"a": 1 b": 2}`, false, 0.5 * 8 / 14, 0},
		{`[1 2]`, false, 0.5 * 3 / 5, 0.5},
		{`[12abc]`, false, 0.5 * 3 / 7, 0},
		{`{a: 1}`, false, 0.5 * 1 / 6, 0.5},
		{`{a: 'it\'s "x"'}`, false, 0.5 * 1 / 16, 1. / 3},
		{"{\"a\": \"x\ty\"}", false, 0.5 * 8 / 12, 0.5},
		{`[None, False]`, false, 0.5 * 1 / 13, 1. / 3},
		{`{"a": [1, {"b": "x`, false, 0.9, 0.2},
		{`[1,`, false, 0.9, 1. / 3},
		{`{"a":`, false, 0.9, 0},
		{`[[[[[[[[`, false, 0.9, 1. / 9},
		{`[[[[[[[[[`, false, 0.9, 0},
		{`42`, true, 1, 1},
		{`-`, false, 0.9, 0},
		{`1.`, false, 0.9, 0},
		{`1e`, false, 0.9, 0},
		{`tru`, false, 0.9, 0},
		{"\"a\xC3", false, 0.9, 0}, // cut within a character: still a prefix; closing it makes it wrong
		{"\"a\xC3(\"", false, 0.5 * 3 / 5, 0},
		{"\u00a01", false, 0, 0}, // no-break space is no JSON space
		{"\ufeff1", false, 0, 0},
		{"\"a\x1f\"", false, 0.5 * 2 / 4, 0},
		{"\"a\x7f\"", true, 1, 1},
	} {
		if got := Valid(c.text); got != c.valid {
			t.Errorf("%q: valid %v, want %v", c.text, got, c.valid)
		}
		if got := Prefix(c.text); !near(got, c.prefix) {
			t.Errorf("%q: prefix %v, want %v", c.text, got, c.prefix)
		}
		if got, k := Repairs(c.text); !near(got, c.repairs) {
			t.Errorf("%q: repairs %v (k %d), want %v", c.text, got, k, c.repairs)
		}
	}
}

func TestPrefixWithKeys(t *testing.T) {
	keys := []string{"reasoning", "answer"}
	for text, want := range map[string]float64{
		`{`:                                 0,
		`{"reasoning": "x`:                  0.45,
		`{"reasoning": "x", "answer" : 1`:   0.9,
		`{"reasoning": "the answer: is`:     0.45,
		`{"x": 1}`:                          1, // valid: the share counts for broken text only
		`{"reasoning": "x", "answer": 1} .`: 0.5 * 32 / 33,
	} {
		if got := PrefixWithKeys(text, keys); !near(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if got := PrefixWithKeys(`{`, nil); got != 0.9 {
		t.Errorf("without keys: %v, want 0.9", got)
	}
}

// The table of section 2.2 of the digest.
func TestScorers(t *testing.T) {
	keys := []string{"reasoning", "answer"}
	value := func(text string) Value {
		v, err := Parse(text)
		if err != nil {
			t.Fatal(text, err)
		}
		return v
	}
	fields := []Field{{"reasoning", "string"}, {"answer", "number"}}
	loop := `{"r": "` + strings.Repeat("so it is the same, ", 200) + `"}`
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"single two", Single(`{} {}`), 0.5},
		{"single one", Single(`{}`), 1},
		{"single apart", Single(`{}x{}`), 0.5},
		{"single none", Single(`no`), 0},
		{"single scalar", Single(`42`), 1},
		{"only_json bare", OnlyJSON(`{"a":1}`), 1},
		{"only_json prose", OnlyJSON(`Sure: {"a":1}`), 7. / 12},
		{"only_json fence", OnlyJSON("```json\n{\"a\":1}\n```"), 7. / 17},
		{"only_json fence on one line", OnlyJSON("```json{\"a\":1}```"), 7. / 17},
		{"only_json none", OnlyJSON("none"), 0},
		{"no_fence fenced", NoFence("```json\n{\"a\":1}\n```"), 0},
		{"no_fence in string", NoFence("{\"a\":\"```x```\"}"), 1},
		{"no_fence scalar string", NoFence("\"```\""), 1},
		{"no_fence plain", NoFence(`{}`), 1},
		{"object", IsKind(value(`[1]`), Object), 0},
		{"object yes", IsKind(value(`{}`), Object), 1},
		{"required half", Required(`{"answer":1}`, keys), 0.5},
		{"required path", Required(`{"a":{"b":[{"c":1}]}}`, []string{"a.b[0].c", "a.b[1].c"}), 0.5},
		{"required index of an object", Required(`{"0":1}`, []string{"[0]"}), 0},
		{"required name in an array", Required(`{"a":[1]}`, []string{"a.0", "a.#", "a.*"}), 0},
		{"required index", Required(`[[1,2]]`, []string{"[0][1]", "[0][01]"}), 1},
		{"required, first of two", Types(`{"a":1,"a":"x"}`, []Field{{"a", "number"}}), 1},
		{"no_extra", NoExtra(value(`{"answer":1,"x":2}`), keys), 0.5},
		{"no_extra empty", NoExtra(value(`{}`), keys), 1},
		{"order two thirds", Order(value(`{"b":1,"a":1,"c":1}`), []string{"a", "b", "c"}), 2. / 3},
		{"order third", Order(value(`{"c":1,"b":1,"a":1}`), []string{"a", "b", "c"}), 1. / 3},
		{"order one", Order(value(`{"c":1}`), []string{"a", "b", "c"}), 1},
		{"types", Types(`{"reasoning":"x","answer":"18"}`, fields), 0.5},
		{"types missing", Types(`{"answer":18}`, fields), 0.5},
		{"types integer", Types(`{"a":18.0,"b":18,"c":1.8e1}`, []Field{{"a", "integer"}, {"b", "integer"}, {"c", "integer"}}), 1},
		{"types not integer", Types(`{"a":"18","b":18.5}`, []Field{{"a", "integer"}, {"b", "integer"}}), 0},
		{"nonempty", NonEmpty(`{"reasoning":"","answer":1}`, keys[:1]), 0},
		{"nonempty both", NonEmpty(`{"reasoning":"x","answer":[]}`, keys), 0.5},
		{"unique_keys", UniqueKeys(value(`{"a":1,"a":2}`)), 0.5},
		{"unique_keys nested", UniqueKeys(value(`{"a":{"b":1,"b":2},"c":3}`)), 0.75},
		{"diverse short", Diverse(value(`{"r":"a b c d a b c"}`)), 1},
		{"diverse all", Diverse(value(`["a b c d e f g h"]`)), 1},
		{"length short", LengthBand{16, 256, 512}.Score(8), 0.5},
		{"length in", LengthBand{16, 256, 512}.Score(256), 1},
		{"length long", LengthBand{16, 256, 512}.Score(300), 0.828125},
		{"length cap", LengthBand{16, 256, 512}.Score(512), 0},
		{"length beyond", LengthBand{16, 256, 512}.Score(5120), 0},
		{"complete", Complete(false), 0},
		{"balance", Balance(`{"a": [1, "]"}`), 2. / 3},
		{"balance unopened", Balance(`]{}`), 2. / 3},
		{"balance none", Balance(`x`), 0},
		{"balance whole", Balance(`{"a": [1]}`), 1},
	} {
		if !near(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
	if got := Diverse(value(loop)); got > 0.01 {
		t.Errorf("a loop of one sentence: diverse %v, want about 0", got)
	}
}

func TestConstraints(t *testing.T) {
	list := []Constraint{{Path: "x", Min: new(big.Rat), Max: big.NewRat(10, 1)}, {Path: "unit", Enum: []string{"m", "s"}}}
	for text, want := range map[string]float64{
		`{"x": 11, "unit": "m"}`:   2. / 3,
		`{"x": 10, "unit": "s"}`:   1,
		`{"x": "5", "unit": "km"}`: 0,
		`{"unit": "m"}`:            1. / 3,
		`[]`:                       0,
	} {
		if got := Constraints(text, list); !near(got, want) {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	// 0 <= x <= 10 as one range, the enum kept, x = 11: one of two.
	two := []Constraint{{Path: "x", Max: big.NewRat(10, 1)}, {Path: "unit", Enum: []string{"m"}}}
	if got := Constraints(`{"x": 11, "unit": "m"}`, two); got != 0.5 {
		t.Errorf("x = 11: %v, want 0.5", got)
	}
	text := `{"s": "ab12", "l": [1, 2.0], "m": [1, "x"]}`
	for i, c := range []struct {
		Constraint
		want float64
	}{
		{Constraint{Path: "s", Pattern: regexp.MustCompile(`^[a-z]+\d+$`)}, 1},
		{Constraint{Path: "s", Pattern: regexp.MustCompile(`^\d`)}, 0},
		{Constraint{Path: "s", MinLength: 4}, 1},
		{Constraint{Path: "s", MinLength: 5}, 0},
		{Constraint{Path: "l", Items: "integer"}, 1},
		{Constraint{Path: "m", Items: "integer"}, 0},
		{Constraint{Path: "s"}, 1}, // nothing declared
	} {
		if got := Constraints(text, []Constraint{c.Constraint}); got != c.want {
			t.Errorf("case %d: %v, want %v", i, got, c.want)
		}
	}
}
