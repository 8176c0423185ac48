// Package jsonscore reads JSON strictly and says how close a text is to what was wanted. Start with [Parse] for a
// value with the place of the first error, and with [Grade] for the whole verdict on an answer to GSM8K-JSON.
//
// Every score is a pure function with a result in [0, 1] that never fails. Names and definitions follow the table of
// scorers that the structure rewards of RL-Struct (Hu and Wu 2025, arXiv:2512.00319) led us to.
package jsonscore

// Kind is the type of a JSON value.
type Kind uint8

// The kinds of RFC 8259. Invalid is the kind of the zero Value.
const (
	Invalid Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

var kindNames = [...]string{"invalid", "null", "boolean", "number", "string", "array", "object"}

// String is the name that JSON Schema gives the kind.
func (k Kind) String() string { return kindNames[k] }

// Value is a parsed JSON value that keeps what encoding/json drops: the order of members, repeated keys, and numbers
// as they were written.
type Value struct {
	Kind    Kind
	Text    string   // a string decoded; a number, true or false as written
	Items   []Value  // of an array
	Members []Member // of an object, in file order, repeats included
	From    int      // bytes [From, To) of the text that was parsed
	To      int
}

// Member is one key of an object with its value.
type Member struct {
	Key   string
	Value Value
}

// Get is the first member of that name; false when v has none or is no object.
func (v Value) Get(key string) (Value, bool) {
	for _, m := range v.Members {
		if m.Key == key {
			return m.Value, true
		}
	}
	return Value{}, false
}

// Count is how often a key stands at the top level of v.
func (v Value) Count(key string) int {
	n := 0
	for _, m := range v.Members {
		if m.Key == key {
			n++
		}
	}
	return n
}

// Walk calls fn for v and everything inside it, in file order.
func (v Value) Walk(fn func(Value)) {
	fn(v)
	for _, item := range v.Items {
		item.Walk(fn)
	}
	for _, m := range v.Members {
		m.Value.Walk(fn)
	}
}
