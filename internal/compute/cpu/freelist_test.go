package cpu

import (
	"runtime"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/burnish-rl/burnish/internal/compute"
)

// Big blocks must not count as garbage-collected memory, and must come as zeros, new or used.
func TestBigBlocksLieOutsideTheHeap(t *testing.T) {
	if !mapsMemory {
		t.Skip("this system has no mappings")
	}
	b := New(2)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const n = 8<<20/4 + 1
	for range 2 {
		x := b.Alloc(n)
		if slices.ContainsFunc(f32(x), func(v float32) bool { return v != 0 }) {
			t.Fatal("a big block is not all zeros")
		}
		for i := range f32(x) {
			f32(x)[i] = 1
		}
		if at := uintptr(unsafe.Pointer(&f32(x)[0])); at%(2<<20) != 0 {
			t.Errorf("a block of 8 MB starts at %#x, want whole huge pages", at)
		}
		b.Free(x)
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > n {
		t.Errorf("the heap gave %d bytes for 32 MB", grown)
	}
}

func TestMappingsGoWithTheirBackend(t *testing.T) {
	if !mapsMemory {
		t.Skip("this system has no mappings")
	}
	b := New(1)
	list := b.free
	b.NewCache(1, 4096, compute.Heads{Q: 1, KV: 1, D: 16})
	x := b.Alloc(bigBlock)
	b.Alloc(2 * bigBlock) // still in use
	b.Free(x)
	if n := mappings(list); n != 3 {
		t.Fatalf("%d mappings, want 3", n)
	}
	for range 100 {
		if runtime.GC(); mappings(list) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d mappings outlive their backend", mappings(list))
}

// Weights of 1 to 4 MB lie on huge pages too: one behind the other in a chunk, which is given back block by block.
func TestMiddlingBlocksShareChunks(t *testing.T) {
	if !mapsMemory {
		t.Skip("this system has no mappings")
	}
	b := New(1)
	var held []compute.Buf
	for i := range 40 {
		x := b.Alloc(bigBlock + i*mapStep)
		for j := range f32(x) {
			f32(x)[j] = float32(i)
		}
		held = append(held, x)
	}
	first, second := &f32(held[0])[0], &f32(held[1])[0]
	if uintptr(unsafe.Pointer(first))%(2<<20) != 0 || uintptr(unsafe.Pointer(second)) != uintptr(unsafe.Pointer(first))+4*bigBlock {
		t.Errorf("blocks at %p and %p, want the first on a huge page and the second behind it", first, second)
	}
	for i, x := range held {
		if f := f32(x); f[0] != float32(i) || f[len(f)-1] != float32(i) {
			t.Fatalf("block %d holds %g and %g", i, f[0], f[len(f)-1])
		}
		if i%3 != 0 {
			b.Free(x)
		}
	}
	b.Free(b.Alloc(40 * bigBlock)) // drops what was freed
	for i, x := range held {
		if i%3 == 0 && f32(x)[7] != float32(i) {
			t.Fatalf("block %d went with its neighbours", i)
		}
	}
	if sum := b.free.live + b.free.idle; sum > b.free.peak+b.free.peak/slack {
		t.Errorf("%d elements live and kept, want at most 17/16 of %d", sum, b.free.peak)
	}
}

func mappings(l *freeList) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.mapped)
}

func TestFreedCacheIsGivenBack(t *testing.T) {
	b := New(1)
	for range 3 {
		c := b.NewCache(2, 4096, compute.Heads{Q: 1, KV: 1, D: 16})
		k := b.Alloc(16)
		f32(k)[3] = 5
		b.CacheWrite(c, 1, k, k, []compute.RowRef{{Page: 7}})
		b.FreeCache(c)
		b.Free(k)
	}
	if n := mappings(b.free); n != 0 || b.free.live > 1000 { // what is live is a worker's scratch
		t.Errorf("%d mappings and %d live elements after FreeCache", n, b.free.live)
	}
	c := b.NewCache(2, 4096, compute.Heads{Q: 1, KV: 1, D: 16})
	if slices.ContainsFunc(c.(*cache).block, func(v float32) bool { return v != 0 }) {
		t.Error("a new cache is not all zeros")
	}
	b.FreeCache(c)
}

// step allocates and frees as a training step does: activations that live, and a passing buffer.
func step(b *Backend, rows, passing int) (live int) {
	var held []compute.Buf
	get := func(n int) compute.Buf {
		x := b.AllocUnset(n)
		held = append(held, x)
		return x
	}
	for range 6 {
		get(rows * 576)
		get(rows * 1536)
	}
	b.Free(b.AllocUnset(passing))
	get(rows * 3000)
	live = b.free.live
	for _, x := range held {
		b.Free(x)
	}
	return live
}

func TestSecondStepMapsNothing(t *testing.T) {
	b := New(1)
	step(b, 512, 512*3000)
	at := b.free.made
	for _, rows := range []int{512, 500, 480, 512} { // up to a ninth smaller fits
		step(b, rows, 512*3000)
	}
	if made := b.free.made - at; made != 0 {
		t.Errorf("four later steps made %d blocks", made)
	}
	// One that is as large as all others together makes room for them and they for it: no more than that.
	step(b, 512, 8<<20)
	at = b.free.made
	step(b, 512, 8<<20)
	if made := b.free.made - at; made > 4 {
		t.Errorf("a later step with a passing buffer of 32 MB made %d blocks, want 4 at most", made)
	}
}

func TestKeptAndLiveBlocksStayNearThePeak(t *testing.T) {
	b := New(1)
	most := 0
	for i := range 60 {
		rows := 300 + i*137%400
		most = max(most, step(b, rows, 4<<20))
		if sum := b.free.live + b.free.idle; sum > b.free.peak+b.free.peak/slack {
			t.Fatalf("step %d: %d elements live and kept, want at most 17/16 of %d", i, sum, b.free.peak)
		}
	}
	if b.free.peak > most+(4<<20)+(4<<20)/8 {
		t.Errorf("the peak is counted as %d, want about %d", b.free.peak, most)
	}
	if b.free.live != 0 {
		t.Errorf("%d elements live at the end", b.free.live)
	}
}
