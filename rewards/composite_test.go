package rewards

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// fake scores by a function.
type fake func(Attempt) (Result, error)

func (f fake) Score(_ context.Context, a Attempt) (Result, error) { return f(a) }

func fixed(r Result) fake { return func(Attempt) (Result, error) { return r, nil } }

func TestCompositeKeepsParts(t *testing.T) {
	c, err := NewComposite([]Weighted{
		{Name: "a", Weight: 0.5, Reward: fixed(Result{Score: 1, Parts: []Part{{"x", 0.25}}, Notes: []string{"n"}, Spans: []Span{{1, 2, "s"}}})},
		{Name: "b", Weight: -2, Reward: fixed(Result{Score: 0.5})},
		{Name: "seen", Weight: 0, Reward: fixed(Result{Score: 9})},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Score(context.Background(), Attempt{})
	want := Result{
		Score: -0.5, Parts: []Part{{"a", 1}, {"a/x", 0.25}, {"b", 0.5}, {"seen", 9}}, Notes: []string{"a: n"}, Spans: []Span{{1, 2, "s"}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

func TestCompositeMissing(t *testing.T) {
	good := Weighted{Name: "good", Weight: 1, Reward: fixed(Result{Score: 1})}
	for what, c := range map[string]struct {
		reward fake
		weight float64
		want   string // Missing
	}{
		"missing":   {fixed(Result{Missing: "no reference"}), 1, "bad: no reference"},
		"uncounted": {fixed(Result{Missing: "no reference"}), 0, ""},
		"NaN":       {fixed(Result{Score: math.NaN()}), 1, "bad: score is NaN, want a finite number"},
		"Inf part":  {fixed(Result{Parts: []Part{{"p", math.Inf(1)}}}), 1, "bad: part p is +Inf, want a finite number"},
		"error":     {func(Attempt) (Result, error) { return Result{}, errors.New("no luck") }, 1, "bad: no luck"},
		"panic":     {func(Attempt) (Result, error) { panic("oops") }, 1, "bad: panic: oops"},
	} {
		l, err := NewComposite([]Weighted{{Name: "bad", Weight: c.weight, Reward: c.reward}, good})
		if err != nil {
			t.Fatal(err)
		}
		got, err := l.Score(context.Background(), Attempt{})
		if err != nil || got.Missing != c.want {
			t.Errorf("%s: %+v, %v, want missing %q", what, got, err, c.want)
		}
		if c.want == "" && got.Score != 1 || c.want != "" && got.Score != 0 {
			t.Errorf("%s: score %v", what, got.Score)
		}
		if !reflect.DeepEqual(got.Parts, []Part{{"good", 1}}) {
			t.Errorf("%s: parts %v, want only what has a score", what, got.Parts)
		}
	}
}

func TestCompositeStopsAfterFailures(t *testing.T) {
	fails := true
	c, err := NewComposite([]Weighted{{Name: "bad", Weight: 1, Reward: fake(func(a Attempt) (Result, error) {
		if fails {
			return Result{}, fmt.Errorf("broken")
		}
		return Result{}, nil
	})}})
	if err != nil {
		t.Fatal(err)
	}
	score := func() error {
		_, err := c.Score(context.Background(), Attempt{Text: "the completion"})
		return err
	}
	for range MaxFailures - 1 {
		if err := score(); err != nil {
			t.Fatal(err)
		}
	}
	fails = false
	if err := score(); err != nil { // ends the row
		t.Fatal(err)
	}
	fails = true
	for range MaxFailures - 1 {
		if err := score(); err != nil {
			t.Fatal(err)
		}
	}
	err = score()
	var failed *FailedError
	if !errors.As(err, &failed) || failed.Attempt.Text != "the completion" || failed.Times != MaxFailures || failed.Reward != "bad" {
		t.Errorf("got %v, want a FailedError with the completion", err)
	}
	if err != nil && !strings.Contains(err.Error(), `reward bad: failed 10 times in a row: broken; completion: "the completion"`) {
		t.Errorf("message: %v", err)
	}
}

func TestScoreAll(t *testing.T) {
	var now, most atomic.Int32
	seen := make([]atomic.Int32, 40)
	c, err := NewComposite([]Weighted{{Name: "r", Weight: 2, Reward: placed(func(ctx context.Context, a Attempt) (Result, error) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		p, ok := PlaceOf(ctx)
		if !ok || p.Sample != a.Tokens {
			return Result{}, fmt.Errorf("place %+v %v for %d", p, ok, a.Tokens)
		}
		seen[a.Tokens].Add(1)
		time.Sleep(time.Millisecond)
		return Result{Score: float64(a.Tokens)}, nil
	})}})
	if err != nil {
		t.Fatal(err)
	}
	c.Parallel = 3
	as, places := make([]Attempt, 40), make([]Place, 40)
	for i := range as {
		as[i].Tokens, places[i].Sample = i, i
	}
	got, err := c.ScoreAll(context.Background(), as, places...)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if got[i].Score != 2*float64(i) || seen[i].Load() != 1 {
			t.Errorf("attempt %d: %+v, judged %d times", i, got[i], seen[i].Load())
		}
	}
	if m := most.Load(); m > 3 {
		t.Errorf("%d at a time, want at most 3", m)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.ScoreAll(ctx, as, places...); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := c.ScoreAll(context.Background(), as, places[:3]...); err == nil {
		t.Error("3 places for 40 attempts are accepted")
	}
	if got, err := c.ScoreAll(context.Background(), nil); err != nil || len(got) != 0 {
		t.Errorf("no attempts: %v, %v", got, err)
	}
}

type placed func(context.Context, Attempt) (Result, error)

func (f placed) Score(ctx context.Context, a Attempt) (Result, error) { return f(ctx, a) }

func TestScoreAllStopsAtError(t *testing.T) {
	var calls atomic.Int32
	c, err := NewComposite([]Weighted{{Name: "r", Weight: 1, Reward: fake(func(Attempt) (Result, error) {
		calls.Add(1)
		return Result{}, &FailedError{Reward: "r"}
	})}})
	if err != nil {
		t.Fatal(err)
	}
	c.Parallel = 1
	var failed *FailedError
	if _, err := c.ScoreAll(context.Background(), make([]Attempt, 50)); !errors.As(err, &failed) || calls.Load() != 1 {
		t.Errorf("%v after %d calls, want the first failure", err, calls.Load())
	}
}

func TestNewCompositeRefuses(t *testing.T) {
	r := fixed(Result{})
	for _, list := range [][]Weighted{
		nil, {{Name: "", Weight: 1, Reward: r}}, {{Name: "a", Weight: 1, Reward: nil}}, {{Name: "a", Weight: 1, Reward: r}, {Name: "a", Weight: 1, Reward: r}}, {{Name: "a", Weight: math.NaN(), Reward: r}}, {{Name: "a", Weight: math.Inf(1), Reward: r}},
	} {
		if _, err := NewComposite(list); err == nil {
			t.Errorf("%v is accepted", list)
		}
	}
}

func TestDeadlineNotEnforced(t *testing.T) {
	c, err := NewComposite([]Weighted{{Name: "length", Weight: 1, Reward: length.New()}, {Name: "mine", Weight: 1, Reward: fixed(Result{})}})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.DeadlineNotEnforced(); !reflect.DeepEqual(got, []string{"mine"}) {
		t.Errorf("got %v, want the in-process reward that is not ours", got)
	}
}
