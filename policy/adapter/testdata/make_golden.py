"""Writes an adapter as PEFT saves it, and what the model gives with it:

    python make_golden.py ../../decoder/testdata/tied.safetensors OUT

Needs torch, transformers, peft, safetensors. A and B are drawn at random (B would be 0 and hide every mistake).
golden.safetensors has logits with the adapter and the gradients of A and B of sum_i a_i*logp_i + b_i*entropy_i.
"""
import json
import sys

import torch
from peft import LoraConfig, get_peft_model
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM


def main(base, folder):
    torch.set_num_threads(1)
    torch.manual_seed(3)
    with safe_open(base, "pt") as f:
        cfg = LlamaConfig(**json.loads(f.metadata()["config"]))
        weights = {k.removeprefix("weight."): f.get_tensor(k) for k in f.keys() if k.startswith("weight.")}
    cfg._attn_implementation = "eager"
    m = LlamaForCausalLM(cfg).float()
    m.load_state_dict(weights, strict=False)
    m.tie_weights()
    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    m = get_peft_model(m, LoraConfig(task_type="CAUSAL_LM", r=3, lora_alpha=8, target_modules=targets))
    with torch.no_grad():
        for name, p in m.named_parameters():
            if "lora_" in name:
                p.normal_(0.0, 0.12)
    ids = torch.randint(0, cfg.vocab_size, (41,))
    a, b = torch.randn(40), torch.randn(40)
    logits = m(ids[None, :-1]).logits[0]
    logp = torch.log_softmax(logits, -1)
    entropy = -(logp.exp() * logp).sum(-1)
    (a * logp.gather(1, ids[1:, None])[:, 0] + b * entropy).sum().backward()
    out = {"ids": ids.float(), "a": a, "b": b, "logits": logits.detach()}
    for name, p in m.named_parameters():
        if p.grad is not None:
            out["grad." + name.replace(".default", "")] = p.grad.clone()
    save_file(out, f"{folder}/golden.safetensors")
    m.save_pretrained(folder)


main(*sys.argv[1:])
