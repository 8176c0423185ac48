package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
)

// component is any of a tokenizer.json's building blocks; each type uses some of the fields.
type component struct {
	Type string `json:"type"`

	AddPrefixSpace *bool `json:"add_prefix_space"` // ByteLevel, default true
	UseRegex       *bool `json:"use_regex"`        // ByteLevel, default true
	TrimOffsets    *bool `json:"trim_offsets"`     // ByteLevel: of offsets, which nothing here reads

	IndividualDigits bool `json:"individual_digits"` // Digits

	Pattern  map[string]string `json:"pattern"` // Split: {"Regex": ...}
	Behavior string            `json:"behavior"`
	Invert   bool              `json:"invert"`

	PreTokenizers []json.RawMessage `json:"pretokenizers"` // Sequence
	Normalizers   []json.RawMessage `json:"normalizers"`
	Decoders      []json.RawMessage `json:"decoders"`
}

// maxDepth bounds sequences in sequences.
const maxDepth = 8

// flatten reads a component and the parts of sequences, one after the other.
func flatten(data []byte, depth int) ([]component, error) {
	if absent(data) {
		return nil, nil
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("sequences go deeper than %d", maxDepth)
	}
	var c component
	if err := strict(data, &c); err != nil {
		return nil, fmt.Errorf("type %q: %w", c.Type, err)
	}
	if c.Type != "Sequence" {
		return []component{c}, nil
	}
	var all []component
	for _, list := range [][]json.RawMessage{c.PreTokenizers, c.Normalizers, c.Decoders} {
		for _, part := range list {
			parts, err := flatten(part, depth+1)
			if err != nil {
				return nil, err
			}
			all = append(all, parts...)
		}
	}
	return all, nil
}

func readNormalizer(data []byte) (nfc bool, err error) {
	parts, err := flatten(data, 0)
	for _, c := range parts {
		if c.Type != "NFC" {
			return false, fmt.Errorf("type: found %q, want none or NFC", c.Type)
		}
		nfc = true
	}
	return nfc, err
}

func readDecoder(data []byte) error {
	parts, err := flatten(data, 0)
	if err != nil {
		return err
	}
	if len(parts) != 1 || parts[0].Type != "ByteLevel" {
		found := make([]string, len(parts))
		for i, c := range parts {
			found[i] = c.Type
		}
		return fmt.Errorf("found %q, want ByteLevel", found)
	}
	return nil
}

func readPreTokenizer(data []byte) ([]stage, error) {
	parts, err := flatten(data, 0)
	if err != nil {
		return nil, err
	}
	if len(parts) == 0 || parts[len(parts)-1].Type != "ByteLevel" {
		return nil, errors.New("found no ByteLevel at its end, want byte-level BPE")
	}
	var stages []stage
	for i, c := range parts {
		switch c.Type {
		case "ByteLevel":
			if i != len(parts)-1 {
				return nil, errors.New("found ByteLevel before the end of the sequence")
			}
			if c.AddPrefixSpace == nil || *c.AddPrefixSpace {
				stages = append(stages, prefixSpace)
			}
			if c.UseRegex == nil || *c.UseRegex {
				stages = append(stages, next(gpt2).stage())
			}
		case "Digits":
			cut := next(digitRun)
			if c.IndividualDigits {
				cut = digit
			}
			stages = append(stages, cut.stage())
		case "Split":
			cut, err := readSplit(c)
			if err != nil {
				return nil, fmt.Errorf("split: %w", err)
			}
			stages = append(stages, cut.stage())
		default:
			return nil, fmt.Errorf("type: found %q, want ByteLevel, Digits, Split or Sequence", c.Type)
		}
	}
	return stages, nil
}

func readSplit(c component) (next, error) {
	if c.Behavior != "Isolated" || c.Invert {
		return nil, fmt.Errorf("behavior %q, invert %v: want Isolated, false", c.Behavior, c.Invert)
	}
	cut, ok := patterns[c.Pattern["Regex"]]
	if !ok {
		return nil, fmt.Errorf("pattern: found %q, want the one of GPT-2, Llama 3 or Qwen2", c.Pattern)
	}
	return cut, nil
}
