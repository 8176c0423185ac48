package eval

import (
	"context"
	"math"
	"testing"

	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/policy/adapter"
)

// TestImplicitMetric: against itself a model's implicit reward is 0 to the bit; against another it is β times the
// difference of log-probs, which the answers have from sampling at temperature 1.
func TestImplicitMetric(t *testing.T) {
	open := func() *policy.Model {
		m, err := policy.Open("builtin:tiny", cpu.New(2))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.Close)
		return m
	}
	m, reference := open(), open()
	env, err := (&envs.ArithJSON{Split: envs.Test, Forms: envs.FormsJSON}).Open()
	if err != nil {
		t.Fatal(err)
	}
	run := func(i Implicit) Outcome {
		d := policy.Decoding{MaxTokens: 12, Seed: 3}
		d.Temperature = 1
		out, err := Run(context.Background(), m, env, Options{Limit: 4, Decoding: d, Implicit: &i})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	pair, err := policy.NewPair(m, reference)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range run(Implicit{pair, 2}).Implicit {
		if math.Float64bits(v) != 0 {
			t.Errorf("answer %d: %g against the same model", i, v)
		}
	}
	if err := m.AttachLoRA(adapter.LoRA{Rank: 2, Alpha: 4, Targets: []string{adapter.AllLinear}}, 5); err != nil {
		t.Fatal(err)
	}
	for _, p := range m.Params() {
		if rows := m.Read(p, p.Data); len(rows) > 0 && p.Shape[len(p.Shape)-1] == 2 { // B, of rank 2
			for i := range rows {
				rows[i] = float32(i%5)*0.05 - 0.1
			}
			m.Write(p, p.Data, rows)
		}
	}
	if pair, err = policy.NewPair(m, nil); err != nil {
		t.Fatal(err)
	}
	out := run(Implicit{pair, 0.5})
	mean := 0.0
	for i, a := range out.Answers {
		tokens, err := reference.LogProbs(policy.Batch{Prompts: [][]int32{a.IDs}, Rows: []policy.Row{{Tokens: a.Tokens}}}, false)
		if err != nil {
			t.Fatal(err)
		}
		want := 0.0
		for k := range a.Tokens {
			want += float64(a.LogProbs[k]) - float64(tokens.LogP[k])
		}
		if want *= 0.5; want == 0 || out.Implicit[i] != want {
			t.Errorf("answer %d: %g, want %g", i, out.Implicit[i], want)
		}
		mean += want / 4
	}
	got, ok := out.Report.Metric("implicit_reward")
	perToken, also := out.Report.Metric("implicit_reward_token")
	if !ok || !also || math.Abs(got.Value-mean) > 1e-12 || got.N != 4 || got.Unit != UnitReward || !(got.Low < got.Value && got.Value < got.High) || perToken.Value == got.Value {
		t.Errorf("metrics %+v, %+v, want a mean of %g", got, perToken, mean)
	}
}
