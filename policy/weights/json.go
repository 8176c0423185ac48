package weights

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// headerReader walks the JSON of a header or an index. It takes what encoding/json lets pass for errors: invalid
// UTF-8, keys that appear twice, names in another case, numbers like 1e3 where an integer belongs.
type headerReader struct{ dec *json.Decoder }

// newHeaderReader checks the syntax of all of raw, so that walking it can only meet wrong kinds of values.
func newHeaderReader(raw []byte) (*headerReader, error) {
	if !utf8.Valid(raw) {
		return nil, errors.New("invalid UTF-8")
	}
	var whole json.RawMessage
	if err := json.Unmarshal(raw, &whole); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("bad JSON at byte %d: %w", syntax.Offset, err)
		}
		return nil, fmt.Errorf("bad JSON: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return &headerReader{dec}, nil
}

// object calls f for each key; f must read the value.
func (r *headerReader) object(f func(key string) error) error {
	if err := r.delim('{', "an object"); err != nil {
		return err
	}
	seen := make(map[string]bool)
	for r.dec.More() {
		key, err := r.string()
		if err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("%q appears twice", key)
		}
		seen[key] = true
		if err := f(key); err != nil {
			return err
		}
	}
	_, err := r.dec.Token()
	return err
}

func (r *headerReader) string() (string, error) {
	t, err := r.dec.Token()
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", fmt.Errorf("found %v, want a string", t)
	}
	return s, nil
}

// integers reads an array of at most limit integers >= 0.
func (r *headerReader) integers(limit int) ([]int, error) {
	if err := r.delim('[', "an array of integers"); err != nil {
		return nil, err
	}
	out := []int{}
	for r.dec.More() {
		t, err := r.dec.Token()
		if err != nil {
			return nil, err
		}
		number, _ := t.(json.Number)
		n, err := strconv.ParseInt(string(number), 10, strconv.IntSize)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("found %v, want an integer >= 0", t)
		}
		if len(out) == limit {
			return nil, fmt.Errorf("more than %d integers", limit)
		}
		out = append(out, int(n))
	}
	_, err := r.dec.Token()
	return out, err
}

// skip passes over one value of any kind.
func (r *headerReader) skip() error {
	var v json.RawMessage
	return r.dec.Decode(&v)
}

func (r *headerReader) delim(want json.Delim, name string) error {
	t, err := r.dec.Token()
	if err != nil {
		return err
	}
	if t != want {
		return fmt.Errorf("found %v, want %s", t, name)
	}
	return nil
}
