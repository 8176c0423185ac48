// Command losses computes the losses of algorithms on one batch, for trl_losses.py beside it: JSON in, JSON out. Each row
// goes the way a run goes: options by name, advantages from rewards, multipliers, token weights, expression, gradient.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/algos/loss"
	"github.com/burnish-rl/burnish/recipes"
)

// batch is the input: vectors over trained tokens, sequences in order.
type batch struct {
	Lengths    []int     `json:"lengths"`
	Group      int       `json:"group"` // samples of a prompt
	MaxTokens  int       `json:"max_tokens"`
	LogP       []float64 `json:"logp"`
	Old        []float64 `json:"old"`
	Ref        []float64 `json:"ref"`
	Sampled    []float64 `json:"sampled"`
	Entropy    []float64 `json:"entropy"`
	SumP2      []float64 `json:"sum_p2"`
	Rewards    []float64 `json:"rewards"`
	Desirable  []bool    `json:"desirable"`
	Mismatched []float64 `json:"mismatched"`
	Rows       []row     `json:"rows"`
}

// row is one algorithm with its settings, "key=value".
type row struct {
	Name string   `json:"name"`
	Kind string   `json:"kind"`
	Set  []string `json:"set"`
}

// result is the loss and its gradient, [N].
type result struct {
	Name string    `json:"name"`
	Loss float64   `json:"loss"`
	Grad []float64 `json:"grad"`
}

func main() {
	var b batch
	if err := json.NewDecoder(os.Stdin).Decode(&b); err != nil {
		log.Fatal(err)
	}
	var out []result
	for _, r := range b.Rows {
		got, err := b.evaluate(r)
		if err != nil {
			log.Fatalf("%s: %v", r.Name, err)
		}
		out = append(out, got)
	}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		log.Fatal(err)
	}
}

func (b *batch) evaluate(r row) (result, error) {
	a, err := recipes.AlgoOptions(r.Kind, r.Set)
	if err != nil {
		return result{}, err
	}
	n := a.Needs()
	in := loss.Inputs{LogP: b.LogP, Lengths: b.Lengths, Weights: a.Reduction()(b.Lengths, b.totals())}
	if n.Reference {
		in.Ref = b.Ref
	}
	if n.SumP2 {
		in.SumP2 = b.SumP2
	}
	if n.Mismatched {
		in.Mismatched = b.Mismatched
	}
	switch {
	case n.Demonstrations:
	case n.Pairs:
		for i := 0; i < len(b.Lengths); i += 2 {
			in.Pairs = append(in.Pairs, [2]int{i, i + 1})
			in.Chosen += b.Lengths[i]
		}
	case n.Unpaired:
		in.Desirable = b.Desirable
	default:
		if err := b.onPolicy(a, &in); err != nil {
			return result{}, err
		}
	}
	got, err := loss.Eval(a.Objective(), in)
	return result{r.Name, got.Loss, got.DLogP}, err
}

func (b *batch) totals() loss.Totals {
	return loss.Totals{Sequences: len(b.Lengths), Tokens: len(b.LogP), MaxTokens: b.MaxTokens}
}

// onPolicy adds what comes from the rewards.
func (b *batch) onPolicy(a algos.Algorithm, in *loss.Inputs) error {
	var groups []algos.Group
	for i := 0; i < len(b.Rewards); i += b.Group {
		groups = append(groups, algos.Group{Rewards: b.Rewards[i : i+b.Group], Lengths: b.Lengths[i : i+b.Group], MaxTokens: b.MaxTokens})
	}
	adv, err := a.Advantages(groups)
	if err != nil {
		return err
	}
	s := algos.Step{Lengths: b.Lengths, Old: b.Old, Sampled: b.Sampled, LogP: b.LogP, Entropy: b.Entropy}
	in.Old = b.Old
	for i, n := range b.Lengths {
		v := adv[i/b.Group][i%b.Group]
		s.Advantage = append(s.Advantage, v)
		for range n {
			in.Adv = append(in.Adv, v)
		}
	}
	if !a.Needs().Factor {
		return nil
	}
	f, ok := a.(algos.Factorer)
	if !ok {
		return fmt.Errorf("it needs a factor and has none")
	}
	in.Factor, err = f.Factor(s)
	return err
}
