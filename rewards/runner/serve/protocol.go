// Package serve is the child's side of a reward that runs in a process of its own, and what both sides agree on. It
// needs the standard library only, because it is compiled together with a user's .go file.
//
// # Protocol
//
// The child reads requests from descriptor 3 and writes replies to descriptor 4, one JSON object a line; its standard
// output and standard error are free for prints. When it is able to score it writes
//
//	{"ready": true}
//
// Then, for every request, one reply with the same id:
//
//	{"id": 7, "text": "...", "tokens": 31, "stop": "eos", "task": {"reference": "18", "step": 4, ...}}
//	{"id": 7, "score": 0.5, "parts": [{"name": "short", "score": 1}], "notes": ["..."]}
//	{"id": 7, "missing": "no reference"}
//	{"id": 7, "error": "score is NaN"}
//
// The fields of a request are those of rewards.Attempt; a text that is not valid UTF-8 comes as text_base64 too. Missing
// says that there is no score for this completion, error that the reward failed on it. At the end of descriptor 3 the
// child ends. One request is under way at a time.
package serve

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/burnish-rl/burnish/rewards"
)

// The child's descriptors.
const (
	RequestFD = 3
	ReplyFD   = 4
)

// MaxLine is the most bytes that a request or a reply may have.
const MaxLine = 8 << 20

// ErrLongLine says that a line has more than the allowed bytes.
var ErrLongLine = errors.New("line too long")

// Request is one completion to be judged.
type Request struct {
	ID uint64 `json:"id"`
	rewards.Attempt
	TextBase64 []byte `json:"text_base64,omitempty"` // the text's bytes when they are not valid UTF-8
}

// Reply is the answer to one request, or the ready line.
type Reply struct {
	ID uint64 `json:"id"`
	rewards.Result
	Error string `json:"error,omitempty"`
}

// EncodeRequest is the line of a request, with its line end.
func EncodeRequest(id uint64, a rewards.Attempt) ([]byte, error) {
	r := Request{ID: id, Attempt: a}
	if !utf8.ValidString(a.Text) {
		r.TextBase64 = []byte(a.Text)
		r.Text = strings.ToValidUTF8(a.Text, "\uFFFD") // not one by one, as encoding/json would
	}
	return encode(r)
}

// EncodeReply is the line of a reply, with its line end. A score that JSON can't hold becomes an error.
func EncodeReply(id uint64, res rewards.Result, err error) ([]byte, error) {
	if err == nil {
		err = finite(res)
	}
	if err != nil {
		return encode(Reply{ID: id, Error: err.Error()})
	}
	return encode(Reply{ID: id, Result: res})
}

func finite(res rewards.Result) error {
	bad := func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }
	if bad(res.Score) {
		return fmt.Errorf("score is %v, want a finite number", res.Score)
	}
	for _, p := range res.Parts {
		if bad(p.Score) {
			return fmt.Errorf("part %s is %v, want a finite number", p.Name, p.Score)
		}
	}
	return nil
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// ReadLine reads one line of any length up to most bytes, without its end. bufio.Scanner would stop at 64 KiB.
func ReadLine(r *bufio.Reader, most int) ([]byte, error) {
	var line []byte
	for {
		piece, err := r.ReadSlice('\n')
		if len(line)+len(piece) > most {
			return nil, ErrLongLine
		}
		line = append(line, piece...)
		switch {
		case err == nil:
			return bytes.TrimRight(line, "\r\n"), nil
		case errors.Is(err, bufio.ErrBufferFull):
		default:
			return line, err
		}
	}
}
