package jsonscore

import (
	"strings"
	"testing"
	"time"
)

func TestLimits(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	sized := func(n int) string { return `"` + strings.Repeat("x", n-2) + `"` }
	for what, c := range map[string]struct {
		text string
		want bool
	}{
		"128 deep": {nested(128), true}, "129 deep": {nested(129), false},
		"1 MiB": {sized(1 << 20), true}, "1 MiB and a byte": {sized(1<<20 + 1), false},
	} {
		if Valid(c.text) != c.want {
			t.Errorf("%s: valid %v, want %v", what, !c.want, c.want)
		}
	}
}

// Text made to cost its square stays cheap.
func TestHostileTextIsCheap(t *testing.T) {
	for _, unit := range []string{"[", "{", `{"a":[`, `["[",`, "```", `[1,"`, "'", `\"`, "[]", "{} "} {
		text := strings.Repeat(unit, MaxSize/8/len(unit))
		start := time.Now()
		checkScores(t, unit, text)
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("%q: %v for 128 KiB", unit, took)
		} else {
			t.Logf("%q: %v", unit, took)
		}
	}
}
