package cpu

import "sync"

// pool is the set of goroutines that share a call.
type pool struct{}

// parallel splits [0, n) into contiguous pieces, one a thread and none smaller than grain, and runs fn on each.
func (b *Backend) parallel(n, grain int, fn func(lo, hi int)) {
	if n <= 0 {
		return
	}
	t := min(b.threads, max(1, n/max(1, grain)))
	var wg sync.WaitGroup
	for i := 1; i < t; i++ {
		wg.Go(func() { fn(i*n/t, (i+1)*n/t) })
	}
	fn(0, n/t)
	wg.Wait()
}
