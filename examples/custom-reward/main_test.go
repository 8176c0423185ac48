package main

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/rewards"
	"github.com/burnish-rl/burnish/rewards/runner"
)

// The children of the tests below run the real main.
func TestMain(m *testing.M) {
	if runner.IsWorker() {
		main()
	}
	rewards.Register(fewWords)
	os.Exit(m.Run())
}

// The registered reward judges in a child of the same binary, with its options.
func TestFewWordsInAChild(t *testing.T) {
	r, err := runner.Registered("few-words", &FewWords{Limit: 10}, runner.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for words, want := range map[int]float64{0: 1, 10: 1, 15: 0.5, 20: 0, 99: 0} {
		got, err := r.Score(context.Background(), rewards.Attempt{Text: strings.Repeat("word ", words)})
		if err != nil || got.Missing != "" || got.Score != want {
			t.Errorf("%d words: %+v, %v, want %v", words, got, err, want)
		}
	}
}

func TestRewardFile(t *testing.T) {
	r, err := runner.GoFile("reward.go", runner.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := r.Score(context.Background(), rewards.Attempt{Text: "it is 18", Task: rewards.Task{Reference: "18"}})
	if err != nil || got.Score != 1 {
		t.Errorf("%+v, %v, want 1", got, err)
	}
}
