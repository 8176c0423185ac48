package jsonscore

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

var pathStep = regexp.MustCompile(`^(?:\.?([^.\[\]]+)|\[(\d+)\])`)

// SplitPath cuts a path such as a.b[0].c into its steps: a key for a name, digits in brackets for a place in an array.
// A key that holds a dot or a bracket can't be named.
func SplitPath(path string) ([]string, bool) {
	var steps []string
	for rest := path; rest != ""; {
		m := pathStep.FindStringSubmatch(rest)
		if m == nil || (len(steps) == 0 && strings.HasPrefix(rest, ".")) {
			return nil, false
		}
		if m[1] != "" && len(steps) > 0 && rest[0] != '.' {
			return nil, false // a[0]b
		}
		if m[2] != "" {
			steps = append(steps, "["+m[2]+"]")
		} else {
			steps = append(steps, m[1])
		}
		rest = rest[len(m[0]):]
	}
	return steps, len(steps) > 0
}

// Lookup is the value at a path in a text that [Parse] accepts; where a key repeats, the first one. False when the path
// leads nowhere. gjson never reports an error, so text must have been proven valid; anything else gives false.
// From and To of the result count from its own first byte.
func Lookup(text, path string) (Value, bool) {
	steps, ok := SplitPath(path)
	if !ok || !gjson.Valid(text) {
		return Value{}, false
	}
	at := gjson.Parse(text)
	for _, step := range steps {
		switch index, isIndex := strings.CutPrefix(step, "["); {
		case isIndex && at.IsArray():
			n, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
			if err != nil {
				return Value{}, false
			}
			at = at.Get(strconv.Itoa(n))
		case !isIndex && at.IsObject():
			at = at.Get(gjson.Escape(step))
		default:
			return Value{}, false
		}
		if !at.Exists() {
			return Value{}, false
		}
	}
	v, err := parseWhole(at.Raw)
	return v, err == nil
}
