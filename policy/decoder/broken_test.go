package decoder

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/compute/ref"
)

// noRoPE leaves queries and keys as they are.
type noRoPE struct{ compute.Backend }

func (noRoPE) RoPE(compute.Buf, []int32, int, int, []float32, bool) {}

// interleavedRoPE turns the pairs (2i, 2i+1), as the original LLaMA files have them.
type interleavedRoPE struct{ compute.Backend }

func (b interleavedRoPE) RoPE(x compute.Buf, pos []int32, heads, d int, invFreq []float32, inverse bool) {
	f := make([]float32, x.Len())
	b.Download(f, x)
	for r, p := range pos {
		for h := range heads {
			v := f[(r*heads+h)*d:][:d]
			for i, w := range invFreq {
				sin, cos := math.Sincos(float64(float32(p) * w))
				if inverse {
					sin = -sin
				}
				a, c := float64(v[2*i]), float64(v[2*i+1])
				v[2*i], v[2*i+1] = float32(a*cos-c*sin), float32(a*sin+c*cos)
			}
		}
	}
	b.Upload(x, f)
}

// editSource changes a copy of each tensor.
type editSource struct {
	Source
	edit func(name string, shape []int, data []float32) []float32
}

func (s editSource) Tensor(name string, shape ...int) ([]float32, error) {
	data, err := s.Source.Tensor(name, shape...)
	return s.edit(name, shape, slices.Clone(data)), err
}

// otherKVMap moves the query heads, in q_proj and o_proj alike, so that head h reads key-value head h mod KV.
func otherKVMap(c Config) func(name string, shape []int, data []float32) []float32 {
	group := c.Heads / c.KVHeads
	to := func(h int) int { return h%c.KVHeads*group + h/c.KVHeads }
	return func(name string, shape []int, data []float32) []float32 {
		out := slices.Clone(data)
		switch {
		case strings.HasSuffix(name, "q_proj.weight"):
			width := c.HeadDim * c.Hidden
			for h := range c.Heads {
				copy(out[to(h)*width:][:width], data[h*width:])
			}
		case strings.HasSuffix(name, "o_proj.weight"):
			for n := range c.Hidden {
				for h := range c.Heads {
					copy(out[n*shape[1]+to(h)*c.HeadDim:][:c.HeadDim], data[n*shape[1]+h*c.HeadDim:])
				}
			}
		}
		return out
	}
}

func dropNorm(part string) func(string, []int, []float32) []float32 {
	return func(name string, _ []int, data []float32) []float32 {
		if strings.Contains(name, part) {
			for i := range data {
				data[i] = 1
			}
		}
		return data
	}
}

// TestParityNoticesEveryMistake breaks the model in the ways that decoders are usually wrong, and wants the parity
// test to fail on its own limits.
func TestParityNoticesEveryMistake(t *testing.T) {
	for _, file := range []string{"tied", "untied"} {
		g := readGolden(t, file)
		otherBase, otherEps := g.cfg, g.cfg
		otherBase.RopeTheta = 110000 - g.cfg.RopeTheta
		otherEps.NormEps = map[float32]float32{1e-5: 1e-6, 1e-6: 1e-5}[g.cfg.NormEps]
		for _, c := range []struct {
			name string
			cfg  Config
			b    compute.Backend
			src  Source
			ok   bool
		}{
			{"nothing wrong", g.cfg, ref.New(), g, true},
			{"no RoPE", g.cfg, noRoPE{ref.New()}, g, false},
			{"interleaved RoPE", g.cfg, interleavedRoPE{ref.New()}, g, false},
			{"wrong base", otherBase, ref.New(), g, false},
			{"wrong KV-head map", g.cfg, ref.New(), editSource{g, otherKVMap(g.cfg)}, false},
			{"swapped eps", otherEps, ref.New(), g, false},
			{"dropped attention norm", g.cfg, ref.New(), editSource{g, dropNorm("layers.1.input_layernorm")}, false},
			{"dropped feed-forward norm", g.cfg, ref.New(), editSource{g, dropNorm("layers.0.post_attention_layernorm")}, false},
			{"dropped final norm", g.cfg, ref.New(), editSource{g, dropNorm("model.norm")}, false},
		} {
			t.Run(file+"/"+c.name, func(t *testing.T) {
				logits, grads, worst, err := g.compare(c.cfg, c.b, c.src)
				if err != nil {
					t.Fatal(err)
				}
				if ok := logits <= logitLimit && grads <= gradLimit; ok != c.ok {
					t.Errorf("logits are off by %.3g, gradient of %s by %.3g: parity %v, want %v", logits, worst, grads, ok, c.ok)
				}
				t.Logf("logits %.2g, gradients %.2g", logits, grads)
			})
		}
	}
}
