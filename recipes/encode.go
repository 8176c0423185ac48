package recipes

import (
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// YAML is the effective recipe: every key with its value, defaults included, in a fixed order. Reading it back
// gives an equal recipe, and the same bytes again.
func (r *Recipe) YAML() []byte {
	data, err := yaml.Dump(r.node())
	if err != nil { // the tree is ours and holds plain values only
		panic("recipes: encode: " + err.Error())
	}
	return data
}

func (r *Recipe) node() *yaml.Node {
	model := mappingOf(r.Model)
	lora := any(nil)
	if r.Adapter.Kind == "lora" {
		lora = r.Adapter.LoRA
	}
	put(model, "adapter", mappingOf(kindKey{r.Adapter.Kind}, lora))

	env := mappingOf(kindKey{r.Env.Kind}, r.Env.Options)
	put(env, "sampler", mappingOf(kindKey{r.Sampler.Kind}, r.Sampler.Options))

	rewards := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for _, w := range r.Rewards {
		rewards.Content = append(rewards.Content, mappingOf(w, w.Options))
	}
	optim := mappingOf(r.Optim, r.Optim.Options)
	put(optim, "schedule", mappingOf(kindKey{r.Schedule.Kind}, r.Schedule.Options))

	root := mappingOf()
	put(root, "model", model)
	put(root, "env", env)
	if r.EvalEnv.Kind != "" {
		put(root, "eval_env", mappingOf(kindKey{r.EvalEnv.Kind}, r.EvalEnv.Options))
	}
	put(root, "rollout", mappingOf(r.Rollout))
	if len(r.Rewards) > 0 {
		put(root, "rewards", rewards)
	}
	if r.Labels.From != "" {
		put(root, "labels", r.labelsNode())
	}
	put(root, "algo", mappingOf(kindKey{r.Algo.Kind}, r.Algo.Options))
	put(root, "optim", optim)
	put(root, "train", mappingOf(r.Train))
	return root
}

func put(mapping *yaml.Node, key string, value *yaml.Node) {
	mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, value)
}

// mappingOf encodes the tagged fields of structs into one mapping.
func mappingOf(values ...any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, value := range values {
		v := reflect.Indirect(reflect.ValueOf(value))
		if !v.IsValid() || v.Kind() != reflect.Struct {
			continue
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			key := keyOf(f)
			if key == "" || v.Field(i).IsZero() && strings.HasSuffix(f.Tag.Get("yaml"), ",omitempty") {
				continue
			}
			put(n, key, nodeOf(v.Field(i)))
		}
	}
	return n
}

func nodeOf(v reflect.Value) *yaml.Node {
	scalar := func(tag, value string) *yaml.Node {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
	}
	switch {
	case v.Type() == reflect.TypeFor[Weight]():
		return v.Interface().(Weight).node()
	case v.Type() == reflect.TypeFor[ModelConfig]():
		return v.Interface().(ModelConfig).node()
	case v.Type() == reflect.TypeFor[time.Duration]():
		return scalar("!!str", time.Duration(v.Int()).String())
	case v.Kind() == reflect.Struct:
		return mappingOf(v.Interface())
	case v.Kind() == reflect.Bool:
		return scalar("!!bool", strconv.FormatBool(v.Bool()))
	case v.CanInt():
		return scalar("!!int", strconv.FormatInt(v.Int(), 10))
	case v.CanUint():
		return scalar("!!int", strconv.FormatUint(v.Uint(), 10))
	case v.CanFloat():
		return scalar("!!float", formatFloat(v.Float(), v.Type().Bits()))
	case v.Kind() == reflect.String:
		return scalar("!!str", v.String())
	case v.Kind() == reflect.Slice:
		list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle}
		for i := range v.Len() {
			list.Content = append(list.Content, nodeOf(v.Index(i)))
		}
		return list
	case v.Kind() == reflect.Map:
		return mapNode(v)
	}
	panic(fmt.Sprintf("recipes: an option has the unsupported type %v", v.Type()))
}

// formatFloat always looks like a float, so that a reader sees the type: 1.0, 0.0002, 1e-06.
func formatFloat(f float64, bits int) string {
	s := strconv.FormatFloat(f, 'g', -1, bits)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// mapNode encodes a map of plain values, keys sorted.
func mapNode(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	keys := make([]string, 0, v.Len())
	for _, k := range v.MapKeys() {
		keys = append(keys, k.String())
	}
	sort.Strings(keys)
	for _, k := range keys {
		put(n, k, nodeOf(v.MapIndex(reflect.ValueOf(k).Convert(v.Type().Key()))))
	}
	return n
}
