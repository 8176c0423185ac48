package implicit

import (
	"fmt"
	"strings"

	"github.com/burnish-rl/burnish/policy"
)

// Text is the implicit reward along the tokens that follow a prompt. All vectors have their length.
type Text struct {
	IDs    []int32
	Tokens []string // each as text, U+FFFD for half a character
	Beta   float64
	LogP   []float64 // log π
	Ref    []float64 // log π_ref

	// In units of reward, which is β times nats; see [policy.SoftQ].
	Implicit []float64 // β·log(π/π_ref), the advantage Q - V of the token
	Sum      []float64 // of Implicit up to and with the token
	Q, V     []float64
	Reward   []float64 // Q - V of the next token
}

// Read puts a text through both models. beta is above 0.
func Read(p policy.Pair, beta float64, prompt, tokens []int32) (Text, error) {
	q, err := p.SoftQ(prompt, tokens)
	if err != nil {
		return Text{}, fmt.Errorf("implicit reward: %w", err)
	}
	out := Text{IDs: tokens, Beta: beta, LogP: q.LogP, Ref: q.Ref,
		Implicit: scaled(beta, q.Advantage), Q: scaled(beta, q.Q), V: scaled(beta, q.V), Reward: scaled(beta, q.Reward)}
	sum := 0.0
	for t, id := range tokens {
		sum += out.Implicit[t]
		out.Sum = append(out.Sum, sum)
		out.Tokens = append(out.Tokens, plain(p.Policy.Tokenizer().Decode([]int32{id}, false)))
	}
	return out, nil
}

// Total is the implicit reward of the whole text.
func (t Text) Total() float64 {
	if len(t.Sum) == 0 {
		return 0
	}
	return t.Sum[len(t.Sum)-1]
}

func scaled(by float64, xs []float64) []float64 {
	out := make([]float64, len(xs))
	for i, x := range xs {
		out[i] = by * x
	}
	return out
}

// plain writes a token's text so that blanks and control characters are seen.
func plain(s string) string {
	quoted := fmt.Sprintf("%q", s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
