package policy

import (
	"fmt"
	"slices"

	"github.com/burnish-rl/burnish/policy/chat"
	"github.com/burnish-rl/burnish/policy/decoder"
	"github.com/burnish-rl/burnish/policy/tokenizer"
	"github.com/tidwall/gjson"
)

// endTokens gathers the ids that end a sequence, a set: those of config.json, of generation_config.json and the
// tokenizer's eos_token. end is the one a demonstration ends with: the tokenizer's, else the first; -1 without any.
func endTokens(cfg decoder.Config, tok *tokenizer.Tokenizer, side files) (set []int32, end int32, err error) {
	end = -1
	add := func(id int32, where string) error {
		if id < 0 || int(id) >= cfg.Vocab {
			return fmt.Errorf("%s: end-of-sequence id %d, want 0 to %d", where, id, cfg.Vocab-1)
		}
		if !slices.Contains(set, id) {
			set = append(set, id)
		}
		return nil
	}
	conf, err := chat.ReadConfig(side[tokenizerConfig], nil)
	if err != nil {
		return nil, 0, err
	}
	if id, ok := tok.ID(conf.EOS); ok && conf.EOS != "" {
		end = id
		set = append(set, id)
	}
	for _, id := range cfg.EOS {
		if err := add(id, configFile); err != nil {
			return nil, 0, err
		}
	}
	if data := side[generationFile]; data != nil && gjson.ValidBytes(data) {
		for _, id := range gjson.GetBytes(data, "eos_token_id").Array() { // one number is an array of one
			if id.Type != gjson.Number {
				continue
			}
			if err := add(int32(id.Int()), generationFile); err != nil {
				return nil, 0, err
			}
		}
	}
	if end < 0 && len(set) > 0 {
		end = set[0]
	}
	return set, end, nil
}
