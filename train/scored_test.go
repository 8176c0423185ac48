package train

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/algos/advantage"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/policy/generate"
	"github.com/burnish-rl/burnish/rewards"
)

// groupsOfLines cuts the lines of a run without dropped prompts into groups.
func groupsOfLines(rows []completionLine) (groups [][]completionLine) {
	for from, i := 0, 0; i < len(rows); i++ {
		if i+1 == len(rows) || rows[i+1].Step != rows[i].Step || rows[i+1].Slot != rows[i].Slot {
			groups, from = append(groups, rows[from:i+1]), i+1
		}
	}
	return groups
}

// TestGreedyCompletion: remax compares each sample with a greedy answer of its prompt, which is scored, logged and counted
// and not trained. What a greedy answer is, the policy itself says.
func TestGreedyCompletion(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := setup{threads: 2, change: func(c *Config) {
		oneStep(c)
		c.Algo = algorithm("remax")
		byFunction(t, c, func(a rewards.Attempt, p rewards.Place) rewards.Result {
			if p.Slot == 2 && p.Sample == 4 {
				return rewards.Result{Missing: "out"}
			}
			return lengthAndPlace(a, p)
		})
	}}.config(t, dir)
	base := openModel(t, cpu.New(1))
	runAll(t, c)
	m := metricLines(t, dir)[0]
	groups := groupsOfLines(completionLines(t, dir))
	if len(groups) != 3 {
		t.Fatalf("%d groups, want 3", len(groups))
	}
	tokens, computed, greedySum := 0.0, 0.0, 0.0
	for slot, g := range groups {
		greedy := g[4]
		if len(g) != 5 || !greedy.Greedy || greedy.Sample != 4 || g[0].Greedy || greedy.Advantage != 0 {
			t.Fatalf("slot %d: %d lines, the last %+v, want 4 samples and a greedy completion", slot, len(g), greedy)
		}
		d := policy.Decoding{Decoding: generate.Decoding{}, MaxTokens: 12}
		for want, err := range base.Generate(t.Context(), []policy.Request{{Prompt: greedy.PromptIDs, Samples: 1}}, d, nil) {
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(want.Tokens, greedy.CompletionIDs) {
				t.Errorf("slot %d: %v, the policy's greedy answer is %v", slot, greedy.CompletionIDs, want.Tokens)
			}
		}
		for _, r := range g[:4] {
			want := 0.0 // a missing greedy reward gives no advantage
			if slot < 2 {
				want = *r.Reward - *greedy.Reward
			}
			if math.Abs(r.Advantage-want) > 1e-12 {
				t.Errorf("slot %d, sample %d: advantage %v, want %v", slot, r.Sample, r.Advantage, want)
			}
			tokens += float64(len(r.CompletionIDs))
		}
		for _, r := range g {
			computed += float64(len(r.CompletionIDs) - 1)
		}
		computed += 2 * float64(len(greedy.PromptIDs)) // a prompt is computed for each
		if slot < 2 {
			greedySum += *greedy.Reward
		}
	}
	for name, want := range map[string]float64{"tokens": tokens, "tokens_computed/rollout": computed, "reward_greedy": greedySum / 2, "missing": 0, "length": tokens / 12} {
		near(t, name, m[name], want, 1e-12)
	}
}

// TestRewardParts: gdpo is given the score of every reward that counts, named parts of one reward where they are asked
// for, and nothing of a sample of which one is missing.
func TestRewardParts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	length := scorer(func(a rewards.Attempt, p rewards.Place) rewards.Result {
		return rewards.Result{Score: float64(a.Tokens)}
	})
	parted := scorer(func(a rewards.Attempt, p rewards.Place) rewards.Result {
		if p.Slot == 1 && p.Sample == 2 {
			return rewards.Result{Missing: "out"}
		}
		return rewards.Result{Score: 77, Parts: []rewards.Part{{Name: "even", Score: float64(a.Tokens % 2)}, {Name: "place", Score: float64(p.Sample * p.Sample)}}}
	})
	c := setup{threads: 2, change: func(c *Config) {
		oneStep(c)
		c.Algo = algorithm("gdpo")
		c.Rewards = composite(t,
			rewards.Weighted{Name: "length", Weight: 0.5, Reward: length},
			rewards.Weighted{Name: "seen", Weight: 0, Reward: scorer(missing)},
			rewards.Weighted{Name: "parted", Weight: 2, Reward: parted, Parts: []rewards.Term{{Name: "even", Weight: 3}, {Name: "place", Weight: -0.25}}})
	}}.config(t, dir)
	runAll(t, c)
	groups := groupsOfLines(completionLines(t, dir))
	var parts [][][]float64
	for slot, g := range groups {
		one := [][]float64{nil, nil, nil}
		for k, r := range g {
			n := float64(len(r.CompletionIDs))
			values := []float64{n, float64(len(r.CompletionIDs) % 2), float64(k * k)}
			if slot == 1 && k == 2 {
				values[1], values[2] = math.NaN(), math.NaN()
				if r.Reward != nil {
					t.Errorf("a sample without a part has reward %v", *r.Reward)
				}
			} else if want := 0.5*values[0] + 2*(3*values[1]-0.25*values[2]); math.Abs(*r.Reward-want) > 1e-12 {
				t.Errorf("slot %d, sample %d: reward %v, want %v", slot, k, *r.Reward, want)
			}
			for i, v := range values {
				one[i] = append(one[i], v)
			}
		}
		parts = append(parts, one)
	}
	want, err := advantage.GDPO(parts, []float64{0.5, 6, -0.5})
	if err != nil {
		t.Fatal(err)
	}
	for slot, g := range groups {
		for k, r := range g {
			if math.Abs(r.Advantage-want[slot][k]) > 1e-12 {
				t.Errorf("slot %d, sample %d: advantage %v, want %v", slot, k, r.Advantage, want[slot][k])
			}
		}
	}
}

// TestAPartThatIsNotThere stops the run: it is a mistake in the recipe.
func TestAPartThatIsNotThere(t *testing.T) {
	c := setup{threads: 2, change: func(c *Config) {
		oneStep(c)
		c.Steps = 20
		c.Rewards = composite(t, rewards.Weighted{Name: "json-structure", Weight: 1, Parts: []rewards.Term{{Name: "colour", Weight: 1}}, Reward: scorer(
			func(rewards.Attempt, rewards.Place) rewards.Result {
				return rewards.Result{Parts: []rewards.Part{{Name: "types", Score: 1}}}
			})})
	}}.config(t, filepath.Join(t.TempDir(), "run"))
	tr := newTrainer(t, c)
	err := tr.Run(t.Context(), t.Context())
	if err == nil || !strings.Contains(err.Error(), `part "colour" is not in the result, want one of ["types"]`) {
		t.Errorf("error %v, want one that names the part", err)
	}
}

// TestTokenAdvantages: each token is trained with its own, that of verl's formula over what the training pass says of the
// samples' tokens.
func TestTokenAdvantages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := setup{threads: 2, change: func(c *Config) {
		oneStep(c)
		c.Algo = algorithm("optimal_token")
		byFunction(t, c, lengthAndPlace)
	}}.config(t, dir)
	runAll(t, c)
	rows := completionLines(t, dir)
	base := openModel(t, cpu.New(2))
	batch, n := policy.Batch{Temperature: 0.9}, 0
	for i, r := range rows {
		if i%4 == 0 {
			batch.Prompts = append(batch.Prompts, r.PromptIDs)
		}
		batch.Rows = append(batch.Rows, policy.Row{Prompt: i / 4, Tokens: r.CompletionIDs})
		n += len(r.CompletionIDs)
	}
	base.EnableGrads()
	tokens, err := base.LogProbs(batch, true)
	if err != nil {
		t.Fatal(err)
	}
	var gradient []float32
	at, differ := 0, false
	for _, g := range groupsOfLines(rows) {
		var scores []float64
		var logp, sumP2 [][]float64
		for _, r := range g {
			to := at + len(r.CompletionIDs)
			scores = append(scores, *r.Reward)
			logp, sumP2 = append(logp, float64s(tokens.LogP[at:to])), append(sumP2, float64s(tokens.SumP2[at:to]))
			at = to
		}
		for i, want := range advantage.OptimalToken(scores, logp, sumP2) {
			if !slices.Equal(g[i].Advantages, want) {
				t.Errorf("slot %d, sample %d: advantages %v, want %v", g[i].Slot, i, g[i].Advantages, want)
			}
			mean := 0.0
			for _, a := range want {
				gradient = append(gradient, float32(-a*(1/float64(n))))
				mean += a / float64(len(want))
				differ = differ || a != want[0]
			}
			near(t, "mean advantage", g[i].Advantage, mean, 1e-12)
		}
	}
	if !differ {
		t.Error("no answer has advantages that differ, so nothing is tested")
	}
	if err := tokens.Backward(gradient, nil); err != nil {
		t.Fatal(err)
	}
	if err := base.FinishGrads(); err != nil {
		t.Fatal(err)
	}
	norm := 0.0
	for _, p := range base.Params() {
		for _, g := range base.Read(p, p.Grad) {
			norm += float64(g) * float64(g)
		}
	}
	near(t, "grad_norm", metricLines(t, dir)[0]["grad_norm"], math.Sqrt(norm), 1e-6*math.Sqrt(norm))
}

// TestTheKLAlongTheAnswer: reinforce_pp with kl_coef pays it token by token.
func TestTheKLAlongTheAnswer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	runAll(t, setup{threads: 2, reference: true, change: func(c *Config) {
		oneStep(c)
		c.Algo, c.Steps, c.Rate = algorithm("reinforce_pp"), 2, 5
		c.Algo.(*algos.OnPolicy).KLCoef = 0.3
		byFunction(t, c, lengthAndPlace)
	}}.config(t, dir))
	base := openModel(t, cpu.New(2))
	var step []completionLine
	for _, r := range completionLines(t, dir) {
		if r.Step == 2 {
			step = append(step, r)
		}
	}
	var scores [][]float64
	var k1 [][][]float64
	for _, g := range groupsOfLines(step) {
		var own []float64
		var kl [][]float64
		for _, r := range g {
			tokens, err := base.LogProbs(policy.Batch{Prompts: [][]int32{r.PromptIDs}, Rows: []policy.Row{{Tokens: r.CompletionIDs}}, Temperature: 0.9}, false)
			if err != nil {
				t.Fatal(err)
			}
			var u []float64
			for k, ref := range tokens.LogP {
				u = append(u, float64(r.LogProbs[k])-float64(ref))
			}
			own, kl = append(own, *r.Reward), append(kl, u)
		}
		scores, k1 = append(scores, own), append(k1, kl)
	}
	differ := false
	for i, g := range advantage.ReinforcePP(scores, k1, 0.3) {
		for j, want := range g {
			got := step[4*i+j].Advantages
			for k, a := range want {
				if len(got) != len(want) || math.Abs(got[k]-a) > 1e-9 {
					t.Fatalf("slot %d, sample %d: advantages %v, want %v", i, j, got, want)
				}
				differ = differ || math.Abs(a-want[0]) > 1e-6
			}
		}
	}
	if !differ {
		t.Error("no answer has advantages that differ, so nothing is tested")
	}
}

// TestNormsOfSampling: weights by energy and by the head are those of a pass over the rows, which isn't made.
func TestNormsOfSampling(t *testing.T) {
	for _, name := range []string{"energy", "head"} {
		dir := filepath.Join(t.TempDir(), name)
		c := setup{threads: 2, change: gradientWeighted("weighted")}.config(t, dir)
		c.Steps, c.Eval = 1, Evaluation{}
		c.Algo.(*algos.OBLRPO).Weights = name
		runAll(t, c)
		rows := completionLines(t, dir)
		base := openModel(t, cpu.New(2))
		for _, g := range groupsOfLines(rows) {
			batch, scores := policy.Batch{Temperature: 0.9, Prompts: [][]int32{g[0].PromptIDs}}, []float64{}
			for _, r := range g {
				batch.Rows = append(batch.Rows, policy.Row{Tokens: r.CompletionIDs})
				scores = append(scores, *r.Reward)
			}
			norms, err := base.RowNorms(batch, policy.NormKind(name))
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range advantage.WeightedLeaveOneOut(scores, norms[0], advantage.Prior{}) {
				if g[i].Advantage != want {
					t.Errorf("%s: slot %d, sample %d: advantage %v, want %v", name, g[i].Slot, i, g[i].Advantage, want)
				}
			}
		}
	}
}
