// Package computetest is the one suite that every compute backend passes: [Run] on each backend, and [SameBits] on
// each pair of backends that promise the same bits, such as two thread counts.
//
// Every kernel runs on odd sizes against package ref, its gradient is compared with central finite differences of
// ref's forward pass in float64, and the promises of package compute about bits, NaN and memory are each a test.
package computetest

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/compute/ref"
	"github.com/burnish-rl/burnish/internal/rng"
)

// Run runs the whole suite on one backend.
func Run(t *testing.T, b compute.Backend) {
	t.Run("agree", func(t *testing.T) { agree(t, b) })
	t.Run("gradient", func(t *testing.T) { gradients(t, b) })
	t.Run("rows alone", func(t *testing.T) { rowsAlone(t, b) })
	t.Run("cache", func(t *testing.T) { cacheSameBits(t, b) })
	t.Run("split", func(t *testing.T) { splitSameBits(t, b) })
	t.Run("nan", func(t *testing.T) { nanComesThrough(t, b) })
	t.Run("sample", func(t *testing.T) { sampleDraws(t, b) })
	t.Run("memory", func(t *testing.T) { memory(t, b) })
	if err := b.Sync(); err != nil {
		t.Errorf("sync: %v", err)
	}
}

// SameBits runs every kernel on both backends and wants equal bits.
func SameBits(t *testing.T, a, b compute.Backend) {
	for _, k := range kernels() {
		t.Run(k.name, func(t *testing.T) {
			x, y := k.on(t, a), k.on(t, b)
			for i := range x {
				sameBits(t, fmt.Sprintf("result %d, %s and %s", i, a.Name(), b.Name()), y[i], x[i])
			}
		})
	}
}

// agree compares every kernel with the reference.
func agree(t *testing.T, b compute.Backend) {
	for _, k := range kernels() {
		t.Run(k.name, func(t *testing.T) {
			got, want := k.on(t, b), k.on(t, ref.New())
			for i := range want {
				near(t, fmt.Sprintf("result %d", i), got[i], want[i], k.within)
			}
		})
	}
}

// kernel is one call with its inputs. run gives back everything that the call may write.
type kernel struct {
	name   string
	within float64 // of the largest magnitude of a result
	run    func(e *env) [][]float32
}

func (k kernel) on(t *testing.T, b compute.Backend) [][]float32 {
	e := &env{t: t, b: b}
	defer e.close()
	return k.run(e)
}

// guard is what lies around every buffer of an env, and must still be there when it closes.
const guard = float32(-12345.5)

const guardBefore, guardAfter = 5, 7 // odd, so that buffers aren't aligned either

// env makes buffers on one backend that lie between guard values.
type env struct {
	t     *testing.T
	b     compute.Backend
	bufs  []compute.Buf
	wider []compute.Buf
}

func (e *env) buf(data []float32) compute.Buf {
	all := make([]float32, guardBefore+len(data)+guardAfter)
	for i := range all {
		all[i] = guard
	}
	copy(all[guardBefore:], data)
	wider := e.b.Alloc(len(all))
	e.b.Upload(wider, all)
	b := e.b.Slice(wider, guardBefore, guardBefore+len(data))
	e.bufs, e.wider = append(e.bufs, b), append(e.wider, wider)
	return b
}

// random is a buffer of n standard normal numbers, another one for every seed.
func (e *env) random(seed uint64, n int) compute.Buf { return e.buf(normal(seed, n)) }

func (e *env) zeros(n int) compute.Buf { return e.buf(make([]float32, n)) }

func (e *env) weight(n, k int, data []float32) compute.Weight {
	w := e.b.NewWeight(n, k)
	e.b.UploadWeight(w, data)
	return w
}

func (e *env) read(b compute.Buf) []float32 {
	out := make([]float32, b.Len())
	e.b.Download(out, b)
	return out
}

func (e *env) readWeight(w compute.Weight) []float32 {
	out := make([]float32, w.N*w.K)
	e.b.DownloadWeight(out, w)
	return out
}

// close checks the guards.
func (e *env) close() {
	e.t.Helper()
	for i, wide := range e.wider {
		all := e.read(wide)
		n := e.bufs[i].Len()
		for j, v := range all {
			if (j < guardBefore || j >= guardBefore+n) && v != guard {
				e.t.Errorf("buffer %d: element %d of a buffer of %d was overwritten with %g", i, j-guardBefore, n, v)
			}
		}
		e.b.Free(wide)
	}
}

// drawn keeps what normal drew, by seed: the draws take longer than the kernels.
var drawn = struct {
	sync.Mutex
	by map[uint64][]float32
}{by: map[uint64][]float32{}}

// normal gives n standard normal numbers, the same for the same seed.
func normal(seed uint64, n int) []float32 {
	drawn.Lock()
	defer drawn.Unlock()
	x := drawn.by[seed]
	for i := len(x); i < n; i++ {
		x = append(x, float32(rng.Normal(seed, rng.Init, rng.At{A: uint32(i)})))
	}
	drawn.by[seed] = x
	return slices.Clone(x[:n])
}

func largest(x []float32) float64 {
	most := 0.0
	for _, v := range x {
		most = math.Max(most, math.Abs(float64(v)))
	}
	return most
}

// near wants |got - want| <= within·max|want| everywhere.
func near(t *testing.T, what string, got, want []float32, within float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	bound := within * largest(want)
	for i := range want {
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= bound) {
			t.Errorf("%s: element %d is %g, want %g within %.2g", what, i, got[i], want[i], bound)
			return
		}
	}
}

func sameBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Errorf("%s: element %d is %.9g, want the same bits as %.9g", what, i, got[i], want[i])
			return
		}
	}
}
