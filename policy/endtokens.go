package policy

import (
	"fmt"
	"math"
	"slices"

	"github.com/burnish-rl/burnish/policy/chat"
	"github.com/burnish-rl/burnish/policy/decoder"
	"github.com/burnish-rl/burnish/policy/tokenizer"
	"github.com/tidwall/gjson"
)

// endTokens gathers the ids that end a sequence, a set: those of config.json, of generation_config.json and the
// tokenizer's eos_token. end is the one a demonstration ends with: the tokenizer's, else the first; -1 without any.
func endTokens(cfg decoder.Config, tok *tokenizer.Tokenizer, side files) (set []int32, end int32, err error) {
	conf, err := chat.ReadConfig(side[tokenizerConfig], nil)
	if err != nil {
		return nil, 0, err
	}
	end = -1
	if id, ok := tok.ID(conf.EOS); ok && conf.EOS != "" {
		end = id
		set = append(set, id)
	}
	set = append(set, cfg.EOS...)
	more, err := generationEOS(side[generationFile], cfg.Vocab)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", generationFile, err)
	}
	set = distinct(append(set, more...))
	if end < 0 && len(set) > 0 {
		end = set[0]
	}
	return set, end, nil
}

// generationEOS reads eos_token_id of a generation_config.json: a number, a list of numbers, null or missing.
func generationEOS(data []byte, vocab int) (ids []int32, err error) {
	if data == nil {
		return nil, nil
	}
	if !gjson.ValidBytes(data) {
		return nil, fmt.Errorf("it is not JSON")
	}
	for _, v := range gjson.GetBytes(data, "eos_token_id").Array() { // one number is an array of one, null of none
		if id := v.Num; v.Type != gjson.Number || id != math.Trunc(id) || id < 0 || id >= float64(vocab) {
			return nil, fmt.Errorf("eos_token_id: %s, want a number from 0 to %d or a list of them", v.Raw, vocab-1)
		}
		ids = append(ids, int32(v.Num))
	}
	return ids, nil
}

// distinct keeps the first of equal ids.
func distinct(ids []int32) []int32 {
	var out []int32
	for _, id := range ids {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}
