package algos

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/algos/loss"
)

// golden is losses.json of package loss, whose script wrote it: eight answers in two groups of four, or four pairs.
type golden struct {
	Shape struct {
		Lengths []int `json:"lengths"`
		Tokens  int   `json:"trained_tokens"`
		MaxLen  int   `json:"max_len"`
	} `json:"shape"`
	Pairs  [][2]int `json:"pairs"`
	Inputs struct {
		LogP      [][]float64 `json:"logp"`
		Old       [][]float64 `json:"old"`
		Ref       [][]float64 `json:"ref"`
		Sampler   [][]float64 `json:"sampler"`
		Entropy   [][]float64 `json:"entropy"`
		LogSquare [][]float64 `json:"log_sumsq"`
		OldSquare [][]float64 `json:"old_log_sumsq"`
		Rewards   []float64   `json:"rewards"`
		Desirable []float64   `json:"desirable"`
		KLLogP    []float64   `json:"kl_logp"`
		KLRef     []float64   `json:"kl_ref"`
	} `json:"inputs"`
	Advantages map[string]json.RawMessage `json:"advantages"`
	Losses     map[string]struct {
		Hyper struct {
			Adv string `json:"adv"`
		} `json:"hyper"`
		Loss float64     `json:"loss"`
		Grad [][]float64 `json:"grad"`
	} `json:"losses"`
}

func readGolden(t *testing.T) golden {
	t.Helper()
	data, err := os.ReadFile("loss/testdata/losses.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// answers cuts the padding off.
func (g golden) answers(padded [][]float64) (out [][]float64) {
	for i, row := range padded {
		out = append(out, row[:g.Shape.Lengths[i]])
	}
	return out
}

func (g golden) tokens(padded [][]float64) (out []float64) {
	for _, row := range g.answers(padded) {
		out = append(out, row...)
	}
	return out
}

func squares(logs []float64) (out []float64) {
	for _, v := range logs {
		out = append(out, math.Exp(v))
	}
	return out
}

// inputs are the golden batch as an algorithm asks for it, with the advantages of the row.
func (g golden) inputs(t *testing.T, a Algorithm, row string) loss.Inputs {
	t.Helper()
	n := a.Needs()
	in := loss.Inputs{
		LogP: g.tokens(g.Inputs.LogP), Old: g.tokens(g.Inputs.Old), Ref: g.tokens(g.Inputs.Ref), Entropy: g.tokens(g.Inputs.Entropy),
		SumP2: squares(g.tokens(g.Inputs.LogSquare)), Lengths: g.Shape.Lengths,
		Weights: a.Reduction()(g.Shape.Lengths, loss.Totals{Sequences: len(g.Shape.Lengths), Tokens: g.Shape.Tokens, MaxTokens: g.Shape.MaxLen}),
	}
	adv := g.advantages(t, "grpo")
	if g.Losses[row].Hyper.Adv == "rloo" {
		adv = g.advantages(t, "rloo")
	}
	for i, length := range g.Shape.Lengths {
		for range length {
			in.Adv = append(in.Adv, adv[i])
		}
		in.Mismatched = append(in.Mismatched, g.Inputs.KLLogP[i]-g.Inputs.KLRef[i])
		in.Desirable = append(in.Desirable, g.Inputs.Desirable[i] == 1)
	}
	if n.Pairs {
		in.Pairs = g.Pairs
		for _, p := range g.Pairs {
			in.Chosen += g.Shape.Lengths[p[0]]
		}
	}
	if n.Principles {
		in.Grid = 2
	}
	if n.Factor {
		s := Step{Lengths: in.Lengths, Advantage: adv, Old: in.Old, Sampled: g.tokens(g.Inputs.Sampler), LogP: in.LogP, Entropy: in.Entropy}
		var err error
		if in.Factor, err = a.(Factorer).Factor(s); err != nil {
			t.Fatal(err)
		}
	}
	return in
}

// advantages are a golden row of one advantage an answer.
func (g golden) advantages(t *testing.T, row string) (out []float64) {
	t.Helper()
	if err := json.Unmarshal(g.Advantages[row], &out); err != nil {
		t.Fatalf("golden advantages %q: %v", row, err)
	}
	return out
}

// check wants an algorithm's loss and gradient on the golden batch to be those of a row.
func (g golden) check(t *testing.T, a Algorithm, row string) {
	t.Helper()
	want, ok := g.Losses[row]
	if !ok {
		t.Fatalf("no golden row %q", row)
	}
	if err := a.Validate(); err != nil {
		t.Fatal(err)
	}
	out, err := loss.Eval(a.Objective(), g.inputs(t, a, row))
	if err != nil {
		t.Fatal(err)
	}
	if !(math.Abs(out.Loss-want.Loss) <= 1e-12) {
		t.Errorf("loss %v, want %v of %s", out.Loss, want.Loss, row)
	}
	for i, d := range g.tokens(want.Grad) {
		if !(math.Abs(out.DLogP[i]-d) <= 1e-12) {
			t.Errorf("token %d: gradient %v, want %v of %s", i, out.DLogP[i], d, row)
		}
	}
}

// lossVector is the golden row of a choice, and what has to be set to have its numbers; rows are those of other settings.
type lossVector struct {
	row string
	set func(a Algorithm)
}

func as(row string) lossVector { return lossVector{row: row} }

func policyAs(row string, set func(*OnPolicy)) lossVector {
	return lossVector{row, func(a Algorithm) { set(a.(*OnPolicy)) }}
}

func clipped(low, high float64) func(*OnPolicy) {
	return func(a *OnPolicy) { a.ClipLow, a.ClipHigh = low, high }
}

func inTokens(a *OnPolicy) { a.Reduce = "token_mean" }

// kindVectors has every kind.
var kindVectors = map[string]lossVector{
	"sft": as("sft_token_mean"), "dft": as("dft"),
	"dpo": as("dpo_sigmoid"), "ipo": as("dpo_ipo_len_norm"), "simpo": as("simpo"), "alphapo": as("alphapo"), "cpo": as("cpo_sigmoid"),
	"orpo": as("orpo"), "kto": as("kto"), "bco": as("bco_shifted"), "sami": as("sami_mean"),
	"grpo": as("grpo"), "dr_grpo": as("dr_grpo_loss"), "bnpo": as("bnpo_or_dapo_norm"), "dapo": as("dapo"), "gspo": as("gspo_paper_eps"),
	"gspo_token": policyAs("gspo_token", clipped(0.2, 0.2)), "luspo": policyAs("luspo", clipped(0.2, 0.2)), "gmpo": as("gmpo"), "vespo": as("vespo"),
	"cispo": as("cispo_cap5"), "sapo": as("sapo"), "dro": as("dro"),
	"dppo_tv": policyAs("dppo_tv", func(a *OnPolicy) { a.ClipLow, a.ClipHigh, a.Limit = 0.1, 0.1, 3 }),
	"rloo":    as("rloo_sequence_ratio"), "reinforce": as("reinforce_token_mean"), "gpg": as("reinforce_token_mean"), "opo": as("reinforce_token_mean"),
	"remax": policyAs("reinforce_token_mean", inTokens), "reinforce_pp": as("bnpo_or_dapo_norm"), "reinforce_pp_baseline": as("bnpo_or_dapo_norm"),
	"maxrl": as("bnpo_or_dapo_norm"), "pass_at_k": as("bnpo_or_dapo_norm"), "best_minus_second": as("bnpo_or_dapo_norm"), "gdpo": as("grpo"),
	"optimal_token": as("bnpo_or_dapo_norm"), "oblr-po": as("seq_sum_mean"),
}

// objectiveVectors has every objective of on-policy kinds.
var objectiveVectors = map[string]lossVector{
	"clip":      as("grpo"),
	"two_sided": policyAs("grpo_two_sided", func(a *OnPolicy) { a.Limit = 4 }),
	"dual_clip": policyAs("dual_clip_token_mean", func(a *OnPolicy) { a.Limit = 3; inTokens(a) }),
	"reinforce": policyAs("reinforce_token_mean", inTokens),
	"gspo":      as("gspo"), "gspo_token": as("gspo_token"), "sequence_clip": as("rloo_sequence_ratio"),
	"cispo": policyAs("cispo_cap1.28", func(a *OnPolicy) { a.Limit = 1.28; inTokens(a) }),
	"sapo":  policyAs("sapo", func(a *OnPolicy) { a.TauPos, a.TauNeg = 1, 1.05 }),
	"vespo": policyAs("vespo", func(a *OnPolicy) { a.KPos, a.LambdaPos, a.KNeg, a.LambdaNeg = 2, 3, 3, 2; inTokens(a) }),
	"gmpo":  policyAs("gmpo", clipped(0.4, 0.4)),
	"dppo_tv": policyAs("dppo_tv", func(a *OnPolicy) {
		a.ClipLow, a.ClipHigh, a.Limit = 0.1, 0.1, 3
		inTokens(a)
	}),
	"dro": policyAs("dro", func(a *OnPolicy) { a.Pull = 0.1; inTokens(a) }),
}

// pairVectors has every loss of pairs.
var pairVectors = map[string]string{
	"sigmoid": "dpo_sigmoid", "cdpo": "dpo_cdpo", "robust": "dpo_robust", "hinge": "dpo_hinge", "ipo": "dpo_ipo_len_norm", "ipo_sum": "dpo_ipo_sum",
	"sigmoid_norm": "dpo_sigmoid_norm", "exo": "dpo_exo_pair", "nca": "dpo_nca_pair", "bco": "dpo_bco_pair", "sppo": "dpo_sppo_hard",
	"aot": "dpo_aot", "aot_unpaired": "dpo_aot_unpaired", "apo_zero": "dpo_apo_zero", "apo_down": "dpo_apo_down",
	"discopop": "dpo_discopop", "dpop": "dpo_dpop",
}

// divergenceVectors has every divergence of supervised training: beta, guard and the row.
var divergenceVectors = map[string]struct {
	beta  float64
	guard bool
	row   string
}{
	"tv": {1, true, "fsft_tv"}, "chi2": {1, true, "fsft_chi2_sat"}, "hellinger": {0.5, false, "fsft_hellinger_beta0.5"}, "js": {1, false, "fsft_js"},
	"forward_kl": {0.5, false, "fsft_forward_kl_beta0.5"}, "reverse_kl": {1, false, "fsft_reverse_kl"},
}

// settingVectors are options that are not names of a table.
var settingVectors = []struct {
	kind, row string
	set       func(a Algorithm)
}{
	{"sft", "sft_seq_mean", func(a Algorithm) { a.(*SFT).Reduce = "sequence_mean" }},
	{"sft", "sft_seq_sum", func(a Algorithm) { a.(*SFT).Reduce = "sequence_sum" }},
	{"sft", "fsft_chi2_seq_norm", func(a Algorithm) {
		*a.(*SFT) = SFT{Term: "chi2", Beta: 0.5, Level: "sequence", Reduce: "sequence_mean"}
	}},
	{"dpo", "dpo_rdpo", func(a Algorithm) { a.(*DPO).LengthCost = 0.01 }},
	{"dpo", "dpo_rpo", func(a Algorithm) { a.(*DPO).NLLCoef = 1 }},
	{"dpo", "dpo_ld", func(a Algorithm) { a.(*DPO).TailWeight = 0.5 }},
	{"dpo", "dpo_wpo", func(a Algorithm) { a.(*DPO).Weighted = true }},
	{"dpo", "dpo_f_forward_kl", func(a Algorithm) { a.(*DPO).FDivergence = "forward_kl" }},
	{"dpo", "dpo_f_js", func(a Algorithm) { a.(*DPO).FDivergence = "js" }},
	{"dpo", "dpo_f_alpha0.5", func(a Algorithm) { a.(*DPO).FDivergence, a.(*DPO).Alpha = "alpha", 0.5 }},
	{"cpo", "cpo_hinge", func(a Algorithm) { a.(*CPO).Loss = "hinge" }},
	{"cpo", "cpo_ipo", func(a Algorithm) { a.(*CPO).Loss = "ipo" }},
	{"cpo", "cpo_smoothed", func(a Algorithm) { a.(*CPO).LabelSmoothing = 0.1 }},
	{"kto", "kto_weighted", func(a Algorithm) { a.(*KTO).DesirableWeight = 1.33 }},
	{"kto", "kto_apo_zero_unpaired", func(a Algorithm) { a.(*KTO).ReferencePoint = "zero" }},
	{"sami", "sami_sum", func(a Algorithm) { a.(*SAMI).PerToken = false }},
	{"grpo", "grpo_kl_k2", func(a Algorithm) { a.(*OnPolicy).KL, a.(*OnPolicy).KLCoef = "k2", 0.05 }},
	{"grpo", "grpo_kl_k3", func(a Algorithm) { a.(*OnPolicy).KLCoef = 0.05 }},
	{"grpo", "grpo_kl_k3_biascorr", func(a Algorithm) { a.(*OnPolicy).KL, a.(*OnPolicy).KLCoef = "k3_corrected", 0.05 }},
	{"grpo", "grpo_off_policy_mask", func(a Algorithm) { a.(*OnPolicy).OffPolicyLimit = 0.05 }},
	{"dapo", "dapo_entropy_mask_top20", func(a Algorithm) { a.(*OnPolicy).TopEntropy = 0.2 }},
	{"dapo", "dapo_tis_token_truncate", importance("token_truncate")},
	{"dapo", "dapo_tis_token_mask", importance("token_mask")},
	{"dapo", "dapo_tis_seq_truncate", importance("sequence_truncate")},
	{"dapo", "dapo_tis_seq_mask", importance("sequence_mask")},
}

func importance(kind string) func(a Algorithm) {
	return func(a Algorithm) { a.(*OnPolicy).Importance, a.(*OnPolicy).ImportanceLimit = kind, 3 }
}

// TestEveryNameHasLossVectors: each kind, objective, loss of pairs and divergence gives the numbers of its golden row through
// the name that a recipe writes. A name without a row fails.
func TestEveryNameHasLossVectors(t *testing.T) {
	g := readGolden(t)
	run := func(place, name string, a Algorithm, v lossVector) {
		t.Run(place+"/"+name, func(t *testing.T) {
			if v.row == "" {
				t.Fatal("no golden row: a name comes with numbers from its source")
			}
			if v.set != nil {
				v.set(a)
			}
			g.check(t, a, v.row)
		})
	}
	for _, info := range builtin {
		run("kind", info.Name, info.New(), kindVectors[info.Name])
	}
	for _, o := range objectives {
		a := &OnPolicy{Term: o.name, Advantage: "group", Reduce: "sequence_mean", KL: "k3", KLIn: "loss"}
		if strings.Contains(strings.Join(o.options, " "), "clip_low") {
			a.ClipLow, a.ClipHigh = 0.2, 0.2
		}
		run("objective", o.name, a, objectiveVectors[o.name])
	}
	for _, l := range pairLosses {
		a := &DPO{Loss: l.name, Beta: 0.1, FDivergence: "reverse_kl", TailWeight: 1}
		switch l.name {
		case "cdpo", "robust":
			a.LabelSmoothing = 0.1
		case "exo":
			a.LabelSmoothing = 1e-3
		case "dpop":
			a.Lambda = 5
		case "discopop":
			a.Tau = 0.05
		}
		run("pairs", l.name, a, as(pairVectors[l.name]))
	}
	for _, d := range divergences {
		v := divergenceVectors[d.name]
		run("divergence", d.name, &SFT{Term: d.name, Beta: v.beta, Level: "token", Guard: v.guard, Reduce: "token_mean"}, as(v.row))
	}
	for _, s := range settingVectors {
		info, _ := Lookup(s.kind)
		run("setting", s.row, info.New(), lossVector{s.row, s.set})
	}
}
