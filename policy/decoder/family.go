package decoder

// A family is a name that model files use and how it differs from the common decoder: RMSNorm before attention and
// before a SwiGLU feed-forward, rotary positions in halves, grouped key-value heads, no biases.
type family struct {
	modelType    string // config.json: model_type
	architecture string // config.json: architectures
	gguf         string // GGUF: general.architecture, and the prefix of its keys
}

// families lists what can be loaded, in the order of the documentation.
var families = []family{llama}

func familyByType(modelType string) (family, bool) {
	for _, f := range families {
		if f.modelType == modelType {
			return f, true
		}
	}
	return family{}, false
}
