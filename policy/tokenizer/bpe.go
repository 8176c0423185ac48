package tokenizer

import (
	"fmt"
	"hash/maphash"
	"sync/atomic"
)

// bpe turns a word, the bytes of one pre-token, into ids. It is safe for concurrent use.
type bpe struct {
	byteID  [256]int32       // the id of a byte alone; noID where the vocabulary lacks it
	merges  map[pair]merged  // what two neighbours become
	whole   map[string]int32 // words that need no merging (ignore_merges); nil: none
	unknown int32            // stands for a byte that the vocabulary lacks; noID: such bytes are dropped
	fuse    bool             // a run of unknown bytes is one unknown token
	seed    maphash.Seed
	cache   []atomic.Pointer[cachedWord] // cacheSlots, by the word's hash
}

const noID int32 = -1

// pair is two neighbouring ids, the left one in the high half.
type pair uint64

func pairOf(left, right int32) pair { return pair(uint32(left))<<32 | pair(uint32(right)) }

// merged is a merge's result. The merge with the lowest rank goes first, the leftmost of equals.
type merged struct{ rank, id int32 }

type cachedWord struct {
	word string
	ids  []int32
}

const (
	cacheSlots = 1 << 14 // words kept; a newer word takes the slot of an older one
	cacheBytes = 48      // longest word kept
	shortWord  = 32      // up to this many ids the merge to do next is searched, above it a heap gives it
)

// newBPE checks the merges against the model's vocabulary, which maps tokens as the file writes them to ids.
func newBPE(vocab map[string]int32, merges [][2]string) (*bpe, error) {
	m := &bpe{
		merges:  make(map[pair]merged, len(merges)),
		unknown: noID,
		seed:    maphash.MakeSeed(),
		cache:   make([]atomic.Pointer[cachedWord], cacheSlots),
	}
	for b := range m.byteID {
		id, ok := vocab[string(byteRune[b])]
		if !ok {
			id = noID
		}
		m.byteID[b] = id
	}
	for rank, p := range merges {
		var ids [3]int32
		for i, token := range [3]string{p[0], p[1], p[0] + p[1]} {
			id, ok := vocab[token]
			if !ok {
				return nil, fmt.Errorf("merge %d, %q and %q: %q is not in the vocabulary", rank, p[0], p[1], token)
			}
			ids[i] = id
		}
		m.merges[pairOf(ids[0], ids[1])] = merged{int32(rank), ids[2]}
	}
	return m, nil
}

// append appends the word's ids to ids. work is scratch space, which it gives back.
func (m *bpe) append(ids []int32, word string, work []int32) (out, scratch []int32) {
	if id, ok := m.whole[word]; ok {
		return append(ids, id), work
	}
	var slot *atomic.Pointer[cachedWord]
	if len(word) <= cacheBytes {
		slot = &m.cache[maphash.String(m.seed, word)%cacheSlots]
		if c := slot.Load(); c != nil && c.word == word {
			return append(ids, c.ids...), work
		}
	}
	work = m.start(work[:0], word)
	var merged []int32
	if len(work) <= shortWord {
		merged = m.mergeShort(work)
	} else {
		merged = m.mergeLong(work)
	}
	if slot != nil {
		slot.Store(&cachedWord{word: string([]byte(word)), ids: append([]int32(nil), merged...)})
	}
	return append(ids, merged...), work
}

// start gives a word's ids before any merge: its bytes.
func (m *bpe) start(ids []int32, word string) []int32 {
	inUnknown := false
	for i := range len(word) {
		id := m.byteID[word[i]]
		known := id != noID
		if known {
			ids = append(ids, id)
		} else if m.unknown != noID && !(m.fuse && inUnknown) {
			ids = append(ids, m.unknown)
		}
		inUnknown = !known
	}
	return ids
}
