package adapter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// File names of an adapter folder, as PEFT has them.
const (
	ConfigFile  = "adapter_config.json"
	WeightsFile = "adapter_model.safetensors"
)

// MaxConfigBytes bounds an adapter_config.json.
const MaxConfigBytes = 1 << 20

// refused are the options of PEFT's LoraConfig that change the arithmetic and are not in this version. They must be
// missing, null, false, "none" or empty.
var refused = []string{
	"use_dora", "use_qalora", "use_bdlora", "bias", "lora_bias", "fan_in_fan_out", "modules_to_save", "exclude_modules",
	"rank_pattern", "alpha_pattern", "layers_to_transform", "layers_pattern", "layer_replication", "target_parameters",
	"trainable_token_indices", "alora_invocation_tokens", "arrow_config", "kasa_config", "velora_config", "monteclora_config",
}

// ParseConfig reads an adapter_config.json.
func ParseConfig(data []byte) (LoRA, error) {
	l, err := parseConfig(data)
	if err != nil {
		return LoRA{}, fmt.Errorf("%s: %w", ConfigFile, err)
	}
	return l, nil
}

func parseConfig(data []byte) (LoRA, error) {
	if len(data) > MaxConfigBytes {
		return LoRA{}, fmt.Errorf("%d bytes, want at most %d", len(data), MaxConfigBytes)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return LoRA{}, fmt.Errorf("%w, want one JSON object", err)
	}
	var kind string
	if json.Unmarshal(raw["peft_type"], &kind); kind != "LORA" {
		return LoRA{}, fmt.Errorf("peft_type: %q is not in this version, want LORA", kind)
	}
	for _, key := range refused {
		if v := raw[key]; !slices.Contains([]string{"", "null", "false", `"none"`, "[]", "{}"}, compact(v)) {
			return LoRA{}, fmt.Errorf("%s: %s is not in this version", key, shorten(v))
		}
	}
	var l LoRA
	for _, k := range []struct {
		key, want string
		into      any
	}{
		{"r", "a whole number", &l.Rank},
		{"lora_alpha", "a number", &l.Alpha},
		{"lora_dropout", "a number", &l.Dropout},
		{"use_rslora", "true or false", &l.RSLoRA},
	} {
		if v := raw[k.key]; v != nil {
			if err := json.Unmarshal(v, k.into); err != nil {
				return LoRA{}, fmt.Errorf("%s: %s, want %s", k.key, shorten(v), k.want)
			}
		}
	}
	var one string
	if json.Unmarshal(raw["target_modules"], &one) == nil && one == AllLinear {
		l.Targets = []string{AllLinear}
	} else if err := json.Unmarshal(raw["target_modules"], &l.Targets); err != nil {
		return LoRA{}, fmt.Errorf("target_modules: %s, want %q or a list of %s", shorten(raw["target_modules"]), AllLinear, strings.Join(Modules, ", "))
	}
	return l, l.Validate()
}

func compact(v json.RawMessage) string {
	var b bytes.Buffer
	if len(v) > 0 && json.Compact(&b, v) != nil {
		return string(v)
	}
	return b.String()
}

func shorten(v json.RawMessage) string {
	const most = 60
	if s := compact(v); len(s) <= most {
		return s
	}
	return compact(v)[:most] + "…"
}

// JSON is an adapter_config.json that PEFT loads. base names the model that the adapter belongs to.
func (l LoRA) JSON(base string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(struct {
		Type      string   `json:"peft_type"`
		Task      string   `json:"task_type"`
		Base      string   `json:"base_model_name_or_path"`
		Rank      int      `json:"r"`
		Alpha     float64  `json:"lora_alpha"`
		Dropout   float64  `json:"lora_dropout"`
		Targets   []string `json:"target_modules"`
		RSLoRA    bool     `json:"use_rslora"`
		DoRA      bool     `json:"use_dora"`
		Bias      string   `json:"bias"`
		FanInOut  bool     `json:"fan_in_fan_out"`
		Init      bool     `json:"init_lora_weights"`
		Inference bool     `json:"inference_mode"`
	}{"LORA", "CAUSAL_LM", base, l.Rank, l.Alpha, l.Dropout, l.modules(), l.RSLoRA, false, "none", false, true, true})
	if err != nil {
		panic("adapter: a configuration that Validate refuses: " + err.Error())
	}
	return b.Bytes()
}
