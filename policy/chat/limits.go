package chat

import (
	"fmt"

	"github.com/ardanlabs/jinja"
)

// The names that [lexer.statement] calls.
const (
	stepName  = "burnish_step"  // in each round of a loop
	enterName = "burnish_enter" // at a macro's begin
	leaveName = "burnish_leave" // at a macro's end
)

// limits counts what one Render does: the library itself can't be stopped.
type limits struct{ steps, calls int }

func (l *limits) register(values map[string]jinja.Value) {
	step := func(args, kwargs) (jinja.Value, error) {
		if l.steps++; l.steps > MaxSteps {
			return jinja.Undefined(), fmt.Errorf("more than %d steps", MaxSteps)
		}
		return jinja.NewString(""), nil
	}
	values[stepName] = jinja.NewCallable(stepName, step)
	values[enterName] = jinja.NewCallable(enterName, func(a args, k kwargs) (jinja.Value, error) {
		if l.calls++; l.calls > MaxCalls {
			return jinja.Undefined(), fmt.Errorf("more than %d macros in one another", MaxCalls)
		}
		return step(a, k)
	})
	values[leaveName] = jinja.NewCallable(leaveName, func(args, kwargs) (jinja.Value, error) {
		l.calls--
		return jinja.NewString(""), nil
	})
}
