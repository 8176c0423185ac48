"""Prints sha256, Hugging Face name and shape of every tensor of a llama GGUF, as gguf-py's dequantize gives it (float32,
little-endian, q and k rows in Hugging Face order). usage: hash_gguf.py MODEL.gguf > smollm2.sha256"""
import hashlib, sys
import numpy as np
from gguf import GGUFReader, dequantize

r = GGUFReader(sys.argv[1])
heads = {k: r.fields['llama.attention.head_count' + s].contents() for k, s in (('attn_q', ''), ('attn_k', '_kv'))}
block = {'attn_norm': 'input_layernorm', 'ffn_norm': 'post_attention_layernorm', 'attn_q': 'self_attn.q_proj',
         'attn_k': 'self_attn.k_proj', 'attn_v': 'self_attn.v_proj', 'attn_output': 'self_attn.o_proj',
         'ffn_gate': 'mlp.gate_proj', 'ffn_up': 'mlp.up_proj', 'ffn_down': 'mlp.down_proj'}
top = {'token_embd.weight': 'model.embed_tokens.weight', 'output_norm.weight': 'model.norm.weight', 'output.weight': 'lm_head.weight'}
for t in r.tensors:
    w = dequantize(t.data, t.tensor_type).astype('<f4')
    name = top.get(t.name)
    if name is None:
        _, layer, module, param = t.name.split('.')
        name = f'model.layers.{layer}.{block[module]}.{param}'
        if n := heads.get(module):  # llama.cpp: (head, dim/2, 2); Hugging Face: (head, 2, dim/2)
            w = w.reshape(n, w.shape[0] // n // 2, 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)
    print(hashlib.sha256(np.ascontiguousarray(w).tobytes()).hexdigest(), name, 'x'.join(map(str, w.shape)))
