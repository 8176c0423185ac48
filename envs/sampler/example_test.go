package sampler

import (
	"fmt"
	"slices"
)

func ExampleUniform() {
	s, _ := new(Uniform).Open(1, 5)
	epoch := s.Next(5)
	slices.Sort(epoch)
	fmt.Println(epoch)
	// Output: [0 1 2 3 4]
}

func ExampleSequential() {
	s, _ := new(Sequential).Open(1, 3)
	fmt.Println(s.Next(2), s.Next(2))
	// Output: [0 1] [2 0]
}

func ExampleGainRL() {
	o := gainRL.New().(*GainRL)
	o.EpochPrompts, o.Order = 2, "length"
	s, _ := o.Open(1, 4)
	s.(Ranker).Rank(Table{
		Tokens: []float64{40, 10, 30, 20}, Question: []float64{35, 5, 25, 15}, Released: make([]float64, 4),
		Intra: []float64{.2, .5, .3, .4}, Inter: make([]float64, 4),
	})
	s.Observe([]Outcome{{Index: 1, Rewards: []float64{1, 1}, Angles: []float64{.5, .1}}, {Index: 3, Rewards: []float64{1, 0}, Angles: []float64{.4, .2}}})
	for _, m := range s.(Reporter).Report() {
		fmt.Printf("%s %.3f\n", m.Name, m.Value)
	}
	// Output:
	// epoch 1.000
	// mean 0.268
	// position 0.500
	// prompt_tokens 15.000
	// accuracy 0.750
	// angle 0.300
	// completed_once 2.000
}

func ExamplePassRate() {
	o := &PassRate{By: "p", Samples: 8, Stages: 2, CorrectAt: 0.5}
	s, _ := o.Open(1, 4)
	s.(Ranker).Rank(Table{Budget: 4, Tokens: make([]float64, 4), Metadata: []float64{0, .25, .75, .5}})
	first, second := s.Next(2), s.Next(2)
	slices.Sort(first)
	slices.Sort(second)
	fmt.Println(first, second)
	// Output: [2 3] [0 1]
}

func ExampleAscending() {
	s, _ := (&Ascending{By: "quality"}).Open(1, 3)
	s.(Ranker).Rank(Table{Tokens: make([]float64, 3), Metadata: []float64{3, 1, 2}})
	fmt.Println(s.Next(4))
	// Output: [1 2 0 1]
}

func ExampleFiltered() {
	s, _ := (&Filtered{Rest: 1}).Open(1, 3)
	s.Next(3)
	s.Observe([]Outcome{{Index: 1, Rewards: []float64{0, 0}}, {Index: 2, Rewards: []float64{0, 1}}})
	epoch := s.Next(2)
	slices.Sort(epoch)
	fmt.Println(epoch)
	// Output: [0 2]
}
