package weights

import (
	"encoding/binary"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"
)

// chunkBytes is how much of a file is read and decoded at a time: small enough to stay in a core's cache.
const chunkBytes = 256 << 10

// codec turns stored blocks into float32. A block of elems values takes size bytes.
type codec struct {
	elems, size int
	decode      func(dst []float32, src []byte) // len(dst)/elems == len(src)/size, whole blocks
	stored      bool                            // the bytes are those of float32 in memory here
}

// littleEndian says whether this machine keeps float32 as the files do.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// bytesOf is the memory of x.
func bytesOf(x []float32) []byte {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), 4*len(x))
}

// load reads and decodes the tensor in chunks, on all cores. bad is the index of the first value that is NaN or
// infinite, -1 if there is none.
func (e *entry) load() (data []float32, bad int, err error) {
	c := e.codec
	blocks := e.n / c.elems
	perChunk := chunkBytes / c.size
	chunks := (blocks + perChunk - 1) / perChunk

	data, what := make([]float32, e.n), e.what()
	var (
		next    atomic.Int64
		wg      sync.WaitGroup
		mu      sync.Mutex // guards the results below: the lowest chunk wins
		errAt   = chunks
		firstAt = math.MaxInt
	)
	work := func() {
		var buf []byte
		if !c.stored {
			buf = make([]byte, min(perChunk, blocks)*c.size)
		}
		for {
			i := int(next.Add(1)) - 1
			if i >= chunks {
				return
			}
			from, to := i*perChunk, min((i+1)*perChunk, blocks)
			dst := data[from*c.elems : to*c.elems]
			var src []byte
			if c.stored {
				src = bytesOf(dst)
			} else {
				src = buf[:(to-from)*c.size]
			}
			failed := e.in.readAt(src, e.begin+int64(from)*int64(c.size), what)
			if failed != nil {
				mu.Lock()
				if i < errAt {
					errAt, err = i, failed
				}
				mu.Unlock()
				return // the chunks this worker would take next are later ones
			}
			if !c.stored {
				c.decode(dst, src)
			}
			if at := firstNonFinite(dst); at >= 0 {
				mu.Lock()
				firstAt = min(firstAt, from*c.elems+at)
				mu.Unlock()
			}
		}
	}
	for range min(chunks, runtime.GOMAXPROCS(0)) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	if err != nil {
		return nil, -1, err
	}
	if firstAt != math.MaxInt {
		return data, firstAt, nil
	}
	return data, -1, nil
}

// firstNonFinite is the index of the first NaN or infinity, or -1.
func firstNonFinite(v []float32) int {
	const exponent = 0x7f80_0000
	for i, x := range v {
		if math.Float32bits(x)&exponent == exponent {
			return i
		}
	}
	return -1
}
