package runner

import (
	"fmt"

	"github.com/tidwall/gjson"

	"github.com/burnish-rl/burnish/rewards"
	"github.com/burnish-rl/burnish/rewards/runner/serve"
)

func isReady(line []byte) bool {
	return gjson.ValidBytes(line) && gjson.GetBytes(line, "ready").Type == gjson.True
}

// decodeReply reads a reply line strictly: it comes from a program that we did not write.
func decodeReply(line []byte) (serve.Reply, error) {
	var r serve.Reply
	if !gjson.ValidBytes(line) { // gjson itself never errs; this also refuses NaN
		return r, fmt.Errorf("reply: found %.60q, want one JSON object a line", line)
	}
	top := gjson.ParseBytes(line)
	id := top.Get("id")
	if !top.IsObject() || id.Type != gjson.Number {
		return r, fmt.Errorf("reply: found %.60q, want an object with the request's id", line)
	}
	r.ID = id.Uint()
	r.Error, r.Missing = top.Get("error").String(), top.Get("missing").String()
	if r.Error != "" || r.Missing != "" {
		return r, nil
	}
	score := top.Get("score")
	if score.Type != gjson.Number {
		return r, fmt.Errorf("reply: found %.60q, want a number as score, or error or missing", line)
	}
	r.Score = score.Float()
	for _, p := range top.Get("parts").Array() {
		if p.Get("name").String() == "" || p.Get("score").Type != gjson.Number {
			return r, fmt.Errorf("reply: parts: found %.60q, want {\"name\": ..., \"score\": ...}", p.Raw)
		}
		r.Parts = append(r.Parts, rewards.Part{Name: p.Get("name").String(), Score: p.Get("score").Float()})
	}
	for _, n := range top.Get("notes").Array() {
		r.Notes = append(r.Notes, n.String())
	}
	for _, s := range top.Get("spans").Array() {
		r.Spans = append(r.Spans, rewards.Span{From: int(s.Get("from").Int()), To: int(s.Get("to").Int()), Note: s.Get("note").String()})
	}
	return r, nil
}
