package rewards_test

import (
	"context"
	"fmt"

	"github.com/burnish-rl/burnish/rewards"
)

func ExampleJSONValid() {
	r := rewards.JSONValid{Graded: true, Keys: []string{"answer"}}
	for _, text := range []string{`{"answer": 18}`, `{"answer": 18`, `{"answer": 18,}`, `{`} {
		got, _ := r.Score(context.Background(), rewards.Attempt{Text: text})
		fmt.Printf("%.3f %s\n", got.Score, text)
	}
	// Output:
	// 1.000 {"answer": 18}
	// 0.900 {"answer": 18
	// 0.467 {"answer": 18,}
	// 0.000 {
}

func ExampleJSONStructure() {
	r := rewards.JSONStructure{Keys: []string{"reasoning", "answer"}, Types: []string{"string", "number"}}
	for _, text := range []string{
		`{"reasoning": "9*2=18", "answer": 18}`,
		`{"answer": "18", "reasoning": "9*2=18"}`,
		`{"answer": 18}`,
		`Sure: {"reasoning": "9*2=18", "answer": 18}`,
		`{}`,
	} {
		got, _ := r.Score(context.Background(), rewards.Attempt{Text: text, Stop: "eos"})
		fmt.Printf("%.3f %s\n", got.Score, text)
	}
	// Output:
	// 1.000 {"reasoning": "9*2=18", "answer": 18}
	// 0.850 {"answer": "18", "reasoning": "9*2=18"}
	// 0.475 {"answer": 18}
	// 0.087 Sure: {"reasoning": "9*2=18", "answer": 18}
	// 0.100 {}
}

func ExampleAnswer() {
	strict, lenient := rewards.Answer{Key: "answer"}, rewards.Answer{Key: "answer", Lenient: true}
	for _, text := range []string{`{"answer": 18.0}`, `{"answer": "$18"}`, `The answer is 18.`} {
		a := rewards.Attempt{Text: text, Task: rewards.Task{Reference: "18"}}
		x, _ := strict.Score(context.Background(), a)
		y, _ := lenient.Score(context.Background(), a)
		fmt.Println(x.Score, y.Score, text)
	}
	// Output:
	// 1 1 {"answer": 18.0}
	// 0 1 {"answer": "$18"}
	// 0 0 The answer is 18.
}

func ExampleLength() {
	r := rewards.Length{Lo: 16, Hi: 256, Cap: 512}
	for _, n := range []int{8, 100, 384, 600} {
		got, _ := r.Score(context.Background(), rewards.Attempt{Tokens: n})
		fmt.Println(n, got.Score)
	}
	// Output:
	// 8 0.5
	// 100 1
	// 384 0.5
	// 600 0
}

// The models come from whoever opens the reward; here they are two made-up ones.
func ExampleImplicitReward() {
	r := rewards.ImplicitReward{Policy: "tuned", Reference: "base", Beta: 0.1, Normalise: rewards.Sum}
	r.Use(func(_ context.Context, sequences []rewards.Sequence) ([]rewards.PairLogProbs, error) {
		return []rewards.PairLogProbs{{Policy: []float32{-0.5, -1}, Reference: []float32{-1.5, -3}}}, nil
	})
	got, _ := r.Score(context.Background(), rewards.Attempt{PromptIDs: []int32{17, 4}, IDs: []int32{8, 2}})
	fmt.Printf("%.2f\n", got.Score)
	// Output: 0.30
}

// A weighted list keeps every score before its weight.
func ExampleComposite() {
	c, err := rewards.NewComposite([]rewards.Weighted{
		{Name: "json-valid", Weight: 0.3, Reward: &rewards.JSONValid{}},
		{Name: "answer", Weight: 0.7, Reward: &rewards.Answer{Key: "answer"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	got, _ := c.Score(context.Background(), rewards.Attempt{Text: `{"answer": 18}`, Task: rewards.Task{Reference: "18"}})
	fmt.Println(got.Score, got.Parts)
	// Output: 1 [{json-valid 1} {json-valid/valid 1} {json-valid/prefix 1} {answer 1}]
}
