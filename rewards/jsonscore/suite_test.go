package jsonscore

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// acceptedFree are the tests that the suite leaves free (i_) and that we accept: numbers stay text, so none is too
// large, and a lone surrogate escape decodes to U+FFFD. All other free ones are refused: they hold invalid UTF-8, a
// byte order mark, UTF-16, or 500 open brackets.
var acceptedFree = []string{
	"i_number_double_huge_neg_exp", "i_number_huge_exp", "i_number_neg_int_huge_exp", "i_number_pos_double_huge_exp",
	"i_number_real_neg_overflow", "i_number_real_pos_overflow", "i_number_real_underflow", "i_number_too_big_neg_int",
	"i_number_too_big_pos_int", "i_number_very_big_negative_int",
	"i_object_key_lone_2nd_surrogate", "i_string_1st_surrogate_but_2nd_missing",
	"i_string_1st_valid_surrogate_2nd_invalid", "i_string_incomplete_surrogate_and_escape_valid",
	"i_string_incomplete_surrogate_pair", "i_string_incomplete_surrogates_escape_valid",
	"i_string_invalid_lonely_surrogate", "i_string_invalid_surrogate", "i_string_inverted_surrogates_U+1D11E",
	"i_string_lone_second_surrogate",
}

func suite(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile("testdata/json_test_suite.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for line := range bytes.Lines(data) {
		row := struct {
			Name, Data, Tail string
			Repeat           int
		}{Repeat: 1}
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatal(err)
		}
		unit, err1 := base64.StdEncoding.DecodeString(row.Data)
		tail, err2 := base64.StdEncoding.DecodeString(row.Tail)
		if err1 != nil || err2 != nil {
			t.Fatal(row.Name, err1, err2)
		}
		texts[strings.TrimSuffix(row.Name, ".json")] = strings.Repeat(string(unit), row.Repeat) + string(tail)
	}
	if len(texts) != 318 {
		t.Fatalf("found %d tests, want 318", len(texts))
	}
	return texts
}

func TestJSONTestSuite(t *testing.T) {
	free := map[string]bool{}
	for _, name := range acceptedFree {
		free[name] = true
	}
	for name, text := range suite(t) {
		want := strings.HasPrefix(name, "y_") || free[name]
		delete(free, name)
		if _, err := Parse(text); (err == nil) != want {
			t.Errorf("%s: accepted %v, want %v (%v): %.60q", name, err == nil, want, err, text)
		}
	}
	if len(free) > 0 {
		t.Errorf("not in the suite: %v", free)
	}
}

// Scores of every test of the suite stay in range, and no broken text reaches a valid one.
func TestScoresOnJSONTestSuite(t *testing.T) {
	for name, text := range suite(t) {
		checkScores(t, name, text)
	}
}
