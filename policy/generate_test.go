package policy

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/policy/generate"
)

// roll samples every request and gives the completions by request and sample.
func roll(t testing.TB, m *Model, reqs []Request, d Decoding, computed *int) [][]Completion {
	t.Helper()
	out := make([][]Completion, len(reqs))
	for i, r := range reqs {
		out[i] = make([]Completion, r.Samples)
	}
	for c, err := range m.Generate(context.Background(), reqs, d, computed) {
		if err != nil {
			t.Fatal(err)
		}
		out[c.Request][c.Sample] = c
	}
	return out
}

func someRequests(samples int) []Request {
	var reqs []Request
	for i, n := range []int{1, 16, 17, 40} {
		reqs = append(reqs, Request{Prompt: drawIDs(n, i), Samples: samples, Slot: uint32(i)})
	}
	return reqs
}

// batchOf is the training batch of what was sampled.
func batchOf(reqs []Request, groups [][]Completion, d Decoding) Batch {
	b := Batch{Temperature: d.LogProbTemperature()}
	for i, r := range reqs {
		b.Prompts = append(b.Prompts, r.Prompt)
		for _, c := range groups[i] {
			b.Rows = append(b.Rows, Row{Prompt: i, Tokens: c.Tokens})
		}
	}
	return b
}

// TestGapIsZero: the training pass gives every sampled token the log-prob that it was sampled with, to the bit: packed
// or row by row, with or without an adapter, whatever the decoding and the threads.
func TestGapIsZero(t *testing.T) {
	for _, lora := range []bool{false, true} {
		build := func(threads int) *Model {
			m := newModel(t, threads)
			if lora {
				withAdapter(t, m)
			}
			return m
		}
		m, other := build(2), build(3)
		for _, g := range []generate.Decoding{
			{Temperature: 0.7}, {Temperature: 1.3}, {}, {Temperature: 1, TopK: 20}, {Temperature: 0.7, TopP: 0.9}, {Temperature: 1.3, MinP: 0.02},
			{Temperature: 0.9, TopK: 50, TopP: 0.95, MinP: 0.01},
		} {
			d := Decoding{Decoding: g, MaxTokens: 25, Seed: 3, Step: 1, MaxRunning: 5}
			reqs := someRequests(3)
			groups := roll(t, m, reqs, d, nil)
			b := batchOf(reqs, groups, d)
			var sampled []float32
			for _, group := range groups {
				for _, c := range group {
					sampled = append(sampled, c.LogProbs...)
				}
			}
			if !sameBits(logProbs(t, m, b), sampled) {
				t.Errorf("lora %v, %+v: packed, the gap is not 0", lora, g)
			}
			var one []float32
			for _, r := range slices.Backward(b.Rows) {
				alone := Batch{Prompts: b.Prompts[r.Prompt : r.Prompt+1], Rows: []Row{{Tokens: r.Tokens}}, Temperature: b.Temperature}
				one = append(logProbs(t, other, alone), one...)
			}
			if !sameBits(one, sampled) {
				t.Errorf("lora %v, %+v: row by row with other threads, the gap is not 0", lora, g)
			}
		}
	}
}

// TestTokensComputed: 4 prompts of 100 tokens, 8 samples of 128: each prompt once, each sampled token but the last
// once, in rollout and in training. Without sharing it would be 7,264.
func TestTokensComputed(t *testing.T) {
	config := strings.NewReplacer(`"max_position_embeddings": 128`, `"max_position_embeddings": 256`, `"eos_token_id": [2, 0]`, `"eos_token_id": null`).Replace(newConfig)
	m := openNew(t, config, 2)
	m.eos = nil // the tokenizer names one too
	var reqs []Request
	for i := range 4 {
		reqs = append(reqs, Request{Prompt: drawIDs(100, i), Samples: 8, Slot: uint32(i)})
	}
	d := Decoding{Decoding: generate.Decoding{Temperature: 1}, MaxTokens: 128}
	computed := 0
	groups := roll(t, m, reqs, d, &computed)
	tokens, err := m.LogProbs(batchOf(reqs, groups, d), false)
	if err != nil {
		t.Fatal(err)
	}
	const want = 4*100 + 4*8*127
	if computed != want || tokens.Computed != want || len(tokens.LogP) != 4*8*128 {
		t.Errorf("%d rows computed in the rollout, %d in training, want %d each", computed, tokens.Computed, want)
	}
}

// TestStopStrings: the text ends before the earliest stop string, the tokens after it; Offsets fit the text.
func TestStopStrings(t *testing.T) {
	m := newModel(t, 2)
	d := Decoding{Decoding: generate.Decoding{Temperature: 1}, MaxTokens: 60, Seed: 5}
	whole := roll(t, m, someRequests(4), d, nil)
	long := whole[0][0].Text
	d.Stop = []string{"e", long[1:5], "qq"}
	stopped := 0
	for i, group := range roll(t, m, someRequests(4), d, nil) {
		for k, c := range group {
			full := whole[i][k]
			if !slices.Equal(c.Tokens, full.Tokens[:len(c.Tokens)]) {
				t.Fatalf("request %d, sample %d: a stop string changed what is sampled", i, k)
			}
			checkText(t, m, c, d.Stop)
			if c.Stop == StopString {
				stopped++
			} else if !slices.Equal(c.Tokens, full.Tokens) || c.Text != full.Text {
				t.Errorf("request %d, sample %d: cut without a stop string", i, k)
			}
		}
	}
	if stopped < 3 {
		t.Errorf("%d completions were stopped, too few to test anything", stopped)
	}
}

// TestTheEarliestStopCuts: one token may complete several stop strings; the text ends before the first, whatever
// their order.
func TestTheEarliestStopCuts(t *testing.T) {
	m := newModel(t, 1)
	ids := m.Encode("one two three")
	for _, stops := range [][]string{{"three", "two", "ee"}, {"two", "three"}, {"zzz", "ee", "two"}} {
		c := m.completion(generate.Sequence{Tokens: ids, LogProbs: make([]float32, len(ids)), Stop: generate.StopString}, stops)
		if c.Text != "one " || c.Offsets[len(ids)-1] != 4 {
			t.Errorf("stops %q: text %q, last offset %d, want \"one \" and 4", stops, c.Text, c.Offsets[len(ids)-1])
		}
	}
}

func checkText(t *testing.T, m *Model, c Completion, stops []string) {
	t.Helper()
	all, offsets := m.Tokenizer().DecodeOffsets(c.Tokens, true)
	before, _ := m.Tokenizer().DecodeOffsets(c.Tokens[:len(c.Tokens)-1], true)
	at := len(all)
	for _, stop := range stops {
		if strings.Contains(c.Text, stop) {
			t.Errorf("%q still holds the stop string %q", c.Text, stop)
		}
		if i := strings.Index(all, stop); i >= 0 {
			at = min(at, i)
			if strings.Contains(before, stop) {
				t.Errorf("%q went on after its stop string", all)
			}
		}
	}
	if want := c.Stop == StopString; want != (at < len(all)) {
		t.Errorf("%q: stopped by %s, its stop string is at byte %d of %d", all, c.Stop, at, len(all))
	}
	if c.Text != all[:at] {
		t.Errorf("text %q, want %q", c.Text, all[:at])
	}
	for i, o := range c.Offsets {
		if want := min(offsets[i], int32(at)); o != want || len(c.Offsets) != len(c.Tokens) {
			t.Errorf("%q: token %d begins at %d, want %d", c.Text, i, o, want)
		}
	}
}

// TestEndTokensAreKept: a completion that ended by itself has its end token last and nowhere else, outside the text.
func TestEndTokensAreKept(t *testing.T) {
	m := newModel(t, 2)
	m.eos = []int32{2, 0, 40, 41, 42, 43, 44, 45} // a random model says a given token rarely
	ended := map[Stop]int{}
	d := Decoding{Decoding: generate.Decoding{Temperature: 1}, MaxTokens: 50, Seed: 1}
	for _, group := range roll(t, m, someRequests(8), d, nil) {
		for _, c := range group {
			ended[c.Stop]++
			for i, id := range c.Tokens {
				if last := i == len(c.Tokens)-1; slices.Contains(m.eos, id) != (last && c.Stop == StopEOS) {
					t.Errorf("tokens %v ended by %s", c.Tokens, c.Stop)
				}
			}
			if len(c.LogProbs) != len(c.Tokens) || math.IsNaN(float64(c.LogProbs[len(c.Tokens)-1])) {
				t.Errorf("%d log-probs for %d tokens", len(c.LogProbs), len(c.Tokens))
			}
		}
	}
	if ended[StopEOS] == 0 || ended[StopLength] == 0 || len(ended) != 2 {
		t.Errorf("ended by %v, want some by an end token and some by length", ended)
	}
}

func TestGenerateErrors(t *testing.T) {
	m := newModel(t, 1)
	for _, c := range []struct {
		want string
		d    Decoding
	}{
		{`stop string "\xff" is not UTF-8`, Decoding{MaxTokens: 1, Stop: []string{"a", "\xff"}}},
		{"max_tokens 0", Decoding{}},
		{"top_p 2", Decoding{MaxTokens: 1, Decoding: generate.Decoding{TopP: 2}}},
	} {
		var err error
		for _, e := range m.Generate(context.Background(), someRequests(1), c.d, nil) {
			err = e
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
	bad := Request{Prompt: []int32{1, 442}, Samples: 1}
	var err error
	for _, e := range m.Generate(context.Background(), []Request{bad}, Decoding{MaxTokens: 1}, nil) {
		err = e
	}
	if err == nil || !strings.Contains(err.Error(), "request 0: token 1 is id 442") {
		t.Errorf("an id without embedding: error %v", err)
	}
	if _, _, err := func() (string, []int32, error) { m.tmpl = nil; return m.Render(nil, true) }(); err == nil || !strings.Contains(err.Error(), "no chat template") {
		t.Errorf("no template: error %v", err)
	}
}

// TestTheSameTwice: the same call gives the same completions; another slot gives others.
func TestTheSameTwice(t *testing.T) {
	m := newModel(t, 2)
	d := Decoding{Decoding: generate.Decoding{Temperature: 1}, MaxTokens: 20, Seed: 1, Step: 4}
	prompt := drawIDs(9, 1)
	reqs := []Request{{Prompt: prompt, Samples: 2, Slot: 0}, {Prompt: prompt, Samples: 2, Slot: 1}}
	a, b := roll(t, m, reqs, d, nil), roll(t, newModel(t, 1), reqs, d, nil)
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Error("the same call gave other completions")
	}
	for k := range 2 {
		if slices.Equal(a[0][k].Tokens, a[1][k].Tokens) {
			t.Errorf("sample %d is the same in both slots", k)
		}
	}
}
