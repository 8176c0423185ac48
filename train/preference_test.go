package train

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/train/rollout"
)

// sumOf is the summed log-prob of tokens after a prompt.
func sumOf(t *testing.T, m *policy.Model, prompt, tokens []int32) (sum float64) {
	t.Helper()
	got, err := m.LogProbs(policy.Batch{Prompts: [][]int32{prompt}, Rows: []policy.Row{{Tokens: tokens}}, Temperature: 0.9}, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range got.LogP {
		sum += float64(v)
	}
	return sum
}

// taken are the prompts and rows that a config's step n has.
func taken(t *testing.T, c Config, n int) (units []unit) {
	t.Helper()
	var indices []int
	for range n {
		indices = c.Sampler.Next(c.Prompts)
	}
	prompts, err := rollout.Render(c.Model, c.Env, indices)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range prompts {
		u, err := c.unitOf(p)
		if err != nil {
			t.Fatal(err)
		}
		units = append(units, u)
	}
	return units
}

// twoSteps are two steps of plain gradient descent.
func twoSteps(c *Config) {
	oneStep(c)
	c.Steps, c.Rate = 2, 0.05
}

// trainOneStep gives the policy as it is before step 2.
func trainOneStep(t *testing.T, s setup) *policy.Model {
	t.Helper()
	c := s.config(t, filepath.Join(t.TempDir(), "one"))
	c.Steps = 1
	runAll(t, c)
	return c.Model
}

// TestDPOByHand: the loss of step 2 is the mean of -log σ(β·(d_w - d_l)), from log-probs computed one by one; so are the
// metrics.
func TestDPOByHand(t *testing.T) {
	s := setup{threads: 2, reference: true, change: func(c *Config) { preferring("dpo", false)(c); twoSteps(c) }}
	dir := filepath.Join(t.TempDir(), "run")
	runAll(t, s.config(t, dir))
	m := metricLines(t, dir)[1]
	now, base := trainOneStep(t, s), openModel(t, cpu.New(1))
	loss, right, drift := 0.0, 0.0, [2]float64{}
	logp, n := [2]float64{}, 0.0
	for _, u := range taken(t, s.config(t, "x"), 2) {
		var d [2]float64
		for k, r := range u.rows {
			own := sumOf(t, now, u.prompts[0].IDs, r.tokens)
			d[k] = own - sumOf(t, base, u.prompts[0].IDs, r.tokens)
			logp[k] += own
			drift[k] += d[k]
		}
		z := 0.1 * (d[0] - d[1])
		loss += math.Log1p(math.Exp(-z))
		if z > 0 {
			right++
		}
		n++
	}
	near(t, "loss", m["loss"], loss/n, 1e-12)
	near(t, "accuracy", m["preference/accuracy"], right/n, 0)
	near(t, "margin", m["preference/margin"], 0.1*(drift[0]-drift[1])/n, 1e-12)
	near(t, "reward of chosen", m["preference/reward_chosen"], 0.1*drift[0]/n, 1e-12)
	near(t, "reward of rejected", m["preference/reward_rejected"], 0.1*drift[1]/n, 1e-12)
	near(t, "drift of chosen", m["preference/drift_chosen"], drift[0]/n, 1e-12)
	near(t, "drift of rejected", m["preference/drift_rejected"], drift[1]/n, 1e-12)
	near(t, "log-prob of chosen", m["preference/logp_chosen"], logp[0]/n, 1e-10)
	near(t, "log-prob of rejected", m["preference/logp_rejected"], logp[1]/n, 1e-10)
	near(t, "pairs", m["preference/pairs"], n, 0)
	if drift[0] == 0 || drift[1] == 0 {
		t.Error("the policy has not moved, so nothing is tested")
	}
}

// TestSharedPromptIsComputedOnce: a pair costs its prompt once and both answers.
func TestSharedPromptIsComputedOnce(t *testing.T) {
	s := setup{threads: 2, reference: true, change: func(c *Config) { preferring("dpo", false)(c); oneStep(c) }}
	dir := filepath.Join(t.TempDir(), "run")
	runAll(t, s.config(t, dir))
	want := 0
	for _, u := range taken(t, s.config(t, "x"), 1) {
		want += len(u.prompts[0].IDs) + len(u.rows[0].tokens) - 1 + len(u.rows[1].tokens) - 1
	}
	near(t, "decoder rows", metricLines(t, dir)[0]["tokens_computed"], float64(want), 0)
}

// TestHeldOutPairs: an evaluation compares the pairs that the held-out tasks bring, under algorithms with and without a
// reference, and remembers the best.
func TestHeldOutPairs(t *testing.T) {
	for kind, beta := range map[string]float64{"dpo": 0.1, "kto": 0.1, "simpo": 2} {
		dir := filepath.Join(t.TempDir(), "run")
		c := setup{threads: 2, reference: true, change: func(c *Config) {
			preferring(kind, false)(c)
			held := c.Eval
			twoSteps(c)
			c.Eval = held
			c.Eval.Every, c.Eval.Limit = 1, 7
		}}.config(t, dir)
		base := openModel(t, cpu.New(1))
		runAll(t, c)
		right, margin := 0.0, 0.0
		for i := range c.Eval.Limit {
			prompts, err := rollout.Render(c.Model, c.Eval.Env, []int{i})
			if err != nil {
				t.Fatal(err)
			}
			u, err := c.pairOf(prompts[0])
			if err != nil {
				t.Fatal(err)
			}
			var rewards [2]float64
			for k, r := range u.rows {
				rewards[k] = sumOf(t, c.Model, u.prompts[0].IDs, r.tokens)
				if kind == "simpo" {
					rewards[k] /= float64(len(r.tokens))
				} else {
					rewards[k] -= sumOf(t, base, u.prompts[0].IDs, r.tokens)
				}
			}
			margin += beta * (rewards[0] - rewards[1]) / 7
			if rewards[0] > rewards[1] {
				right++
			}
		}
		m := metricLines(t, dir)
		near(t, kind+": accuracy", m[2]["eval/pref_accuracy"], right/7, 1e-15)
		near(t, kind+": margin", m[2]["eval/pref_margin"], margin, 1e-11)
		if _, ok := m[2]["eval/answer_correct"]; ok || margin == 0 {
			t.Errorf("%s: metrics %v", kind, m[2])
		}
	}
}

// TestKTOByHand: z₀ is the mean log-ratio of each answer under the prompt before it, not below 0, and the loss of step 2 is
// judged against it.
func TestKTOByHand(t *testing.T) {
	s := setup{threads: 2, reference: true, change: func(c *Config) {
		preferring("kto", false)(c)
		twoSteps(c)
		c.Prompts = 5
	}}
	dir := filepath.Join(t.TempDir(), "run")
	runAll(t, s.config(t, dir))
	m := metricLines(t, dir)[1]
	now, base := trainOneStep(t, s), openModel(t, cpu.New(1))
	units := taken(t, s.config(t, "x"), 2)
	ratio := func(prompt, tokens []int32) float64 {
		return sumOf(t, now, prompt, tokens) - sumOf(t, base, prompt, tokens)
	}
	z := 0.0
	for i, u := range units {
		z += ratio(u.prompts[0].IDs, units[(i+1)%len(units)].rows[0].tokens) / float64(len(units))
	}
	if z < 1e-3 {
		t.Errorf("z0 is %v, so it is not tested", z)
	}
	loss, good := 0.0, 0.0
	for _, u := range units {
		d := 0.1 * (ratio(u.prompts[0].IDs, u.rows[0].tokens) - z)
		if u.rows[0].side == rejected {
			d = -d
		} else {
			good++
		}
		loss += 1 - 1/(1+math.Exp(-d))
	}
	near(t, "z0", m["preference/reference_point"], z, 1e-12)
	near(t, "loss", m["loss"], loss/float64(len(units)), 1e-12)
	near(t, "desirable", m["preference/desirable"], good, 0)
	near(t, "undesirable", m["preference/undesirable"], 5-good, 0)
	if good == 0 || good == 5 {
		t.Error("one class only")
	}
}

// TestMismatchedNeedsTwoPrompts: no answer meets its own prompt, and where all prompts have as many each is taken once; one
// prompt is too few.
func TestMismatchedNeedsTwoPrompts(t *testing.T) {
	b := &batch{step: 7, prompts: [][]int32{{1}, {1}, {2}}, rows: []row{{group: 0, tokens: []int32{10}}, {group: 1, tokens: []int32{11}}, {group: 2, tokens: []int32{12}}}}
	rows, err := b.shifted()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int32{12, 12, 11} {
		if rows[i].tokens[0] != want || rows[i].group != i {
			t.Errorf("row %d has answer %d under prompt %d, want %d under %d", i, rows[i].tokens[0], rows[i].group, want, i)
		}
	}
	b.rows = append(b.rows, row{group: 2, tokens: []int32{13}})
	if rows, err = b.shifted(); err != nil || rows[0].tokens[0] != 12 || rows[1].tokens[0] != 13 || rows[2].tokens[0] != 10 || rows[3].tokens[0] != 11 {
		t.Errorf("rows %v (%v), want each answer once", rows, err)
	}
	b.prompts[2] = []int32{1}
	if _, err := b.shifted(); err == nil || !strings.Contains(err.Error(), "step 7: all answers have the same prompt") {
		t.Errorf("error %v", err)
	}
}

// TestPairsFromRollouts: of each prompt the best and the worst sample, if they are so far apart, learned from at the
// log-probs that they were sampled with.
func TestPairsFromRollouts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	const gap = 1.3
	c := setup{threads: 2, lora: true, change: func(c *Config) {
		preferring("dpo", true)(c)
		oneStep(c)
		c.Prompts, c.Labels.Gap = 6, gap
	}}.config(t, dir)
	runAll(t, c)
	rows, pairs := completionLines(t, dir), 0.0
	for at := 0; at < len(rows); at += 4 {
		group := rows[at : at+4]
		best, worst := 0, 0
		for k, r := range group {
			if *r.Reward > *group[best].Reward {
				best = k
			}
			if *r.Reward < *group[worst].Reward {
				worst = k
			}
		}
		far := *group[best].Reward-*group[worst].Reward >= gap
		if far {
			pairs++
		}
		for k, r := range group {
			want := ""
			if far && k == best {
				want = "chosen"
			} else if far && k == worst {
				want = "rejected"
			}
			if r.Label != want {
				t.Errorf("prompt %d, sample %d with reward %v is %q, want %q", at/4, k, *r.Reward, r.Label, want)
			}
		}
	}
	m := metricLines(t, dir)[0]
	near(t, "pairs", m["preference/pairs"], pairs, 0)
	near(t, "prompts without", m["preference/without_pair"], 6-pairs, 0)
	if pairs == 0 || pairs == 6 {
		t.Errorf("%v of 6 prompts have a pair, so the gap is not tested", pairs)
	}
}

// TestNoPairMovesNothing: a step whose prompts give no pair leaves the weights alone.
func TestNoPairMovesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := setup{threads: 2, reference: true, change: func(c *Config) {
		preferring("dpo", true)(c)
		oneStep(c)
		c.Labels.Gap = 1e6
	}}.config(t, dir)
	before := weightsOf(c.Model)
	runAll(t, c)
	if !sameBits(weightsOf(c.Model), before) {
		t.Error("the weights moved")
	}
	if m := metricLines(t, dir)[0]; m["preference/pairs"] != 0 || m["preference/without_pair"] != 3 {
		t.Errorf("metrics %v", m)
	}
}

// TestSAMIByHand: each answer under each principle, from log-probs computed one by one.
func TestSAMIByHand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := setup{threads: 2, change: func(c *Config) {
		preferring("sami", true)(c)
		oneStep(c)
	}}.config(t, dir)
	start := openModel(t, cpu.New(1))
	runAll(t, c)
	rows, loss, right := completionLines(t, dir), 0.0, 0.0
	if len(rows) != 6 {
		t.Fatalf("%d completions, want one under each of 2 principles for 3 prompts", len(rows))
	}
	for at := 0; at < len(rows); at += 2 {
		var l [2][2]float64
		for i := range l {
			for j := range l {
				answer := rows[at+j].CompletionIDs
				l[i][j] = sumOf(t, start, rows[at+i].PromptIDs, answer) / float64(len(answer))
			}
		}
		for i := range l {
			row := math.Log(math.Exp(l[i][0]) + math.Exp(l[i][1]))
			column := math.Log(math.Exp(l[0][i]) + math.Exp(l[1][i]))
			loss += (row + column - 2*l[i][i]) / 4 / 3
			for _, other := range []float64{l[i][1-i], l[1-i][i]} {
				if l[i][i] > other {
					right++
				}
			}
		}
	}
	m := metricLines(t, dir)[0]
	near(t, "loss", m["loss"], loss, 1e-12)
	near(t, "accuracy", m["preference/accuracy"], right/12, 1e-15)
	if rows[0].Reward != nil || strings.Contains(string(lines(t, dir, "completions.jsonl")[0]), `"reward":0`) {
		t.Error("a completion that nobody judged has a reward")
	}
}

// TestLabelledErrors are found before a run or at the task.
func TestLabelledErrors(t *testing.T) {
	for want, spoil := range map[string]func(*Config){
		"want a number > 0":                func(c *Config) { preferring("dpo", true)(c); c.Labels.Gap = 0 },
		"1 principles, want at least 2":    func(c *Config) { preferring("sami", true)(c); c.Labels.Principles = []string{"a"} },
		"1 answer a step, want at least":   func(c *Config) { preferring("kto", false)(c); c.Prompts = 1 },
		"no rewards, and this algorithm":   func(c *Config) { preferring("dpo", true)(c); c.Rewards = nil },
		"1 sample a prompt, want at least": func(c *Config) { preferring("dpo", true)(c); c.Samples = 1 },
		"desirable answer is NaN":          func(c *Config) { preferring("kto", true)(c); c.Labels.Threshold = math.NaN() },
	} {
		c := setup{threads: 1, reference: true}.config(t, filepath.Join(t.TempDir(), "run"))
		spoil(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	m := openModel(t, cpu.New(1))
	for _, x := range []struct {
		kind string
		task envs.Task
		want string
	}{
		{"dpo", envs.Task{ID: "a"}, "task a has no pair"},
		{"dpo", envs.Task{ID: "a", Pair: envs.Pair{ChosenIDs: []int32{1}, RejectedIDs: []int32{442}}}, "task a: its pair: token 0 is id 442"},
		{"kto", envs.Task{ID: "a", Demonstration: "x"}, "task a has neither a label nor a pair"},
		{"kto", envs.Task{ID: "a", Label: envs.Desirable}, "task a has no demonstration"},
		{"sami", envs.Task{ID: "a", Messages: []envs.Message{{Role: "user", Content: "x"}}}, "task a has 0 answers written under principles, want one for each of the 2"},
		{"sami", envs.Task{ID: "a", Text: "x"}, "task a: principles are system messages"},
	} {
		c := Config{Model: m, Algo: algorithm(x.kind), Labels: Labels{Principles: []string{"a", "b"}}}
		if _, err := c.unitOf(rollout.Prompt{Task: x.task, IDs: []int32{1}}); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: error %v, want %q", x.kind, err, x.want)
		}
	}
}

// TestImplicitRewardsPerToken: where a loss takes means, so do the metrics.
func TestImplicitRewardsPerToken(t *testing.T) {
	for _, info := range algos.All() {
		a := info.New()
		if !a.Needs().Labelled() {
			continue
		}
		if _, ok := a.(algos.Implicit); !ok {
			t.Errorf("%s doesn't say what an answer's reward is", info.Name)
		}
	}
	tr := &Trainer{Config: Config{Algo: algorithm("simpo")}}
	b := &batch{rows: []row{{trained: 4}, {trained: 2}}, labels: labelled{logp: []float64{-8, -3}}}
	if r := tr.implicitRewards(b); r[0] != -4 || r[1] != -3 { // beta 2
		t.Errorf("rewards %v, want the means -2 and -1.5 times 2", r)
	}
}
