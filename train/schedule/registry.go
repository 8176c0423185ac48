package schedule

import "fmt"

// Info is one schedule as the table and the documentation show it.
type Info struct {
	Name   string
	Doc    string // one line
	Source string // paper, "" when there is none
	// Observes is what it looks at besides the step and their number; "" when its whole curve is known beforehand.
	Observes string
	New      func() Options // a fresh pointer at the source's setting
}

// builtin lists the schedules in the order of the documentation.
var builtin = []Info{constant, linear, cosine, wsd, infinite, rewarm, power, refined, replay, hypergradient}

// later are known names whose time has not come: they are refused by name, not as a typing error.
var later = []string{"inverse_sqrt", "autolrs"}

var registered []Info

// Register adds a schedule from a user's own main. It panics on an empty or taken name.
func Register(i Info) {
	if i.Name == "" || i.New == nil {
		panic("schedule: register: want a name and New")
	}
	if _, taken := Lookup(i.Name); taken {
		panic(fmt.Sprintf("schedule: register: %q is taken", i.Name))
	}
	registered = append(registered, i)
}

// All lists every schedule: ours, then the registered ones.
func All() []Info { return append(append([]Info(nil), builtin...), registered...) }

// Lookup finds a schedule by name.
func Lookup(name string) (Info, bool) {
	for _, i := range All() {
		if i.Name == name {
			return i, true
		}
	}
	return Info{}, false
}

// Later lists the names that this version knows but does not have.
func Later() []string { return append([]string(nil), later...) }
