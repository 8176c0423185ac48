package adapter

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/burnish-rl/burnish/internal/rng"
	"github.com/burnish-rl/burnish/policy/decoder"
)

// Attach puts a fresh adapter beside the targets of every layer. B is 0, so the model's outputs don't change at
// first; A is Kaiming-uniform with a = √5 as in PEFT, which is uniform in ±1/√K. Every element is a function of seed,
// tensor name and place alone.
func Attach(m *decoder.Model, l LoRA, seed uint64) error {
	return attach(m, l, func(name string, shape ...int) ([]float32, error) {
		data := make([]float32, shape[0]*shape[1])
		if strings.HasSuffix(name, suffixA) {
			bound := 1 / math.Sqrt(float64(shape[1]))
			at := decoder.ElementKey(name)
			for i := range data {
				data[i] = float32(bound * (2*rng.Uniform(seed, rng.Adapter, at(i)) - 1))
			}
		}
		return data, nil
	})
}

// Load attaches an adapter whose tensors a file has, by PEFT's names.
func Load(m *decoder.Model, l LoRA, src decoder.Source) error { return attach(m, l, src.Tensor) }

const (
	prefix  = "base_model.model." // of every tensor in PEFT's files
	suffixA = ".lora_A.weight"
	suffixB = ".lora_B.weight"
)

func attach(m *decoder.Model, l LoRA, tensor func(string, ...int) ([]float32, error)) error {
	if err := l.Validate(); err != nil {
		return err
	}
	targets := l.modules()
	for _, mod := range m.Modules() {
		if !slices.Contains(targets, mod.Name[strings.LastIndexByte(mod.Name, '.')+1:]) {
			continue
		}
		p := decoder.LowRankParts{Rank: l.Rank, Scale: l.Scale(), NameA: prefix + mod.Name + suffixA, NameB: prefix + mod.Name + suffixB}
		var err error
		if p.A, err = tensor(p.NameA, l.Rank, mod.K); err != nil {
			return fmt.Errorf("adapter: %w", err)
		}
		if p.B, err = tensor(p.NameB, mod.N, l.Rank); err != nil {
			return fmt.Errorf("adapter: %w", err)
		}
		if err := m.AttachLowRank(mod.Name, p); err != nil {
			return err
		}
	}
	return nil
}

// Params lists an adapter's tensors in file order.
func Params(m *decoder.Model) []*decoder.Param {
	var out []*decoder.Param
	for _, p := range m.Params() {
		if strings.HasSuffix(p.Name, suffixA) || strings.HasSuffix(p.Name, suffixB) {
			out = append(out, p)
		}
	}
	return out
}
