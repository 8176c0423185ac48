package cpu

import (
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// spinTime is how long a goroutine looks for work, or for the end of a call, before it sleeps. Waking a sleeper costs
// about 30 µs, so it must outlast what lies between two products; longer would take the core from whoever else needs it.
const spinTime = 100 * time.Microsecond

// task is a call cut into pieces; piece does piece i. No two pieces that run at the same time share a worker, which is
// below the number of threads; 0 is the caller. A task is a pointer into the Backend, so that a call allocates nothing.
type task interface{ piece(worker, i int) }

// pool is the set of goroutines that share a call with the caller's own. The caller never waits for a goroutine that
// has not taken a piece, so a late one costs nothing.
type pool struct {
	state    atomic.Uint64 // pieces of the call in the upper half, the next one to take in the lower
	task     task          // of the call; read only by who has taken a piece of it
	done     atomic.Uint64
	waiting  atomic.Bool
	finished chan struct{} // room for one
	failed   atomic.Pointer[Panic]
	closed   atomic.Bool
	helpers  []helper
}

type helper struct {
	asleep atomic.Bool
	wake   chan struct{} // room for one
	_      [40]byte      // a cache line of its own
}

// Panic is a panic of a piece, raised again in the goroutine of the caller, who may recover from it.
type Panic struct {
	Value any
	Stack []byte // of the goroutine that panicked
}

func (p *Panic) Error() string { return fmt.Sprint(p.Value) }

func newPool(helpers int) *pool {
	p := &pool{helpers: make([]helper, helpers), finished: make(chan struct{}, 1)}
	for i := range p.helpers {
		p.helpers[i].wake = make(chan struct{}, 1)
		go p.help(i)
	}
	return p
}

// close ends the helpers. No call may be under way.
func (p *pool) close() {
	p.closed.Store(true)
	p.wake(len(p.helpers))
}

// run does the pieces [0, n) of t.
func (p *pool) run(n int, t task) {
	if n <= 1 || len(p.helpers) == 0 {
		for i := range n {
			t.piece(0, i)
		}
		return
	}
	p.task = t
	p.done.Store(0)
	p.state.Store(uint64(n) << 32)
	p.wake(n - 1)
	p.work(0)
	p.wait(uint64(n))
	p.task = nil // it must not keep the call's buffers alive
	if failed := p.failed.Swap(nil); failed != nil {
		panic(failed)
	}
}

// wait returns when n pieces are done.
func (p *pool) wait(n uint64) {
	for begin, spins := time.Now(), 0; p.done.Load() != n; spins++ {
		if keepSpinning(begin, spins) {
			continue
		}
		p.waiting.Store(true)
		if p.done.Load() != n || !p.waiting.CompareAndSwap(true, false) {
			<-p.finished // perhaps from a helper that was late to end the call before
		}
	}
}

func (p *pool) wake(n int) {
	for i := range min(n, len(p.helpers)) {
		h := &p.helpers[i]
		if h.asleep.Load() && h.asleep.CompareAndSwap(true, false) {
			h.wake <- struct{}{}
		}
	}
}

// open says whether a piece waits to be taken.
func (p *pool) open() bool {
	s := p.state.Load()
	return uint32(s) < uint32(s>>32)
}

// work takes pieces until there are none. Whoever has taken one may read the call's task: it can't end before that
// piece is done.
func (p *pool) work(worker int) {
	for {
		s := p.state.Load()
		n, i := s>>32, s&math.MaxUint32
		if i >= n {
			return
		}
		if !p.state.CompareAndSwap(s, s+1) {
			continue
		}
		p.piece(worker, int(i))
		if p.done.Add(1) == n && p.waiting.CompareAndSwap(true, false) {
			p.finished <- struct{}{}
		}
	}
}

// piece does one piece and keeps the first panic for the caller.
func (p *pool) piece(worker, i int) {
	defer func() {
		if v := recover(); v != nil {
			p.failed.CompareAndSwap(nil, &Panic{v, debug.Stack()})
		}
	}()
	p.task.piece(worker, i)
}

// help takes part in every call until the pool closes.
func (p *pool) help(i int) {
	h := &p.helpers[i]
	for {
		for begin, spins := time.Now(), 0; !p.open(); spins++ {
			if p.closed.Load() {
				return
			}
			if keepSpinning(begin, spins) {
				continue
			}
			h.asleep.Store(true)
			if !p.open() && !p.closed.Load() || !h.asleep.CompareAndSwap(true, false) {
				<-h.wake
			}
			begin, spins = time.Now(), 0
		}
		p.work(i + 1)
	}
}

// keepSpinning says whether spinTime has not passed since begin. It looks at the clock every 64th time.
func keepSpinning(begin time.Time, spins int) bool {
	if spins == 0 {
		return runtime.GOMAXPROCS(0) > 1
	}
	return spins%64 != 0 || time.Since(begin) < spinTime
}

// piecesPerThread makes pieces small enough that a delayed thread leaves its share to the others.
const piecesPerThread = 8

// span is a call over [0, n) that may be cut anywhere.
type span interface{ span(worker, lo, hi int) }

// spread is a span cut into contiguous pieces.
type spread struct {
	span      span
	n, pieces int
}

func (s *spread) piece(worker, i int) {
	s.span.span(worker, i*s.n/s.pieces, (i+1)*s.n/s.pieces)
}

// spread splits [0, n) into contiguous pieces of at least grain, over the threads. The pieces depend on the number of
// threads, so a span must not let a result depend on where they end.
func (b *Backend) spread(n, grain int, s span) {
	if n <= 0 {
		return
	}
	pieces := 1
	if b.threads > 1 {
		pieces = min(b.threads*piecesPerThread, max(1, n/max(1, grain)))
	}
	b.spreading = spread{s, n, pieces}
	b.each(pieces, &b.spreading)
	b.spreading.span = nil
}

// each does the pieces [0, n) of t over the threads; a worker is in [0, Threads()).
func (b *Backend) each(n int, t task) {
	b.pool.run(n, t)
	runtime.KeepAlive(b)
}

// spanFunc and taskFunc are for calls that may allocate a closure.
type (
	spanFunc func(lo, hi int)
	taskFunc func(worker, i int)
)

func (f spanFunc) span(_, lo, hi int)  { f(lo, hi) }
func (f taskFunc) piece(worker, i int) { f(worker, i) }

// parallel is spread of a function.
func (b *Backend) parallel(n, grain int, fn func(lo, hi int)) { b.spread(n, grain, spanFunc(fn)) }
