package decoder

import (
	"flag"
	"math"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/internal/compute/ref"
	"github.com/burnish-rl/burnish/internal/rng"
)

var kernelsFlag = flag.String("kernels", "ref,cpu,bf16", "backends to test: a list of ref, cpu and bf16 (the best kernels in either precision), a kernel set such as avx2, a set and +bf16, or all")

// backends are those that every test of this package runs on: the value of -kernels.
func backends() map[string]compute.Backend { return named(*kernelsFlag) }

// everyBackend is all that this machine can run.
func everyBackend() map[string]compute.Backend { return named("all") }

func named(list string) map[string]compute.Backend {
	impls := cpu.Impls()
	names := strings.Split(list, ",")
	if list == "all" {
		names = []string{"ref"}
		for _, impl := range impls {
			names = append(names, impl, impl+"+bf16")
		}
	}
	out := map[string]compute.Backend{}
	for _, name := range names {
		if name == "ref" {
			out[name] = ref.New()
			continue
		}
		set, half := strings.CutSuffix(name, "+bf16")
		if name == "cpu" || name == "bf16" {
			set, half = impls[len(impls)-1], name == "bf16"
		}
		b, err := cpu.Open(cpu.Options{Threads: 2, Kernels: set, BF16: half})
		if err != nil {
			panic(err)
		}
		out[name] = b
	}
	return out
}

// isHalf says whether a backend computes in bf16.
func isHalf(b compute.Backend) bool { return strings.HasSuffix(b.Name(), ", bf16") }

// tiny is a model of odd sizes: three query heads share a key-value head, and nothing is a multiple of 16.
func tiny(tied bool) Config {
	return Config{ModelType: "llama", Hidden: 12, Inner: 10, Layers: 2, Heads: 6, KVHeads: 2, HeadDim: 4, Vocab: 19, MaxPositions: 128,
		NormEps: 1e-5, RopeTheta: 100, Tied: tied, InitStd: 0.4, BOS: NoToken, PAD: NoToken}
}

// mid is large enough for every tile of the cpu's matrix products.
var mid = Config{ModelType: "llama", Hidden: 96, Inner: 560, Layers: 2, Heads: 6, KVHeads: 2, HeadDim: 16, Vocab: 700, MaxPositions: 512,
	NormEps: 1e-5, RopeTheta: 10000, Tied: true, InitStd: 0.12, BOS: NoToken, PAD: NoToken}

// randomNorms draws norms around 1, which RandomSource leaves at 1.
func randomNorms(c Config) Source {
	return editSource{RandomSource(c, 5), func(name string, shape []int, data []float32) []float32 {
		if len(shape) == 1 {
			at := ElementKey(name)
			for i := range data {
				data[i] += float32(0.3 * rng.Normal(6, rng.Init, at(i)))
			}
		}
		return data
	}}
}

// newModel makes a model that can't hide a dropped norm, or an adapter whose B is 0.
func newModel(t testing.TB, b compute.Backend, c Config, adapter bool) *Model {
	t.Helper()
	m, err := New(c, b, randomNorms(c))
	if err != nil {
		t.Fatal(err)
	}
	if adapter {
		for _, mod := range m.Modules() {
			a, bb := mod.Name+".lora_A.weight", mod.Name+".lora_B.weight"
			p := LowRankParts{Rank: 3, Scale: 1.5, NameA: a, NameB: bb}
			p.A, _ = RandomSource(m.cfg, 7).Tensor(a, 3, mod.K)
			p.B, _ = RandomSource(m.cfg, 7).Tensor(bb, mod.N, 3)
			if err := m.AttachLowRank(mod.Name, p); err != nil {
				t.Fatal(err)
			}
		}
	}
	return m
}

// group is a prompt and its completions.
type group struct {
	prompt      []int32
	completions [][]int32
}

// drawGroups makes groups with completions of different lengths, longer for a larger model. In the small vocabulary
// ids repeat, as inputs and as targets.
func drawGroups(vocab int) []group {
	n := uint32(0)
	draw := func(length int) []int32 {
		out := make([]int32, length*(1+vocab/100))
		for i := range out {
			n++
			out[i] = int32(rng.Intn(8, rng.Tasks, rng.At{A: n}, vocab))
		}
		return out
	}
	return []group{
		{draw(21), [][]int32{draw(5), draw(19), draw(1)}},
		{draw(1), [][]int32{draw(17)}},
		{draw(16), [][]int32{draw(3), draw(2)}},
	}
}

// pack shares each group's prompt. All completion tokens are trained.
func pack(groups []group) Packed {
	var p Packed
	for _, g := range groups {
		start := len(p.IDs)
		p.segment(g.prompt, 0, compute.Segment{})
		for _, c := range g.completions {
			p.Out = append(p.Out, int32(start+len(g.prompt)-1)) // the prompt's last row asks for the first token
			p.Target = append(p.Target, c[0])
			for i, id := range c[1:] {
				p.Out = append(p.Out, int32(len(p.IDs)+i))
				p.Target = append(p.Target, id)
			}
			p.segment(c, len(g.prompt), compute.Segment{Prefix: start, PrefixLen: len(g.prompt)})
		}
	}
	return p
}

func (p *Packed) segment(ids []int32, pos int, s compute.Segment) {
	s.Start, s.Len = len(p.IDs), len(ids)
	p.Segs = append(p.Segs, s)
	for i, id := range ids {
		p.IDs = append(p.IDs, id)
		p.Pos = append(p.Pos, int32(pos+i))
	}
}

// alone is each completion with its own copy of the prompt, in pack's order.
func alone(groups []group) []Packed {
	var out []Packed
	for _, g := range groups {
		for _, c := range g.completions {
			var p Packed
			p.segment(append(append([]int32{}, g.prompt...), c...), 0, compute.Segment{})
			for i, id := range c {
				p.Out = append(p.Out, int32(len(g.prompt)-1+i))
				p.Target = append(p.Target, id)
			}
			out = append(out, p)
		}
	}
	return out
}

// outGrads gives each trained token its own upstream gradients, whatever the packing.
func outGrads(n int) (a, b []float32) {
	for i := range uint32(n) {
		a = append(a, float32(rng.Normal(9, rng.Tasks, rng.At{A: i})))
		b = append(b, float32(rng.Normal(9, rng.Tasks, rng.At{A: i, B: 1})))
	}
	return a, b
}

// trainOn runs the batches as one optimizer step and gives the log-probs and, by parameter, the gradients.
func trainOn(t testing.TB, m *Model, batches []Packed) (logp []float32, grads map[string][]float32) {
	t.Helper()
	m.EnableGrads()
	m.ZeroGrads()
	total := 0
	for _, p := range batches {
		total += len(p.Out)
	}
	a, b := outGrads(total)
	for _, p := range batches {
		pass, err := m.LogProbs(p, 0.7, true)
		if err != nil {
			t.Fatal(err)
		}
		logp = append(logp, pass.Stats.LogP...)
		n := len(p.Out)
		if err := pass.Backward(a[:n], b[:n]); err != nil {
			t.Fatal(err)
		}
		a, b = a[n:], b[n:]
	}
	m.FinishGrads()
	grads = map[string][]float32{}
	for _, p := range m.Params() {
		if p.Trainable {
			grads[p.Name] = m.Read(p, p.Grad)
		}
	}
	return logp, grads
}

func sameBits(a, b []float32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return false
		}
	}
	return true
}
