package tokenizer

import "fmt"

// Limits of a tokenizer, so that a corrupt file can't claim the machine's memory.
const (
	MaxFileBytes  = 256 << 20 // of a tokenizer.json
	MaxTokens     = 1 << 22   // vocabulary, added tokens included
	MaxMerges     = 1 << 23
	MaxTokenBytes = 1 << 16 // of one token's text
)

// spec is what both file formats say.
type spec struct {
	vocab        map[string]int32 // the model's tokens; build keeps it and adds the added ones
	merges       [][2]string      // in order of rank
	added        []addedToken
	nfc          bool
	stages       []stage
	ignoreMerges bool
	unknown      string // stands for bytes that the vocabulary lacks; "": they are dropped
	fuseUnknown  bool
}

func (s spec) build() (*Tokenizer, error) {
	if len(s.merges) > MaxMerges {
		return nil, fmt.Errorf("merges: found %d, want at most %d", len(s.merges), MaxMerges)
	}
	tokens, err := s.list()
	if err != nil {
		return nil, err
	}
	t := &Tokenizer{
		tokens:  tokens,
		raw:     make([]string, len(tokens)),
		ids:     s.vocab,
		special: make([]bool, len(tokens)),
		nfc:     s.nfc,
		stages:  s.stages,
	}
	if t.model, err = newBPE(s.vocab, s.merges); err != nil {
		return nil, err
	}
	t.model.fuse = s.fuseUnknown
	if s.unknown != "" {
		id, ok := s.vocab[s.unknown]
		if !ok {
			return nil, fmt.Errorf("unk_token: %q is not in the vocabulary", s.unknown)
		}
		t.model.unknown = id
	}
	if s.ignoreMerges {
		t.model.whole = make(map[string]int32, len(s.vocab))
	}
	for id, token := range tokens {
		raw, alphabet := rawBytes(token)
		t.raw[id] = raw
		if _, own := s.vocab[token]; own && alphabet && s.ignoreMerges {
			t.model.whole[raw] = int32(id)
		}
	}
	return t, t.add(s.added)
}

// list gives the tokens by id and checks that every id from 0 has exactly one.
func (s spec) list() ([]string, error) {
	size := len(s.vocab)
	for _, a := range s.added {
		if _, own := s.vocab[a.Content]; !own {
			size++
		}
	}
	if size == 0 || size > MaxTokens {
		return nil, fmt.Errorf("vocabulary: found %d tokens, want 1 to %d", size, MaxTokens)
	}
	tokens, taken := make([]string, size), make([]bool, size)
	enter := func(token string, id int32) error {
		switch {
		case len(token) > MaxTokenBytes:
			return fmt.Errorf("vocabulary: token %d has %d bytes, want at most %d", id, len(token), MaxTokenBytes)
		case id < 0 || int(id) >= size:
			return fmt.Errorf("vocabulary: token %q has id %d, want ids 0 to %d without holes for %d tokens", token, id, size-1, size)
		case taken[id]:
			return fmt.Errorf("vocabulary: tokens %q and %q have the same id %d", tokens[id], token, id)
		}
		tokens[id], taken[id] = token, true
		return nil
	}
	for token, id := range s.vocab {
		if err := enter(token, id); err != nil {
			return nil, err
		}
	}
	free := int32(len(s.vocab)) // the library numbers added tokens itself, whatever the file says
	for _, a := range s.added {
		want, own := s.vocab[a.Content]
		if !own {
			want = free
			free++
		}
		if a.ID != want {
			return nil, fmt.Errorf("added token %q has id %d, want %d", a.Content, a.ID, want)
		}
		if own {
			continue
		}
		if err := enter(a.Content, a.ID); err != nil {
			return nil, err
		}
	}
	return tokens, nil
}

// add enters the added tokens into the matchers and the vocabulary.
func (t *Tokenizer) add(added []addedToken) error {
	for _, a := range added {
		m, content := &t.exact, a.Content
		if a.Normalized {
			m = &t.normalized
			if t.nfc {
				// As in the library, the normalized form is also what Decode writes.
				content = compose(content)
				t.raw[a.ID], _ = rawBytes(content)
			}
		}
		if err := m.add(content, a); err != nil {
			return err
		}
		t.ids[a.Content] = a.ID
		t.special[a.ID] = a.Special
	}
	return nil
}
