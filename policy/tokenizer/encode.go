package tokenizer

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Encode gives the ids of a text: added tokens in it, special ones included, become their ids; nothing is put before
// or after it. Invalid UTF-8 is read as U+FFFD. It equals tokenizers' encode(text, add_special_tokens=False).ids.
func (t *Tokenizer) Encode(text string) []int32 {
	if !utf8.ValidString(text) {
		text = string(appendText(nil, []byte(text)))
	}
	ids := make([]int32, 0, len(text)/3+1)
	var work []int32
	word := func(w string) { ids, work = t.model.append(ids, w, work) }
	token := func(id int32) { ids = append(ids, id) }

	cut := word
	for i := len(t.stages) - 1; i >= 0; i-- {
		stage, inner := t.stages[i], cut
		cut = func(text string) { stage(text, inner) }
	}
	t.exact.split(text, func(plain string) {
		if t.nfc {
			plain = compose(plain)
		}
		t.normalized.split(plain, cut, token)
	}, token)
	return ids
}

// compose puts text into form NFC as the library does, whose Unicode is older: newer marks stay where they are.
func compose(text string) string {
	var out []byte
	for {
		i := strings.IndexFunc(text, isInert)
		if i < 0 && out == nil {
			return norm.NFC.String(text)
		}
		if i < 0 {
			return string(append(out, norm.NFC.String(text)...))
		}
		_, n := utf8.DecodeRuneInString(text[i:])
		out = append(out, norm.NFC.String(text[:i])...)
		out = append(out, text[i:i+n]...)
		text = text[i+n:]
	}
}

func isInert(r rune) bool { return r >= inertRanges[0][0] && within(inertRanges, r) }
