package decoder

import (
	"fmt"
	"hash/fnv"
	"math"
	"runtime"
	"sync"

	"github.com/burnish-rl/burnish/internal/rng"
)

// Source gives tensors by their Hugging Face name, row-major in float32. A tensor that is missing or has another
// shape is an error.
type Source interface {
	Tensor(name string, shape ...int) ([]float32, error)
}

// RandomSource gives fresh weights as transformers initialises them: matrices normal with standard deviation
// [Config].InitStd, norms 1. Every element is a function of seed, tensor name and place alone.
func RandomSource(cfg Config, seed uint64) Source { return randomSource{cfg.InitStd, seed} }

type randomSource struct {
	std  float64
	seed uint64
}

func (s randomSource) Tensor(name string, shape ...int) ([]float32, error) {
	n := 1
	for _, d := range shape {
		n *= d
	}
	out := make([]float32, n)
	if len(shape) == 1 {
		for i := range out {
			out[i] = 1
		}
		return out, nil
	}
	at := ElementKey(name)
	eachPart(n, func(from, to int) {
		for i := from; i < to; i++ {
			out[i] = float32(s.std * rng.Normal(s.seed, rng.Init, at(i)))
		}
	})
	return out, nil
}

// ElementKey gives the place of element i of a tensor for package rng.
func ElementKey(tensor string) func(i int) rng.At {
	h := fnv.New64a()
	h.Write([]byte(tensor))
	sum := h.Sum64()
	return func(i int) rng.At {
		return rng.At{A: uint32(sum), B: uint32(sum >> 32), C: uint32(i), D: uint32(uint64(i) >> 32)}
	}
}

// eachPart cuts [0, n) among the processors.
func eachPart(n int, fn func(from, to int)) {
	const least = 1 << 14
	parts := min(runtime.GOMAXPROCS(0), n/least+1)
	var wg sync.WaitGroup
	for p := range parts {
		wg.Go(func() { fn(n*p/parts, n*(p+1)/parts) })
	}
	wg.Wait()
}

// fetch reads one tensor and refuses NaN and infinity.
func fetch(src Source, name string, shape ...int) ([]float32, error) {
	data, err := src.Tensor(name, shape...)
	if err != nil {
		return nil, err
	}
	n := 1
	for _, d := range shape {
		n *= d
	}
	if len(data) != n {
		return nil, fmt.Errorf("tensor %q: %d elements, want %v", name, len(data), shape)
	}
	if i := firstNonFinite(data); i < len(data) {
		return nil, fmt.Errorf("tensor %q: element %d is %g, want a finite number", name, i, data[i])
	}
	return data, nil
}

// firstNonFinite is the index of the first NaN or infinity, the length if there is none.
func firstNonFinite(data []float32) int {
	first := len(data)
	var mu sync.Mutex
	eachPart(len(data), func(from, to int) {
		for i, x := range data[from:to] {
			if math.Float32bits(x)&0x7f800000 == 0x7f800000 { // the exponent of both
				mu.Lock()
				defer mu.Unlock()
				first = min(first, from+i)
				return
			}
		}
	})
	return first
}
