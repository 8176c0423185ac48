package envs

import (
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// openable fills in what an env's options need to be opened over the testdata.
func openable(t *testing.T, info Info) Options {
	t.Helper()
	o := info.New()
	switch o := o.(type) {
	case *GSM8K:
		o.Path = "testdata/problems"
	case *GSM8KJSON:
		o.Path = "testdata/problems"
	case *JSONL:
		o.Path, o.Prompt, o.Completion, o.Metadata = "testdata/columns.jsonl", "ask", "reply", []string{"meta.level"}
	}
	return o
}

func mustOpen(t *testing.T, o Options) Env {
	t.Helper()
	if err := o.Validate(); err != nil {
		t.Fatal(err)
	}
	env, err := o.Open()
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// Every env gives the same task for an index, however many ask, and whatever a caller does to the task it got.
func TestTasksAreStableAndConcurrent(t *testing.T) {
	for _, info := range All() {
		t.Run(info.Name, func(t *testing.T) {
			env, again := mustOpen(t, openable(t, info)), mustOpen(t, openable(t, info))
			n := 50
			if sized, ok := env.(Sized); ok {
				n = sized.Len()
			}
			want := make([]Task, n)
			for i := range want {
				task, err := again.Task(i)
				if err != nil {
					t.Fatal(err)
				}
				want[i] = task
			}
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					for i := range want {
						got, err := env.Task(i)
						if err != nil {
							t.Error(err)
							return
						}
						if d := cmp.Diff(want[i], got); d != "" {
							t.Errorf("task %d: %s", i, d)
						}
						spoil(&got)
					}
				})
			}
			wg.Wait()
			if _, err := env.Task(-1); err == nil {
				t.Error("task -1 is accepted")
			}
			if sized, ok := env.(Sized); ok {
				if _, err := env.Task(sized.Len()); err == nil {
					t.Error("a task past the end is accepted")
				}
			}
		})
	}
}

func spoil(t *Task) {
	for i := range t.Messages {
		t.Messages[i].Content = "spoiled"
	}
	for k := range t.Metadata {
		t.Metadata[k] = "spoiled"
	}
}

// Options are flat structs whose every field is a recipe key; the defaults of file envs lack a path, which is said.
func TestOptionsAreRecipeKeys(t *testing.T) {
	for _, info := range All() {
		if info.Doc == "" || info.Source == "" {
			t.Errorf("%s: no doc or no source", info.Name)
		}
		o := info.New()
		typ := reflect.TypeOf(o).Elem()
		for i := range typ.NumField() {
			if f := typ.Field(i); f.Tag.Get("yaml") == "" {
				t.Errorf("%s: field %s has no yaml tag", info.Name, f.Name)
			}
		}
		if _, needsPath := typ.FieldByName("Path"); needsPath == (o.Validate() == nil) {
			t.Errorf("%s: a missing path must be an error, and nothing else: %v", info.Name, o.Validate())
		}
	}
}

func TestEveryEnvHasAnExample(t *testing.T) {
	src, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), "example_test.go", src, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, ex := range doc.Examples(file) {
		have[ex.Name] = ex.Output != ""
	}
	for _, info := range builtin {
		if name := reflect.TypeOf(info.New()).Elem().Name(); !have[name] {
			t.Errorf("%s: no Example%s with an output", info.Name, name)
		}
	}
}

func TestHeldOutIsTheTestSplit(t *testing.T) {
	for _, info := range All() {
		o := openable(t, info)
		held, ok := o.(HoldOuter).HeldOut()
		if single := info.Name == "jsonl"; ok == single {
			t.Errorf("%s: held out: %v", info.Name, ok)
			continue
		}
		if !ok {
			continue
		}
		task, err := mustOpen(t, held).Task(0)
		if err != nil || task.ID != "test/0" {
			t.Errorf("%s: first held-out task is %q, %v", info.Name, task.ID, err)
		}
	}
}

func TestRegisterPanics(t *testing.T) {
	newArith := func() Options { return &ArithJSON{} }
	for name, info := range map[string]Info{"empty": {New: newArith}, "nil": {Name: "x"}, "taken": {Name: "gsm8k", New: newArith}} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if r, _ := recover().(string); !strings.HasPrefix(r, "envs: register: ") {
					t.Errorf("panicked with %q", r)
				}
			}()
			Register(info)
		})
	}
}

func TestRegisteredEnvIsFound(t *testing.T) {
	defer func(was []Info) { registered = was }(registered)
	Register(Info{Name: "mine", New: func() Options { return &ArithJSON{} }})
	if _, ok := Lookup("mine"); !ok {
		t.Error("not found")
	}
	if all := All(); all[len(all)-1].Name != "mine" || len(all) != len(builtin)+1 {
		t.Errorf("%d envs, the last is %s", len(all), all[len(all)-1].Name)
	}
}
