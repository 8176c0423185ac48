package cpu

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// spinTime is how long a goroutine looks for work, or for the end of a call, before it sleeps. Waking a sleeper costs
// about 30 µs; spinning longer takes the core from whoever else needs it.
const spinTime = 20 * time.Microsecond

// pool is the set of goroutines that share a call with the caller's own. The caller never waits for a goroutine that
// has not taken a piece, so a late one costs nothing.
type pool struct {
	job     atomic.Pointer[job] // the newest call; nil when the pool is closed
	helpers []helper
}

type helper struct {
	asleep atomic.Bool
	wake   chan struct{} // room for one
	_      [40]byte      // a cache line of its own
}

// job is one call cut into n pieces.
type job struct {
	fn         func(worker, i int)
	n          int64
	next, done atomic.Int64
	waiting    atomic.Bool
	finished   chan struct{} // room for one
	failed     atomic.Pointer[Panic]
}

// Panic is a panic of a piece, raised again in the goroutine of the caller, who may recover from it.
type Panic struct {
	Value any
	Stack []byte // of the goroutine that panicked
}

func (p *Panic) Error() string { return fmt.Sprint(p.Value) }

func newPool(helpers int) *pool {
	p := &pool{helpers: make([]helper, helpers)}
	first := &job{}
	p.job.Store(first)
	for i := range p.helpers {
		p.helpers[i].wake = make(chan struct{}, 1)
		go p.help(i, first)
	}
	return p
}

// close ends the helpers. No call may be under way.
func (p *pool) close() {
	p.job.Store(nil)
	p.wake(len(p.helpers))
}

// run calls fn(worker, i) once for each i in [0, n). worker is below the number of helpers + 1 and no two calls at
// the same time share one; 0 is the caller.
func (p *pool) run(n int, fn func(worker, i int)) {
	if n <= 1 || len(p.helpers) == 0 {
		for i := range n {
			fn(0, i)
		}
		return
	}
	j := &job{fn: fn, n: int64(n), finished: make(chan struct{}, 1)}
	p.job.Store(j)
	p.wake(n - 1)
	j.work(0)
	j.wait()
	if failed := j.failed.Load(); failed != nil {
		panic(failed)
	}
	j.fn = nil // a sleeping helper still holds j, and must not keep the call's buffers alive
}

// wait returns when all pieces are done.
func (j *job) wait() {
	if spin(func() bool { return j.done.Load() == j.n }) {
		return
	}
	j.waiting.Store(true)
	if j.done.Load() == j.n && j.waiting.CompareAndSwap(true, false) {
		return
	}
	<-j.finished
}

func (p *pool) wake(n int) {
	for i := range min(n, len(p.helpers)) {
		h := &p.helpers[i]
		if h.asleep.Load() && h.asleep.CompareAndSwap(true, false) {
			h.wake <- struct{}{}
		}
	}
}

func (j *job) work(worker int) {
	for {
		i := j.next.Add(1) - 1
		if i >= j.n {
			return
		}
		j.piece(worker, int(i))
		if j.done.Add(1) == j.n && j.waiting.CompareAndSwap(true, false) {
			j.finished <- struct{}{}
		}
	}
}

// piece runs fn once and keeps the first panic for the caller.
func (j *job) piece(worker, i int) {
	defer func() {
		if v := recover(); v != nil {
			j.failed.CompareAndSwap(nil, &Panic{v, debug.Stack()})
		}
	}()
	j.fn(worker, i)
}

// help takes part in every call after the one it has seen, until the pool closes.
func (p *pool) help(i int, seen *job) {
	h := &p.helpers[i]
	fresh := func() bool { return p.job.Load() != seen }
	for {
		if !spin(fresh) {
			h.asleep.Store(true)
			if !fresh() || !h.asleep.CompareAndSwap(true, false) {
				<-h.wake
			}
		}
		seen = p.job.Load()
		if seen == nil {
			return
		}
		seen.work(i + 1)
	}
}

// spin looks at ready for at most spinTime.
func spin(ready func() bool) bool {
	if ready() {
		return true
	}
	if runtime.GOMAXPROCS(0) == 1 {
		return false
	}
	for start := time.Now(); ; {
		for range 64 {
			if ready() {
				return true
			}
		}
		if time.Since(start) > spinTime {
			return false
		}
	}
}

// piecesPerThread makes pieces small enough that a delayed thread leaves its share to the others.
const piecesPerThread = 4

// parallel splits [0, n) into contiguous pieces of at least grain and runs fn on each, spread over the threads.
// The pieces depend on the number of threads, so fn must not let a result depend on where they end.
func (b *Backend) parallel(n, grain int, fn func(lo, hi int)) {
	if n <= 0 {
		return
	}
	pieces := 1
	if b.threads > 1 {
		pieces = min(b.threads*piecesPerThread, max(1, n/max(1, grain)))
	}
	b.pool.run(pieces, func(_, i int) { fn(i*n/pieces, (i+1)*n/pieces) })
	runtime.KeepAlive(b)
}

// each calls fn(worker, i) for i in [0, n), spread over the threads; worker is in [0, Threads()).
func (b *Backend) each(n int, fn func(worker, i int)) {
	b.pool.run(n, fn)
	runtime.KeepAlive(b)
}
