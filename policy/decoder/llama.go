package decoder

// llama is the common decoder itself; it differs in nothing. SmolLM2 and TinyLlama are of this family.
//
// Source: Touvron et al. 2023, arXiv:2302.13971; transformers, models/llama/modeling_llama.py.
var llama = family{
	modelType:    "llama",
	architecture: "LlamaForCausalLM",
	gguf:         "llama",
}
