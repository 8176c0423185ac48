package recipes

import (
	"encoding/json"
	"fmt"
	"testing"

	"go.yaml.in/yaml/v4"
)

// fits is as much of JSON Schema as [Schema] uses; it says why a value does not fit, "" when it does.
func fits(schema, value any, path string) string {
	s := schema.(map[string]any)
	if alternatives, ok := s["anyOf"].([]any); ok {
		why := ""
		for _, a := range alternatives {
			if w := fits(a, value, path); w == "" {
				return ""
			} else {
				why += "\n  " + w
			}
		}
		return path + ": no alternative fits:" + why
	}
	if want, ok := s["const"]; ok && want != value {
		return fmt.Sprintf("%s: %v is not %v", path, value, want)
	}
	if items, ok := s["items"]; ok {
		for i, v := range value.([]any) {
			if w := fits(items, v, fmt.Sprintf("%s.%d", path, i)); w != "" {
				return w
			}
		}
	}
	object, ok := value.(map[string]any)
	properties, closed := s["properties"].(map[string]any)
	if !ok || !closed {
		return ""
	}
	for k, v := range object {
		if properties[k] == nil {
			return path + ": no key " + k
		}
		if w := fits(properties[k], v, join(path, k)); w != "" {
			return w
		}
	}
	required, _ := s["required"].([]any)
	for _, k := range required {
		if _, ok := object[k.(string)]; !ok {
			return path + ": key " + k.(string) + " is missing"
		}
	}
	return ""
}

func TestSchema(t *testing.T) {
	var schema any
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	for _, name := range Names() {
		overrides := []string{"eval_env={kind: arith-json}"}
		if name != "builtin-pretrain" { // from new weights, which no adapter may stand on
			overrides = append(overrides, "model.adapter={kind: lora}")
		}
		r := load(t, name, overrides...)
		var effective map[string]any
		if err := yaml.Load(r.YAML(), &effective); err != nil {
			t.Fatal(err)
		}
		if why := fits(schema, effective, ""); why != "" {
			t.Errorf("%s: %s", name, why)
		}
		effective["train"].(map[string]any)["stpes"] = 1
		if fits(schema, effective, "") == "" {
			t.Errorf("%s: an unknown key fits", name)
		}
	}
	text, _ := Builtin("quickstart")
	var short map[string]any
	if err := yaml.Load(text, &short); err != nil {
		t.Fatal(err)
	}
	if why := fits(schema, short, ""); why != "" {
		t.Errorf("quickstart as written: %s", why)
	}
	train := schema.(map[string]any)["properties"].(map[string]any)["train"].(map[string]any)["properties"].(map[string]any)
	steps := train["checkpoint_keep"].(map[string]any)
	if steps["type"] != "integer" || steps["default"] != 2.0 || steps["description"] == nil {
		t.Errorf("train.checkpoint_keep is described as %v", steps)
	}
}
