package cpu

import (
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

func TestParallelCoversEachIndexOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 3, 9} {
		b := New(threads)
		for _, n := range []int{0, 1, 2, 7, 100, 1001} {
			for _, grain := range []int{0, 1, 3, 50, 5000} {
				seen := make([]atomic.Int32, n)
				b.parallel(n, grain, func(lo, hi int) {
					if hi-lo < min(grain, n) {
						t.Errorf("piece [%d, %d) of %d is smaller than grain %d", lo, hi, n, grain)
					}
					for i := lo; i < hi; i++ {
						seen[i].Add(1)
					}
				})
				for i := range seen {
					if got := seen[i].Load(); got != 1 {
						t.Fatalf("threads %d, n %d, grain %d: index %d ran %d times", threads, n, grain, i, got)
					}
				}
			}
		}
	}
}

func TestWorkersAreDistinct(t *testing.T) {
	b := New(4)
	var busy [4]atomic.Bool
	for range 2000 {
		b.each(16, taskFunc(func(worker, _ int) {
			if !busy[worker].CompareAndSwap(false, true) {
				t.Errorf("worker %d ran two pieces at once", worker)
			}
			runtime.Gosched()
			busy[worker].Store(false)
		}))
	}
}

// Calls after a pause find the helpers asleep.
func TestSleepingHelpersWake(t *testing.T) {
	b := New(3)
	for range 20 {
		time.Sleep(5 * spinTime)
		var both atomic.Int32
		b.each(2, taskFunc(func(int, int) {
			both.Add(1)
			for start := time.Now(); both.Load() < 2; runtime.Gosched() {
				if time.Since(start) > 10*time.Second {
					t.Fatal("the second piece did not start: no helper woke")
				}
			}
		}))
	}
}

func TestDroppedBackendEndsItsGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		b := New(5)
		b.each(100, taskFunc(func(int, int) { _ = b.threads })) // a helper that holds this call would hold b
	}
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before+4; {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before 20 dropped backends", runtime.NumGoroutine(), before)
		}
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
}

// TestPanicOfAPieceReachesTheCaller: whichever goroutine it happens in, the caller can recover, and the pool goes on.
func TestPanicOfAPieceReachesTheCaller(t *testing.T) {
	b := New(3)
	for bad := range 8 {
		func() {
			defer func() {
				p, ok := recover().(*Panic)
				if !ok || p.Error() != "piece "+strconv.Itoa(bad) || len(p.Stack) == 0 {
					t.Errorf("recovered %v", p)
				}
			}()
			b.each(8, taskFunc(func(_, i int) {
				if i == bad {
					panic("piece " + strconv.Itoa(i))
				}
			}))
			t.Error("no panic")
		}()
	}
	var sum atomic.Int64
	b.each(100, taskFunc(func(_, i int) { sum.Add(int64(i)) }))
	if sum.Load() != 4950 {
		t.Errorf("after the panics the pool adds up to %d", sum.Load())
	}
}
