package rewards

import (
	"bytes"
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"
)

// Every reward, on what no model should write but one will.
func TestEveryReward(t *testing.T) {
	huge := `{"reasoning": "` + strings.Repeat("x", 1<<20) + `", "answer": 18}`
	attempts := map[string]Attempt{
		"empty":         {},
		"huge":          {Text: huge, Tokens: 1 << 20, Stop: "length"},
		"huge brackets": {Text: strings.Repeat("[", 1<<20)},
		"huge objects":  {Text: strings.Repeat("{} ", 1<<18)},
		"invalid UTF-8": {Text: "{\"answer\": \"\xff\xfe\"}", Tokens: 3, Stop: "eos"},
		"NUL":           {Text: "\x00"},
		"negative":      {Text: "{}", Tokens: -5},
		"good":          {Text: `{"reasoning": "9*2=18", "answer": 18}`, Tokens: 20, Stop: "eos"},
	}
	for _, info := range All() {
		r := info.New()
		if p, ok := r.(*ImplicitReward); ok { // the one that can't have a default for everything
			p.Policy = "tuned"
			p.Use(evenly)
		}
		if err := r.Validate(); err != nil {
			t.Errorf("%s: the defaults are refused: %v", info.Name, err)
		}
		if info.Doc == "" || info.Name == "" {
			t.Errorf("%q: want a name and a doc", info.Name)
		}
		for what, a := range attempts {
			a.Task.Reference, a.PromptIDs, a.IDs = "18", []int32{1}, make([]int32, max(a.Tokens, 0))
			start := time.Now()
			got, err := r.Score(context.Background(), a)
			if err != nil || got.Missing != "" || !(got.Score >= 0 && got.Score <= 1) {
				t.Errorf("%s, %s: %+v, %v, want a score in [0, 1]", info.Name, what, got, err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("%s, %s: took %v", info.Name, what, took)
			}
			for _, p := range got.Parts {
				if !(p.Score >= 0 && p.Score <= 1) {
					t.Errorf("%s, %s: part %s = %v", info.Name, what, p.Name, p.Score)
				}
			}
			for _, s := range got.Spans {
				if s.From < 0 || s.To < s.From || s.To > len(a.Text) {
					t.Errorf("%s, %s: span %+v outside %d bytes", info.Name, what, s, len(a.Text))
				}
			}
			again, _ := r.Score(context.Background(), a)
			if !reflect.DeepEqual(got, again) {
				t.Errorf("%s, %s: another result the second time", info.Name, what)
			}
			if what == "good" && got.Score != 1 {
				t.Errorf("%s: %v for a perfect answer, want 1", info.Name, got.Score)
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := r.Score(ctx, attempts["good"]); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: cancelled: %v, want context.Canceled", info.Name, err)
		}
	}
}

func TestEveryRewardHasAnExample(t *testing.T) {
	data, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range builtin {
		name := "func Example" + reflect.TypeOf(info.New()).Elem().Name() + "()"
		if !bytes.Contains(data, []byte(name)) {
			t.Errorf("%s: want %s in example_test.go", info.Name, name)
		}
	}
}

// Every option is documented for the recipe reference, and every reward of this package counts as ours.
func TestOptionsAreDocumented(t *testing.T) {
	for _, info := range builtin {
		r := info.New()
		if !ours(r) || !Builtin(info.Name) {
			t.Errorf("%s: not known as ours", info.Name)
		}
		typ := reflect.TypeOf(r).Elem()
		for i := range typ.NumField() {
			f := typ.Field(i)
			if f.IsExported() && f.Tag.Get("yaml") != "-" && (f.Tag.Get("yaml") == "" || f.Tag.Get("doc") == "") {
				t.Errorf("%s.%s: want a yaml and a doc tag", typ.Name(), f.Name)
			}
		}
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		r    Options
		want string
	}{
		{&JSONValid{Keys: []string{"a", "a"}}, `json-valid: keys: found "a", want keys that are not empty and not repeated`},
		{&JSONStructure{}, `json-structure: keys: found none`},
		{&JSONStructure{Keys: []string{"a", ""}}, `json-structure: keys: found ""`},
		{&JSONStructure{Keys: []string{"a[x]"}}, `json-structure: keys: found "a[x]", want a key or a path`},
		{&JSONStructure{Keys: []string{"a", "b"}, Types: []string{"string"}}, `json-structure: types: found 1 for 2 keys`},
		{&JSONStructure{Keys: []string{"a"}, Types: []string{"float"}}, `json-structure: types: found "float"`},
		{&Answer{}, `answer: key: found none`},
		{&ImplicitReward{Beta: 1, Normalise: Sum}, `implicit-reward: policy: found none`},
		{&ImplicitReward{Policy: "a", Reference: "a", Beta: 1, Normalise: Sum}, `implicit-reward: reference: found the policy itself, "a"`},
		{&ImplicitReward{Policy: "a", Normalise: Sum}, `implicit-reward: beta: found 0`},
		{&ImplicitReward{Policy: "a", Beta: math.Inf(1), Normalise: Sum}, `implicit-reward: beta: found +Inf`},
		{&ImplicitReward{Policy: "a", Beta: 1}, `implicit-reward: normalise: found ""`},
		{&Length{Lo: 5, Hi: 4, Cap: 9}, `length: found lo 5, hi 4, cap 9, want 0 <= lo <= hi < cap`},
		{&Length{Lo: 0, Hi: 4, Cap: 4}, `length: found lo 0, hi 4, cap 4`},
	} {
		if err := c.r.Validate(); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %s", c.r, err, c.want)
		}
	}
}

func TestAnswerMissing(t *testing.T) {
	for _, ref := range []string{"", "north"} {
		got, err := (&Answer{Key: "answer"}).Score(context.Background(), Attempt{Text: `{"answer": 1}`, Task: Task{Reference: ref}})
		if err != nil || got.Missing == "" {
			t.Errorf("reference %q: %+v, %v, want a missing score", ref, got, err)
		}
	}
}

func TestRegister(t *testing.T) {
	t.Cleanup(func() { registered = nil })
	Register(Info{Name: "mine", New: jsonValid.New})
	if _, ok := Lookup("mine"); !ok || Builtin("mine") || All()[len(builtin)].Name != "mine" {
		t.Error("a registered reward is not in the table, after ours")
	}
	for _, i := range []Info{{}, {Name: "x"}, {Name: "mine", New: jsonValid.New}, {Name: "length", New: jsonValid.New}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("register %q: no panic", i.Name)
				}
			}()
			Register(i)
		}()
	}
}

// The judges know no model and no graph.
func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".", "./runner").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"burnish/policy", "burnish/algos", "burnish/envs", "burnish/train", "gorgonia"} {
		if bytes.Contains(out, []byte(bad)) {
			t.Errorf("depends on %s", bad)
		}
	}
}

// reward.go is copied beside a user's .go file, so it may import the standard library only.
func TestContractStandsAlone(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "reward.go", nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if i, ok := n.(*ast.ImportSpec); ok && strings.Contains(i.Path.Value, ".") {
			t.Errorf("reward.go imports %s", i.Path.Value)
		}
		return true
	})
}

func TestNonFinite(t *testing.T) {
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if nonFinite(Result{Score: x}) == "" || nonFinite(Result{Parts: []Part{{"p", x}}}) == "" {
			t.Errorf("%v passes as finite", x)
		}
	}
}
