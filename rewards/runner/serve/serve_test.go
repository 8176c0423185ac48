package serve

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/burnish-rl/burnish/rewards"
)

func TestLoop(t *testing.T) {
	score := func(_ context.Context, a rewards.Attempt) (rewards.Result, error) {
		switch a.Text {
		case "nan":
			return rewards.Result{Parts: []rewards.Part{{Name: "p", Score: math.NaN()}}}, nil
		case "panic":
			panic(errors.New("oops"))
		}
		return rewards.Result{Score: float64(len(a.Text)), Notes: []string{a.Task.Reference}}, nil
	}
	var in bytes.Buffer
	for i, text := range []string{"abc", "nan", "panic", "\xff<"} {
		line, err := EncodeRequest(uint64(i+1), rewards.Attempt{Text: text, Task: rewards.Task{Reference: "<18>"}})
		if err != nil {
			t.Fatal(err)
		}
		in.Write(line)
	}
	var out strings.Builder
	ended := make(chan bool, 1)
	// One byte at a time: lines are put together whatever the pipe does.
	err := Loop(iotest.OneByteReader(&in), &out, func() { ended <- true }, score)
	want := `{"ready": true}
{"id":1,"score":3,"notes":["<18>"]}
{"id":2,"score":0,"error":"part p is NaN, want a finite number"}
{"id":3,"score":0,"error":"panic: oops (serve_test.go:22)"}
{"id":4,"score":2,"notes":["<18>"]}
`
	if err != nil || out.String() != want || !<-ended {
		t.Errorf("%v\n%s\nwant\n%s", err, out.String(), want)
	}
}

func TestLoopRefusesGarbage(t *testing.T) {
	var out strings.Builder
	err := Loop(strings.NewReader("nonsense\n"), &out, func() {}, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "requests: ") {
		t.Errorf("got %v", err)
	}
}

func TestReadLine(t *testing.T) {
	long := strings.Repeat("x", 200_000)
	r := bufio.NewReader(strings.NewReader("a\r\n\n" + long + "\nlast"))
	for _, want := range []string{"a", "", long, "last"} {
		got, err := ReadLine(r, MaxLine)
		if string(got) != want || (err != nil) != (want == "last") {
			t.Errorf("%.20q, %v, want %.20q", got, err, want)
		}
	}
	if _, err := ReadLine(bufio.NewReader(strings.NewReader(long+"\n")), 100_000); !errors.Is(err, ErrLongLine) {
		t.Errorf("too long: %v", err)
	}
}
