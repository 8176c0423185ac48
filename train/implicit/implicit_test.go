package implicit

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/rewards"
)

const config = `{"model_type": "llama", "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
 "num_key_value_heads": 2, "head_dim": 8, "vocab_size": 442, "max_position_embeddings": 600, "rms_norm_eps": 1e-05,
 "tie_word_embeddings": true, "initializer_range": 0.3, "bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 0}`

func models(t *testing.T) policy.Pair {
	t.Helper()
	var ms []*policy.Model
	for seed := range uint64(2) {
		m, err := policy.OpenNew([]byte(config), "builtin:tiny", seed+1, cpu.New(2))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.Close)
		ms = append(ms, m)
	}
	p, err := policy.NewPair(ms[0], ms[1])
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func ids(n, from int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32((from + 37*i) % 442)
	}
	return out
}

// TestLogProbs: a sequence has the same bits in any company, and what the models can't take doesn't disturb the others.
func TestLogProbs(t *testing.T) {
	p := models(t)
	prompt := ids(200, 1)
	sequences := []rewards.Sequence{
		{Prompt: prompt, Tokens: ids(150, 2)}, {Prompt: prompt, Tokens: ids(140, 3)}, {Prompt: ids(590, 4), Tokens: ids(20, 5)},
		{Prompt: prompt, Tokens: ids(100, 6)}, {Prompt: prompt}, {Prompt: ids(5, 7), Tokens: []int32{1, 442}}, {Tokens: ids(3, 8)},
		{Prompt: ids(30, 9), Tokens: ids(1, 10)}, {Prompt: ids(100, 11), Tokens: ids(500, 12)},
	}
	problems := []string{2: "610 tokens, the models' context is 600", 5: "token 1 is id 442", 6: "the prompt has no tokens", 8: ""}
	together, err := LogProbs(context.Background(), p, sequences)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range sequences {
		alone, err := LogProbs(context.Background(), p, sequences[i:i+1])
		if err != nil || !reflect.DeepEqual(alone[0], together[i]) {
			t.Errorf("sequence %d has other bits alone (%v)", i, err)
		}
		got := together[i]
		if !strings.HasPrefix(got.Problem, problems[i]) || (got.Problem == "") != (problems[i] == "") {
			t.Errorf("sequence %d: problem %q, want %q", i, got.Problem, problems[i])
		}
		if n := len(s.Tokens); got.Problem == "" && (len(got.Policy) != n || len(got.Reference) != n) {
			t.Errorf("sequence %d: %d and %d log-probs of %d tokens", i, len(got.Policy), len(got.Reference), n)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Scorer(p)(ctx, sequences); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestReadScales: β multiplies all that is in units of reward, and the running sum ends at the total.
func TestReadScales(t *testing.T) {
	p := models(t)
	one, err := Read(p, 1, ids(4, 1), ids(9, 2))
	if err != nil {
		t.Fatal(err)
	}
	half, err := Read(p, 0.5, ids(4, 1), ids(9, 2))
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i := range one.IDs {
		sum += one.LogP[i] - one.Ref[i]
		for name, v := range map[string][2]float64{
			"implicit": {one.Implicit[i], half.Implicit[i]}, "sum": {one.Sum[i], half.Sum[i]}, "q": {one.Q[i], half.Q[i]},
			"v": {one.V[i], half.V[i]}, "reward": {one.Reward[i], half.Reward[i]},
		} {
			if v[0] == 0 || v[1] != v[0]/2 {
				t.Errorf("token %d: %s is %g at β 1 and %g at 0.5", i, name, v[0], v[1])
			}
		}
	}
	if math.Abs(one.Total()-sum) > 1e-12 {
		t.Errorf("total %g, want %g", one.Total(), sum)
	}
	empty, err := Read(p, 1, ids(4, 1), nil)
	if err != nil || empty.Total() != 0 {
		t.Errorf("no tokens: %g, %v", empty.Total(), err)
	}
}

// TestPicture is well-formed for any text, with a bar for each token, blue above 0 and orange below.
func TestPicture(t *testing.T) {
	x := Text{Beta: 1}
	for i := range 2*perLine + 1 {
		x.IDs, x.Tokens = append(x.IDs, int32(i)), append(x.Tokens, []string{"<a&b>", "\\x00", "a very long token of text"}[i%3])
		x.Implicit, x.V, x.Sum = append(x.Implicit, float64(i%2)*2-1), append(x.V, float64(i)), append(x.Sum, 0)
	}
	for _, texts := range [][]Text{nil, {{Beta: 1}}, {x, x}} {
		picture := Picture(texts)
		for d := xml.NewDecoder(strings.NewReader(picture)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		blue, orange := strings.Count(picture, `fill="`+above+`"`), strings.Count(picture, `fill="`+below+`"`)
		if len(texts) == 2 && (blue != 2*perLine || orange != 2*(perLine+1)) {
			t.Errorf("%d blue and %d orange bars", blue, orange)
		}
	}
}
