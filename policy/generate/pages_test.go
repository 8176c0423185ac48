package generate

import (
	"slices"
	"testing"
)

type pages int

func (p pages) Pages() int { return int(p) }

// TestPagesAreClearedAndCounted: a page comes back when its last user drops it, and is cleared when it is taken
// again.
func TestPagesAreClearedAndCounted(t *testing.T) {
	var cleared []int32
	p := newPagePool(pages(2), func(id int32) { cleared = append(cleared, id) })
	a, b := p.take(), p.take()
	p.share([]int32{a})
	p.drop([]int32{a, b})
	if !slices.Equal(p.free, []int32{b}) {
		t.Errorf("free pages %v, want only %d: the other has a user left", p.free, b)
	}
	p.drop([]int32{a})
	if len(p.free) != 2 {
		t.Errorf("free pages %v, want both", p.free)
	}
	p.take()
	if !slices.Equal(cleared, []int32{0}) {
		t.Errorf("cleared %v, want the page that was used before", cleared)
	}
}

func TestPagesFor(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 1, 15: 1, 16: 1, 17: 2, 32: 2, 33: 3} {
		if got := pagesFor(n); got != want {
			t.Errorf("%d positions fill %d pages, want %d", n, got, want)
		}
	}
}
