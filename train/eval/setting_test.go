package eval

import (
	"testing"

	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/policy/generate"
)

func TestSettingNamesWhatATableMust(t *testing.T) {
	d := policy.Decoding{MaxTokens: 64, Decoding: generate.Decoding{Temperature: 0.8, TopK: 5, TopP: .9}}
	for want, s := range map[string]Setting{
		"arith-json, split test, n 300, temperature 0.8, top-k 5, top-p 0.9, at most 64 tokens, scorer json-1": SettingOf("arith-json", &envs.ArithJSON{Split: "test"}, JSON, 300, d),
		"mine, n 7, greedy, at most 9 tokens, scorer text-1":                                                   SettingOf("mine", nil, Text, 7, policy.Decoding{MaxTokens: 9}),
	} {
		if s.String() != want {
			t.Errorf("%s, want %s", s, want)
		}
	}
}
