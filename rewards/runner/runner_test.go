//go:build unix

package runner

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/burnish-rl/burnish/rewards"
	"github.com/burnish-rl/burnish/rewards/runner/serve"
)

func TestScore(t *testing.T) {
	r, _ := newNaughty(t, Config{})
	got, err := r.Score(context.Background(), attempt("hello"))
	want := rewards.Result{
		Score: 10, Parts: []rewards.Part{{Name: "len", Score: 5}}, Notes: []string{"<18>"}, Spans: []rewards.Span{{From: 0, To: 1, Note: "s"}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
	// Every byte arrives, whatever it is.
	for _, text := range []string{"", "\x00\x1f<&>\u2028", "\xff\xfe", strings.Repeat("\x01", 1<<20), strings.Repeat("\xff", 1<<20)} {
		got, err := r.Score(context.Background(), attempt(text))
		if err != nil || got.Score != 2*float64(len(text)) {
			t.Errorf("%.20q: %v, %v, want %d", text, got.Score, err, 2*len(text))
		}
	}
	if s := r.Stats(); s != (Stats{Scored: 6}) {
		t.Errorf("stats %+v, want 6 scored", s)
	}
}

// Whatever a reward does to a completion, that completion has no score and a reason, and the next one is judged.
func TestNaughtyRewards(t *testing.T) {
	for _, c := range []struct {
		text, missing string
		want          Stats
	}{
		{"hang", "no score within 500ms", Stats{Scored: 2, Expired: 1, Restarts: 1}},
		{"spin", "no score within 500ms", Stats{Scored: 2, Expired: 1, Restarts: 1}},
		{"panic", "panic: runtime error: index out of range [5] with length 0 (naughty_test.go:", Stats{Scored: 2, Failed: 1}},
		{"nan", "score is NaN, want a finite number", Stats{Scored: 2, Failed: 1}},
		{"error", "can't judge this", Stats{Scored: 2, Failed: 1}},
		{"exit", "the child ended: exit status 3: giving up", Stats{Scored: 2, Crashed: 1, Restarts: 1}},
		{"grandchild", "no score within 500ms", Stats{Scored: 2, Expired: 1, Restarts: 1}},
		{"grandchild exit", "the child ended: exit status 0", Stats{Scored: 2, Crashed: 1, Restarts: 1}},
		{"garbage", `reply: found "not JSON", want one JSON object a line`, Stats{Scored: 2, Crashed: 1, Restarts: 1}},
		{"endless", "a reply has more than 8388608 bytes", Stats{Scored: 2, Crashed: 1, Restarts: 1}},
		{"missing", "nothing to compare", Stats{Scored: 3}},
	} {
		t.Run(c.text, func(t *testing.T) {
			t.Parallel()
			config := Config{}
			if c.want.Expired > 0 {
				config.Deadline = short
			}
			r, _ := newNaughty(t, config)
			score(t, r, "before", 12)
			start := time.Now()
			got, err := r.Score(context.Background(), attempt(c.text))
			if err != nil || !strings.HasPrefix(got.Missing, c.missing) || got.Score != 0 || got.Parts != nil {
				t.Errorf("got %+v, %v, want missing %q and no score", got, err, c.missing)
			}
			if took := time.Since(start); took > 8*time.Second {
				t.Errorf("took %v", took)
			}
			score(t, r, "after", 10)
			if s := r.Stats(); s != c.want {
				t.Errorf("stats %+v, want %+v", s, c.want)
			}
		})
	}
}

// A stack overflow can't be recovered by Go. It comes well within the default deadline.
func TestStackOverflow(t *testing.T) {
	r, _ := newNaughty(t, Config{Deadline: DefaultDeadline})
	got, err := r.Score(context.Background(), attempt("overflow"))
	if err != nil || got.Missing != "the child ended: exit status 2: fatal error: stack overflow" {
		t.Errorf("got %+v, %v", got, err)
	}
	score(t, r, "after", 10)
}

func score(t *testing.T, r *Runner, text string, want float64) {
	t.Helper()
	got, err := r.Score(context.Background(), attempt(text))
	if err != nil || got.Missing != "" || got.Score != want {
		t.Errorf("%s: %+v, %v, want %v", text, got, err, want)
	}
}

func TestPrintsBecomeLogLines(t *testing.T) {
	r, l := newNaughty(t, Config{})
	score(t, r, "print", 10)
	if got := <-l.ch; got != "on stdout" {
		t.Errorf("log line %q, want %q", got, "on stdout")
	}
	r.Close()
	if got := <-l.ch; got != "on stderr, no line end" {
		t.Errorf("log line %q", got)
	}
}

// A flood of output costs neither memory nor the score, and the log stays readable.
func TestFlood(t *testing.T) {
	r, l := newNaughty(t, Config{})
	score(t, r, "flood", 10)
	score(t, r, "after", 10)
	r.Close()
	close(l.ch)
	var got []string
	for s := range l.ch {
		got = append(got, s)
	}
	notes := 0
	for _, s := range got {
		if strings.HasPrefix(s, "… and ") {
			notes++
		}
	}
	if len(got) > 2*maxLogLines+2 || notes == 0 {
		t.Errorf("%d log lines, %d of them say how many were dropped, want at most %d and at least one", len(got), notes, 2*maxLogLines+2)
	}
}

func TestStaleRepliesAreDropped(t *testing.T) {
	r, _ := newNaughty(t, Config{})
	score(t, r, "stale", 10)
	if s := r.Stats(); s != (Stats{Scored: 1, Dropped: 1}) {
		t.Errorf("stats %+v, want one dropped reply", s)
	}
}

// Completions that wait behind a hung one are judged by the fresh child, and their deadline begins when they are sent.
func TestQueueBehindAHungOne(t *testing.T) {
	r, _ := newNaughty(t, Config{Deadline: 1500 * time.Millisecond})
	c, err := rewards.NewComposite([]rewards.Weighted{{Name: "naughty", Weight: 1, Reward: r}})
	if err != nil {
		t.Fatal(err)
	}
	c.Parallel = 8
	as := []rewards.Attempt{attempt("hang"), attempt("sleep"), attempt("sleep"), attempt("sleep"), attempt("x")}
	got, err := c.ScoreAll(context.Background(), as)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{0, 10, 10, 10, 2} {
		if missing := i == 0; (got[i].Missing != "") != missing || got[i].Score != want {
			t.Errorf("%s: %+v, want %v", as[i].Text, got[i], want)
		}
	}
	if len(c.DeadlineNotEnforced()) != 0 {
		t.Error("a child's deadline counts as not enforced")
	}
}

// Three children judge three completions at a time.
func TestChildren(t *testing.T) {
	r, _ := newNaughty(t, Config{Children: 3})
	pids := make(chan float64)
	for range 3 {
		go func() {
			got, err := r.Score(context.Background(), attempt("sleep pid"))
			if err != nil || got.Missing != "" {
				t.Errorf("%+v, %v", got, err)
			}
			pids <- got.Score
		}()
	}
	seen := map[float64]bool{<-pids: true, <-pids: true, <-pids: true}
	if len(seen) != 3 {
		t.Errorf("judged by %v, want three processes", seen)
	}
}

func TestTooManyFailures(t *testing.T) {
	r, _ := newNaughty(t, Config{MaxFailures: 3})
	for range 2 {
		if _, err := r.Score(context.Background(), attempt("error")); err != nil {
			t.Error(err)
		}
	}
	score(t, r, "good", 8) // ends the row
	for i := range 3 {
		got, err := r.Score(context.Background(), attempt("error"))
		var failed *rewards.FailedError
		switch {
		case i < 2 && (err != nil || got.Missing == ""):
			t.Errorf("failure %d: %+v, %v", i+1, got, err)
		case i == 2 && (!errors.As(err, &failed) || failed.Times != 3 || failed.Attempt.Text != "error" || failed.Reward != "naughty"):
			t.Errorf("failure 3: %v, want a FailedError with the completion", err)
		}
	}
}

func TestContext(t *testing.T) {
	r, _ := newNaughty(t, Config{Deadline: time.Minute})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := r.Score(ctx, attempt("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
	ctx, cancel = context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := r.Score(ctx, attempt("hang")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("cancelled while it hangs: %v", err)
	}
	if took := time.Since(start); took > 8*time.Second {
		t.Errorf("a cancelled call took %v", took)
	}
	score(t, r, "after", 10)
	if s := r.Stats(); s.Expired+s.Crashed+s.Failed != 0 {
		t.Errorf("stats %+v, want no failure counted for a cancelled call", s)
	}
}

func TestReplay(t *testing.T) {
	r, _ := newNaughty(t, Config{Deadline: short})
	struck := rewards.Place{Step: 4, Slot: 1, Sample: 2}
	got, err := r.Score(rewards.WithPlace(context.Background(), struck), attempt("hang"))
	if err != nil {
		t.Fatal(err)
	}
	record := []Strike{{Place: struck, Reason: got.Missing}}
	if !reflect.DeepEqual(r.Struck(), record) {
		t.Errorf("struck %+v, want %+v", r.Struck(), record)
	}
	again, _ := newNaughty(t, Config{})
	again.Replay(record)
	replayed, err := again.Score(rewards.WithPlace(context.Background(), struck), attempt("quick this time"))
	if err != nil || !reflect.DeepEqual(replayed, got) {
		t.Errorf("replayed %+v, %v, want %+v", replayed, err, got)
	}
	if !reflect.DeepEqual(again.Struck(), record) || again.Stats().Replayed != 1 {
		t.Errorf("after replay: struck %+v, stats %+v", again.Struck(), again.Stats())
	}
	other := rewards.WithPlace(context.Background(), rewards.Place{Step: 4, Slot: 1, Sample: 3})
	if got, err := again.Score(other, attempt("xy")); err != nil || got.Score != 4 {
		t.Errorf("another place: %+v, %v", got, err)
	}
}

func TestClose(t *testing.T) {
	r, _ := newNaughty(t, Config{})
	score(t, r, "x", 2)
	r.Close()
	r.Close()
	if _, err := r.Score(context.Background(), attempt("x")); err == nil || !strings.Contains(err.Error(), "used after Close") {
		t.Errorf("after Close: %v", err)
	}
}

func TestTooLongForALine(t *testing.T) {
	r, _ := newNaughty(t, Config{})
	got, err := r.Score(context.Background(), attempt(strings.Repeat("x", serve.MaxLine)))
	if err != nil || !strings.HasPrefix(got.Missing, "the completion takes ") {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestRegisteredRefuses(t *testing.T) {
	if _, err := Registered("nobody", &naughty{}, Config{}); err == nil {
		t.Error("an unknown name is accepted")
	}
	if _, err := Registered("naughty", &naughty{Gain: -1}, Config{}); err == nil {
		t.Error("options that their Validate refuses are accepted")
	}
	if _, err := Registered("naughty", &naughty{}, Config{Deadline: -1}); err == nil {
		t.Error("a negative deadline is accepted")
	}
}
