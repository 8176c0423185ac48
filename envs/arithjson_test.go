package envs

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func arith(t *testing.T, split, forms string, seed uint64) Env {
	t.Helper()
	return mustOpen(t, &ArithJSON{Split: split, Forms: forms, Seed: seed})
}

func task(t *testing.T, env Env, i int) Task {
	t.Helper()
	task, err := env.Task(i)
	if err != nil {
		t.Fatal(err)
	}
	return task
}

// structure is a demonstration's numbers and operations, without its results.
func structure(demonstration string) string {
	return regexp.MustCompile(`=\d+; \d+|=\d+`).ReplaceAllString(demonstration, "")
}

// Each step of each demonstration is right, follows from the one before, and ends in the reference, within 0 … 999.
func TestArithDemonstrationsAreRight(t *testing.T) {
	env := arith(t, Train, FormsJSON, 0)
	steps := map[int]int{}
	for i := range 3000 {
		task := task(t, env, i)
		var got struct {
			Reasoning string
			Answer    int
		}
		if err := json.Unmarshal([]byte(task.Demonstration), &got); err != nil {
			t.Fatal(err)
		}
		now := -1
		for s := range strings.SplitSeq(got.Reasoning, "; ") {
			var a, b, c int
			var op string
			if _, err := fmt.Sscanf(strings.NewReplacer("+", " + ", "-", " - ", "*", " * ", "=", " ").Replace(s), "%d %1s %d %d", &a, &op, &b, &c); err != nil {
				t.Fatalf("%s: step %q: %v", task.ID, s, err)
			}
			want := map[string]int{"+": a + b, "-": a - b, "*": a * b}[op]
			if c != want || (now >= 0 && a != now) || c < 0 || c > 999 {
				t.Errorf("%s: step %q after %d", task.ID, s, now)
			}
			now = c
			if !strings.Contains(task.Messages[0].Content, " "+strconv.Itoa(b)) {
				t.Errorf("%s: %q does not say %d", task.ID, task.Messages[0].Content, b)
			}
		}
		if got.Answer != now || task.Reference != strconv.Itoa(now) {
			t.Errorf("%s: answer %d, reference %s, steps end in %d", task.ID, got.Answer, task.Reference, now)
		}
		n := strings.Count(got.Reasoning, ";") + 1
		if task.Metadata["steps"] != strconv.Itoa(n) || task.Metadata["form"] != "wanted" {
			t.Errorf("%s: metadata %v", task.ID, task.Metadata)
		}
		steps[n]++
	}
	for n, share := range map[int]float64{1: 0.4, 2: 0.4, 3: 0.2} {
		if got := float64(steps[n]) / 3000; math.Abs(got-share) > 0.04 { // 4 standard errors
			t.Errorf("%d steps in a share of %.3f, want about %.1f", n, got, share)
		}
	}
}

// No structure of numbers is in both splits, under any seed, and test has about a tenth of what is drawn.
func TestArithSplitsShareNoProblem(t *testing.T) {
	train := map[string]bool{}
	for seed := range uint64(2) {
		env := arith(t, Train, FormsJSON, seed)
		for i := range 5000 {
			train[structure(task(t, env, i).Demonstration)] = true
		}
	}
	test := arith(t, Test, FormsJSON, 1)
	for i := range 2000 {
		if d := task(t, test, i).Demonstration; train[structure(d)] {
			t.Errorf("%s is in both splits", d)
		}
	}
	held := 0
	const drawn = 20_000
	for i := range uint64(drawn) {
		if drawProblem(draws{7, i, 0}).split() == Test {
			held++
		}
	}
	if share := float64(held) / drawn; math.Abs(share-0.1) > 0.02 { // short problems repeat, so not 4 standard errors
		t.Errorf("%.3f of the problems are test, want about 0.1", share)
	}
}

func TestArithSeedsAndIndicesDiffer(t *testing.T) {
	a, b := arith(t, Train, FormsJSON, 0), arith(t, Train, FormsJSON, 1)
	texts := map[string]int{}
	for i := range 500 {
		texts[task(t, a, i).Messages[0].Content]++
		texts[task(t, b, i).Messages[0].Content]++
		texts[task(t, a, i+1<<40).Messages[0].Content]++ // the index's upper half counts too
	}
	if len(texts) < 1400 {
		t.Errorf("1500 tasks have %d texts", len(texts))
	}
}

func TestArithMixedForms(t *testing.T) {
	env, plain := arith(t, Train, FormsMixed, 0), arith(t, Train, FormsJSON, 0)
	shapes := map[string]*regexp.Regexp{
		"wanted": regexp.MustCompile(`^\{"reasoning": "[-+*=; 0-9]+", "answer": \d+\}$`),
		"fenced": regexp.MustCompile("^```json\n" + `\{"reasoning": "[-+*=; 0-9]+", "answer": \d+\}` + "\n```$"),
		"prose":  regexp.MustCompile(`^[-+*=; 0-9]+\. The answer is \d+\.$`),
		"other":  regexp.MustCompile(`^\{"answer": \d+, "steps": "[-+*=; 0-9]+"\}$`),
	}
	seen := map[string]int{}
	const n = 4000
	for i := range n {
		got, want := task(t, env, i), task(t, plain, i)
		form := got.Metadata["form"]
		seen[form]++
		if shape := shapes[form]; shape == nil || !shape.MatchString(got.Demonstration) {
			t.Errorf("form %q: %q", form, got.Demonstration)
		}
		if got.Messages[0] != want.Messages[0] || got.Reference != want.Reference {
			t.Errorf("task %d: the form changes the problem", i)
		}
	}
	for form, share := range map[string]float64{"wanted": 0.5, "fenced": 0.2, "prose": 0.2, "other": 0.1} {
		if got := float64(seen[form]) / n; math.Abs(got-share) > 0.03 { // 4 standard errors
			t.Errorf("%s in a share of %.3f, want about %.1f", form, got, share)
		}
	}
}

// The tasks never change under an index: the builtin model is trained on them, and runs are compared over them.
func TestArithGolden(t *testing.T) {
	env := arith(t, Train, FormsMixed, 0)
	for i, want := range []string{
		`Kim has 31 eggs. Kim sells 1 eggs. Kim finds 4 eggs. How many eggs does Kim have now? | {"reasoning": "31-1=30; 30+4=34", "answer": 34}`,
		`Tom has 35 stamps. Tom gets 4 times as many. A friend gives Tom 12 more. Tom sells 12 stamps. How many stamps does Tom have now? | 35*4=140; 140+12=152; 152-12=140. The answer is 140.`,
		`Ana has 28 coins. Ana gets 2 times as many. How many coins does Ana have now? | {"reasoning": "28*2=56", "answer": 56}`,
	} {
		if got := task(t, env, i); got.Messages[0].Content+" | "+got.Demonstration != want {
			t.Errorf("task %d: %q", i, got.Messages[0].Content+" | "+got.Demonstration)
		}
	}
}

func TestArithBadOptions(t *testing.T) {
	wantError(t, (&ArithJSON{Split: "dev", Forms: FormsJSON}).Validate(), `split: "dev", want train or test`, "")
	_, err := (&ArithJSON{Split: Train, Forms: "all"}).Open()
	wantError(t, err, `forms: "all", want json or mixed`, "")
}

func BenchmarkArithTask(b *testing.B) {
	for _, split := range []string{Train, Test} {
		env, err := (&ArithJSON{Split: split, Forms: FormsJSON}).Open()
		if err != nil {
			b.Fatal(err)
		}
		b.Run("split="+split, func(b *testing.B) {
			i := 0
			for b.Loop() {
				if _, err := env.Task(i); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}

// TestArithLimit: the first problems of the endless sequence, and held-out ones without an end.
func TestArithLimit(t *testing.T) {
	o := &ArithJSON{Split: Train, Forms: FormsJSON, Seed: 3, Limit: 5}
	few, whole := mustOpen(t, o), arith(t, Train, FormsJSON, 3)
	if n := few.(Sized).Len(); n != 5 {
		t.Errorf("%d tasks, want 5", n)
	}
	if got, want := task(t, few, 4), task(t, whole, 4); got.Reference != want.Reference || got.ID != want.ID || got.Messages[0] != want.Messages[0] {
		t.Errorf("task 4 is %+v, want %+v", got, want)
	}
	if _, err := few.Task(5); err == nil || !strings.Contains(err.Error(), "task 5, want 0 to 4") {
		t.Errorf("error %v, want one about task 5", err)
	}
	if _, endless := whole.(Sized); endless {
		t.Error("without a limit there is an end")
	}
	if held, _ := o.HeldOut(); held.(*ArithJSON).Limit != 0 {
		t.Errorf("held-out tasks are limited too: %+v", held)
	}
	o.Limit = -1
	if err := o.Validate(); err == nil || !strings.Contains(err.Error(), "limit is -1") {
		t.Errorf("error %v, want one about the limit", err)
	}
}
