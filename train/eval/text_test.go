package eval

import "testing"

func TestTextCorrect(t *testing.T) {
	for _, c := range []struct {
		text, reference string
		want            bool
	}{
		{"9*2=18\n#### 18", "18", true},
		{"#### 18\n\nQuestion: 5 boats and 3 oars", "18", true}, // running on changes nothing
		{"#### 17\n#### 18", "18", false},                       // the first answer counts
		{"#### $1,800.00", "1800", true},
		{"#### 1,234 people", "1234", true},
		{"#### -2", "-2", true},
		{"#### 2", "-2", false},
		{"#### -$2", "-2", true},
		{"#### 18 or 20", "18", true},
		{"####\nso it is 18", "18", true}, // nothing on the marker's line: the last number of the text
		{"The answer is 18.", "18", true},
		{"The answer is 18.5.", "18", false},
		{"She has 18 eggs, of 20.", "18", false},
		{"20-18", "18", true}, // a difference, not minus eighteen
		{"20-18", "-18", false},
		{"It is -18", "-18", true},
		{"18,5", "5", true}, // no group of three: two numbers
		{"half is .5", "0.5", true},
		{"eighteen", "18", false},
		{"", "18", false},
		{"18", "", false},
		{"", "", false},
		{"  Paris\n", "Paris", true}, // no number wanted: the text itself
		{"Paris, France", "Paris", false},
	} {
		if got := TextCorrect(c.text, c.reference); got != c.want {
			t.Errorf("%q against %q: %v, want %v", c.text, c.reference, got, c.want)
		}
	}
}
