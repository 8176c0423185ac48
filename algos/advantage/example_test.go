package advantage_test

import (
	"fmt"
	"math"

	"github.com/burnish-rl/burnish/algos/advantage"
)

func ExampleGroupCentred() {
	fmt.Println(advantage.GroupCentred([]float64{1, 0, math.NaN(), 0.5}))
	// Output: [0.5 -0.5 0 0]
}

func ExampleRLOO() {
	fmt.Println(advantage.RLOO([]float64{1, 0, 0.5}))
	// Output: [0.75 -0.75 0]
}

func ExampleOPO() {
	fmt.Println(advantage.OPO([]float64{1, 0}, []int{30, 10}))
	// Output: [0.25 -0.75]
}

func ExampleGAE() {
	fmt.Println(advantage.GAE([]float64{0, 1}, []float64{0.5, 0.5}, nil, 1, 1))
	// Output: [0.5 0.5]
}

func ExampleOverlong() {
	fmt.Println(advantage.Overlong(18_432, 20_480, 4_096))
	// Output: -0.5
}

// print rounds to four digits.
func print(groups ...[]float64) {
	for i, g := range groups {
		if i > 0 {
			fmt.Print(" ")
		}
		fmt.Printf("%.4f", g)
	}
	fmt.Println()
}

// The deviation of 1, 0, 0.5 is 0.5 by n-1, and a ten-thousandth is added to it.
func ExampleGroupScaled() {
	print(advantage.GroupScaled([]float64{1, 0, 0.5}))
	// Output: [0.9998 -0.9998 0.0000]
}

// By n the deviation is smaller, 0.4082.
func ExampleGroupScaledBiased() {
	print(advantage.GroupScaledBiased([]float64{1, 0, 0.5}))
	// Output: [1.2244 -1.2244 0.0000]
}

func ExampleRaw() {
	fmt.Println(advantage.Raw([]float64{1, 0, math.NaN()}))
	// Output: [1 0 0]
}

// Each prompt has its own mean; the deviation is that of all four rewards, 0.5774.
func ExampleBatchScaled() {
	print(advantage.BatchScaled([][]float64{{1, 0}, {1, 0}})...)
	// Output: [0.8659 -0.8659] [0.8659 -0.8659]
}

// Leave-one-out advantages scaled to a mean of 0 and a deviation of 1 over the step.
func ExampleStepScaled() {
	rewards := [][]float64{{1, 0}, {1, 1}}
	adv := [][]float64{advantage.RLOO(rewards[0]), advantage.RLOO(rewards[1])}
	print(advantage.StepScaled(adv, rewards)...)
	// Output: [1.2246 -1.2246] [0.0000 0.0000]
}

// One of four samples has a reward above 0, so advantages are scaled by four.
func ExampleGPG() {
	print(advantage.GPG([][]float64{{1, 0}, {0, 0}})...)
	// Output: [2.0000 -2.0000] [0.0000 0.0000]
}

// Without a KL each token's return is its answer's reward; the longer answer counts twice in the mean.
func ExampleReinforcePP() {
	adv := advantage.ReinforcePP([][]float64{{1, 0}}, [][][]float64{{{0, 0}, {0}}}, 0)
	print(adv[0]...)
	// Output: [0.5774 0.5774] [-1.1547]
}

func ExampleReinforcePPBaseline() {
	print(advantage.ReinforcePPBaseline([][]float64{{1, 0}}, [][]int{{2, 1}})...)
	// Output: [0.5774 -1.1547]
}

func ExampleReMax() {
	fmt.Println(advantage.ReMax([]float64{1, 0}, 0.25))
	// Output: [0.75 -0.25]
}

// One right answer in four: its advantage is 3 (a little less, for the 1e-4 below the fraction), where a prompt with three right
// ones gives each a third.
func ExampleMaxRL() {
	adv, err := advantage.MaxRL([]float64{1, 0, 0, 0})
	print(adv)
	fmt.Println(err)
	// Output:
	// [2.9988 -0.9996 -0.9996 -0.9996]
	// <nil>
}

// With one right answer in four, a wrong one is in a right pair in a third of its pairs: advantages 3/2 and -1/2.
func ExamplePassAtK() {
	adv, err := advantage.PassAtK([]float64{1, 0, 0, 0}, 2)
	print(adv)
	fmt.Println(err)
	// Output:
	// [1.4996 -0.4999 -0.4999 -0.4999]
	// <nil>
}

// The best is ahead by 0.5, and the deviation is 0.3819.
func ExampleBestMinusSecond() {
	print(advantage.BestMinusSecond([]float64{0.25, 1, 0.5}))
	// Output: [0.0000 1.3093 0.0000]
}

// The second part is worth less but as wide as the first after each is scaled.
func ExampleGDPO() {
	adv, err := advantage.GDPO([][][]float64{{{1, 0}, {0, 10}}}, []float64{1, 0.5})
	print(adv...)
	fmt.Println(err)
	// Output:
	// [0.7070 -0.7070]
	// <nil>
}

// Two answers of one token, drawn with probability 1/2 among two tokens: the baseline is their mean.
func ExampleOptimalToken() {
	logp, sumP2 := math.Log(0.5), 0.5
	print(advantage.OptimalToken([]float64{1, 0}, [][]float64{{logp}, {logp}}, [][]float64{{sumP2}, {sumP2}})...)
	// Output: [0.5000] [-0.5000]
}
