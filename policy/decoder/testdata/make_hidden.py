"""Writes hidden.safetensors, the golden hidden states: python make_hidden.py FOLDER

Needs torch, transformers and safetensors. FOLDER holds tied.safetensors and untied.safetensors as make_golden.py wrote
them: their weights and sequences are taken. final_norm_out is the last of transformers' output_hidden_states;
last_block_out is what its final norm is given, and last_mlp_in what the last block's gate_proj is given, both seen by
hooks. hidden_states[-2] must be the last block's input, or the script stops.
"""
import json
import sys

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM


def states(path):
    with safe_open(path, "pt") as f:
        config = json.loads(f.metadata()["config"])
        tensors = {k: f.get_tensor(k) for k in f.keys()}
    cfg = LlamaConfig(**config)
    cfg._attn_implementation = "eager"
    m = LlamaForCausalLM(cfg).float().eval()
    weights = {k.removeprefix("weight."): v for k, v in tensors.items() if k.startswith("weight.")}
    missing, unexpected = m.load_state_dict(weights, strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
    seen = {}

    def keep(name):
        return lambda module, args: seen.__setitem__(name, args[0][0].detach().clone())

    last = m.model.layers[-1]
    m.model.norm.register_forward_pre_hook(keep("last_block_out"))
    last.mlp.gate_proj.register_forward_pre_hook(keep("last_mlp_in"))
    last.input_layernorm.register_forward_pre_hook(keep("last_block_in"))
    out = {"final_norm_out": [], "last_block_out": [], "last_mlp_in": []}
    at = 0
    for n in tensors["lengths"].tolist():
        with torch.no_grad():
            hidden = m(tensors["ids"][None, at : at + n].long(), output_hidden_states=True).hidden_states
        assert torch.equal(hidden[-2][0], seen["last_block_in"])
        out["final_norm_out"].append(hidden[-1][0])
        for name in ("last_block_out", "last_mlp_in"):
            out[name].append(seen[name])
        at += n
    return {k: torch.cat(v).contiguous() for k, v in out.items()}, config


def main(folder):
    torch.set_num_threads(1)
    tensors = {}
    for name in ("tied", "untied"):
        found, config = states(f"{folder}/{name}.safetensors")
        tensors |= {f"{name}.{k}": v for k, v in found.items()}
    save_file(tensors, f"{folder}/hidden.safetensors", metadata={"config": json.dumps(config)})


main(sys.argv[1])
