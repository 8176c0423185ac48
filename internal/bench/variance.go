package bench

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"

	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/machine"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/recipes"
	"github.com/burnish-rl/burnish/recipes/resolve"
	"github.com/burnish-rl/burnish/rewards/jsonscore"
	"github.com/burnish-rl/burnish/train"
	"github.com/burnish-rl/burnish/train/eval"
	"github.com/burnish-rl/burnish/train/rollout"
	"gonum.org/v1/gonum/blas/blas32"
)

// Variance is an experiment on how much each baseline's gradient scatters: a recipe is trained, and at some of its steps the
// policy answers prompts many times over.
type Variance struct {
	VarianceFile
	Backend compute.Backend
	Tell    func(step, done, total int) // told of each prompt; may be nil
}

// Point is what the policy after some steps of the recipe showed.
type Point struct {
	Step    int
	Names   []string      // of the estimators
	Answers string        // where the prompts are from and how they were answered
	Prompts int           // that taught something: not all rewards were equal
	Flat    int           // that didn't
	Gap     float64       // largest relative gap of diag K to the exact row norms
	Moments [][][]Moments // [sizes][estimators][prompts]
}

// Run trains the recipe and measures on the way.
func (v *Variance) Run(ctx context.Context) ([]Point, error) {
	recipe, err := recipes.Load(v.recipePath(), append(v.overrides(), "train.eval_limit=0", fmt.Sprintf("train.seed=%d", v.Seed))...)
	if err != nil {
		return nil, err
	}
	held, ok := resolve.HeldOut(recipe)
	if !ok {
		held = recipe.Env.Options
	}
	name := recipe.EvalEnv.Kind
	if name == "" {
		name = recipe.Env.Kind
	}
	env, err := held.Open()
	if err != nil {
		return nil, err
	}
	run, err := resolve.Open(ctx, recipe, resolve.Options{Backend: v.Backend})
	if err != nil {
		return nil, err
	}
	defer run.Close()
	if free, ok := machine.FreeMemory(); ok {
		if err := gradientsFit(v.Completions, run.Config.Model.TrainedElements(), free); err != nil {
			return nil, err
		}
	}
	dir, err := os.MkdirTemp("", "burnish-variance-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	run.In(filepath.Join(dir, "run"), false)
	trainer, err := train.New(run.Config)
	if err != nil {
		return nil, err
	}
	defer trainer.Close()
	var points []Point
	for _, step := range v.At {
		if trainer.StopAfter = step; step > 0 {
			if err := trainer.Run(ctx, ctx); err != nil {
				return points, err
			}
		}
		p, err := v.point(ctx, run.Config, env, step)
		if err != nil {
			return points, fmt.Errorf("step %d: %w", step, err)
		}
		p.Answers = fmt.Sprintf("%s, split %s, n %d prompts, %s, scored by the recipe's rewards (json-%d)", name, eval.SplitOf(held), v.Prompts, eval.DecodingText(run.Config.Decoding), jsonscore.Version)
		points = append(points, p)
	}
	return points, nil
}

// gradientsFit refuses what would fill the memory: a gradient of every completion of a prompt is held.
func gradientsFit(completions int, trained, free int64) error {
	if need := int64(completions) * trained * 4; need > free {
		return fmt.Errorf("variance: gradients of %d completions, %d trained parameters each, take %d MB, and %d MB are free: want fewer completions, or a recipe with an adapter",
			completions, trained, need/1e6, free/1e6)
	}
	return nil
}

// varianceStep keys the draws apart from those of every training step.
const varianceStep = 1 << 31

// point measures the policy as it stands.
func (v *Variance) point(ctx context.Context, c train.Config, env envs.Env, step int) (Point, error) {
	estimators := Estimators(v.kinds(c.Model))
	p := Point{Step: step, Names: names(estimators), Moments: make([][][]Moments, len(v.Sizes))}
	for i := range p.Moments {
		p.Moments[i] = make([][]Moments, len(estimators))
	}
	for i := range v.Prompts {
		pool, exact, err := v.pool(ctx, c, env, i, step)
		if err != nil {
			return p, err
		}
		p.Gap = max(p.Gap, pool.diagonalGap(exact))
		if v.Tell != nil {
			v.Tell(step, i+1, v.Prompts)
		}
		if flat(pool.Rewards) {
			p.Flat++
			continue
		}
		p.Prompts++
		for s, size := range v.Sizes {
			for e, m := range pool.Measure(estimators, size, v.Groups, v.Seed+uint64(i)) {
				p.Moments[s][e] = append(p.Moments[s][e], m)
			}
		}
	}
	return p, nil
}

func flat(rewards []float64) bool {
	for _, r := range rewards {
		if r != rewards[0] {
			return false
		}
	}
	return true
}

// kinds are the weights that can be had for what is trained.
func (v *Variance) kinds(m *policy.Model) (out []string) {
	for _, k := range policy.NormKinds {
		if lora := m.Adapter() != nil; !k.Backward() || lora == (k == policy.NormLoRA) {
			out = append(out, string(k))
		}
	}
	return out
}

// pool samples a prompt's completions, scores them, and gives their weights and gradients' products. A completion whose
// reward is missing is left out.
func (v *Variance) pool(ctx context.Context, c train.Config, env envs.Env, index, step int) (*Pool, []float64, error) {
	prompts, err := rollout.Render(c.Model, env, []int{index})
	if err != nil {
		return nil, nil, err
	}
	prompts[0].Slot = index
	d := c.Decoding
	d.Seed, d.Step, d.Record = v.Seed, uint32(varianceStep+step), nil
	groups, _, err := rollout.Generate(ctx, c.Model, prompts, v.Completions, d)
	if err != nil {
		return nil, nil, err
	}
	if err := rollout.Score(ctx, c.Rewards, groups, step); err != nil {
		return nil, nil, err
	}
	p := &Pool{Weights: map[string][]float64{}}
	b := policy.Batch{Prompts: [][]int32{prompts[0].IDs}, Temperature: d.LogProbTemperature()}
	for _, s := range groups[0].Samples {
		if s.Result.Missing != "" {
			continue
		}
		p.Rewards = append(p.Rewards, s.Result.Score)
		p.Lengths = append(p.Lengths, len(s.Tokens))
		b.Rows = append(b.Rows, policy.Row{Tokens: s.Tokens})
	}
	if len(b.Rows) < 2 {
		return nil, nil, fmt.Errorf("prompt %d: %d completions have a reward, want at least 2", index, len(b.Rows))
	}
	kindNames := v.kinds(c.Model)
	var kinds []policy.NormKind
	for _, n := range kindNames {
		kinds = append(kinds, policy.NormKind(n))
	}
	norms, err := c.Model.RowNorms(b, kinds...)
	if err != nil {
		return nil, nil, err
	}
	for k, n := range kindNames {
		p.Weights[n] = norms[k]
	}
	gradients, err := rowGradients(c.Model, b)
	if err != nil {
		return nil, nil, err
	}
	p.Gram = gram(gradients)
	return p, p.Weights[string(c.Model.ExactNorm())], nil
}

// rowGradients gives ∇ log π of every row, [rows][trained parameters]: as much memory as so many models.
func rowGradients(m *policy.Model, b policy.Batch) ([][]float32, error) {
	out := make([][]float32, len(b.Rows))
	for i, r := range b.Rows {
		m.ZeroGrads()
		ones := make([]float32, len(r.Tokens))
		for t := range ones {
			ones[t] = 1
		}
		one := policy.Batch{Prompts: b.Prompts, Rows: []policy.Row{r}, Temperature: b.Temperature}
		tokens, err := m.Learn(one, ones, nil)
		if err != nil {
			return nil, err
		}
		tokens.Release()
		if err := m.FinishGrads(); err != nil {
			return nil, err
		}
		for _, p := range m.Params() {
			if p.Trainable {
				out[i] = append(out[i], m.Read(p, p.Grad)...)
			}
		}
	}
	m.ZeroGrads()
	return out, nil
}

// gramBlock is how many parameters are multiplied at a time: a block of every row stays in a core's cache.
const gramBlock = 4096

// gram is the products of all pairs of rows, float32 numbers summed in float64, block by block in order.
func gram(rows [][]float32) [][]float64 {
	n, length := len(rows), len(rows[0])
	k := make([][]float64, n)
	for i := range k {
		k[i] = make([]float64, n)
	}
	var wait sync.WaitGroup
	for part := range 2 { // pairs are shared out; each is summed by one goroutine, so its bits don't depend on the other
		wait.Go(func() {
			for from := 0; from < length; from += gramBlock {
				to := min(from+gramBlock, length)
				for i := part; i < n; i += 2 {
					x := blas32.Vector{N: to - from, Inc: 1, Data: rows[i][from:to]}
					for j := range i + 1 {
						k[i][j] += blas32.DDot(x, blas32.Vector{N: to - from, Inc: 1, Data: rows[j][from:to]})
					}
				}
			}
		})
	}
	wait.Wait()
	for i := range k {
		for j := i + 1; j < n; j++ {
			k[i][j] = k[j][i]
		}
	}
	return k
}

// ratio is Σa/Σb, NaN when Σb is 0.
func ratio(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}
