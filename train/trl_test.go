package train

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/envs/sampler"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/policy/adapter"
	"github.com/burnish-rl/burnish/policy/generate"
	"github.com/burnish-rl/burnish/policy/weights"
	"github.com/burnish-rl/burnish/rewards"
	"github.com/burnish-rl/burnish/train/optim"
	"github.com/burnish-rl/burnish/train/rollout"
	"github.com/burnish-rl/burnish/train/schedule"
)

const trlFolder = "testdata/trl"

// trlFile is testdata/trl/trajectories.json, written by make_trl.py beside it.
type trlFile struct {
	Config   json.RawMessage
	Examples []trlExample
	Runs     map[string]trlRun
}

type trlExample struct{ Prompt, Chosen, Rejected []int32 }

// trlRun is one trainer's settings and what it did, step by step.
type trlRun struct {
	Steps, Micro, Warmup int
	Accumulation         int
	Epochs               int
	Rate, Clip, Beta     float64
	EntropyCoef          float64 `json:"entropy_coef"`
	WeightDecay          float64 `json:"weight_decay"`
	Schedule             string
	LoRA                 *struct{ R, Alpha int }
	Samples              int
	MaxTokens            int `json:"max_tokens"`
	Temperature          float32
	Losses, Norms, Rates []float64
	Recorded             [][]trlGroup // by step
}

type trlGroup struct {
	Prompt      []int32
	Completions [][]int32
	Rewards     []float64
}

func readTRL(t *testing.T) trlFile {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(trlFolder, "trajectories.json"))
	if err != nil {
		t.Fatal(err)
	}
	var f trlFile
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// tensors opens one of the folder's files of weights.
func (trlFile) tensors(t *testing.T, name string) *weights.Safetensors {
	t.Helper()
	s, err := weights.OpenSafetensors(filepath.Join(trlFolder, name+".safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// model has the weights that every run starts from, beside the run's adapter if it has one.
func (f trlFile) model(t *testing.T, r trlRun) *policy.Model {
	t.Helper()
	m, err := policy.OpenNew(f.Config, "builtin:tiny", 1, cpu.New(2))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	start := f.tensors(t, "model")
	for _, p := range m.Params() {
		write(t, m, p, start)
	}
	if r.LoRA == nil {
		return m
	}
	l := adapter.LoRA{Rank: r.LoRA.R, Alpha: float64(r.LoRA.Alpha), Targets: []string{adapter.AllLinear}}
	if err := m.AttachLoRA(l, 1); err != nil {
		t.Fatal(err)
	}
	start = f.tensors(t, "adapter")
	for _, p := range adapterParams(m) {
		write(t, m, p, start)
	}
	return m
}

func adapterParams(m *policy.Model) (out []*policy.Param) {
	m.EnableGrads()
	for _, p := range m.Params() {
		if p.Trainable {
			out = append(out, p)
		}
	}
	return out
}

func write(t *testing.T, m *policy.Model, p *policy.Param, from *weights.Safetensors) {
	t.Helper()
	data, err := from.Tensor(p.Name, p.Shape...)
	if err != nil {
		t.Fatal(err)
	}
	m.Write(p, p.Data, data)
}

// idTasks are pre-tokenised tasks.
type idTasks []envs.Task

func (e idTasks) Task(i int) (envs.Task, error) { return e[i], nil }
func (e idTasks) Len() int                      { return len(e) }

// config is the run in our loop, with a micro-batch for every prompt: gradients add up over more of them than at TRL.
func (f trlFile) config(t *testing.T, r trlRun, dir string) Config {
	t.Helper()
	order, err := (&sampler.Sequential{}).Open(1, len(f.Examples))
	if err != nil {
		t.Fatal(err)
	}
	var tasks idTasks
	for _, e := range f.Examples {
		tasks = append(tasks, envs.Task{ID: "example", PromptIDs: e.Prompt, TargetIDs: e.Chosen, Pair: envs.Pair{ChosenIDs: e.Chosen, RejectedIDs: e.Rejected}})
	}
	c := Config{
		Model: f.model(t, r), Env: tasks, Sampler: order,
		Optim: &optim.AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: r.WeightDecay},
		Rate:  r.Rate, Clip: r.Clip,
		Prompts: 2 * r.Micro, Samples: 1, Steps: r.Steps, Seed: 1, CheckpointKeep: 1, MicroBatchTokens: 1,
		Decoding: policy.Decoding{Decoding: generate.Decoding{Temperature: 1}, MaxTokens: 1},
		Dir:      dir,
	}
	warmup := float64(r.Warmup) / float64(r.Steps)
	switch r.Schedule {
	case "linear":
		c.Schedule = &schedule.Linear{Warmup: warmup}
	case "constant":
		c.Schedule = &schedule.Constant{Warmup: warmup}
	case "cosine":
		c.Schedule = &schedule.Cosine{Warmup: warmup}
	default:
		t.Fatalf("schedule %q", r.Schedule)
	}
	return c
}

// TestSFTLikeTRL follows SFTTrainer for 20 steps, of all parameters and of an adapter.
func TestSFTLikeTRL(t *testing.T) {
	f := readTRL(t)
	for _, name := range []string{"sft", "sft_lora"} {
		t.Run(name, func(t *testing.T) {
			dir, r := filepath.Join(t.TempDir(), "run"), f.Runs[name]
			c := f.config(t, r, dir)
			c.Algo = algorithm("sft")
			runAll(t, c)
			f.compare(t, name, c.Model, dir)
			f.wantFall(t, r)
		})
	}
}

// TestDPOLikeTRL follows DPOTrainer for 20 steps: of all parameters with a second model as the reference, and of an adapter that
// is switched off for it.
func TestDPOLikeTRL(t *testing.T) {
	f := readTRL(t)
	for _, name := range []string{"dpo", "dpo_lora"} {
		t.Run(name, func(t *testing.T) {
			dir, r := filepath.Join(t.TempDir(), "run"), f.Runs[name]
			c := f.config(t, r, dir)
			algo := algorithm("dpo").(*algos.DPO)
			algo.Beta = r.Beta
			c.Algo = algo
			if r.LoRA == nil {
				c.Reference = f.model(t, r)
			}
			runAll(t, c)
			f.compare(t, name, c.Model, dir)
			f.wantFall(t, r)
		})
	}
}

// TestGRPOLikeTRL follows GRPOTrainer: 5 steps of GRPO with the KL's k3, and 3 rollouts of DAPO, from each of which it learns twice
// with clipped ratios, the KL corrected by the ratio, and an entropy bonus. The completions and their rewards are those that it
// sampled; everything after them is ours, the log-probs under the policy that speaks included.
func TestGRPOLikeTRL(t *testing.T) {
	f := readTRL(t)
	for _, name := range []string{"grpo", "dapo"} {
		t.Run(name, func(t *testing.T) {
			dir, r := filepath.Join(t.TempDir(), "run"), f.Runs[name]
			c := f.config(t, r, dir)
			algo := algorithm(name).(*algos.OnPolicy)
			algo.KLCoef, algo.EntropyCoef = r.Beta, r.EntropyCoef
			if name == "dapo" {
				algo.KL = "k3_corrected"
			}
			c.Algo, c.Reference = algo, f.model(t, r)
			c.Prompts, c.Samples, c.Epochs = len(r.Recorded[0]), r.Samples, r.Epochs
			c.Steps = len(r.Recorded)
			c.Decoding.Temperature, c.Decoding.MaxTokens = r.Temperature, r.MaxTokens
			byFunction(t, &c, func(_ rewards.Attempt, p rewards.Place) rewards.Result {
				return rewards.Result{Score: r.Recorded[p.Step-1][p.Slot].Rewards[p.Sample]}
			})
			tr := newTrainer(t, c)
			tr.generate = r.recorded
			if err := tr.Run(context.Background(), context.Background()); err != nil {
				t.Fatal(err)
			}
			f.compare(t, name, c.Model, dir)
		})
	}
}

// recorded gives a step's completions, with the log-probs that our policy has for them.
func (r trlRun) recorded(_ context.Context, m *policy.Model, prompts []rollout.Prompt, samples int, d policy.Decoding) ([]rollout.Group, int, error) {
	var groups []rollout.Group
	for i, p := range prompts {
		b := policy.Batch{Prompts: [][]int32{p.IDs}, Temperature: d.LogProbTemperature()}
		for _, c := range r.Recorded[d.Step-1][i].Completions {
			b.Rows = append(b.Rows, policy.Row{Tokens: c})
		}
		tokens, err := m.LogProbs(b, false)
		if err != nil {
			return nil, 0, err
		}
		g, from := rollout.Group{Prompt: p}, 0
		for k, row := range b.Rows {
			logp := tokens.LogP[from : from+len(row.Tokens)]
			g.Samples = append(g.Samples, rollout.Sample{Completion: policy.Completion{
				Request: i, Sample: k, Tokens: row.Tokens, Offsets: make([]int32, len(row.Tokens)), LogProbs: logp, Stop: policy.StopLength}})
			from += len(row.Tokens)
		}
		groups = append(groups, g)
	}
	return groups, 0, nil
}

// compare wants TRL's losses within 1e-4, its gradient norms within 1e-3 of themselves, its rates, and its weights at the end
// within 1e-3 of the distance that they moved.
func (f trlFile) compare(t *testing.T, name string, m *policy.Model, dir string) {
	t.Helper()
	r, lines := f.Runs[name], metricLines(t, dir)
	updates := max(r.Epochs, 1) // of a step, whose loss and norm are their means
	if len(lines)*updates != len(r.Losses) || len(r.Losses) != r.Steps {
		t.Fatalf("%d steps of %d updates, TRL made %d", len(lines), updates, len(r.Losses))
	}
	var loss, norm float64
	for i, l := range lines {
		from, to := i*updates, (i+1)*updates
		loss = max(loss, math.Abs(l["loss"]-meanOf(r.Losses[from:to])))
		norm = max(norm, math.Abs(l["grad_norm"]/meanOf(r.Norms[from:to])-1))
		near(t, "the rate", l["lr"], meanOf(r.Rates[from:to]), 1e-15)
	}
	moved, apart := 0.0, 0.0
	start, end := f.tensors(t, "model"), f.tensors(t, name)
	if r.LoRA != nil {
		start = f.tensors(t, "adapter")
	}
	trained := adapterParams(m)
	if len(trained) != len(end.Names()) {
		t.Errorf("%d tensors are trained, TRL trained %d", len(trained), len(end.Names()))
	}
	for _, p := range trained {
		before, _ := start.Tensor(p.Name, p.Shape...)
		want, err := end.Tensor(p.Name, p.Shape...)
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range m.Read(p, p.Data) {
			moved += math.Pow(float64(want[i]-before[i]), 2)
			apart += math.Pow(float64(want[i]-w), 2)
		}
	}
	share := math.Sqrt(apart / moved)
	t.Logf("%s: losses within %.1e, norms within %.1e, weights within %.1e of the distance moved", name, loss, norm, share)
	if !(loss <= 1e-4) || !(norm <= 1e-3) || !(share <= 1e-3) {
		t.Error("want 1e-4, 1e-3 and 1e-3")
	}
}

// wantFall makes sure that the run has learned something: its last losses are at least a fifth below the first.
func (f trlFile) wantFall(t *testing.T, r trlRun) {
	t.Helper()
	n := len(r.Losses)
	if last := (r.Losses[n-1] + r.Losses[n-2] + r.Losses[n-3]) / 3; !(last <= 0.8*r.Losses[0]) {
		t.Errorf("the loss went from %v to %v, want it to fall by 20%%", r.Losses[0], last)
	}
}
