package sampler

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// GainRL ranks the tasks by the angle concentration of their prompts, once, most concentrated first, and then draws in
// epochs around a mean that moves down the ranking as the policy learns. gainrl_walk.go has the drawing and the moving.
//
// Prompt length is a known confound: the score of a prompt depends on how many tokens it has, and what the authors
// released is close to a ranking by length. The rank correlation of score and length is reported once a run; compare with
// order length, residual and random, and with uniform, before believing in the angles.
type GainRL struct {
	EpochPrompts int     `yaml:"epoch_prompts"` // m, prompts to complete before the mean moves; 1 to half of the tasks, default 256
	Order        string  `yaml:"order"`         // angle (the default); the controls are length: short prompts first, residual: angle with its regression on log length taken out, random
	Tap          string  `yaml:"tap"`           // hidden states: final_norm_out (the default), last_block_out, last_mlp_in
	WIntra       float64 `yaml:"w_intra"`       // weight of the mean cosine among question tokens; >= 0, default 1
	WInter       float64 `yaml:"w_inter"`       // weight of that of question tokens with the shared prefix; >= 0, default 1
	Scale        string  `yaml:"scale"`         // absolute: speed 500, deviation 1000 and largest move 1000 positions; relative: .067, .134 and .134 of the tasks; auto (the default): relative below 4,000 tasks
	Alpha        float64 `yaml:"alpha"`         // steepness of both signals; > 0, default 2
	Beta         float64 `yaml:"beta"`          // share of right samples at which accuracy moves nothing; in [0, 1], default 0.5
	LeastMove    float64 `yaml:"least_move"`    // smallest move in units of the largest; in [-1, 1], default 0: never back
	FixedMove    float64 `yaml:"fixed_move"`    // positions an epoch, instead of what was learnt; >= 0, 0 (the default) is off
	CorrectAt    float64 `yaml:"correct_at"`    // a sample whose reward is at least this is right; default 0.5
	Online       string  `yaml:"online"`        // angle signal: prompt (the default): of the prompts under the policy as it is now; stored: of the ranking; sequence: the released one over prompt and completion
	Compat       string  `yaml:"compat"`        // none, or released: the authors' metric, half the reward for accuracy, and draws that lag one epoch behind
}

// Values of [GainRL].
const (
	orderAngle    = "angle"
	orderLength   = "length"
	orderResidual = "residual"
	orderRandom   = "random"

	scaleAuto     = "auto"
	scaleAbsolute = "absolute"
	scaleRelative = "relative"

	onlineStored = "stored"

	compatNone     = "none"
	compatReleased = "released"
)

// TapNames are the taps that train knows.
var TapNames = []string{"final_norm_out", "last_block_out", "last_mlp_in"}

var gainRL = Info{
	Name:   "gain-rl",
	Doc:    "by the angles between hidden states, from concentrated prompts on, at the pace of learning",
	Source: "GAIN-RL, Wang et al. 2025, arXiv:2506.02281",
	New: func() Options {
		return &GainRL{EpochPrompts: 256, Order: orderAngle, Tap: TapNames[0], WIntra: 1, WInter: 1, Scale: scaleAuto, Alpha: 2, Beta: 0.5,
			CorrectAt: 0.5, Online: Prompt, Compat: compatNone}
	},
}

// Validate checks the ranges.
func (o *GainRL) Validate() error {
	for _, c := range []struct {
		key, value string
		known      []string
	}{
		{"order", o.Order, []string{orderAngle, orderLength, orderResidual, orderRandom}}, {"tap", o.Tap, TapNames},
		{"scale", o.Scale, []string{scaleAuto, scaleAbsolute, scaleRelative}},
		{"online", o.Online, []string{Prompt, onlineStored, Sequence}}, {"compat", o.Compat, []string{compatNone, compatReleased}},
	} {
		if !slices.Contains(c.known, c.value) {
			return fmt.Errorf("%s is %q, want one of %s", c.key, c.value, strings.Join(c.known, ", "))
		}
	}
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	switch {
	case o.EpochPrompts < 1:
		return fmt.Errorf("epoch_prompts is %d, want 1 or more", o.EpochPrompts)
	case !(o.WIntra >= 0) || !finite(o.WIntra):
		return fmt.Errorf("w_intra is %v, want a number >= 0", o.WIntra)
	case !(o.WInter >= 0) || !finite(o.WInter) || o.WIntra+o.WInter == 0:
		return fmt.Errorf("w_inter is %v, want a number >= 0, not both weights 0", o.WInter)
	case !(o.Alpha > 0) || !finite(o.Alpha):
		return fmt.Errorf("alpha is %v, want a number > 0", o.Alpha)
	case !(o.Beta >= 0 && o.Beta <= 1):
		return fmt.Errorf("beta is %v, want a number in [0, 1]", o.Beta)
	case !(o.LeastMove >= -1 && o.LeastMove <= 1):
		return fmt.Errorf("least_move is %v, want a number in [-1, 1]", o.LeastMove)
	case !(o.FixedMove >= 0) || !finite(o.FixedMove):
		return fmt.Errorf("fixed_move is %v, want a number >= 0", o.FixedMove)
	case !finite(o.CorrectAt):
		return fmt.Errorf("correct_at is %v, want a finite number", o.CorrectAt)
	case o.Compat == compatReleased && o.Online == onlineStored:
		return fmt.Errorf("online stored has no meaning with compat released, whose metric is no cosine: want prompt or sequence")
	}
	return nil
}

// Open gives the sampler. Fewer tasks than two epochs would leave no choice.
func (o *GainRL) Open(seed uint64, size int) (Sampler, error) {
	if err := finite("gain-rl", size); err != nil {
		return nil, err
	}
	if size < 2*o.EpochPrompts {
		return nil, fmt.Errorf("sampler gain-rl: %d tasks, want at least %d: two epochs of epoch_prompts %d, or there is nothing to choose", size, 2*o.EpochPrompts, o.EpochPrompts)
	}
	s := &gainSampler{o: *o, seed: seed, size: size, pace: o.pace(size), seen: make([]byte, (size+7)/8)}
	s.Accuracy, s.Angle = math.NaN(), math.NaN()
	return s, nil
}

// pace is how fast the mean moves and how wide draws spread, in positions of the ranking.
type pace struct{ speed, sigma, largest float64 }

// pace of so many tasks. The authors' numbers don't know the size of the data, so that a small set would be sampled
// uniformly and a large one never to its end; the relative ones agree with them at the 7,473 tasks of GSM8K.
func (o *GainRL) pace(size int) pace {
	const small = 4000
	if o.Scale == scaleAbsolute || o.Scale == scaleAuto && size >= small {
		return pace{500, 1000, 1000}
	}
	n := float64(size)
	return pace{.067 * n, .134 * n, .134 * n}
}

// score is the angle concentration of every task, as it is weighed here.
func (o *GainRL) score(t Table) []float64 {
	if o.Compat == compatReleased {
		return t.Released
	}
	c := make([]float64, len(t.Intra))
	for i := range c {
		c[i] = o.weigh(t.Intra[i], t.Inter[i])
	}
	return c
}

func (o *GainRL) weigh(intra, inter float64) float64 { return o.WIntra*intra + o.WInter*inter }

// residual is what is left of a score when its regression on the logarithm of the length is taken out, NaN where either is
// unknown.
func residual(score, length []float64) []float64 {
	x := make([]float64, len(length))
	var mx, my, n float64
	known := func(i int) bool { return !math.IsNaN(score[i]) && length[i] > 0 }
	for i, l := range length {
		if x[i] = math.Log(l); known(i) {
			mx, my, n = mx+x[i], my+score[i], n+1
		}
	}
	mx, my = mx/n, my/n
	var xy, xx float64
	for i := range x {
		if known(i) {
			xy, xx = xy+(x[i]-mx)*(score[i]-my), xx+(x[i]-mx)*(x[i]-mx)
		}
	}
	slope := 0.0
	if xx > 0 {
		slope = xy / xx
	}
	out := make([]float64, len(x))
	for i := range out {
		if out[i] = math.NaN(); known(i) {
			out[i] = score[i] - my - slope*(x[i]-mx)
		}
	}
	return out
}
