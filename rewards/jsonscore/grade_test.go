package jsonscore

import "testing"

// The 18 cases of section 3 of our digest of RL-Struct, with the whole verdict.
func TestGrade(t *testing.T) {
	const (
		valid = 1 << iota
		lenientValid
		structure
		strict
		lenient
	)
	const all = valid | lenientValid | structure | strict | lenient
	for i, c := range []struct {
		text, gold string
		want       int
	}{
		{`{"reasoning":"9*2=18","answer":18}`, "18", all},
		{`{"reasoning":"x","answer":18.0}`, "18", all},
		{`{"reasoning":"x","answer":"18"}`, "18", valid | lenientValid | lenient},
		{`{"reasoning":"x","answer":"$1,800.00"}`, "1800", valid | lenientValid | lenient},
		{`{"reasoning":"x","answer":1,800}`, "1800", 0},
		{`{"reasoning":"x","answer":"18 dollars per day"}`, "18", valid | lenientValid | lenient},
		{"```json\n{\"reasoning\":\"9*2=18\",\"answer\":18}\n```", "18", lenientValid | lenient},
		{`The answer is 18.`, "18", 0},
		{`{"answer":18,"reasoning":"x"}`, "18", all},
		{`{"reasoning":"x","answer":17,"answer":18}`, "18", valid | lenientValid},
		{`{"reasoning":"x","answer":1.8e1}`, "18", all},
		{`{"reasoning":"x","answer":"18 or 20"}`, "18", valid | lenientValid},
		{`{"reasoning":"x","answer":18`, "18", 0}, // cut by the limit
		{`{"reasoning":"","answer":18}`, "18", all &^ structure},
		{`{"reasoning":"x","answer":"1/2"}`, "0.5", valid | lenientValid | lenient},
		{`{"reasoning":"x","answer":-0}`, "0", all},
		{`{"reasoning":"x","answer":0.3333333}`, "0.333333", all},
		{`{"reasoning":"x","answer":17} {"reasoning":"x","answer":18}`, "18", lenientValid},
		// Beyond the digest's table.
		{`{"reasoning":"x","answer":18,"note":1}`, "18", all &^ structure},
		{`{"reasoning":"x","answer":null}`, "18", valid | lenientValid},
		{`{"reasoning":"x","answer":[18]}`, "18", valid | lenientValid},
		{`18`, "18", valid | lenientValid},
		{`{"reasoning":"x","answer":18,"answer":17}`, "18", valid | lenientValid}, // the first would be right
		{`[{"reasoning":"x","answer":18}]`, "18", valid | lenientValid},
		{`{"reasoning":"x","answer":1e400}`, "1e400", valid | lenientValid | structure},
		{`{"reasoning":"x","answer":1800}`, "1,800", all}, // a gold number may be grouped
		{`{"reasoning":"x","answer":18}`, "n/a", valid | lenientValid | structure},
		{"Here: {\"reasoning\":\"```x```\",\"answer\":18} done", "18", lenientValid | lenient},
		{"[1] first, then ```{\"reasoning\":\"x\",\"answer\":18}```", "18", lenientValid | lenient},
		{"{\"reasoning\":\"x\",\"answer\":18}\n```", "18", lenientValid | lenient},
	} {
		text, complete := c.text, i+1 != 13
		got := Grade(text, c.gold, complete)
		is := func(bit int) bool { return c.want&bit != 0 }
		want := Verdict{is(valid), is(lenientValid), is(structure), is(strict), is(lenient), is(structure) && is(strict)}
		if got != want {
			t.Errorf("case %d: %s (%s):\n got %+v\nwant %+v", i+1, text, c.gold, got, want)
		}
	}
	if v := Grade(`{"reasoning":"x","answer":18}`, "18", false); v.Structure || v.Both || !v.AnswerCorrect {
		t.Errorf("cut by the limit after the value closed: %+v, want no structure, correct", v)
	}
}

func TestCleanNumber(t *testing.T) {
	for text, want := range map[string]string{
		"18": "18", " 18 ": "18", "-$5": "-5", "$-5": "-5", "€1,234,567.5": "2469135/2", "£ 3": "3",
		"12,34": "", "1,2345": "", "1,800,": "", "50%": "50", "50 %": "50", "18 dollars": "18", "18 dollars.": "",
		"18.": "18", ".5": "1/2", "-.5": "-1/2", "1e3": "1000", "5E-1": "1/2", "1/3": "1/3", "-7/2": "-7/2", "1/0": "",
		"1/-3": "", "+5": "", "": "", ".": "", "$": "", "dollars": "", "$$5": "", "18 or 20": "", "5 m²": "", "1e309": "",
		"1e-309": "", "0x10": "", "1_000": "", "--5": "", "1,800/2": "900", "½": "", "18%%": "",
	} {
		got, ok := CleanNumber(text)
		switch {
		case ok != (want != ""):
			t.Errorf("%q: is a number: %v, want %v", text, ok, want != "")
		case ok && got.RatString() != want:
			t.Errorf("%q: %s, want %s", text, got.RatString(), want)
		}
	}
}

func TestSameNumber(t *testing.T) {
	for _, c := range []struct {
		a, g string
		want bool
	}{
		{"18", "18.0000001", true}, {"18.1", "18", false}, {"1000000", "1000001", true}, {"1000000", "1000002", false},
		{"0.0000009", "0", true}, {"0.0000011", "0", false}, {"-1", "1", false},
		{"12345678901234567890", "12345678901234567890", true}, {"1e308", "1e308", true}, {"1e308", "1e307", false},
	} {
		a, ok1 := Rational(c.a)
		g, ok2 := Rational(c.g)
		if !ok1 || !ok2 || SameNumber(a, g) != c.want {
			t.Errorf("%s and %s: same %v (%v %v), want %v", c.a, c.g, !c.want, ok1, ok2, c.want)
		}
	}
}
