// Package tokenizer turns text into token ids and back: byte-level BPE, id for id what Hugging Face's tokenizers
// library gives. Start with [FromJSON] or [FromGGUF], then [Tokenizer.Encode] and [Tokenizer.Decode].
package tokenizer

// Tokenizer is a vocabulary with its rules. It is safe for concurrent use.
type Tokenizer struct {
	tokens  []string         // by id: the text that the file writes for the token
	raw     []string         // by id: the bytes that the token stands for
	ids     map[string]int32 // the token's id by its text in the file
	special []bool           // by id

	exact      matcher // added tokens looked for in the text as it is
	normalized matcher // added tokens looked for in the normalized text
	nfc        bool    // text is put into Unicode's form NFC
	stages     []stage // pre-tokenization, in order
	model      *bpe
	source     []byte // the tokenizer.json
}

// Size is the number of tokens, added ones included. Ids are [0, Size). A model's head may be wider than that.
func (t *Tokenizer) Size() int { return len(t.tokens) }

// ID gives the id of a token by its text in the file, such as "<|im_end|>" or "Ġthe".
func (t *Tokenizer) ID(token string) (int32, bool) {
	id, ok := t.ids[token]
	return id, ok
}

// Token gives a token's text in the file, "" for an id outside the vocabulary.
func (t *Tokenizer) Token(id int32) string {
	if !t.has(id) {
		return ""
	}
	return t.tokens[id]
}

// Bytes gives the bytes that a token stands for, special or not; none for an id outside the vocabulary.
// They need not be whole characters.
func (t *Tokenizer) Bytes(id int32) []byte {
	if !t.has(id) {
		return nil
	}
	return []byte(t.raw[id])
}

// IsSpecial says whether Decode leaves the token out when asked to skip special tokens.
func (t *Tokenizer) IsSpecial(id int32) bool { return t.has(id) && t.special[id] }

func (t *Tokenizer) has(id int32) bool { return id >= 0 && int(id) < len(t.tokens) }

// JSON gives a tokenizer.json with the same ids: the bytes that [FromJSON] read, or one made from a GGUF file's lists.
func (t *Tokenizer) JSON() []byte { return append([]byte(nil), t.source...) }
