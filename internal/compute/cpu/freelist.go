package cpu

import (
	"math/bits"
	"slices"
	"sync"
	"unsafe"
)

const (
	alignBytes = 64 // a cache line and an AVX-512 register
	// bigBlock is the fewest elements of a block that is mapped outside the Go heap, 64 KB.
	bigBlock = 1 << 14
	// mapStep is what sizes of mapped blocks are multiples of, in elements, 64 KB.
	mapStep = 1 << 14
	// chunkFloats is the size of the mappings that blocks of less than chunkBlock are cut from, 16 MB and 4 MB, so that
	// these lie on huge pages too.
	chunkFloats, chunkBlock = 1 << 22, 1 << 20
	// slack is the share, 1/slack, by which blocks in use and kept together may exceed the most ever in use.
	slack = 16
)

// freeList keeps freed blocks, so that a training step allocates nothing after the first one. Row counts change from
// step to step: a block serves whoever needs at least eight ninths of it, and the oldest are dropped when live and kept
// blocks together would exceed the most that was ever live by more than the slack.
type freeList struct {
	mu               sync.Mutex
	kept             [][]float32      // oldest first
	live, idle, peak int              // elements in use, kept, and the most ever in use
	made             int              // blocks so far
	chunk            []float32        // what is left of the last chunk
	mapped           map[*float32]int // length of every block outside the Go heap, in use or kept
}

// blockSize is the size of a new block for n elements, a multiple of 16.
func blockSize(n int) int {
	step := max(alignBytes/4, 1<<max(0, bits.Len(uint(n))-4)) // small ones are at most an eighth larger
	if n >= bigBlock {
		step = mapStep
	}
	return ceilDiv(n, step) * step
}

// take returns a block for n elements, and whether it is a used one, which doesn't hold zeros.
func (l *freeList) take(n int) (block []float32, used bool) {
	size := blockSize(n)
	l.mu.Lock()
	defer l.mu.Unlock()
	best := -1
	for i, k := range slices.Backward(l.kept) {
		if len(k) >= size && len(k) <= size+size/8 && (best < 0 || len(k) < len(l.kept[best])) {
			best = i
		}
	}
	if best < 0 {
		return l.fresh(size), false
	}
	block = l.kept[best]
	l.kept = slices.Delete(l.kept, best, best+1)
	l.idle -= len(block)
	l.use(len(block))
	return block, true
}

// takeFresh returns a block of zeros for n elements that nobody had before.
func (l *freeList) takeFresh(n int) []float32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fresh(blockSize(n))
}

func (l *freeList) use(size int) {
	l.live += size
	l.peak = max(l.peak, l.live)
}

// fresh makes room for a new block and makes it.
func (l *freeList) fresh(size int) []float32 {
	l.use(size)
	l.made++
	drop := 0
	for ; drop < len(l.kept) && l.live+l.idle > l.peak+l.peak/slack; drop++ {
		l.idle -= len(l.kept[drop])
		l.discard(l.kept[drop])
	}
	l.kept = slices.Delete(l.kept, 0, drop)
	if size < bigBlock {
		return newAligned(size)
	}
	block := l.mapBlock(size)
	if l.mapped == nil {
		l.mapped = map[*float32]int{}
	}
	l.mapped[&block[0]] = size
	return block
}

// mapBlock maps a block, or cuts it from a chunk.
func (l *freeList) mapBlock(size int) []float32 {
	if size >= chunkBlock || !mapsMemory {
		return mapFloats(size)
	}
	if len(l.chunk) < size {
		l.dropChunk()
		l.chunk = mapFloats(chunkFloats)
	}
	block := l.chunk[:size:size]
	l.chunk = l.chunk[size:]
	return block
}

func (l *freeList) dropChunk() {
	if len(l.chunk) > 0 {
		unmapFloats(l.chunk)
	}
	l.chunk = nil
}

// put keeps a block for a later take.
func (l *freeList) put(block []float32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.live -= len(block)
	l.idle += len(block)
	l.kept = append(l.kept, block)
}

// drop gives a block back at once.
func (l *freeList) drop(block []float32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.live -= len(block)
	l.discard(block)
}

// discard gives a block's memory back; it is counted as neither live nor idle any more.
func (l *freeList) discard(block []float32) {
	if len(block) >= bigBlock {
		delete(l.mapped, &block[0])
		unmapFloats(block)
	}
}

// release gives all mapped memory back, also what is in use: the backend is gone.
func (l *freeList) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for at, n := range l.mapped {
		unmapFloats(unsafe.Slice(at, n))
	}
	l.dropChunk()
	l.mapped, l.kept, l.idle = nil, nil, 0
}

// newAligned returns n zeros that start on a cache line.
func newAligned(n int) []float32 {
	if n == 0 {
		return []float32{}
	}
	raw := make([]float32, n+alignBytes/4-1)
	skip := 0
	if off := uintptr(unsafe.Pointer(&raw[0])) % alignBytes; off != 0 {
		skip = int(alignBytes-off) / 4
	}
	return raw[skip : skip+n : skip+n]
}
