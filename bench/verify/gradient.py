#!/usr/bin/env python3
"""Compares the gradient of one SFT step on the real model with torch autograd, tensor by tensor.

    gradient.py BURNISH FOLDER DATA [--index I] [--work DIR]

One step of plain SGD on one GSM8K-JSON task, without clipping: (weights before - weights after) / rate is the gradient,
but for the rounding of the new weights. The rate is a power of two, which changes no digit, and large, which keeps the
gradient well above that rounding. torch takes the mean negative log-likelihood of the demonstration's tokens, end token
included, with eager attention, in float32 and in float64.

A trained model of 30 layers with a few very large activations magnifies float32's rounding, so float32 results of two
programs differ. The check asks that burnish is no further from float64 than torch's own float32 is, times --factor, both
in the worst tensor and in the median. It is about twice as far: burnish sums in one fixed order, which is what makes its
bits independent of batch and threads, and torch in blocks, which rounds less.
Relative error of a tensor: max|g - g*| / max|g*|.
"""

import argparse
import json
import tempfile
from pathlib import Path

import burnish
import hf
import torch
from safetensors.torch import load_file


def step(a, task_file, out):
    """Trains one step with burnish on the one task and returns (weights after, metrics)."""
    recipe = out.parent / "one-step.yaml"
    recipe.write_text(f"""model: {{from: {json.dumps(str(Path(a.folder).resolve()))}, adapter: {{kind: none}}}}
env: {{kind: gsm8k-json, path: {json.dumps(str(task_file))}}}
rollout: {{max_tokens: 16}}
algo: {{kind: sft}}
optim: {{kind: sgd, lr: {a.rate}, clip: 0, schedule: {{kind: constant}}}}
train: {{steps: 1, batch_size: 1, eval_limit: 0}}
""")
    burnish.run(a.burnish, "train", str(recipe), "--out", str(out))
    metrics = burnish.read_jsonl(out / "metrics.jsonl")[0]
    return load_file(out / "checkpoints" / "step-1" / "model.safetensors"), metrics


def autograd(model, prompt, target):
    """Mean negative log-likelihood of target and its gradient by tensor, in the model's own precision."""
    model.zero_grad()
    logits = model(torch.tensor([prompt + target])).logits[0, len(prompt) - 1:-1]
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(target))
    loss.backward()
    return loss.item(), {n: q.grad.double().clone() for n, q in model.named_parameters()}


def errors(got, want):
    """Relative error of each tensor, max|g - g*| / max|g*|."""
    return {n: ((got[n] - w).abs().max() / w.abs().max()).item() for n, w in want.items()}


def median(e):
    return sorted(e.values())[len(e) // 2]


def show(what, e):
    worst = sorted(e.items(), key=lambda x: -x[1])[:3]
    print(f"{what}: median {median(e):.1e}, largest " + ", ".join(f"{v:.1e} {n}" for n, v in worst))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("burnish"), p.add_argument("folder"), p.add_argument("data")
    p.add_argument("--index", type=int, default=0)
    p.add_argument("--rate", type=float, default=64)
    p.add_argument("--factor", type=float, default=3)
    p.add_argument("--work", help="a folder for the run; default a temporary one")
    a = p.parse_args()

    task = burnish.run(a.burnish, "env", "show", "gsm8k-json", "--set", f"path={a.data}", "--index", str(a.index))[0]
    model, tokenizer = hf.load(a.folder)
    # torch leaves the pad token's row out of an embedding's gradient; in this model that is also the token that ends a turn.
    model.get_input_embeddings().padding_idx = None
    before = {n: t.detach().clone() for n, t in model.named_parameters()}
    with tempfile.TemporaryDirectory(dir=a.work) as work:
        row = Path(work) / "one.jsonl"
        line = burnish.read_jsonl(f"{a.data}/train.jsonl", a.index + 1)[a.index]
        row.write_text(json.dumps(line) + "\n")
        after, metrics = step(a, row, Path(work) / "run")

    prompt = tokenizer.apply_chat_template(task["messages"], add_generation_prompt=True, tokenize=False)
    prompt = tokenizer.encode(prompt, add_special_tokens=False)
    target = tokenizer.encode(task["demonstration"], add_special_tokens=False) + [tokenizer.eos_token_id]
    loss, want = autograd(model, prompt, target)
    loss64, exact = autograd(model.double(), prompt, target)
    norm = torch.sqrt(sum((g ** 2).sum() for g in want.values())).item()
    norm64 = torch.sqrt(sum((g ** 2).sum() for g in exact.values())).item()
    got = {n: (before[n].double() - after[n].double()) / a.rate for n in want}

    print(f"{len(target)} trained tokens after a prompt of {len(prompt)}; {len(want)} tensors")
    print(f"loss           burnish {metrics['loss']:.8f}  torch float32 {loss:.8f}  torch float64 {loss64:.8f}")
    print(f"gradient norm  burnish {metrics['grad_norm']:.7f}  torch float32 {norm:.7f}  torch float64 {norm64:.7f}")
    ours, theirs = errors(got, exact), errors(want, exact)
    show("burnish against torch float32", errors(got, want))
    show("burnish against torch float64", ours)
    show("torch float32 against float64", theirs)
    print(hf.versions())
    ok = max(ours.values()) <= a.factor * max(theirs.values()) and median(ours) <= a.factor * median(theirs)
    burnish.verdict(ok)


main()
