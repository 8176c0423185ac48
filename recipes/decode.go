package recipes

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// decoder fills structs from a tree by their yaml tags. Fields keep what they hold when their key is absent, so
// defaults are filled in beforehand. It remembers where each path stands, for checks that come later.
type decoder struct {
	*tree
	at  map[string]*yaml.Node // path such as "train.steps"
	bad map[string]bool       // paths whose value was refused: what depends on them is not checked
}

// nodeType is the type of fields that keep their YAML for later.
var nodeType = reflect.TypeFor[*yaml.Node]()

// mapping decodes one mapping into the fields of several structs together: those of a section and of its plug-in.
func (d *decoder) mapping(n *yaml.Node, path string, targets ...any) {
	if isNull(n) {
		return
	}
	d.at[path] = n
	if n.Kind != yaml.MappingNode {
		d.reject(n, path, "a mapping")
		return
	}
	fields, keys := fieldsOf(targets...)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		full := join(path, key.Value)
		field, ok := fields[key.Value]
		if !ok {
			d.report(key, "%s", d.unknownKey(key.Value, path, keys))
			continue
		}
		d.at[full] = value
		d.value(value, field, full)
	}
}

// known decodes the keys that are in the targets and says nothing of the others.
func (d *decoder) known(n *yaml.Node, path string, targets ...any) {
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	fields, _ := fieldsOf(targets...)
	for i := 0; i+1 < len(n.Content); i += 2 {
		if field, ok := fields[n.Content[i].Value]; ok {
			full := join(path, n.Content[i].Value)
			d.at[full] = n.Content[i+1]
			d.value(n.Content[i+1], field, full)
		}
	}
}

func (d *decoder) unknownKey(key, path string, keys []string) string {
	section := path
	if section == "" {
		section = "the " + d.what.noun
	}
	if d.what != recipeFile {
		return fmt.Sprintf("unknown key %s in %s", show(key), section) + suggest(key, keys)
	}
	if reason, ok := laterKeys[join(path, key)]; ok {
		return fmt.Sprintf("key %q in %s: not in this version%s", key, section, reason)
	}
	text := fmt.Sprintf("unknown key %s in %s", show(key), section)
	if nearest(key, keys) == "" {
		for _, other := range sectionOrder {
			if other != path && slices.Contains(sectionKeys[other], key) {
				return text + fmt.Sprintf("; it belongs in %s", other)
			}
		}
	}
	return text + suggest(key, keys)
}

// fieldsOf lists the tagged fields of structs by key, and the keys in order.
func fieldsOf(targets ...any) (map[string]reflect.Value, []string) {
	fields, keys := map[string]reflect.Value{}, []string(nil)
	for _, target := range targets {
		v := reflect.Indirect(reflect.ValueOf(target))
		if !v.IsValid() || v.Kind() != reflect.Struct {
			continue
		}
		for i := range v.NumField() {
			if key := keyOf(v.Type().Field(i)); key != "" {
				fields[key] = v.Field(i)
				keys = append(keys, key)
			}
		}
	}
	return fields, keys
}

// keyOf is a field's key, "" when it has none.
func keyOf(f reflect.StructField) string {
	key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	if key == "-" || !f.IsExported() {
		return ""
	}
	return key
}

// value decodes one value into a field.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	switch {
	case v.Type() == nodeType:
		v.Set(reflect.ValueOf(n))
	case v.Type() == reflect.TypeFor[Weight]():
		d.weight(n, v.Addr().Interface().(*Weight), path)
	case v.Type() == reflect.TypeFor[ModelConfig]():
		d.modelConfig(n, v.Addr().Interface().(*ModelConfig), path)
	case v.Kind() == reflect.Slice:
		d.list(n, v, path)
	case v.Kind() == reflect.Struct:
		d.mapping(n, path, v.Addr().Interface())
	case v.Kind() == reflect.Map:
		d.stringMap(n, v, path)
	default:
		if want := d.scalar(n, v); want != "" {
			d.reject(n, path, want)
		}
	}
}

// reject reports a value of the wrong type.
func (d *decoder) reject(n *yaml.Node, path, want string) {
	d.bad[path] = true
	d.report(n, "%s is %s, want %s", path, kindOf(n), want)
}

// list decodes a list; one scalar stands for a list of one.
func (d *decoder) list(n *yaml.Node, v reflect.Value, path string) {
	items := n.Content
	switch {
	case n.Kind == yaml.ScalarNode && !isNull(n) && v.Type().Elem().Kind() != reflect.Struct:
		items = []*yaml.Node{n}
	case n.Kind != yaml.SequenceNode:
		d.reject(n, path, "a list")
		return
	}
	out := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		full := fmt.Sprintf("%s.%d", path, i)
		d.at[full] = item
		d.value(item, out.Index(i), full)
	}
	v.Set(out)
}

func (d *decoder) stringMap(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.reject(n, path, "a mapping")
		return
	}
	out := reflect.MakeMap(v.Type())
	for i := 0; i+1 < len(n.Content); i += 2 {
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(n.Content[i+1], item, join(path, n.Content[i].Value))
		out.SetMapIndex(reflect.ValueOf(n.Content[i].Value).Convert(v.Type().Key()), item)
	}
	v.Set(out)
}

// scalar decodes one plain value; what it says is what was wanted instead, "" when all is well.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value) (want string) {
	tag := ""
	if n.Kind == yaml.ScalarNode {
		tag = n.ShortTag()
	}
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		t, err := time.ParseDuration(n.Value)
		if tag != "!!str" || err != nil {
			return "a duration such as 10s"
		}
		v.SetInt(int64(t))
	case v.Kind() == reflect.Bool:
		if tag != "!!bool" || n.Value != "true" && n.Value != "false" {
			return "true or false"
		}
		v.SetBool(n.Value == "true")
	case v.CanInt():
		var i int64
		if tag != "!!int" || n.Decode(&i) != nil || v.OverflowInt(i) {
			return "a whole number"
		}
		v.SetInt(i)
	case v.CanUint():
		var u uint64
		if tag != "!!int" || n.Decode(&u) != nil || v.OverflowUint(u) {
			return "a whole number >= 0"
		}
		v.SetUint(u)
	case v.CanFloat():
		var f float64
		if tag != "!!int" && tag != "!!float" || n.Decode(&f) != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return "a finite number"
		}
		v.SetFloat(f)
	case v.Kind() == reflect.String:
		return d.text(n, tag, v)
	default:
		panic("recipes: an option has the unsupported type " + v.Type().String())
	}
	return ""
}

// text decodes a string. In a file a number is not one, it must be quoted; on the command line quotes are hard to
// type, so there the value's text is taken as it stands.
func (d *decoder) text(n *yaml.Node, tag string, v reflect.Value) (want string) {
	o, given := d.override[n]
	switch {
	case tag == "!!str" || tag == "!!timestamp":
		v.SetString(n.Value)
	case given && n.Kind == yaml.ScalarNode && n.Tag != "!!null":
		v.SetString(strings.TrimSpace(n.Value))
	case given && n.Kind != yaml.ScalarNode && !strings.HasPrefix(o.text, "{") && !strings.HasPrefix(o.text, "["):
		v.SetString(o.text) // such as "a: b"
	case tag == "!!int" || tag == "!!float" || tag == "!!bool":
		return "text: put it in quotes"
	default:
		return "text"
	}
	return ""
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
