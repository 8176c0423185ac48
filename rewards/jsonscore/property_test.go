package jsonscore

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// checkScores calls every scorer on a text: each result is in [0, 1], and broken text stays below valid text.
func checkScores(t interface{ Errorf(string, ...any) }, name, text string) {
	keys := []string{"reasoning", "answer", "a.b[0].c"}
	repairs, _ := Repairs(text)
	scores := map[string]float64{
		"prefix": Prefix(text), "keys": PrefixWithKeys(text, keys), "repairs": repairs, "balance": Balance(text),
		"single": Single(text), "only_json": OnlyJSON(text), "no_fence": NoFence(text),
		"required": Required(text, keys), "nonempty": NonEmpty(text, keys), "types": Types(text, []Field{{"a", "integer"}}),
		"constraints": Constraints(text, []Constraint{{Path: "a", MinLength: 1, Items: "string"}}),
	}
	if v, ok := Lenient(text); ok {
		scores["no_extra"], scores["order"] = NoExtra(v, keys), Order(v, keys)
		scores["unique_keys"], scores["diverse"] = UniqueKeys(v), Diverse(v)
		if !Valid(text[v.From:v.To]) {
			t.Errorf("%s: lenient value %q is not valid", name, text[v.From:v.To])
		}
	}
	for scorer, s := range scores {
		if !(s >= 0 && s <= 1) {
			t.Errorf("%s: %s = %v, want it in [0, 1]: %.80q", name, scorer, s, text)
		}
	}
	exact, valid := Exact(text)
	if valid != (scores["prefix"] == 1) || valid != (repairs == 1) {
		t.Errorf("%s: valid %v, prefix %v, repairs %v: %.80q", name, valid, scores["prefix"], repairs, text)
	}
	if lenient, ok := Lenient(text); valid && (!ok || lenient.From != exact.From || lenient.To != exact.To) {
		t.Errorf("%s: exact reading succeeds, lenient one finds %v: %.80q", name, lenient, text)
	}
	verdict := Grade(text, "18", true)
	if verdict.AnswerCorrect && !verdict.AnswerCorrectLenient || verdict.JSONValid && !verdict.JSONValidLenient {
		t.Errorf("%s: strict without lenient: %+v: %.80q", name, verdict, text)
	}
}

// member text, duplicate-free objects: what a model writes.
func drawValue(t *rapid.T, depth int) string {
	kinds := 5
	if depth == 0 {
		kinds = 3
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return rapid.SampledFrom([]string{"0", "-1", "18", "18.0", "1e3", "0.5", "12345678901234567890"}).Draw(t, "number")
	case 1:
		s, _ := json.Marshal(rapid.StringOfN(rapid.RuneFrom([]rune("ab{}[]\"\\:,`é𝄞 \n")), 0, 12, -1).Draw(t, "string"))
		return string(s)
	case 2:
		return rapid.SampledFrom([]string{"true", "false", "null"}).Draw(t, "word")
	case 3:
		var items []string
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			items = append(items, drawValue(t, depth-1))
		}
		return "[" + strings.Join(items, ",") + "]"
	default:
		return "{" + strings.Join(drawMembers(t, depth-1), ",") + "}"
	}
}

func drawMembers(t *rapid.T, depth int) []string {
	keys := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"reasoning", "answer", "a", "b", "c.d", "é"}), 0, 5,
		func(s string) string { return s }).Draw(t, "keys")
	var members []string
	for _, k := range keys {
		members = append(members, fmt.Sprintf("%q:%s", k, drawValue(t, depth)))
	}
	return members
}

// damaged cuts, repeats or overwrites a few bytes of valid text.
func damaged(t *rapid.T) string {
	text := []byte(drawValue(t, 3))
	for range rapid.IntRange(0, 3).Draw(t, "edits") {
		i := rapid.IntRange(0, len(text)).Draw(t, "at")
		j := rapid.IntRange(i, len(text)).Draw(t, "to")
		text = slices.Replace(text, i, j, rapid.SliceOfN(rapid.SampledFrom([]byte("{}[]\",:'`\\\n\xff1T ")), 0, 4).Draw(t, "bytes")...)
	}
	return string(text)
}

func TestScoresInRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkScores(t, "drawn", damaged(t)) })
}

func TestParseAgreesWithEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := damaged(t)
		_, err := Parse(text)
		if want := json.Valid([]byte(text)); strings.ToValidUTF8(text, "") == text && (err == nil) != want {
			t.Fatalf("%q: accepted %v, encoding/json says %v: %v", text, err == nil, want, err)
		}
	})
}

// The reported byte is the first that cannot continue: what is before it can (it fails at its end, if at all), and the
// two together can't.
func TestErrorOffset(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := damaged(t)
		var e, before *SyntaxError
		if _, err := Parse(text); !errors.As(err, &e) {
			return
		}
		if _, err := Parse(text[:e.Offset]); errors.As(err, &before) && !before.AtEnd {
			t.Fatalf("%q: stops at %d, but its first part already at %d", text, e.Offset, before.Offset)
		}
		if e.Offset < len(text) {
			if _, err := Parse(text[:e.Offset+1]); !errors.As(err, &before) || before.AtEnd {
				t.Fatalf("%q: stops at %d, but that byte can continue", text, e.Offset)
			}
		} else if !e.AtEnd {
			t.Fatalf("%q: stops behind the text without AtEnd", text)
		}
	})
}

func TestProseNeverRaisesOnlyJSON(t *testing.T) {
	prose := rapid.StringOfN(rapid.RuneFrom([]rune("Sure, here it is.\n 18")), 0, 20, -1)
	rapid.Check(t, func(t *rapid.T) {
		text := damaged(t)
		more := prose.Draw(t, "before") + text + prose.Draw(t, "after")
		if was, is := OnlyJSON(text), OnlyJSON(more); is > was && !bracketless(text) {
			t.Fatalf("%q: %v, with prose %q: %v", text, was, more, is)
		}
	})
}

// bracketless text can become a value when digits are put beside it, as `.` does in `1.8`.
func bracketless(text string) bool { return !strings.ContainsAny(text, "{[") }

func TestPermutingMembersChangesOnlyOrder(t *testing.T) {
	keys := []string{"reasoning", "answer"}
	rapid.Check(t, func(t *rapid.T) {
		members := drawMembers(t, 2)
		a := "{" + strings.Join(members, ",") + "}"
		b := "{" + strings.Join(rapid.Permutation(members).Draw(t, "shuffled"), ",") + "}"
		if x, y := withoutOrder(a, keys), withoutOrder(b, keys); x != y {
			t.Fatalf("%s: %v\n%s: %v", a, x, b, y)
		}
	})
}

func TestWhiteSpaceChangesNothing(t *testing.T) {
	keys := []string{"reasoning", "answer"}
	rapid.Check(t, func(t *rapid.T) {
		members := drawMembers(t, 2)
		a := "{" + strings.Join(members, ",") + "}"
		b := " {\n\t" + strings.Join(members, " ,\r\n\t") + "\n} "
		if x, y := withoutOrder(a, keys), withoutOrder(b, keys); x != y || orderOf(a, keys) != orderOf(b, keys) {
			t.Fatalf("%s: %v\n%s: %v", a, x, b, y)
		}
	})
}

func TestRepeatedKey(t *testing.T) {
	fields := []Field{{"reasoning", "string"}, {"answer", "number"}}
	rapid.Check(t, func(t *rapid.T) {
		members := drawMembers(t, 2)
		if len(members) == 0 {
			return
		}
		a := "{" + strings.Join(members, ",") + "}"
		key := rapid.SampledFrom(members).Draw(t, "member")
		key = key[:strings.Index(key, `":`)+2]
		b := a[:len(a)-1] + "," + key + drawValue(t, 1) + "}"
		va, _ := Parse(a)
		vb, err := Parse(b)
		if err != nil {
			t.Fatal(b, err)
		}
		if UniqueKeys(vb) >= UniqueKeys(va) && UniqueKeys(va) == 1 {
			t.Fatalf("%s: unique_keys %v, want less than %v", b, UniqueKeys(vb), UniqueKeys(va))
		}
		if Types(b, fields) > Types(a, fields) || Grade(b, "18", true).AnswerCorrect && !Grade(a, "18", true).AnswerCorrect {
			t.Fatalf("%s gains over %s", b, a)
		}
	})
}

// Lookup through gjson and Get on the parsed value see the same member.
func TestLookupAgreesWithGet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawValue(t, 3)
		v, err := Parse(text)
		if err != nil {
			t.Fatal(text, err)
		}
		for _, key := range []string{"reasoning", "answer", "a", "b", "é", "0", "#", "@this", "*", "a|b", "a b"} {
			want, has := v.Get(key)
			got, ok := Lookup(text, key)
			if ok != has || got.Kind != want.Kind || got.Text != want.Text {
				t.Fatalf("%s: %s: lookup %v %v, get %v %v", text, key, got, ok, want, has)
			}
		}
	})
}

type summary struct {
	prefix, single, only, fence, required, extra, types, nonempty, unique, diverse float64
	verdict                                                                        Verdict
}

func withoutOrder(text string, keys []string) summary {
	v, _ := Exact(text)
	return summary{
		Prefix(text), Single(text), OnlyJSON(text), NoFence(text), Required(text, keys), NoExtra(v, keys),
		Types(text, []Field{{"answer", "number"}}), NonEmpty(text, keys), UniqueKeys(v), Diverse(v), Grade(text, "18", true),
	}
}

func orderOf(text string, keys []string) float64 {
	v, _ := Exact(text)
	return Order(v, keys)
}
