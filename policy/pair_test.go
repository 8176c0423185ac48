package policy

import (
	"math"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute/cpu"
)

func pairOf(t testing.TB, policy, reference *Model) Pair {
	t.Helper()
	p, err := NewPair(policy, reference)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestImplicitRewardOfTheSameModel is 0 to the bit: for a model opened twice, and for an adapter that has learned nothing.
func TestImplicitRewardOfTheSameModel(t *testing.T) {
	fresh := newModel(t, 1)
	if err := fresh.AttachLoRA(everywhere, 5); err != nil {
		t.Fatal(err)
	}
	for what, p := range map[string]Pair{"opened twice": pairOf(t, newModel(t, 1), newModel(t, 2)), "adapter without B": pairOf(t, fresh, nil)} {
		got, err := p.SoftQ(drawIDs(9, 1), drawIDs(30, 2))
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range got.Advantage {
			if math.Float64bits(a) != 0 {
				t.Errorf("%s: token %d: %g", what, i, a)
			}
		}
	}
}

// TestImplicitRewardIsTheDifference of what the models say apart, and it is not 0.
func TestImplicitRewardIsTheDifference(t *testing.T) {
	tuned := withAdapter(t, newModel(t, 1))
	prompt, tokens := drawIDs(7, 1), drawIDs(25, 2)
	b := Batch{Prompts: [][]int32{prompt}, Rows: []Row{{Tokens: tokens}}}
	with, err := tuned.LogProbs(b, false)
	if err != nil {
		t.Fatal(err)
	}
	base, err := newModel(t, 1).LogProbs(b, false)
	if err != nil {
		t.Fatal(err)
	}
	for what, p := range map[string]Pair{"two models": pairOf(t, tuned, newModel(t, 1)), "adapter off": pairOf(t, tuned, nil)} {
		got, err := p.SoftQ(prompt, tokens)
		if err != nil {
			t.Fatal(err)
		}
		sum, want := 0.0, 0.0
		for i, a := range got.Advantage {
			sum += a
			want += float64(with.LogP[i]) - float64(base.LogP[i])
			if a == 0 {
				t.Errorf("%s: token %d: the adapter changes nothing", what, i)
			}
		}
		if sum != want {
			t.Errorf("%s: %g, want %g", what, sum, want)
		}
	}
}

// TestSoftQ: the readings of the logits hang together as soft-optimal control says, in both precisions.
func TestSoftQ(t *testing.T) {
	for _, precision := range []string{F32, BF16} {
		b, err := CPU(CPUOptions{Threads: 2, Precision: precision})
		if err != nil {
			t.Fatal(err)
		}
		m, err := OpenNew([]byte(newConfig), "builtin:tiny", 7, b)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		reference, err := OpenNew([]byte(newConfig), "builtin:tiny", 8, b)
		if err != nil {
			t.Fatal(err)
		}
		defer reference.Close()
		p := pairOf(t, m, reference)
		prompt, tokens := drawIDs(6, 1), drawIDs(20, 2)
		got, err := p.SoftQ(prompt, tokens)
		if err != nil {
			t.Fatal(err)
		}
		rewards, advantages := 0.0, 0.0
		for i := range tokens {
			rewards, advantages = rewards+got.Reward[i], advantages+got.Advantage[i]
			if d := got.Q[i] - got.V[i] - got.Advantage[i]; math.Abs(d) > 2e-5 {
				t.Errorf("%s: token %d: Q - V is off its advantage by %g", precision, i, d)
			}
		}
		if d := rewards - advantages - got.V[0]; math.Abs(d) > 1e-4 {
			t.Errorf("%s: rewards are off advantages and the first V by %g", precision, d)
		}
		// V is log Σ π_ref·exp Q over all tokens that could have stood first.
		every := Batch{Prompts: [][]int32{prompt}}
		for id := range int32(m.Config().Vocab) {
			every.Rows = append(every.Rows, Row{Tokens: []int32{id}})
		}
		of, ref, err := p.LogProbs(every)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i := range of {
			q := got.V[0] + float64(of[i]) - float64(ref[i])
			sum += math.Exp(float64(ref[i]) + q)
		}
		if d := math.Log(sum) - got.V[0]; math.Abs(d) > 1e-5 {
			t.Errorf("%s: V is off by %g", precision, d)
		}
	}
}

// TestSoftQRecoversRewards of a tree whose rewards are known: the soft-optimal policy's logits are Q + log π_ref, and
// their reading gives each reward back. Shifted logits, the same policy, give it back up to the shaping V(s) - V(s').
func TestSoftQRecoversRewards(t *testing.T) {
	const depth, actions = 3, 2
	reward := func(path string, a int) float64 {
		return math.Sin(float64(len(path)*7+a*3) + float64(strings.Count(path, "1")))
	}
	ref := func(path string, a int) float64 { return math.Log([]float64{0.3, 0.7}[(a+len(path))%actions]) }
	var value func(path string) float64
	logit := func(path string, a int) float64 { // Q + log π_ref
		return reward(path, a) + value(path+string(rune('0'+a))) + ref(path, a)
	}
	value = func(path string) float64 {
		if len(path) == depth {
			return 0
		}
		return math.Log(math.Exp(logit(path, 0)) + math.Exp(logit(path, 1)))
	}
	for _, walk := range []string{"000", "011", "101", "110"} {
		for _, shift := range []float64{0, 5} {
			var logp, q, z, v, want []float64
			for t := range depth {
				path, a := walk[:t], int(walk[t]-'0')
				z = append(z, logit(path, a)+shift*float64(t))
				v = append(v, value(path)+shift*float64(t))
				logp, q = append(logp, logit(path, a)-value(path)), append(q, ref(path, a))
				want = append(want, reward(path, a))
			}
			got := softQ(logp, q, z, v)
			for i := range want {
				shaped := want[i]
				if shift != 0 && i+1 < depth {
					shaped -= shift // t·shift - (t+1)·shift
				} else {
					shaped += shift * float64(i)
				}
				if math.Abs(got.Reward[i]-shaped) > 1e-12 {
					t.Errorf("walk %s, shift %g, step %d: reward %g, want %g", walk, shift, i, got.Reward[i], shaped)
				}
				next := 0.0
				if i+1 < depth {
					next = value(walk[:i+1])
				}
				if d := got.Advantage[i] - (want[i] + next - value(walk[:i])); math.Abs(d) > 1e-12 {
					t.Errorf("walk %s, step %d: advantage is off by %g", walk, i, d)
				}
			}
		}
	}
}

func TestPairRefuses(t *testing.T) {
	plain := newModel(t, 1)
	if _, err := NewPair(plain, nil); err == nil || !strings.Contains(err.Error(), "no adapter") {
		t.Errorf("a pair of a model and nothing: %v", err)
	}
	other, err := OpenNew([]byte(strings.Replace(newConfig, `"vocab_size": 442`, `"vocab_size": 2000`, 1)), "tokenizer/testdata/small/gpt2.json", 7, cpu.New(1))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := NewPair(plain, other); err == nil || !strings.Contains(err.Error(), "want models with the same tokens") {
		t.Errorf("a pair of two vocabularies: %v", err)
	}
	if _, err := OpenPair("builtin:tiny", "nosuch", plain.Backend()); err == nil || !strings.Contains(err.Error(), "reference: nosuch") {
		t.Errorf("a pair without its reference: %v", err)
	}
}
