package rewards

import "fmt"

// Options are a reward's options: the reward itself, a pointer to a struct. Fields carry the yaml key and a doc tag
// with unit and range, from which the recipe reference is made.
type Options interface {
	Reward
	Validate() error
}

// Info is one reward as the table and the documentation show it.
type Info struct {
	Name   string
	Doc    string         // one line
	Source string         // paper, "" when there is none
	New    func() Options // a fresh pointer with the defaults
}

// builtin lists our rewards in the order of the documentation.
var builtin = []Info{jsonValid, jsonStructure, answer, length, implicitReward}

var registered []Info

// Register adds a reward from a user's own main, before it calls cmd.Main. It panics on an empty or taken name.
func Register(i Info) {
	if i.Name == "" || i.New == nil {
		panic("rewards: register: want a name and New")
	}
	if _, taken := Lookup(i.Name); taken {
		panic(fmt.Sprintf("rewards: register: %q is taken", i.Name))
	}
	registered = append(registered, i)
}

// All lists every reward: ours, then the registered ones.
func All() []Info { return append(append([]Info(nil), builtin...), registered...) }

// Lookup finds a reward by name.
func Lookup(name string) (Info, bool) {
	for _, i := range All() {
		if i.Name == name {
			return i, true
		}
	}
	return Info{}, false
}

// Builtin says whether a name is one of ours: bounded by size, depth and steps, so it runs in process. A registered
// one is a user's code and runs in a child, see package runner.
func Builtin(name string) bool {
	for _, i := range builtin {
		if i.Name == name {
			return true
		}
	}
	return false
}
