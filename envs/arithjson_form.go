package envs

import "strconv"

// form is how a demonstration of arith-json is written.
type form string

const (
	wanted form = "wanted" // {"reasoning": "12+7=19", "answer": 19}
	fenced form = "fenced" // the same in a code fence
	prose  form = "prose"  // 12+7=19. The answer is 19.
	other  form = "other"  // {"answer": 19, "steps": "12+7=19"}
)

// drawForm gives wanted 10 times in 20, fenced 4, prose 4, other 2.
func drawForm(d draws) form {
	switch n := d.among(placeForm, 20); {
	case n < 10:
		return wanted
	case n < 14:
		return fenced
	case n < 18:
		return prose
	}
	return other
}

func (f form) render(p problem) string {
	reasoning, answer := p.reasoning(), strconv.Itoa(p.answer())
	object := answerObject(reasoning, answer)
	switch f {
	case fenced:
		return "```json\n" + object + "\n```"
	case prose:
		return reasoning + ". The answer is " + answer + "."
	case other:
		return `{"answer": ` + answer + `, "steps": ` + quote(reasoning) + `}`
	}
	return object
}
