//go:build unix

package runner

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/burnish-rl/burnish/rewards"
)

// A program in another language: sh is enough to speak the protocol.
const shReward = `
echo '{"ready": true}' >&4
echo "hello from sh"
while read -r line <&3; do
	id=${line#*:}; id=${id%%,*}
	echo '{"id": '$id', "score": 0.25, "parts": [{"name": "p", "score": 1e2}]}' >&4
done
`

func TestCommand(t *testing.T) {
	r, err := Command([]string{"sh", "-c", shReward}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for range 3 {
		got, err := r.Score(context.Background(), attempt("a \\ \" b"))
		if err != nil || got.Score != 0.25 || got.Parts[0] != (rewards.Part{Name: "p", Score: 100}) {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

func TestCommandThatCannotRun(t *testing.T) {
	if _, err := Command([]string{"no-such-program-here"}, Config{}); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("unknown program: %v", err)
	}
	if _, err := Command(nil, Config{}); err == nil {
		t.Error("no program: accepted")
	}
	for _, c := range []struct{ script, want string }{
		{"echo 'no module named x' >&2; exit 1", "reward sh: start: the child ended: exit status 1: no module named x"},
		{"exec 4>&-; sleep 20", "reward sh: start: the child closed its descriptors and lived on"},
		{"echo hello >&4; sleep 20", `reward sh: start: first line on descriptor 4: found "hello", want {"ready": true}`},
		{"sleep 20", "reward sh: start: not ready within 300ms"},
	} {
		r, err := Command([]string{"sh", "-c", c.script}, Config{Start: 300 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Score(context.Background(), attempt("x"))
		var failed *rewards.FailedError
		if !errors.As(err, &failed) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.script, err, c.want)
		}
		r.Close()
	}
}

// A child that doesn't read what it is sent can't block the parent beyond the deadline.
func TestCommandThatDoesNotRead(t *testing.T) {
	r, err := Command([]string{"sh", "-c", `echo '{"ready": true}' >&4; sleep 20`}, Config{Deadline: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := r.Score(context.Background(), attempt(strings.Repeat("x", 1<<20)))
	if err != nil || got.Missing != "no score within 300ms" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestDecodeReplyRefuses(t *testing.T) {
	for _, line := range []string{
		``, `[]`, `7`, `{}`, `{"id": "1", "score": 1}`, `{"id": 1}`, `{"id": 1, "score": "1"}`, `{"id": 1, "score": NaN}`,
		`{"id": 1, "score": null}`, `{"id": 1, "score": 1} x`, `{"id": 1, "score": 1, "parts": [{"name": "x"}]}`,
		`{"id": 1, "score": 1, "parts": [1]}`,
	} {
		if r, err := decodeReply([]byte(line)); err == nil {
			t.Errorf("%s: %+v is accepted", line, r)
		}
	}
}

func FuzzDecodeReply(f *testing.F) {
	f.Add([]byte(`{"id": 1, "score": 0.5, "parts": [{"name": "a", "score": 1}], "notes": ["n"], "spans": [{"from": 0, "to": 1}]}`))
	f.Add([]byte(`{"id": 1, "missing": "x"}`))
	f.Add([]byte(`{"id": 1, "error": "score is NaN"}`))
	f.Add([]byte(`{"id": 1e400, "score": 1e400, "parts": {"name": 1}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		if r, err := decodeReply(line); err != nil && r.Score != 0 && r.Missing != "" {
			t.Errorf("%q: %+v with %v", line, r, err)
		}
	})
}
