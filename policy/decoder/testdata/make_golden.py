"""Writes the golden files of the parity test: python make_golden.py OUT

Needs torch, transformers and safetensors. Small random Llama models in float32; weights at std 0.12, norms drawn at
random (transformers would leave them at 1, where a dropped norm weight can't be seen). For packed sequences it records
logits and the gradient of every tensor of sum_i a_i*logp_i + b_i*entropy_i. long.safetensors is one row of 2,048
tokens on the model of tied.safetensors, of which a few rows and tensors are kept.
"""
import json
import sys

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM


def model(seed, **kw):
    torch.manual_seed(seed)
    cfg = LlamaConfig(head_dim=16, max_position_embeddings=4096, bos_token_id=1, eos_token_id=[2, 3], **kw)
    cfg._attn_implementation = "eager"
    m = LlamaForCausalLM(cfg).float()
    with torch.no_grad():
        for name, p in m.named_parameters():
            p.normal_(1.0, 0.3) if "norm" in name else p.normal_(0.0, 0.12)
    return m


def run(m, lengths, temperature, seed):
    """One sequence after the other, gradients of the sum over all."""
    g = torch.Generator().manual_seed(seed)
    vocab = m.config.vocab_size
    out = {k: [] for k in ("ids", "target", "a", "b", "logits", "logp", "entropy")}
    m.zero_grad()
    for n in lengths:
        ids = torch.randint(0, vocab, (n + 1,), generator=g)
        a, b = torch.randn(n, generator=g), torch.randn(n, generator=g)
        logits = m(ids[None, :-1]).logits[0]
        logp = torch.log_softmax(logits / temperature, -1)
        entropy = -(logp.exp() * logp).sum(-1)
        taken = logp.gather(1, ids[1:, None])[:, 0]
        (a * taken + b * entropy).sum().backward()
        for k, v in zip(out, (ids[:-1].int(), ids[1:].int(), a, b, logits, taken, entropy)):
            out[k].append(v.detach())
    out = {k: torch.cat(v).contiguous() for k, v in out.items()}
    out["lengths"] = torch.tensor(lengths, dtype=torch.int32)
    out["temperature"] = torch.tensor([temperature])
    return out


def weights_and_grads(m):
    out = {}
    for name, p in m.named_parameters():
        out["weight." + name] = p.detach().clone()
        out["grad." + name] = p.grad.clone()
    return out


def save(folder, name, m, tensors):
    save_file(tensors, f"{folder}/{name}.safetensors", metadata={"config": json.dumps(m.config.to_dict(), default=str)})


def main(folder):
    torch.set_num_threads(1)
    tied = model(1, vocab_size=101, hidden_size=48, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
                 num_key_value_heads=2, rms_norm_eps=1e-5, rope_theta=10000.0, tie_word_embeddings=True)
    save(folder, "tied", tied, run(tied, [37, 5, 64], 1.0, 11) | weights_and_grads(tied))

    untied = model(2, vocab_size=97, hidden_size=60, intermediate_size=88, num_hidden_layers=3, num_attention_heads=6,
                   num_key_value_heads=2, rms_norm_eps=1e-6, rope_theta=100000.0, tie_word_embeddings=False)
    save(folder, "untied", untied, run(untied, [1, 50, 33], 0.7, 12) | weights_and_grads(untied))

    long = run(tied, [2048], 1.0, 13)
    rows = torch.tensor([0, 1, 511, 1024, 1600, 2000, 2046, 2047])
    long["rows"], long["logits"] = rows.int(), long["logits"][rows].contiguous()
    for name, p in tied.named_parameters():
        if "layers.0.self_attn" in name or "norm" in name or "embed" in name:
            long["grad." + name] = p.grad.clone()
    save(folder, "long", tied, long)


main(sys.argv[1])
