package loss

import (
	"math"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/policy"
)

// The tests of this file and of those named beside it join the two halves of a loss: log-probs come from a policy and
// gradients go back into it. Only tests may know both rooms.
//
//	policy_test.go        the golden rows, through float32
//	differences_test.go   every objective against finite differences, through float64
//	layout_test.go        every objective in several layouts of one step

// goldenPolicy is a float32 policy that gives each trained token of the golden batch any log-prob one likes.
//
// Every trained token has a token before it that stands nowhere else. Attention and feed-forward add nothing, so what reaches
// the head is a multiple of that token's own unit vector, and the head's column of it holds the logits.
type goldenPolicy struct {
	*policy.Model
	batch  policy.Batch
	target []int32 // [N]
	hidden float64 // what the head sees of a token's own unit vector
}

const (
	rest         = 20  // tokens that share the probability left over
	goldenVocab  = 442 // of builtin:tiny's tokenizer
	goldenHidden = 64
	goldenConfig = `{"model_type": "llama", "hidden_size": 64, "intermediate_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
		"vocab_size": 442, "max_position_embeddings": 64, "rms_norm_eps": 1e-6, "tie_word_embeddings": false}`
)

func newGoldenPolicy(t *testing.T, g golden) *goldenPolicy {
	t.Helper()
	m, err := policy.OpenNew([]byte(goldenConfig), "builtin:tiny", 1, cpu.New(2))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	p := &goldenPolicy{Model: m, hidden: 8 / math.Sqrt(64./goldenHidden+1e-6)}
	embed := make([]float32, goldenVocab*goldenHidden)
	next := int32(10)
	for i, n := range g.Shape.Lengths {
		before := int32(400 + i)
		p.batch.Prompts = append(p.batch.Prompts, []int32{400, before})
		row := policy.Row{Prompt: i}
		for range n {
			embed[int(before)*goldenHidden+len(p.target)] = 8
			row.Tokens, p.target = append(row.Tokens, next), append(p.target, next)
			before = next
			next++
		}
		p.batch.Rows = append(p.batch.Rows, row)
	}
	for _, param := range m.Params() {
		switch param.Name {
		case "model.embed_tokens.weight":
			m.Write(param, param.Data, embed)
		case "model.layers.0.self_attn.o_proj.weight", "model.layers.0.mlp.down_proj.weight",
			"model.layers.1.self_attn.o_proj.weight", "model.layers.1.mlp.down_proj.weight":
			m.Write(param, param.Data, make([]float32, param.Data.Len()))
		}
	}
	m.EnableGrads()
	return p
}

func (p *goldenPolicy) head() *policy.Param {
	params := p.Params()
	return params[len(params)-1]
}

// become makes the policy one whose trained tokens have these log-probs and sums of squared probabilities: the target has
// probability p, one other token q, rest tokens share what is left, and all others have none. It gives what the policy itself
// then says of them.
func (p *goldenPolicy) become(t *testing.T, logp, sumP2 []float64) *policy.Tokens {
	t.Helper()
	w := make([]float32, goldenVocab*goldenHidden)
	for k, lp := range logp {
		prob, n := math.Exp(lp), float64(rest)
		left := 1 - prob
		// (1+1/n)·q² - 2·left/n·q + left²/n - (Σp² - p²) = 0
		a, b, c := 1+1/n, -2*left/n, left*left/n-(sumP2[k]-prob*prob)
		q := (-b + math.Sqrt(max(0, b*b-4*a*c))) / (2 * a)
		for v := range goldenVocab {
			logit := -100.0
			switch {
			case int32(v) == p.target[k]:
				logit = lp
			case v == 0:
				logit = math.Log(q)
			case v >= 100 && v < 100+rest:
				logit = math.Log((left - q) / n)
			}
			w[v*goldenHidden+k] = float32(logit / p.hidden)
		}
	}
	p.Write(p.head(), p.head().Data, w)
	tokens, err := p.LogProbs(p.batch, false)
	if err != nil {
		t.Fatal(err)
	}
	for k, lp := range tokens.LogP {
		if e := math.Abs(float64(lp) - logp[k]); !(e <= 1e-6*max(1, math.Abs(logp[k]))) {
			t.Fatalf("token %d: log-prob %v, want %v", k, lp, logp[k])
		}
	}
	return tokens
}

// TestGoldenThroughThePolicy: every golden row, with all log-probs (of the policy, the old policy, the reference and the sampler)
// and sums of squared probabilities computed by a policy in float32 whose distributions are the row's as nearly as its weights
// allow, and with the gradient sent back through it. The value has to be that of the float64 script within 1e-5 of the sum of
// the tokens' sizes, the gradient within 1e-5 of its largest element, both where the expression gives it and as the gradient
// of the head's weights, which is known: (1-p)·h times the one of the log-prob.
//
// Given as they stand in the file are rewards' advantages, labels, log-ratios of mismatched answers, and the entropies
// that a mask is made of.
func TestGoldenThroughThePolicy(t *testing.T) {
	g := readGolden(t)
	p := newGoldenPolicy(t, g)
	logSquares := g.trained(g.Inputs.LogSumSq)
	sumP2 := make([]float64, len(logSquares))
	for k, v := range logSquares {
		sumP2[k] = math.Exp(v)
	}
	measured := g
	for _, v := range []*[][]float64{&measured.Inputs.Old, &measured.Inputs.Ref, &measured.Inputs.Wide, &measured.Inputs.Sampler} {
		logp := g.trained(*v)
		said := p.become(t, logp, leastSquares(logp)).LogP
		*v = g.filled(*v, func(k int) float64 { return float64(said[k]) })
	}
	logp := g.trained(g.Inputs.LogP)
	now := p.become(t, logp, sumP2)
	measured.Inputs.LogP = g.filled(g.Inputs.LogP, func(k int) float64 { return float64(now.LogP[k]) })
	measured.Inputs.LogSumSq = g.filled(g.Inputs.LogSumSq, func(k int) float64 { return math.Log(float64(now.SumP2[k])) })
	for k, s := range now.SumP2 {
		if !(math.Abs(float64(s)-sumP2[k]) <= 1e-6) {
			t.Errorf("token %d: Σp² %v, want %v", k, s, sumP2[k])
		}
	}

	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			want := g.Losses[c.name]
			in := measured.of(t, c)
			got := eval(t, c.obj, in)
			size := 0.0
			for k, v := range got.Term {
				size += math.Abs(in.Weights[k] * v)
			}
			if !(math.Abs(got.Loss-want.Loss) <= 1e-5*size) {
				t.Errorf("loss %v, want %v", got.Loss, want.Loss)
			}
			grad := g.trained(want.Grad)
			near(t, got.DLogP, grad, 1e-5*largest(grad))
			near(t, p.headGradient(t, got.DLogP), p.throughHead(grad, logp), 1e-5*largest(p.throughHead(grad, logp)))
		})
	}
}

// leastSquares are sums of squared probabilities when all tokens but the target are equally likely.
func leastSquares(logp []float64) []float64 {
	out := make([]float64, len(logp))
	for k, lp := range logp {
		out[k] = math.Exp(2*lp) + (1-math.Exp(lp))*(1-math.Exp(lp))/(rest+1)
	}
	return out
}

func largest(v []float64) float64 {
	most := 0.0
	for _, x := range v {
		most = max(most, math.Abs(x))
	}
	return most
}

// throughHead turns gradients of log-probs into those of the weights that make the targets' logits.
func (p *goldenPolicy) throughHead(grad, logp []float64) []float64 {
	out := make([]float64, len(grad))
	for k, g := range grad {
		out[k] = g * (1 - math.Exp(logp[k])) * p.hidden
	}
	return out
}

// headGradient sends gradients of log-probs back through the policy and gives those of the same weights.
func (p *goldenPolicy) headGradient(t *testing.T, dlogp []float64) []float64 {
	t.Helper()
	p.ZeroGrads()
	tokens, err := p.LogProbs(p.batch, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := tokens.Backward(float32s(dlogp), nil); err != nil {
		t.Fatal(err)
	}
	if err := p.FinishGrads(); err != nil {
		t.Fatal(err)
	}
	all := p.Read(p.head(), p.head().Grad)
	out := make([]float64, len(dlogp))
	for k, id := range p.target {
		out[k] = float64(all[int(id)*goldenHidden+k])
	}
	return out
}

func float32s(v []float64) []float32 {
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(x)
	}
	return out
}
