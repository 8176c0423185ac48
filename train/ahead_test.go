package train

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/algos/loss"
)

// spread is SFT whose loss compares all answers: the square of each log-prob's distance from their mean.
type spread struct {
	algos.SFT
	claims bool // says that it does
}

func (s *spread) Needs() algos.Needs {
	n := s.SFT.Needs()
	n.Linear = false
	if s.claims {
		n.Coupled = loss.ByBatch
	}
	return n
}

func (s *spread) Objective() loss.Objective {
	return func(x *loss.Expr, t loss.Tokens) *loss.Node {
		mean := make([]float64, len(t.Given.LogP))
		for i := range mean {
			for _, v := range t.Given.LogP {
				mean[i] += v / float64(len(mean))
			}
		}
		return x.Square(x.Sub(t.LogP, x.Vector(mean)))
	}
}

// TestALossThatComparesAllAnswers: it is evaluated once over the whole step, so that the cut changes no byte. Without the
// claim it would.
func TestALossThatComparesAllAnswers(t *testing.T) {
	for _, claims := range []bool{true, false} {
		s := setup{change: func(c *Config) {
			supervised(c)
			c.Algo = &spread{SFT: *algorithm("sft").(*algos.SFT), claims: claims}
			c.Steps, c.Prompts, c.Eval = 3, 5, Evaluation{}
		}}
		whole := filepath.Join(t.TempDir(), "whole")
		c := s.config(t, whole)
		c.MicroBatchTokens = 1 << 20
		runAll(t, c)
		for i, tokens := range []int{1, 90} {
			s.threads = i + 2
			dir := filepath.Join(t.TempDir(), "cut")
			c := s.config(t, dir)
			c.MicroBatchTokens = tokens
			runAll(t, c)
			if claims {
				sameTree(t, fmt.Sprintf("micro-batches of %d", tokens), dir, whole)
			} else if a, b := metricLines(t, dir)[0]["loss"], metricLines(t, whole)[0]["loss"]; math.Abs(a-b) < 1e-3 {
				t.Errorf("in pieces the loss is %v, whole %v: the mean over all answers is not needed, and nothing was tested", a, b)
			}
		}
	}
}
