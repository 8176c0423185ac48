package jsonscore

import "math/big"

// The keys of an answer to GSM8K-JSON, in the wanted order.
const (
	ReasoningKey = "reasoning" // a string with at least one character that is not blank
	AnswerKey    = "answer"    // a number
)

// Verdict is what is reported of one answer to a GSM8K-JSON task.
type Verdict struct {
	JSONValid            bool // the trimmed text is one JSON value
	JSONValidLenient     bool // a forgiving reader finds a value, see [Lenient]
	Structure            bool // valid, an object with exactly the two keys once each, right types, reasoning not blank, complete
	AnswerCorrect        bool // valid, an object with answer once, a number equal to the gold one
	AnswerCorrectLenient bool // the same on the lenient value, where a string may hold the number
	Both                 bool // Structure and AnswerCorrect
}

// Grade judges a completion against the gold number. complete says that a stop token ended it, not the length limit. A
// gold text that is no number makes no answer correct.
func Grade(text, gold string, complete bool) Verdict {
	var v Verdict
	want, hasGold := CleanNumber(gold)
	exact, ok := Exact(text)
	v.JSONValid = ok
	if ok {
		v.Structure = complete && wellStructured(exact)
		v.AnswerCorrect = hasGold && answers(exact, AnswerKey, want, false)
	}
	lenient, ok := Lenient(text)
	v.JSONValidLenient = ok
	v.AnswerCorrectLenient = ok && hasGold && answers(lenient, AnswerKey, want, true)
	v.Both = v.Structure && v.AnswerCorrect
	return v
}

func wellStructured(v Value) bool {
	if v.Kind != Object || len(v.Members) != 2 {
		return false
	}
	reasoning, _ := v.Get(ReasoningKey)
	answer, _ := v.Get(AnswerKey)
	return reasoning.Kind == String && !isBlank(reasoning.Text) && answer.Kind == Number
}

// Correct says whether the value of a key is the gold number: the strict reading takes the whole text and a JSON
// number, the lenient one whatever [Lenient] finds and a number in a string too. ok is false when gold is no number.
func Correct(text, key, gold string, lenient bool) (correct, ok bool) {
	want, ok := CleanNumber(gold)
	if !ok {
		return false, false
	}
	find := Exact
	if lenient {
		find = Lenient
	}
	v, found := find(text)
	return found && answers(v, key, want, lenient), true
}

// answers wants an object with the key exactly once: a model that answers twice has not decided.
func answers(v Value, key string, want *big.Rat, lenient bool) bool {
	if v.Kind != Object || v.Count(key) != 1 {
		return false
	}
	a, _ := v.Get(key)
	var got *big.Rat
	ok := false
	switch {
	case a.Kind == Number:
		got, ok = Rational(a.Text)
	case a.Kind == String && lenient:
		got, ok = CleanNumber(a.Text)
	}
	return ok && SameNumber(got, want)
}
