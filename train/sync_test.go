package train

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/policy/adapter"
	"github.com/burnish-rl/burnish/train/schedule"
)

// TestAReferenceThatFollows: in the step after it has become the policy the KL to it is exactly 0, in the others it is not;
// a copy of the adapter is the same reference as a second model with the adapter beside it, to the byte.
func TestAReferenceThatFollows(t *testing.T) {
	dirs := map[string]string{}
	for name, s := range map[string]setup{
		"whole":         {threads: 2, reference: true, change: following},
		"adapter":       {threads: 2, lora: true, change: following},
		"second model":  {threads: 2, lora: true, reference: true, change: following},
		"never follows": {threads: 2, lora: true, change: withKL},
	} {
		dirs[name] = filepath.Join(t.TempDir(), name)
		c := s.config(t, dirs[name])
		c.Schedule = &schedule.Constant{} // the first step moves too
		if name == "second model" {
			if err := c.Reference.AttachLoRA(adapter.LoRA{Rank: 4, Alpha: 8, Targets: []string{adapter.AllLinear}}, 5); err != nil {
				t.Fatal(err)
			}
		}
		runAll(t, c)
		for _, m := range metricLines(t, dirs[name]) {
			step, kl := int(m["step"]), m["kl"]
			follows := name != "never follows"
			if zero := step == 1 || follows && step%2 == 1; step > 0 && zero != (kl == 0) {
				t.Errorf("%s: step %d: the KL to the reference is %v", name, step, kl)
			}
		}
	}
	sameTree(t, "copy, second model", dirs["second model"], dirs["adapter"])
}

// TestReferencesThatCantFollow are refused before a folder is made.
func TestReferencesThatCantFollow(t *testing.T) {
	for want, s := range map[string]setup{
		"is not in the second model": {lora: true, reference: true, change: following},
		"sync_ref is 2, want it unset without kl_coef": {change: func(c *Config) {
			following(c)
			c.Algo.(*algos.OnPolicy).KLCoef = 0
		}},
		"sync_ref is -1": {reference: true, change: func(c *Config) {
			following(c)
			c.Algo.(*algos.OnPolicy).SyncRef = -1
		}},
	} {
		if _, err := New(s.config(t, filepath.Join(t.TempDir(), "run"))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
