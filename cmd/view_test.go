package cmd

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/train"
	"github.com/burnish-rl/burnish/train/eval"
)

func plain(_, s string) string { return s }

func exampleView() *view {
	v := &view{name: "quickstart", step: 12, steps: 80, phase: "rollout", left: "1m20s", paint: plain}
	for _, m := range []string{"reward", "reward/json-valid", "reward/json-valid/prefix", "reward/answer", "loss", "grad_norm", "lr", "entropy", "kl", "length", "logp_gap", "tokens_per_second", "seconds/rollout", "seconds/train", "seconds/step"} {
		v.metrics = append(v.metrics, train.Metric{Name: m, Value: 0.5})
	}
	for i := range 200 {
		v.rewards = append(v.rewards, float64(i%7))
	}
	v.sample = &train.Sample{Prompt: strings.Repeat("Tom has 3 apples. ", 20), Text: strings.Repeat("日本 {\"answer\": 3}\n\x1b[2J", 30), Reward: 0.25}
	return v
}

// At every size the view fits the screen and shows what matters most, the sample included.
func TestViewFitsEveryScreen(t *testing.T) {
	v := exampleView()
	for width := 20; width < 200; width += 7 {
		for height := 3; height < 60; height += 3 {
			lines := v.lines(width-1, height-1)
			text := strings.Join(lines, "\n")
			if height >= 15 && width >= 40 {
				for _, want := range []string{"step 12/80", "rollout", "reward", "json-valid", "answer", "kl", "entropy", "length", "tokens/s", "left 1m20s", "sample"} {
					if !strings.Contains(text, want) {
						t.Errorf("%dx%d: no %s in\n%s", width, height, want, text)
					}
				}
				if len(lines) > height-1 {
					t.Errorf("%dx%d: %d lines", width, height, len(lines))
				}
			}
			if strings.ContainsAny(text, "\x1b\r\t") {
				t.Errorf("%dx%d: the sample commands the terminal: %q", width, height, text)
			}
		}
	}
}

// Drawing again goes up as many rows as the old view takes at the width of now.
func TestRedrawLeavesNothingBehind(t *testing.T) {
	var out bytes.Buffer
	term := newTerm(nil, new(bytes.Buffer), &out)
	term.redraw([]string{"one", strings.Repeat("x", 500), "three"}) // 80 columns: the second is clipped to 79
	out.Reset()
	term.redraw([]string{"four"})
	if want := "\x1b[3A\r\x1b[Jfour\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	out.Reset()
	term.note("hello")
	if want := "\x1b[1A\r\x1b[Jhello\nfour\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestClipCountsColumns(t *testing.T) {
	for _, c := range []struct {
		in    string
		width int
		want  string
	}{
		{"hello", 3, "hel"},
		{"日本語", 5, "日本"},
		{"a\u0301b", 1, "a\u0301"},
		{"\x1b[31mred\x1b[0m", 2, "\x1b[31mre"},
		{"a\x07b\x1bc", 9, "a·b·c"},
		{"\xff\xfe", 9, "\ufffd\ufffd"},
	} {
		if got := clip(c.in, c.width); got != c.want {
			t.Errorf("clip(%q, %d) = %q, want %q", c.in, c.width, got, c.want)
		}
		if got := columns(clip(c.in, c.width)); got > c.width {
			t.Errorf("clip(%q, %d) takes %d columns", c.in, c.width, got)
		}
	}
}

func TestShortNumbers(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 12: "12", 0.51234: "0.5123", 13652.5: "13652", 2e-4: "2.00e-04", 1234567: "1.23e+06"} {
		if got := short(v); got != want {
			t.Errorf("short(%v) = %s, want %s", v, got, want)
		}
	}
	if got := fmt.Sprint(progressBar(3, 4, 8), progressBar(9, 4, 8), progressBar(0, 0, 4)); got != "[######..][########][....]" {
		t.Errorf("bars %s", got)
	}
}

// TestEvalLinesBreakBetweenMetrics: no line is wider than the terminal, and nothing is lost.
func TestEvalLinesBreakBetweenMetrics(t *testing.T) {
	r := eval.Score(eval.JSON, []eval.Item{{Text: `{"reasoning": "1+1=2", "answer": 2}`, Reference: "2", Stop: "eos", Tokens: 9}})
	one := evalLines(20, &r, 0)
	if strings.Contains(one, "\n") {
		t.Errorf("without a width: %q", one)
	}
	many := evalLines(20, &r, 60)
	for _, l := range strings.Split(many, "\n") {
		if len(l) >= 60 {
			t.Errorf("%d wide: %q", len(l), l)
		}
	}
	if got, want := strings.Fields(many), strings.Fields(one); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
