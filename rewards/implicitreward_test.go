package rewards

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// evenly is a pair of models whose log-ratios of a sequence add up to 1, or to 0 where there are no tokens.
func evenly(_ context.Context, sequences []Sequence) ([]PairLogProbs, error) {
	out := make([]PairLogProbs, len(sequences))
	for i, s := range sequences {
		out[i] = PairLogProbs{Policy: make([]float32, len(s.Tokens)), Reference: make([]float32, len(s.Tokens))}
		if len(s.Tokens) > 0 {
			out[i].Reference[0] = -1
		}
	}
	return out, nil
}

// spoken is a pair that says what the sequence's ids say: log π of a token is -id/4, log π_ref is -1.
func spoken(_ context.Context, sequences []Sequence) ([]PairLogProbs, error) {
	out := make([]PairLogProbs, len(sequences))
	for i, s := range sequences {
		for _, id := range s.Tokens {
			out[i].Policy, out[i].Reference = append(out[i].Policy, -float32(id)/4), append(out[i].Reference, -1)
		}
		if s.Prompt[0] == 9 {
			out[i] = PairLogProbs{Problem: "too long"}
		}
	}
	return out, nil
}

func TestImplicitReward(t *testing.T) {
	as := []Attempt{
		{PromptIDs: []int32{1}, IDs: []int32{0, 2, 4}, Text: "ignored"}, // 1 + 0.5 + 0
		{Text: "no ids"},
		{PromptIDs: []int32{1}, IDs: []int32{8, 8}}, // -1 - 1
		{PromptIDs: []int32{9}, IDs: []int32{1}},
		{PromptIDs: []int32{1}},
	}
	missing := []Result{1: {Missing: "the attempt has no token ids"}, 3: {Missing: "too long"}, 4: {}}
	for normalise, scores := range map[string][]float64{Sum: {0.75, 0, -1, 0, 0}, Mean: {0.25, 0, -0.5, 0, 0}} {
		r := ImplicitReward{Policy: "tuned", Beta: 0.5, Normalise: normalise}
		if _, err := r.Score(context.Background(), as[0]); err == nil || !strings.Contains(err.Error(), "no models") {
			t.Errorf("without models: %v", err)
		}
		r.Use(spoken)
		got, err := r.ScoreBatch(context.Background(), as)
		if err != nil {
			t.Fatal(err)
		}
		for i := range as {
			want := missing[i]
			want.Score = scores[i]
			one, err := r.Score(context.Background(), as[i])
			if err != nil || !reflect.DeepEqual(got[i], want) || !reflect.DeepEqual(one, want) {
				t.Errorf("%s: attempt %d: %+v together, %+v alone (%v), want %+v", normalise, i, got[i], one, err, want)
			}
		}
	}
}

// TestBatchReward: a list asks such a reward once about all attempts, counts it as any other, and stops at its error.
func TestBatchReward(t *testing.T) {
	calls := 0
	var fails error
	r := &ImplicitReward{Policy: "tuned", Beta: 1, Normalise: Sum}
	r.Use(func(ctx context.Context, s []Sequence) ([]PairLogProbs, error) {
		calls++
		if fails != nil {
			return nil, fails
		}
		return spoken(ctx, s)
	})
	c, err := NewComposite([]Weighted{{Name: "length", Weight: 1, Reward: &Length{Lo: 0, Hi: 2, Cap: 3}}, {Name: "implicit", Weight: 2, Reward: r}})
	if err != nil {
		t.Fatal(err)
	}
	as := []Attempt{{PromptIDs: []int32{1}, IDs: []int32{0}, Tokens: 1}, {}, {PromptIDs: []int32{1}, IDs: []int32{0, 0, 2}, Tokens: 3}}
	got, err := c.ScoreAll(context.Background(), as)
	want := []Result{
		{Score: 3, Parts: []Part{{"length", 1}, {"implicit", 1}}},
		{Parts: []Part{{"length", 1}}, Missing: "implicit: the attempt has no token ids"},
		{Score: 5, Parts: []Part{{"length", 0}, {"implicit", 2.5}}},
	}
	if err != nil || calls != 1 || !reflect.DeepEqual(got, want) {
		t.Errorf("%d calls, %+v, %v\nwant %+v", calls, got, err, want)
	}
	fails = errors.New("out of memory")
	if _, err := c.ScoreAll(context.Background(), as); !errors.Is(err, fails) || !strings.HasPrefix(err.Error(), "reward implicit: ") {
		t.Errorf("error %v", err)
	}
}
