package loss_test

import (
	"fmt"

	"github.com/burnish-rl/burnish/algos/loss"
)

func ExampleEval() {
	// Two tokens, the first with the advantage, both at ratio 1.
	out, err := loss.Eval(loss.Clip(0.2, 0.2), loss.Inputs{
		LogP: []float64{-1, -2}, Old: []float64{-1, -2}, Adv: []float64{0.5, -1},
		Weights: loss.TokenMean([]int{2}, loss.Totals{Sequences: 1, Tokens: 2}),
	})
	fmt.Println(out.Loss, out.DLogP, err)
	// Output: 0.25 [-0.25 0.5] <nil>
}

// Supervised training by implicit reward: a token that has risen above the reference by 1 nat pulls half as much.
func ExampleImplicit() {
	out, err := loss.Eval(loss.Implicit(loss.ChiSquare, 1, true), loss.Inputs{
		LogP: []float64{-1, -1}, Ref: []float64{-1, -2}, Weights: []float64{1, 1},
	})
	fmt.Println(out.DLogP, err)
	// Output: [-1 -0.5] <nil>
}

// A pair where chosen and rejected stand as in the reference: both are pulled with β/2, spread over their tokens.
func ExampleDPO() {
	lengths := []int{1, 2}
	out, err := loss.Eval(loss.DPO{Loss: loss.Logistic(0.1)}.Objective(), loss.Inputs{
		LogP: []float64{-1, -2, -3}, Ref: []float64{-1, -2, -3},
		Lengths: lengths, Pairs: [][2]int{{0, 1}},
		Weights: loss.SequenceMean(lengths, loss.Totals{Sequences: 2}),
	})
	fmt.Printf("%.4f %.4f %v\n", out.Loss, out.DLogP, err)
	// Output: 0.6931 [-0.0500 0.0500 0.0500] <nil>
}

// One ratio for the whole answer: each of its two tokens gets half the gradient.
func ExampleGSPO() {
	out, err := loss.Eval(loss.GSPO(3e-4, 4e-4), loss.Inputs{
		LogP: []float64{-1, -2}, Old: []float64{-1, -2}, Adv: []float64{1, 1},
		Lengths: []int{2}, Weights: loss.SequenceMean([]int{2}, loss.Totals{Sequences: 1}),
	})
	fmt.Println(out.DLogP, err)
	// Output: [-0.5 -0.5] <nil>
}

// Importance weights are a factor of the policy's term; the KL beside it keeps its size.
func ExampleMultiplied() {
	weight, _ := loss.Importance("token_truncate", []float64{-1, -1}, []float64{-1, -3}, []int{2}, 2)
	obj := loss.WithKL(loss.Multiplied(loss.Reinforce()), 0.1)
	out, err := loss.Eval(obj, loss.Inputs{
		LogP: []float64{-1, -1}, Ref: []float64{-1, -1}, Adv: []float64{1, 1}, Factor: weight, Weights: []float64{1, 1},
	})
	fmt.Println(weight, out.DLogP, err)
	// Output: [1 2] [-1 -2] <nil>
}
