package recipes

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

// modulePath comes before the folder in a type's package path.
const modulePath = "github.com/burnish-rl/burnish/"

// object is a JSON object; encoding/json sorts its keys.
type object = map[string]any

// Schema is the JSON Schema (2020-12) of a recipe, for editors: every key with its meaning and default, one
// alternative a plug-in. It is made from the option structs and their comments.
func Schema() []byte {
	sections := object{}
	describe := func(key string, s object) {
		s["description"] = fieldDocs["recipes.fileKeys."+key]
		sections[key] = s
	}
	model := plain(Model{Precision: "f32"})
	model["properties"].(object)["adapter"] = object{
		"description": fieldDocs["recipes.modelKeys.adapter"],
		"anyOf":       []any{kindSchema("none", nil), kindSchema("lora", loraDefaults)},
	}
	describe("model", model)

	env := alternatives(envTable(), kindSchema)
	for _, a := range env["anyOf"].([]any) {
		a.(object)["properties"].(object)["sampler"] = alternatives(samplerTable(), kindSchema)
	}
	describe("env", env)
	describe("eval_env", alternatives(envTable(), kindSchema))
	describe("rollout", plain(Rollout{PromptsPerStep: 8, SamplesPerPrompt: 8, Temperature: 1, TopP: 1, MaxTokens: 256}))

	judges := alternatives(rewardTable(), kindSchema)
	for _, a := range judges["anyOf"].([]any) {
		a.(object)["properties"].(object)["weight"] = property(reflect.ValueOf(Weight{Score: 1}), fieldDocs["recipes.Reward.weight"])
	}
	for _, way := range []string{"file", "command"} {
		judges["anyOf"] = append(judges["anyOf"].([]any), foreignSchema(way))
	}
	describe("rewards", object{"type": "array", "items": judges})
	describe("labels", plain(Labels{From: FromData, Gap: 0.1, Threshold: 0.5}))

	describe("algo", alternatives(algoTable(), kindSchema))
	rule := alternatives(optimTable(), func(kind string, options any) object {
		s := plain(Optim{Kind: kind, LRReduction: 1, Clip: 1}, options)
		fix(s, "kind", kind)
		return s
	})
	for _, a := range rule["anyOf"].([]any) {
		a.(object)["properties"].(object)["schedule"] = alternatives(scheduleTable(), kindSchema)
		a.(object)["required"] = []string{"lr"}
	}
	describe("optim", rule)
	describe("train", plain(Train{Seed: 1, BatchSize: 8, EvalLimit: 100, CheckpointKeep: 2, Memory: "auto", RecordedLayers: -1}))

	out, err := json.MarshalIndent(object{
		"$schema":              "https://json-schema.org/draft/2020-12/schema",
		"title":                "burnish recipe",
		"type":                 "object",
		"properties":           sections,
		"required":             []string{"model", "env", "algo", "optim", "train"},
		"additionalProperties": false,
	}, "", "  ")
	if err != nil { // plain values only
		panic("recipes: schema: " + err.Error())
	}
	return append(out, '\n')
}

// alternatives is one schema a plug-in of a table.
func alternatives(t table, one func(kind string, options any) object) object {
	var all []any
	for _, name := range t.names {
		options, _ := t.lookup(name)
		all = append(all, one(name, options))
	}
	return object{"anyOf": all}
}

func kindSchema(kind string, options any) object {
	s := plain(kindKey{kind}, options)
	fix(s, "kind", kind)
	return s
}

// fix allows one value only, and asks for it.
func fix(s object, key, value string) {
	s["properties"].(object)[key] = object{"const": value}
	s["required"] = []string{key}
}

func foreignSchema(way string) object {
	s := plain(Reward{Weight: Weight{Score: 1}, Timeout: defaultTimeout})
	properties := s["properties"].(object)
	for _, other := range []string{"kind", "file", "command"} {
		if other != way {
			delete(properties, other)
		}
	}
	s["required"] = []string{way}
	return s
}

// plain is the schema of one mapping whose keys come from structs that hold their defaults.
func plain(values ...any) object {
	properties := object{}
	for _, value := range values {
		v := reflect.Indirect(reflect.ValueOf(value))
		if !v.IsValid() || v.Kind() != reflect.Struct {
			continue
		}
		for i := range v.NumField() {
			if key := keyOf(v.Type().Field(i)); key != "" {
				properties[key] = property(v.Field(i), docOf(v.Type(), key))
			}
		}
	}
	return object{"type": "object", "properties": properties, "additionalProperties": false}
}

// docOf is the comment of a field.
func docOf(t reflect.Type, key string) string {
	return fieldDocs[strings.TrimPrefix(t.PkgPath(), modulePath)+"."+t.Name()+"."+key]
}

// property is the schema of one key.
func property(v reflect.Value, doc string) object {
	s := object{}
	if doc != "" {
		s["description"] = doc
	}
	if !v.IsZero() && v.Type() != reflect.TypeFor[time.Duration]() {
		s["default"] = v.Interface()
	}
	switch {
	case v.Type() == reflect.TypeFor[Weight]():
		s["type"], s["default"] = []string{"number", "object"}, v.Interface().(Weight).Score
	case v.Type() == reflect.TypeFor[ModelConfig]():
		s["type"] = []string{"string", "object"}
	case v.Type() == reflect.TypeFor[time.Duration]():
		s["type"] = "string"
	case v.Kind() == reflect.Bool:
		s["type"] = "boolean"
	case v.CanInt():
		s["type"] = "integer"
	case v.CanUint():
		s["type"], s["minimum"] = "integer", 0
	case v.CanFloat():
		s["type"] = "number"
	case v.Kind() == reflect.String:
		s["type"] = "string"
	case v.Kind() == reflect.Slice:
		s["type"] = []string{"array", "string"}
	case v.Kind() == reflect.Map, v.Kind() == reflect.Struct:
		s["type"] = "object"
	}
	return s
}
