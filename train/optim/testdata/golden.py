#!/usr/bin/env python3
"""Golden values: five steps of torch.optim.AdamW and torch.optim.SGD in float64.  usage: golden.py > golden.json

Two tensors, "w" with weight decay and "norm" without, fed fixed gradients that do not depend on them; the gradient is
clipped to a global norm of 1 in steps whose norm is larger. Rates change every step. params are given after each step.
"""
import json

import torch

W = [0.5, -1.25, 2.0, -0.03125]
NORM = [1.0, 0.75]
GRADS = [  # w, then norm
    [[0.25, -0.5, 1.0, 0.0], [0.125, -0.25]],
    [[4.0, 3.0, -2.0, 1.0], [-1.0, 0.5]],
    [[-0.25, 0.75, 0.5, 0.0], [0.0, 0.0625]],
    [[1e-3, -2e-3, 0.0, 5e-4], [1e-3, -1e-3]],
    [[2.0, -2.0, 0.125, 0.5], [0.25, 1.5]],
]
RATES = [0.0, 0.0625, 0.125, 0.03125, 0.015625]
CLIP = 1.0


def run(make):
    torch.set_default_dtype(torch.float64)
    w, norm = torch.nn.Parameter(torch.tensor(W)), torch.nn.Parameter(torch.tensor(NORM))
    opt = make(w, norm)
    steps = []
    for grads, rate in zip(GRADS, RATES):
        w.grad, norm.grad = torch.tensor(grads[0]), torch.tensor(grads[1])
        total = torch.nn.utils.clip_grad_norm_([w, norm], CLIP)
        for group in opt.param_groups:
            group["lr"] = rate
        opt.step()
        steps.append({"norm": total.item(), "w": w.tolist(), "norm_weight": norm.tolist()})
    return steps


def groups(w, norm, decay):
    return [{"params": [w], "weight_decay": decay}, {"params": [norm], "weight_decay": 0.0}]


def main():
    out = {
        "w": W, "norm_weight": NORM, "grads": GRADS, "rates": RATES, "clip": CLIP, "torch": torch.__version__,
        "adamw": run(lambda w, n: torch.optim.AdamW(groups(w, n, 0.125), lr=1.0)),
        "adamw_no_decay": run(lambda w, n: torch.optim.AdamW(groups(w, n, 0.0), lr=1.0, betas=(0.8, 0.95), eps=1e-6)),
        "sgd": run(lambda w, n: torch.optim.SGD(groups(w, n, 0.0), lr=1.0)),
        "sgd_momentum": run(lambda w, n: torch.optim.SGD(groups(w, n, 0.125), lr=1.0, momentum=0.75)),
    }
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
