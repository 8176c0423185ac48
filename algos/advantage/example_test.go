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
