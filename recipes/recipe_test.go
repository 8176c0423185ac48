package recipes

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/envs"
)

// required are the overrides that a builtin recipe asks for.
var required = map[string][]string{
	"dpo-file":            {"env.path=some/data"},
	"kto-file":            {"env.path=some/data"},
	"gsm8k-json-dpo":      {"model.from=some/model", "env.path=some/data"},
	"gsm8k-json-grpo":     {"model.from=some/model", "env.path=some/data"},
	"gsm8k-json-sft":      {"model.from=some/model", "env.path=some/data"},
	"sft-implicit-reward": {"model.from=some/model", "env.path=some/data"},
}

func load(t *testing.T, name string, overrides ...string) *Recipe {
	t.Helper()
	r, err := Load(name, append(slices.Clone(required[name]), overrides...)...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBuiltinRecipes(t *testing.T) {
	want := []string{"builtin-pretrain", "builtin-sft", "dpo", "dpo-file", "gain-rl", "gsm8k-json-dpo", "gsm8k-json-grpo", "gsm8k-json-sft", "kto-file", "oblr-po", "quickstart", "sft-implicit-reward"}
	if diff := cmp.Diff(want, Names()); diff != "" {
		t.Fatal(diff)
	}
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			r := load(t, name)
			if r.Name != name || r.Model.From == "" || r.Train.EvalLimit == 0 {
				t.Errorf("recipe %+v", r)
			}
			if text, _ := Builtin(name); !bytes.HasPrefix(text, []byte("# ")) {
				t.Error("want a comment that says what it is")
			}
		})
	}
}

// TestRoundTrip: the effective recipe says everything; reading it changes nothing.
func TestRoundTrip(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			r := load(t, name, "rollout.stop=[\"\\n\\n\", \"123\", \"a: b # c\", \" x \"]")
			text := r.YAML()
			again, err := Parse(name+".yaml", text)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if !bytes.Equal(text, again.YAML()) {
				t.Errorf("the second writing differs:\n%s\n%s", text, again.YAML())
			}
			if diff := cmp.Diff(r, again); diff != "" {
				t.Error(diff)
			}
			if d := Diff(r, again); d != nil {
				t.Errorf("Diff of equals: %v", d)
			}
		})
	}
}

func TestRoundTripOfAnyText(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := load(t, "quickstart")
		r.Rollout.Stop = rapid.SliceOfN(rapid.StringN(1, 8, -1), 1, 4).Draw(rt, "stop")
		r.Optim.LR = rapid.Float64Range(1e-12, 100).Draw(rt, "lr")
		r.Train.Seed = rapid.Uint64().Draw(rt, "seed")
		again, err := Parse("quickstart.yaml", r.YAML())
		if err != nil {
			rt.Fatalf("%v\n%s", err, r.YAML())
		}
		if diff := cmp.Diff(r, again); diff != "" {
			rt.Fatal(diff)
		}
	})
}

func TestDefaults(t *testing.T) {
	r := load(t, "quickstart")
	if g := r.Algo.Options.(*algos.OnPolicy); g.ClipLow != 0.2 || g.Advantage != "group" {
		t.Errorf("algo %+v", g)
	}
	if e := r.Env.Options.(*envs.ArithJSON); e.Split != "train" || r.Sampler.Kind != "uniform" {
		t.Errorf("env %+v, sampler %q", e, r.Sampler.Kind)
	}
	if r.Rollout.TopP != 1 || r.Optim.Clip != 1 || r.Train.CheckpointKeep != 2 || r.Adapter.Kind != "none" {
		t.Errorf("recipe %+v", r)
	}
	r = load(t, "gsm8k-json-sft")
	if r.Adapter.LoRA.Rank != 16 || len(r.Adapter.LoRA.Targets) != 1 || r.Rollout.PromptsPerStep != 0 || r.Train.Steps != 470 {
		t.Errorf("recipe %+v", r)
	}
	if r := load(t, "builtin-pretrain"); r.Model.Config.Path != "builtin:tiny" {
		t.Errorf("config %+v", r.Model.Config)
	}
	r = load(t, "builtin-pretrain", "model.config={model_type: llama, hidden_size: 128}")
	if !json.Valid(r.Model.Config.JSON) || !strings.Contains(string(r.Model.Config.JSON), `"hidden_size":128`) {
		t.Errorf("config %s", r.Model.Config.JSON)
	}
}

func TestOverrides(t *testing.T) {
	r := load(t, "quickstart", "train.steps=7", "seed=18446744073709551615", "rewards.2.weight=0.5", "stop=a,b",
		"env.sampler.kind=sequential", "model.adapter={kind: lora, rank: 4}", "model.from=123", "lr=1e-5", "lr=2e-5",
		"eval_env={kind: arith-json, split: test, seed: 9}")
	if r.Train.Steps != 7 || r.Train.Seed != 1<<64-1 || r.Rewards[2].Weight.Score != 0.5 || r.Sampler.Kind != "sequential" ||
		r.Adapter.LoRA.Rank != 4 || r.Model.From != "123" || r.Optim.LR != 2e-5 || r.EvalEnv.Kind != "arith-json" {
		t.Errorf("recipe %+v", r)
	}
	if diff := cmp.Diff([]string{"a,b"}, r.Rollout.Stop); diff != "" {
		t.Error(diff)
	}
	if r := load(t, "quickstart", "model.from=a: [b"); r.Model.From != "a: [b" {
		t.Errorf("model.from %q", r.Model.From)
	}
}

func TestDiff(t *testing.T) {
	a, b := load(t, "quickstart"), load(t, "quickstart", "train.steps=7", "stop=x", "rewards=[{kind: answer}]")
	got := strings.Join(Diff(a, b), "\n")
	for _, want := range []string{`train.steps: "7", was "200"`, `rollout.stop.0: "x", was not given`, `rewards.1.kind: not given, was "json-structure"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no line %q in\n%s", want, got)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	for name, want := range map[string]string{
		"quikstart":       `no builtin recipe and no file "quikstart"; did you mean "quickstart"?`,
		"nothing":         "want one of builtin-pretrain",
		"no/such.yaml":    "no/such.yaml: no such file",
		t.TempDir():       "is a directory",
		"testdata/golden": "no such file",
	} {
		if _, err := Load(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Load(%q): %v, want %q", name, err, want)
		}
	}
}

// TestEveryKeyIsDocumented also keeps the number of keys that one recipe can have small, and their types decodable. A
// recipe names one plug-in a place, so of each place the plug-in with the most options counts.
func TestEveryKeyIsDocumented(t *testing.T) {
	const maxKeys = 105 // 80 beside the algorithm's own, of which none has more than 25
	total := 0
	add := func(values ...any) (n int) {
		for _, value := range values {
			v := reflect.Indirect(reflect.ValueOf(value))
			if v.Kind() != reflect.Struct {
				continue
			}
			for i := range v.NumField() {
				key := keyOf(v.Type().Field(i))
				if key == "" {
					continue
				}
				if docOf(v.Type(), key) == "" {
					t.Errorf("%s of %v has no comment in fielddocs.go: comment the field, run go generate ./recipes", key, v.Type())
				}
				if v.Type().Field(i).Type == nodeType {
					continue // a section, not a key with a value
				}
				nodeOf(v.Field(i)) // panics on a type that recipes can't hold
				n++
			}
		}
		return n
	}
	total += add(fileKeys{})
	total += add(Model{}, modelKeys{})
	total += add(kindKey{}, loraDefaults)
	total += add(kindKey{}, envKeys{})
	total += add(Rollout{})
	total += add(Reward{})
	total += add(Optim{}, optimKeys{})
	total += add(Train{})
	for section, tb := range map[string]table{"env": envTable(), "sampler": samplerTable(), "rewards": rewardTable(),
		"algo": algoTable(), "optim": optimTable(), "schedule": scheduleTable()} {
		most := 0
		for _, name := range tb.names {
			options, _ := tb.lookup(name)
			for _, reserved := range []string{"kind", "weight", "sampler", "schedule", "lr", "lr_reduction", "clip"} {
				if fields, _ := fieldsOf(options); fields[reserved].IsValid() {
					t.Errorf("%s %s has an option %q, which its section keeps for itself", section, name, reserved)
				}
			}
			n := add(options)
			if name == "jsonl" {
				n -= 4 // of prompt, messages, text and prompt_ids a recipe has one, of completion and completion_ids as well
			}
			if a, ok := options.(algos.Options); ok && a.Needs().Labelled() {
				n += add(Labels{}) // a section that these algorithms alone have
			}
			most = max(most, n)
		}
		if section == "sampler" || section == "schedule" {
			most++ // their kind; the others' have been counted
		}
		total += most
	}
	if total > maxKeys {
		t.Errorf("a recipe can have %d keys, want at most %d", total, maxKeys)
	}
	t.Logf("%d keys", total)
}

func FuzzParse(f *testing.F) {
	for _, name := range Names() {
		data, _ := Builtin(name)
		f.Add(data, "train.steps=3")
	}
	broken, err := os.ReadFile("testdata/broken.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(broken, "rewards.0={kind: answer}")
	f.Add([]byte("a: &x [*x]\n<<: *x\n? [k]\n: v\n"), "model=[")
	f.Fuzz(func(t *testing.T, data []byte, override string) {
		r, err := Parse("f.yaml", data, override)
		if err != nil {
			if ps, ok := err.(Problems); !ok || len(ps) == 0 {
				t.Fatalf("error %v of type %T", err, err)
			}
			return
		}
		again, err := Parse("f.yaml", r.YAML())
		if err != nil {
			t.Fatalf("the effective recipe is refused: %v\n%s", err, r.YAML())
		}
		if !bytes.Equal(r.YAML(), again.YAML()) {
			t.Fatal("the effective recipe changes when read")
		}
	})
}
