package train_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/envs/sampler"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/policy/generate"
	"github.com/burnish-rl/burnish/rewards"
	"github.com/burnish-rl/burnish/train"
	"github.com/burnish-rl/burnish/train/optim"
	"github.com/burnish-rl/burnish/train/schedule"
)

// fewDigits is a reward of one's own: the share of the text that is not digits.
type fewDigits struct{}

func (fewDigits) Score(_ context.Context, a rewards.Attempt) (rewards.Result, error) {
	digits := 0
	for _, r := range a.Text {
		if strings.ContainsRune("0123456789", r) {
			digits++
		}
	}
	return rewards.Result{Score: 1 - float64(digits)/float64(1+len(a.Text))}, nil
}

// steps prints what is the same on every machine.
type steps struct{}

func (steps) Observe(e train.Event) {
	switch e.Kind {
	case train.StepDone:
		gap, _ := e.Metrics.Get("logp_gap")
		missing, _ := e.Metrics.Get("missing")
		_, moved := e.Metrics.Get("grad_norm")
		fmt.Printf("step %d of %d: gap %v, missing %v, gradient %v\n", e.Step, e.Steps, gap, missing, moved)
	case train.Ended:
		fmt.Println("done")
	}
}

// Two steps of GRPO on a fresh model through the API, with a reward written in Go that runs in this process.
func Example() {
	const config = `{"model_type": "llama", "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
		"vocab_size": 442, "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "tie_word_embeddings": true}`
	backend, err := policy.CPU(policy.CPUOptions{})
	if err != nil {
		log.Fatal(err)
	}
	model, err := policy.OpenNew([]byte(config), "builtin:tiny", 1, backend)
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	env, err := (&envs.ArithJSON{Split: envs.Train, Forms: envs.FormsJSON}).Open()
	if err != nil {
		log.Fatal(err)
	}
	order, err := (&sampler.Uniform{}).Open(1, sampler.Unlimited)
	if err != nil {
		log.Fatal(err)
	}
	judges, err := rewards.NewComposite([]rewards.Weighted{{Name: "few-digits", Weight: 1, Reward: fewDigits{}}})
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	grpo, _ := algos.Lookup("grpo")
	trainer, err := train.New(train.Config{
		Model: model, Env: env, Sampler: order, Rewards: judges,
		Algo:  grpo.New(),
		Optim: &optim.AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8}, Rate: 1e-3, Clip: 1, Schedule: &schedule.Constant{},
		Prompts: 2, Samples: 4, Decoding: policy.Decoding{Decoding: generate.Decoding{Temperature: 1}, MaxTokens: 16},
		Steps: 2, Seed: 1, CheckpointKeep: 1, MicroBatchTokens: 2048,
		Dir: dir, Observer: steps{},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer trainer.Close()
	if err := trainer.Run(context.Background(), context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output:
	// step 1 of 2: gap 0, missing 0, gradient true
	// step 2 of 2: gap 0, missing 0, gradient true
	// done
}
