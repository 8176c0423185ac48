package weights

import (
	"fmt"
	"strconv"
	"strings"
)

const maxHeads = 1 << 16 // attention heads of a layer

// The llama architecture's names, GGUF to Hugging Face. Source: gguf-py tensor_mapping.py.
var (
	ggufTopNames = map[string]string{
		"token_embd.weight":  "model.embed_tokens.weight",
		"output_norm.weight": "model.norm.weight",
		"output.weight":      "lm_head.weight",
	}
	ggufBlockNames = map[string]string{
		"attn_norm":   "input_layernorm",
		"attn_q":      "self_attn.q_proj",
		"attn_k":      "self_attn.k_proj",
		"attn_v":      "self_attn.v_proj",
		"attn_output": "self_attn.o_proj",
		"ffn_norm":    "post_attention_layernorm",
		"ffn_gate":    "mlp.gate_proj",
		"ffn_up":      "mlp.up_proj",
		"ffn_down":    "mlp.down_proj",
	}
)

// HFName is the Hugging Face name of a llama tensor: blk.3.attn_q.weight is model.layers.3.self_attn.q_proj.weight.
// A name it doesn't know (rope_freqs.weight, …) is given back as it is, so that a loader can see what it leaves unread.
func HFName(gguf string) string {
	if name, ok := ggufTopNames[gguf]; ok {
		return name
	}
	if layer, module, param, ok := splitBlockName(gguf); ok {
		if name, ok := ggufBlockNames[module]; ok {
			return fmt.Sprintf("model.layers.%d.%s.%s", layer, name, param)
		}
	}
	return gguf
}

// splitBlockName takes blk.LAYER.MODULE.PARAM apart, where PARAM is weight or bias.
func splitBlockName(name string) (layer int, module, param string, ok bool) {
	part := strings.Split(name, ".")
	if len(part) != 4 || part[0] != "blk" || part[3] != "weight" && part[3] != "bias" {
		return 0, "", "", false
	}
	layer, err := strconv.Atoi(part[1])
	if err != nil || strconv.Itoa(layer) != part[1] || layer < 0 {
		return 0, "", "", false
	}
	return layer, part[2], part[3], true
}

// ggufNames gives entries their Hugging Face names and remembers whose rows are permuted.
type ggufNames struct{ heads, kvHeads int }

// newGGUFNames reads what it needs from the metadata.
func newGGUFNames(g *GGUF) (*ggufNames, error) {
	f := g.files[0]
	arch, ok := g.meta["general.architecture"].(string)
	if !ok {
		return nil, f.errorf("metadata %q is missing or no string", "general.architecture")
	}
	if arch != "llama" {
		return nil, f.errorf("GGUF architecture %q is not in this version, want %q", arch, "llama")
	}
	heads, err := g.MetaInt("llama.attention.head_count")
	if err != nil {
		return nil, err
	}
	kv := heads
	if _, ok := g.meta["llama.attention.head_count_kv"]; ok {
		if kv, err = g.MetaInt("llama.attention.head_count_kv"); err != nil {
			return nil, err
		}
	}
	if min(heads, kv) < 1 || max(heads, kv) > maxHeads {
		return nil, f.errorf("%d attention heads and %d key-value heads, want 1 to %d", heads, kv, maxHeads)
	}
	return &ggufNames{heads, kv}, nil
}

// adopt renames e and marks q and k, weights and biases.
func (n *ggufNames) adopt(e *entry) error {
	_, module, _, ok := splitBlockName(e.name)
	e.name = HFName(e.name)
	if !ok {
		return nil
	}
	switch module {
	case "attn_q":
		e.heads = n.heads
	case "attn_k":
		e.heads = n.kvHeads
	default:
		return nil
	}
	if e.shape[0]%(2*e.heads) != 0 {
		return fmt.Errorf("%d rows for %d heads, want an even number a head", e.shape[0], e.heads)
	}
	return nil
}

// unpermuteRows undoes llama.cpp's row order of q and k. It interleaves the two halves of each head, because its
// rotary embedding turns neighbours; Hugging Face's turns rows half a head apart:
//
//	GGUF (head, dim/2, 2) -> Hugging Face (head, 2, dim/2)
func unpermuteRows(data []float32, heads, rows int) {
	if len(data) == 0 {
		return
	}
	width, dim := len(data)/rows, rows/heads
	scratch := make([]float32, dim*width)
	for ; len(data) > 0; data = data[dim*width:] {
		head := data[:dim*width]
		copy(scratch, head)
		for i := range dim / 2 {
			for j := range 2 {
				to, from := j*(dim/2)+i, 2*i+j
				copy(head[to*width:(to+1)*width], scratch[from*width:])
			}
		}
	}
}
