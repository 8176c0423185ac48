//go:build unix

package runner

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/burnish-rl/burnish/rewards"
	"github.com/burnish-rl/burnish/rewards/runner/serve"
)

func TestMain(m *testing.M) {
	rewards.Register(rewards.Info{Name: "naughty", New: func() rewards.Options { return &naughty{Gain: 1} }})
	if IsWorker() {
		os.Exit(WorkerMain())
	}
	if os.Getenv(parentEnv) != "" {
		parentOfNaughty()
	}
	os.Exit(m.Run())
}

// naughty is a reward that does what the completion says.
type naughty struct {
	Gain float64 `yaml:"gain"`
}

func (n *naughty) Validate() error {
	if n.Gain < 0 {
		return errors.New("naughty: gain: want >= 0")
	}
	return nil
}

func (n *naughty) Score(_ context.Context, a rewards.Attempt) (rewards.Result, error) {
	what, arg, _ := strings.Cut(a.Text, " ")
	switch what {
	case "print":
		fmt.Println("on stdout")
		fmt.Fprint(os.Stderr, "on stderr, no line end")
	case "hang":
		select {}
	case "spin":
		for turns := uint(0); ; {
			turns++
		}
	case "panic":
		var list []int
		_ = list[len(a.Text)]
	case "overflow":
		return rewards.Result{Score: float64(recurse(len(a.Text)))}, nil
	case "nan":
		return rewards.Result{Score: math.NaN()}, nil
	case "error":
		return rewards.Result{Score: 1}, errors.New("can't judge this")
	case "missing":
		return rewards.Result{Score: 1, Missing: "nothing to compare"}, nil
	case "exit":
		fmt.Fprintln(os.Stderr, "giving up")
		os.Exit(3)
	case "flood":
		for range 200_000 {
			fmt.Println(strings.Repeat("x", 100))
		}
	case "grandchild": // holds stdout and stderr, and in its own session survives the group's end
		cmd := exec.Command("sleep", "60")
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Start(); err != nil {
			return rewards.Result{}, err
		}
		fmt.Println("grandchild", cmd.Process.Pid)
		if arg == "exit" {
			os.Exit(0)
		}
		select {}
	case "garbage":
		fmt.Fprintln(os.NewFile(serve.ReplyFD, ""), "not JSON")
		time.Sleep(time.Minute)
	case "stale":
		fmt.Fprintln(os.NewFile(serve.ReplyFD, ""), `{"id": 999999, "score": 7}`)
	case "endless":
		chunk := []byte(strings.Repeat("x", 1<<16))
		for f := os.NewFile(serve.ReplyFD, ""); ; {
			if _, err := f.Write(chunk); err != nil {
				return rewards.Result{}, err
			}
		}
	case "pid":
		return rewards.Result{Score: float64(os.Getpid())}, nil
	case "sleep":
		time.Sleep(300 * time.Millisecond)
		if arg == "pid" {
			return rewards.Result{Score: float64(os.Getpid())}, nil
		}
	}
	return rewards.Result{
		Score: n.Gain * float64(len(a.Text)), Parts: []rewards.Part{{Name: "len", Score: float64(len(a.Text))}},
		Notes: []string{"<" + a.Task.Reference + ">"}, Spans: []rewards.Span{{From: 0, To: 1, Note: "s"}},
	}, nil
}

func recurse(n int) int {
	if n < 0 {
		return 0
	}
	return recurse(n+1) + n
}

// short is the deadline of tests in which one strikes.
const short = 500 * time.Millisecond

const parentEnv = "BURNISH_TEST_PARENT"

// parentOfNaughty is a process of its own with a child that hangs.
func parentOfNaughty() {
	r, err := Registered("naughty", &naughty{Gain: 1}, Config{Deadline: time.Minute})
	if err != nil {
		panic(err)
	}
	got, err := r.Score(context.Background(), attempt("pid"))
	fmt.Println(int(got.Score), err)
	_, _ = r.Score(context.Background(), attempt("spin"))
}

// lines collects what children print.
type lines struct {
	ch chan string
}

func (l lines) add(s string) {
	select {
	case l.ch <- s:
	default:
	}
}

func newNaughty(t *testing.T, c Config) (*Runner, lines) {
	t.Helper()
	l := lines{make(chan string, 1000)}
	c.Log = l.add
	r, err := Registered("naughty", &naughty{Gain: 2}, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, l
}

func attempt(text string) rewards.Attempt {
	return rewards.Attempt{Text: text, Task: rewards.Task{Reference: "18", Messages: []rewards.Message{{Role: "user", Content: "a < b?"}}}}
}
