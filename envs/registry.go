package envs

import (
	"slices"
)

// Options are an environment's settings: a struct with yaml tags, its defaults filled in by [Info].New.
type Options interface {
	// Validate checks the values alone; it opens no file.
	Validate() error
	// Open reads what there is to read, checks all of it, and gives the env.
	Open() (Env, error)
}

// HoldOuter is what options offer that know held-out tasks beside the ones they name: evaluation during training uses
// them. ok is false when there are none, such as when the path is a single file.
type HoldOuter interface {
	HeldOut() (held Options, ok bool)
}

// Info is an environment's line in the table.
type Info struct {
	Name   string         // as recipes write it
	Doc    string         // one line
	Source string         // where the data or the rules come from
	New    func() Options // options with their defaults
}

// builtin lists the environments in the order of the documentation.
var builtin = []Info{arithJSON, gsm8k, gsm8kJSON, jsonl}

var registered []Info

// Register adds a user's environment. Call it at the start of main. It panics on an incomplete Info or a taken name.
func Register(info Info) {
	if info.Name == "" || info.New == nil {
		panic("envs: register: an environment needs a name and a New function")
	}
	if _, taken := Lookup(info.Name); taken {
		panic("envs: register: the name " + info.Name + " is taken")
	}
	registered = append(registered, info)
}

// All lists every environment: the built-in ones, then the registered ones.
func All() []Info {
	return slices.Concat(builtin, registered)
}

// Lookup finds an environment by name.
func Lookup(name string) (Info, bool) {
	for _, info := range All() {
		if info.Name == name {
			return info, true
		}
	}
	return Info{}, false
}
