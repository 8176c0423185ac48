package decoder

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
)

// keys reads typed values out of a JSON object and keeps the first error.
type keys struct {
	raw    map[string]json.RawMessage
	prefix string // said before a key in errors
	err    error
}

func (k *keys) fail(key string, found any, want string) {
	if k.err == nil {
		k.err = fmt.Errorf("%s%s: %v, want %s", k.prefix, key, found, want)
	}
}

// has is false for a key that is missing or null.
func (k *keys) has(key string) bool {
	v, ok := k.raw[key]
	return ok && !bytes.Equal(bytes.TrimSpace(v), []byte("null"))
}

func (k *keys) read(key string, into any, want string) bool {
	if err := json.Unmarshal(k.raw[key], into); err != nil {
		found := k.raw[key]
		if len(found) > 60 {
			found = append(found[:60:60], "…"...)
		}
		k.fail(key, string(found), want)
		return false
	}
	return true
}

// integer is a key that must be there.
func (k *keys) integer(key string) int {
	if !k.has(key) {
		k.fail(key, "missing", "a whole number")
		return 0
	}
	var n int
	k.read(key, &n, "a whole number")
	return n
}

// number is standard where the key is missing; a NaN standard makes the key required.
func (k *keys) number(key string, standard float64) float64 {
	if !k.has(key) {
		if math.IsNaN(standard) {
			k.fail(key, "missing", "a number")
		}
		return standard
	}
	var x float64
	k.read(key, &x, "a number")
	return x
}

func (k *keys) text(key, standard string) string {
	if !k.has(key) {
		return standard
	}
	var s string
	k.read(key, &s, "a string")
	return s
}

func (k *keys) truth(key string) bool {
	if !k.has(key) {
		return false
	}
	var b bool
	k.read(key, &b, "true or false")
	return b
}

// id is NoToken where the key is missing. Llama 2 writes -1 for "none" into pad_token_id.
func (k *keys) id(key string) int32 {
	if !k.has(key) {
		return NoToken
	}
	id := NoToken
	k.read(key, &id, "a token id")
	return max(id, NoToken)
}

// ids reads one id or a list of them.
func (k *keys) ids(key string) []int32 {
	if !k.has(key) {
		return nil
	}
	var list []int32
	if json.Unmarshal(k.raw[key], &list) == nil {
		return list
	}
	var one int32
	if !k.read(key, &one, "a token id or a list of them") {
		return nil
	}
	return []int32{one}
}
