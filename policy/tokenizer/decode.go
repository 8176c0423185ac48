package tokenizer

import "unicode/utf8"

// Decode gives the text of ids, with invalid UTF-8 replaced by U+FFFD as Python's errors="replace" does. skipSpecial
// leaves special tokens out. Ids outside the vocabulary give nothing.
func (t *Tokenizer) Decode(ids []int32, skipSpecial bool) string {
	var b []byte
	for _, id := range ids {
		b = t.appendBytes(b, id, skipSpecial)
	}
	if utf8.Valid(b) {
		return string(b)
	}
	return string(appendText(nil, b))
}

// DecodeOffsets gives the text of [Tokenizer.Decode] and, for each id, the byte of the text where the token begins:
// never falling, and always the begin of a character or the text's end. A token that begins inside a character gets
// that character's begin; a token that gives nothing gets the place of what follows it.
func (t *Tokenizer) DecodeOffsets(ids []int32, skipSpecial bool) (string, []int32) {
	var b, text []byte
	begins := make([]int, len(ids)) // in b
	for i, id := range ids {
		begins[i] = len(b)
		b = t.appendBytes(b, id, skipSpecial)
	}
	offsets := make([]int32, len(ids))
	token := 0
	for at := 0; at < len(b); {
		n, _, _ := unit(b[at:])
		for ; token < len(ids) && begins[token] < at+n; token++ {
			offsets[token] = int32(len(text))
		}
		text = appendText(text, b[at:at+n])
		at += n
	}
	for ; token < len(ids); token++ {
		offsets[token] = int32(len(text))
	}
	return string(text), offsets
}

func (t *Tokenizer) appendBytes(b []byte, id int32, skipSpecial bool) []byte {
	if !t.has(id) || skipSpecial && t.special[id] {
		return b
	}
	return append(b, t.raw[id]...)
}

// Stream decodes one token at a time: what Push returns, one after the other, and Flush at the end make the text of
// Decode. The zero Stream is of no use; see [Tokenizer.NewStream].
type Stream struct {
	tokenizer   *Tokenizer
	skipSpecial bool
	held        []byte // the begin of a character, at most three bytes
}

// NewStream begins a text. A Stream is for one goroutine.
func (t *Tokenizer) NewStream(skipSpecial bool) *Stream {
	return &Stream{tokenizer: t, skipSpecial: skipSpecial}
}

// Push gives the text that is certain after one more token: a character is held back until its last byte is there.
func (s *Stream) Push(id int32) string {
	s.held = s.tokenizer.appendBytes(s.held, id, s.skipSpecial)
	certain := 0
	for certain < len(s.held) {
		n, _, open := unit(s.held[certain:])
		if open {
			break
		}
		certain += n
	}
	text := appendText(nil, s.held[:certain])
	s.held = append(s.held[:0], s.held[certain:]...)
	return string(text)
}

// Flush gives what is held back, a U+FFFD for a character that never became whole, and begins a new text.
func (s *Stream) Flush() string {
	text := appendText(nil, s.held)
	s.held = s.held[:0]
	return string(text)
}
