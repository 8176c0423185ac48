// Package sampler says which tasks come next. Start with [Lookup]; a sampler is one file, with its options as a
// struct, and a line in the table below.
package sampler

import "slices"

// Outcome is what became of a sampled task.
type Outcome struct {
	Index   int
	Rewards []float64 // of its samples, NaN where missing; nil under algorithms that score nothing
	Angles  []float64 // what [Needs].Online asked for; nil when it asked for nothing
}

// Sampler gives task indices, n at a time, and is told what became of them. A sampler that remembers anything also
// implements encoding.BinaryMarshaler and BinaryUnmarshaler, and then goes on as if it had never stopped. It is used
// by one goroutine.
type Sampler interface {
	Next(n int) []int
	Observe(outcomes []Outcome)
}

// Reporter is a sampler that has numbers to show after each step.
type Reporter interface {
	Report() []Metric
}

// Metric is a named number.
type Metric struct {
	Name  string
	Value float64
}

// Unlimited is the size of an env without an end.
const Unlimited = -1

// Options are a sampler's settings: a struct with yaml tags, its defaults filled in by [Info].New.
type Options interface {
	Validate() error
	// Open gives the sampler over tasks 0 … size-1, or over all indices from 0 when size is [Unlimited].
	Open(seed uint64, size int) (Sampler, error)
}

// Info is a sampler's line in the table.
type Info struct {
	Name   string         // as recipes write it
	Doc    string         // one line
	Source string         // paper, or what it does plainly
	New    func() Options // options with their defaults
}

// builtin lists the samplers in the order of the documentation. The first is the default.
var builtin = []Info{uniform, sequential, gainRL, passRate, ascending, filtered}

var registered []Info

// Register adds a user's sampler. Call it at the start of main. It panics on an incomplete Info or a taken name.
func Register(info Info) {
	if info.Name == "" || info.New == nil {
		panic("sampler: register: a sampler needs a name and a New function")
	}
	if _, taken := Lookup(info.Name); taken {
		panic("sampler: register: the name " + info.Name + " is taken")
	}
	registered = append(registered, info)
}

// All lists every sampler: the built-in ones, then the registered ones.
func All() []Info {
	return slices.Concat(builtin, registered)
}

// Lookup finds a sampler by name.
func Lookup(name string) (Info, bool) {
	for _, info := range All() {
		if info.Name == name {
			return info, true
		}
	}
	return Info{}, false
}
