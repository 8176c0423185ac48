package optim

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/compute/ref"
)

func buf(b compute.Backend, values ...float32) compute.Buf {
	out := b.Alloc(len(values))
	b.Upload(out, values)
	return out
}

func read(b compute.Backend, x compute.Buf) []float32 {
	out := make([]float32, x.Len())
	b.Download(out, x)
	return out
}

// golden is testdata/golden.json, written by golden.py beside it.
type golden struct {
	W     []float32      `json:"w"`
	Norm  []float32      `json:"norm_weight"`
	Grads [][2][]float32 `json:"grads"`
	Rates []float32      `json:"rates"`
	Clip  float64        `json:"clip"`
}

type goldenStep struct {
	Norm       float64   `json:"norm"`
	W          []float64 `json:"w"`
	NormWeight []float64 `json:"norm_weight"`
}

func TestEqualsTorch(t *testing.T) {
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	var runs map[string]json.RawMessage
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &runs); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"adamw":          &AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.125},
		"adamw_no_decay": &AdamW{Beta1: 0.8, Beta2: 0.95, Eps: 1e-6},
		"sgd":            &SGD{},
		"sgd_momentum":   &SGD{Momentum: 0.75, WeightDecay: 0.125},
	} {
		t.Run(name, func(t *testing.T) {
			var want []goldenStep
			if err := json.Unmarshal(runs[name], &want); err != nil {
				t.Fatal(err)
			}
			b := ref.New()
			params := []Param{
				{Name: "w", Data: buf(b, g.W...), Grad: b.Alloc(4), Decay: true},
				{Name: "norm", Data: buf(b, g.Norm...), Grad: b.Alloc(2)},
			}
			opt := o.New(b, params)
			for i, grads := range g.Grads {
				b.Upload(params[0].Grad, grads[0])
				b.Upload(params[1].Grad, grads[1])
				norm, scale, err := Clip(b, params, g.Clip)
				if err != nil {
					t.Fatal(err)
				}
				if err := opt.Step(g.Rates[i], scale); err != nil {
					t.Fatal(err)
				}
				near(t, []float64{norm}, []float64{want[i].Norm}, 1e-7)
				near(t, ref.Data(params[0].Data), want[i].W, 2e-7) // scalars of a step are float32
				near(t, ref.Data(params[1].Data), want[i].NormWeight, 2e-7)
			}
			if opt.Count() != int64(len(want)) {
				t.Errorf("count %d after %d steps", opt.Count(), len(want))
			}
		})
	}
}

func near(t *testing.T, got, want []float64, tol float64) {
	t.Helper()
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= tol) {
			t.Errorf("element %d: %v, want %v", i, got[i], want[i])
		}
	}
}

// settings is every optimizer at its defaults, and at settings that use all its state.
func settings() map[string]Options {
	out := map[string]Options{
		"adamw decay":  &AdamW{Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, WeightDecay: 0.01},
		"sgd momentum": &SGD{Momentum: 0.9},
	}
	for _, i := range All() {
		out[i.Name] = i.New()
	}
	return out
}

// problems are small functions with a known minimum value of about 0: value and gradient at p.
var problems = map[string]struct {
	start []float32
	f     func(p []float32) (float64, []float32)
}{
	"bowl": {[]float32{1, -2, 3}, func(p []float32) (v float64, g []float32) {
		for _, x := range p {
			v += float64(x * x)
			g = append(g, 2*x)
		}
		return v, g
	}},
	"valley, 1 to 25": {[]float32{1, 1}, func(p []float32) (float64, []float32) {
		return float64(p[0]*p[0] + 25*p[1]*p[1]), []float32{2 * p[0], 50 * p[1]}
	}},
	"rosenbrock, b 5": {[]float32{-0.5, 0.5}, func(p []float32) (float64, []float32) {
		a, c := 1-p[0], p[1]-p[0]*p[0]
		return float64(a*a + 5*c*c), []float32{-2*a - 20*c*p[0], 10 * c}
	}},
	"log-cosh": {[]float32{2, -1}, func(p []float32) (v float64, g []float32) {
		for _, x := range p {
			v += math.Log(math.Cosh(float64(x)))
			g = append(g, float32(math.Tanh(float64(x))))
		}
		return v, g
	}},
}

func TestConverges(t *testing.T) {
	for name, o := range settings() {
		for problem, p := range problems {
			t.Run(name+"/"+problem, func(t *testing.T) {
				b := ref.New()
				x := Param{Name: "x", Data: buf(b, p.start...), Grad: b.Alloc(len(p.start))}
				opt := o.New(b, []Param{x})
				const steps = 600
				for i := range steps {
					_, g := p.f(read(b, x.Data))
					b.Upload(x.Grad, g)
					_, scale, err := Clip(b, []Param{x}, 10)
					if err != nil {
						t.Fatal(err)
					}
					if err := opt.Step(0.04*float32(steps-i)/steps, scale); err != nil {
						t.Fatal(err)
					}
				}
				if v, _ := p.f(read(b, x.Data)); v > 1e-3 {
					t.Errorf("value %v at the end, want about 0", v)
				}
			})
		}
	}
}

// TestResume: saving after three steps and loading into a fresh optimizer gives the same bits as going on.
func TestResume(t *testing.T) {
	for name, o := range settings() {
		t.Run(name, func(t *testing.T) {
			b := ref.New()
			p := []Param{
				{Name: "w", Data: buf(b, 1, -2), Grad: b.Alloc(2), Decay: true},
				{Name: "norm", Data: buf(b, 1), Grad: b.Alloc(1)},
			}
			step := func(opt Optimizer, p []Param, i int) {
				b.Upload(p[0].Grad, []float32{float32(i) - 2, 0.5})
				b.Upload(p[1].Grad, []float32{-0.25 * float32(i)})
				if err := opt.Step(0.1, 1); err != nil {
					t.Fatal(err)
				}
			}
			opt := o.New(b, p)
			for i := range 3 {
				step(opt, p, i)
			}
			var q []Param
			for _, x := range p {
				y := Param{Name: x.Name, Data: b.Alloc(x.Data.Len()), Grad: b.Alloc(x.Data.Len()), Decay: x.Decay}
				b.Copy(y.Data, x.Data)
				q = append(q, y)
			}
			fresh := o.New(b, q)
			saved := opt.State()
			for i, s := range fresh.State() {
				if s.Name != saved[i].Name || s.Param != saved[i].Param {
					t.Fatalf("slot %d is %s of %d, saved was %s of %d", i, s.Name, s.Param, saved[i].Name, saved[i].Param)
				}
				b.Copy(s.Buf, saved[i].Buf)
			}
			fresh.SetCount(opt.Count())
			for i := 3; i < 6; i++ {
				step(opt, p, i)
				step(fresh, q, i)
			}
			for i := range p {
				near(t, ref.Data(q[i].Data), ref.Data(p[i].Data), 0)
			}
			var held int64
			for _, s := range saved {
				held += int64(s.Buf.Len()) * bytesPerElement
			}
			if o.StateBytes(3) != held {
				t.Errorf("StateBytes says %d, the state holds %d", o.StateBytes(3), held)
			}
		})
	}
}

func TestClip(t *testing.T) {
	b := ref.New()
	p := []Param{{Name: "a", Grad: buf(b, 3)}, {Name: "b", Grad: buf(b, 0, 4)}}
	for _, c := range []struct {
		limit float64
		want  float32
	}{{0, 1}, {10, 1}, {1, float32(1 / (5 + 1e-6))}} {
		norm, scale, err := Clip(b, p, c.limit)
		if norm != 5 || scale != c.want || err != nil {
			t.Errorf("limit %v: norm %v, scale %v, error %v; want 5, %v", c.limit, norm, scale, err, c.want)
		}
	}
	p[1].Grad = buf(b, float32(math.NaN()), 1)
	if _, _, err := Clip(b, p, 1); err == nil || !strings.Contains(err.Error(), "gradient of b is not finite") {
		t.Errorf("error %v, want one that names the parameter", err)
	}
}

func TestValidate(t *testing.T) {
	for _, i := range All() {
		if err := i.New().Validate(); err != nil {
			t.Errorf("%s: the defaults are refused: %v", i.Name, err)
		}
	}
	for want, o := range map[string]Options{
		"beta1 is 1, want a number in [0, 1)":      &AdamW{Beta1: 1, Beta2: 0.9, Eps: 1e-8},
		"beta2 is 0.99999999999":                   &AdamW{Beta2: 0.99999999999, Eps: 1e-8}, // 1 in float32
		"eps is 1e-50, want a number in (0, 1)":    &AdamW{Eps: 1e-50},                      // 0 in float32
		"weight_decay is -1, want a number >= 0":   &AdamW{Eps: 1e-8, WeightDecay: -1},
		"momentum is NaN, want a number in [0, 1)": &SGD{Momentum: math.NaN()},
		"weight_decay is +Inf, want a number >= 0": &SGD{WeightDecay: math.Inf(1)},
	} {
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestScaledDecay: half the rate with twice the decay decays as the whole rate does.
func TestScaledDecay(t *testing.T) {
	for name, o := range map[string]Options{"adamw": &AdamW{Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, WeightDecay: 0.25}, "sgd": &SGD{WeightDecay: 0.25}} {
		b := ref.New()
		p := Param{Name: "p", Data: buf(b, 2), Grad: b.Alloc(1), Decay: true}
		opt := o.New(b, []Param{p})
		opt.ScaleDecay(2)
		if err := opt.Step(0.125, 1); err != nil {
			t.Fatal(err)
		}
		opt.ScaleDecay(1)
		if err := opt.Step(0.25, 1); err != nil {
			t.Fatal(err)
		}
		if got := ref.Data(p.Data)[0]; math.Abs(got-2*(1-.0625)*(1-.0625)) > 1e-12 {
			t.Errorf("%s: weight %v, want two decays of 1/16", name, got)
		}
	}
}
