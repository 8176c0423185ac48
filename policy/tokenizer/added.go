package tokenizer

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// addedToken is a token that is looked for in the text before anything else: special tokens and words added later.
type addedToken struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"` // only where no word character touches it
	LStrip     bool   `json:"lstrip"`      // takes the white space before it
	RStrip     bool   `json:"rstrip"`      // takes the white space after it
	Normalized bool   `json:"normalized"`  // looked for in the normalized text
	Special    bool   `json:"special"`     // Decode can leave it out
}

// matcher finds added tokens: the leftmost, the longest where several begin, without overlap.
type matcher struct {
	root   trie
	tokens map[int32]addedToken
}

type trie struct {
	next map[byte]*trie
	id   int32
	end  bool
}

// add enters a token under the content to look for.
func (m *matcher) add(content string, t addedToken) error {
	if content == "" {
		return fmt.Errorf("added token %d is empty", t.ID)
	}
	node := &m.root
	for i := range len(content) {
		if node.next == nil {
			node.next = map[byte]*trie{}
		}
		if node.next[content[i]] == nil {
			node.next[content[i]] = &trie{}
		}
		node = node.next[content[i]]
	}
	if node.end {
		return fmt.Errorf("added tokens %d and %d are the same text %q", node.id, t.ID, content)
	}
	node.id, node.end = t.ID, true
	if m.tokens == nil {
		m.tokens = map[int32]addedToken{}
	}
	m.tokens[t.ID] = t
	return nil
}

// longest gives the longest token that begins the text, n = 0 for none.
func (m *matcher) longest(text string) (id int32, n int) {
	node := &m.root
	for i := range len(text) {
		if node = node.next[text[i]]; node == nil {
			break
		}
		if node.end {
			id, n = node.id, i+1
		}
	}
	return id, n
}

// split calls plain for text without added tokens and token for the added ones, in the order of the text.
// It follows find_matches of the tokenizers library, strip rules and single words included.
func (m *matcher) split(text string, plain func(string), token func(int32)) {
	done := 0 // what precedes is emitted
	for at := 0; at < len(text) && m.tokens != nil; {
		id, n := m.longest(text[at:])
		if n == 0 {
			at++
			continue
		}
		start, stop := at, at+n
		at = stop
		t := m.tokens[id]
		if t.SingleWord && (wordEnds(text[:start]) || wordBegins(text[stop:])) {
			continue
		}
		if t.LStrip {
			start = max(trimRight(text[:start]), done)
		}
		if t.RStrip {
			stop += trimLeft(text[stop:])
		}
		if done < start {
			plain(text[done:start])
		}
		token(id)
		done = stop
	}
	if done < len(text) {
		plain(text[done:])
	}
}

func wordEnds(text string) bool {
	r, _ := utf8.DecodeLastRuneInString(text)
	return text != "" && isWord(r)
}

func wordBegins(text string) bool {
	r, _ := utf8.DecodeRuneInString(text)
	return text != "" && isWord(r)
}

// isWord is \w: alphabetic, mark, decimal number, connector or join control (Unicode Technical Standard 18, annex C).
func isWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.In(r, unicode.Mn, unicode.Mc, unicode.Me, unicode.Nd, unicode.Nl, unicode.Pc,
		unicode.Other_Alphabetic, unicode.Join_Control)
}

// trimRight gives where the white space at the text's end begins.
func trimRight(text string) int {
	n := len(text)
	for n > 0 {
		r, k := utf8.DecodeLastRuneInString(text[:n])
		if !unicode.IsSpace(r) {
			break
		}
		n -= k
	}
	return n
}

// trimLeft gives where the white space at the text's begin ends.
func trimLeft(text string) int { return run(text, space, len(text)) }
