package tokenizer

import "math"

// mergeShort merges ids in place by searching the lowest rank again after each merge: O(n²), quick for few ids.
func (m *bpe) mergeShort(ids []int32) []int32 {
	var pairs [shortWord]merged // pairs[i] is what ids[i] and ids[i+1] become
	none := merged{rank: math.MaxInt32}
	lookup := func(i int) merged {
		if i+1 < len(ids) {
			if got, ok := m.merges[pairOf(ids[i], ids[i+1])]; ok {
				return got
			}
		}
		return none
	}
	for i := range ids {
		pairs[i] = lookup(i)
	}
	for {
		best, at := none, 0
		for i := range len(ids) {
			if pairs[i].rank < best.rank {
				best, at = pairs[i], i
			}
		}
		if best == none {
			return ids
		}
		ids[at] = best.id
		copy(pairs[at+1:], pairs[at+2:len(ids)])
		ids = append(ids[:at+1], ids[at+2:]...)
		pairs[at] = lookup(at)
		if at > 0 {
			pairs[at-1] = lookup(at - 1)
		}
	}
}

// candidate is a merge that was possible at a position when it was pushed.
type candidate struct {
	rank, at  int32
	left, top int32 // the left id then, and the id of the merge
	right     int32
}

func (c candidate) before(d candidate) bool {
	return c.rank < d.rank || c.rank == d.rank && c.at < d.at
}

// mergeLong merges ids in place with a heap of candidates over a doubly linked list: O(n log n), so that a word of a
// million equal characters is no trouble.
func (m *bpe) mergeLong(ids []int32) []int32 {
	n := int32(len(ids))
	prev, next := make([]int32, n), make([]int32, n)
	for i := range n {
		prev[i], next[i] = i-1, i+1
	}
	var h candidates
	push := func(i int32) {
		if i < 0 || next[i] >= n {
			return
		}
		left, right := ids[i], ids[next[i]]
		if got, ok := m.merges[pairOf(left, right)]; ok {
			h.push(candidate{got.rank, i, left, got.id, right})
		}
	}
	for i := range n {
		push(i)
	}
	for len(h) > 0 {
		c := h.pop()
		i := c.at
		if ids[i] != c.left || next[i] >= n || ids[next[i]] != c.right {
			continue // a neighbour has merged since
		}
		gone := next[i]
		ids[i], ids[gone] = c.top, noID
		next[i] = next[gone]
		if next[i] < n {
			prev[next[i]] = i
		}
		push(prev[i])
		push(i)
	}
	out := ids[:0]
	for i := int32(0); i < n; i = next[i] {
		out = append(out, ids[i])
	}
	return out
}

// candidates is a binary heap, the first to merge at the root.
type candidates []candidate

func (h *candidates) push(c candidate) {
	*h = append(*h, c)
	s := *h
	for i := len(s) - 1; i > 0; {
		up := (i - 1) / 2
		if !s[i].before(s[up]) {
			return
		}
		s[i], s[up] = s[up], s[i]
		i = up
	}
}

func (h *candidates) pop() candidate {
	s := *h
	top, last := s[0], len(s)-1
	s[0] = s[last]
	s = s[:last]
	*h = s
	for i := 0; ; {
		least := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < last && s[child].before(s[least]) {
				least = child
			}
		}
		if least == i {
			return top
		}
		s[i], s[least] = s[least], s[i]
		i = least
	}
}
