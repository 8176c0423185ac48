package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// file is a tokenizer.json. Its settings for truncation, padding and post-processing are those of a call with special
// tokens or of batches; encoding without special tokens uses none of them.
type file struct {
	AddedTokens  []addedToken    `json:"added_tokens"`
	Normalizer   json.RawMessage `json:"normalizer"`
	PreTokenizer json.RawMessage `json:"pre_tokenizer"`
	Decoder      json.RawMessage `json:"decoder"`
	Model        json.RawMessage `json:"model"`
}

type fileModel struct {
	Type                    string           `json:"type"`
	Dropout                 *float64         `json:"dropout"`
	UnkToken                *string          `json:"unk_token"`
	ContinuingSubwordPrefix *string          `json:"continuing_subword_prefix"`
	EndOfWordSuffix         *string          `json:"end_of_word_suffix"`
	FuseUnk                 bool             `json:"fuse_unk"`
	ByteFallback            bool             `json:"byte_fallback"`
	IgnoreMerges            bool             `json:"ignore_merges"`
	Vocab                   map[string]int32 `json:"vocab"`
	Merges                  json.RawMessage  `json:"merges"`
}

// FromJSON reads a Hugging Face tokenizer.json: byte-level BPE with the pre-tokenizers ByteLevel, Digits and Split
// (the patterns of GPT-2, Llama 3 and Qwen2) and the normalizer NFC. Anything else is an error that names it.
func FromJSON(data []byte) (*Tokenizer, error) {
	t, err := fromJSON(data)
	if err != nil {
		return nil, fmt.Errorf("tokenizer.json: %w", err)
	}
	t.source = append([]byte(nil), data...)
	return t, nil
}

func fromJSON(data []byte) (*Tokenizer, error) {
	if len(data) > MaxFileBytes {
		return nil, fmt.Errorf("found %d bytes, want at most %d", len(data), MaxFileBytes)
	}
	var f file
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, place(err, len(data))
	}
	var m fileModel
	if err := strict(f.Model, &m); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	s := spec{vocab: m.Vocab, added: f.AddedTokens, ignoreMerges: m.IgnoreMerges, fuseUnknown: m.FuseUnk}
	if m.UnkToken != nil {
		s.unknown = *m.UnkToken
	}
	var err error
	if s.merges, err = readMerges(m.Merges); err != nil {
		return nil, fmt.Errorf("model: merges: %w", err)
	}
	if s.nfc, err = readNormalizer(f.Normalizer); err != nil {
		return nil, fmt.Errorf("normalizer: %w", err)
	}
	if s.stages, err = readPreTokenizer(f.PreTokenizer); err != nil {
		return nil, fmt.Errorf("pre_tokenizer: %w", err)
	}
	if err := readDecoder(f.Decoder); err != nil {
		return nil, fmt.Errorf("decoder: %w", err)
	}
	return s.build()
}

func (m fileModel) check() error {
	switch {
	case m.Type != "BPE" && m.Type != "": // files of before 2021 leave the type out
		return fmt.Errorf("type: found %q, want BPE", m.Type)
	case m.Dropout != nil && *m.Dropout != 0:
		return fmt.Errorf("dropout: found %v, want none", *m.Dropout)
	case m.ContinuingSubwordPrefix != nil && *m.ContinuingSubwordPrefix != "":
		return fmt.Errorf("continuing_subword_prefix: found %q, want none", *m.ContinuingSubwordPrefix)
	case m.EndOfWordSuffix != nil && *m.EndOfWordSuffix != "":
		return fmt.Errorf("end_of_word_suffix: found %q, want none", *m.EndOfWordSuffix)
	case m.ByteFallback:
		return errors.New("byte_fallback: found true, want false")
	case m.Vocab == nil:
		return errors.New("vocab: found none, want an object of tokens and ids")
	}
	return nil
}

// readMerges reads both ways of writing a merge: "a b" and ["a", "b"].
func readMerges(data []byte) ([][2]string, error) {
	if absent(data) {
		return nil, errors.New("found none, want a list of pairs")
	}
	var words []string
	if json.Unmarshal(data, &words) == nil {
		pairs := make([][2]string, len(words))
		for i, w := range words {
			left, right, ok := strings.Cut(w, " ")
			if !ok || strings.Contains(right, " ") {
				return nil, fmt.Errorf("merge %d: found %q, want two tokens with a space between", i, w)
			}
			pairs[i] = [2]string{left, right}
		}
		return pairs, nil
	}
	var lists [][]string
	if err := json.Unmarshal(data, &lists); err != nil {
		return nil, place(err, len(data))
	}
	pairs := make([][2]string, len(lists))
	for i, l := range lists {
		if len(l) != 2 {
			return nil, fmt.Errorf("merge %d: found %d tokens, want 2", i, len(l))
		}
		pairs[i] = [2]string{l[0], l[1]}
	}
	return pairs, nil
}

// strict decodes an object and refuses keys that v lacks.
func strict(data []byte, v any) error {
	if absent(data) {
		return errors.New("found none")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return place(err, len(data))
	}
	return nil
}

func absent(data []byte) bool { return len(data) == 0 || string(data) == "null" }

// place adds the byte where a JSON error is.
func place(err error, size int) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("byte %d: the JSON is cut short", size)
	case errors.As(err, &syntax) && syntax.Offset >= int64(size):
		return fmt.Errorf("byte %d: the JSON is cut short: %w", size, err)
	case errors.As(err, &syntax):
		return fmt.Errorf("byte %d: %w", syntax.Offset, err)
	case errors.As(err, &kind):
		return fmt.Errorf("byte %d: %s: found %s, want %s", kind.Offset, kind.Field, kind.Value, kind.Type)
	}
	return err
}
