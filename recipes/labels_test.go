package recipes

import (
	"reflect"
	"strings"
	"testing"
)

const labelsBase = `model: {from: builtin:tiny}
env: {kind: arith-json}
rollout: {max_tokens: 64}
`

// TestLabels: the section's defaults, and the keys that the effective recipe has, by algorithm and origin.
func TestLabels(t *testing.T) {
	const reward, own = "rewards: [{kind: answer}]\n", "labels: {from: rollouts}\n"
	for _, c := range []struct {
		kind, more string
		want       Labels
		batch      int
		samples    int
		keys       string // of the section when it is written
	}{
		{"dpo", "", Labels{From: "data"}, 8, 0, "{from: data}"},
		{"dpo", "labels: {from: data}\n", Labels{From: "data"}, 8, 0, "{from: data}"},
		{"dpo", own + reward, Labels{From: "rollouts", Gap: 0.1}, 0, 8, "{from: rollouts, gap: 0.1}"},
		{"simpo", "labels: {from: rollouts, gap: 0.5}\n" + reward, Labels{From: "rollouts", Gap: 0.5}, 0, 8, "{from: rollouts, gap: 0.5}"},
		{"kto", own + reward, Labels{From: "rollouts", Threshold: 0.5}, 0, 8, "{from: rollouts, threshold: 0.5}"},
		{"kto", "labels: {from: rollouts, threshold: 0}\n" + reward, Labels{From: "rollouts"}, 0, 8, "{from: rollouts, threshold: 0.0}"},
		{"sami", "labels: {principles: [a, b]}\n", Labels{From: "data", Principles: []string{"a", "b"}}, 8, 0, "{from: data, principles: [a, b]}"},
		{"sami", "labels: {from: rollouts, principles: [a, b]}\n", Labels{From: "rollouts", Principles: []string{"a", "b"}}, 0, 0, "{from: rollouts, principles: [a, b]}"},
	} {
		text := labelsBase + c.more + "algo: {kind: " + c.kind + "}\noptim: {lr: 1e-5}\ntrain: {steps: 3}\n"
		r, err := Parse("r.yaml", []byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if !reflect.DeepEqual(r.Labels, c.want) || r.Train.BatchSize != c.batch || r.Rollout.SamplesPerPrompt != c.samples {
			t.Errorf("%s%s: labels %+v, %d a step, %d samples, want %+v, %d, %d", c.kind, c.more, r.Labels, r.Train.BatchSize, r.Rollout.SamplesPerPrompt, c.want, c.batch, c.samples)
		}
		written := string(r.YAML())
		flow := strings.NewReplacer("\n", " ", "  ", " ").Replace(written[strings.Index(written, "labels:"):strings.Index(written, "algo:")])
		for _, key := range []string{"from", "gap", "threshold", "principles"} {
			if strings.Contains(flow, key+":") != strings.Contains(c.keys, key+":") {
				t.Errorf("%s%s: written as %q, want %s", c.kind, c.more, flow, c.keys)
			}
		}
		again, err := Parse("r.yaml", []byte(written))
		if err != nil || !reflect.DeepEqual(again.Labels, r.Labels) {
			t.Errorf("read back as %+v (%v), want %+v", again, err, r.Labels)
		}
	}
}

func TestLabelProblems(t *testing.T) {
	for _, c := range []struct{ kind, more, want string }{
		{"grpo", "rewards: [{kind: answer}]\nlabels: {from: data}", "r.yaml:5:9: labels have no meaning under grpo"},
		{"dpo", "labels: {from: pairs}", `r.yaml:4:16: labels.from is "pairs", want data or rollouts`},
		{"dpo", "labels: {gap: 0.2}", "labels.gap has no meaning under dpo with labels from data"},
		{"dpo", "labels: {from: rollouts, gap: 0}\nrewards: [{kind: answer}]", "labels.gap is 0, want a number > 0"},
		{"dpo", "labels: {from: rollouts, threshold: 1}\nrewards: [{kind: answer}]", "labels.threshold has no meaning under dpo with labels from rollouts"},
		{"dpo", "labels: {from: rollouts}", "rewards are missing, and dpo learns from them"},
		{"dpo", "rewards: [{kind: answer}]", "rewards have no meaning under dpo, which learns from the tasks' answers; labels.from rollouts"},
		{"dpo", "labels: {form: data}", `unknown key "form" in labels, want one of from, gap`},
		{"sami", "labels: {from: rollouts}", "labels.principles: 0, want at least 2"},
		{"sami", "labels: {from: rollouts, principles: [a, '']}", "labels.principles: number 1 is empty"},
		{"sami", "labels: {from: rollouts, principles: [a, b]}\nrewards: [{kind: answer}]", "rewards have no meaning under sami"},
	} {
		text := labelsBase + c.more + "\nalgo: {kind: " + c.kind + "}\noptim: {lr: 1e-5}\ntrain: {steps: 3}\n"
		if _, err := Parse("r.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n%v\nwant %q", text, err, c.want)
		}
	}
}
