package algos

import (
	"fmt"
	"maps"
)

// Options are an algorithm's options: the algorithm itself. A field has a yaml key and a comment with unit
// and range, from which the recipe reference is made.
type Options = Algorithm

// Info is one algorithm as the table and the documentation show it.
type Info struct {
	Name   string
	Doc    string         // one line
	Source string         // paper, "" when there is none
	New    func() Options // a fresh pointer at the source's setting
}

// builtin lists the algorithms in the order of the documentation.
var builtin = []Info{
	sft, dft,
	dpo, ipo, simpo, alphaPO, cpo, orpo, kto, bco, sami,
	grpo, drGRPO, bnpo, dapo, gspo, gspoToken, luspo, gmpo, vespo, cispo, sapo, dppoTV, dro,
	rloo, reinforce, gpg, reinforcePP, reinforcePPBaseline, reMax, opo, maxRL, passAtK, bestMinusSecond, gdpo, optimalToken,
	oblrpo,
}

// later are known names whose time has not come: they are refused by name, not as a typing error. The text says more.
var later = map[string]string{
	"ppo": ": it needs a critic; grpo, rloo and reinforce_pp do without",
}

var registered []Info

// Register adds an algorithm from a user's own main. It panics on an empty or taken name.
func Register(i Info) {
	if i.Name == "" || i.New == nil {
		panic("algos: register: want a name and New")
	}
	if _, taken := Lookup(i.Name); taken {
		panic(fmt.Sprintf("algos: register: %q is taken", i.Name))
	}
	registered = append(registered, i)
}

// All lists every algorithm: ours, then the registered ones.
func All() []Info { return append(append([]Info(nil), builtin...), registered...) }

// Lookup finds an algorithm by name.
func Lookup(name string) (Info, bool) {
	for _, i := range All() {
		if i.Name == name {
			return i, true
		}
	}
	return Info{}, false
}

// Later lists the names that this version knows but does not have, with what to say about them.
func Later() map[string]string { return maps.Clone(later) }
