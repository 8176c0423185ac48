"""Writes kept.json beside it: which tokens transformers' warpers keep. usage: make_golden.py [FOLDER]
needs: torch, transformers 5. Neither is needed to run the tests.

Order as in generate(): temperature, top-k, top-p, min-p. In "ties" cases logits repeat: transformers keeps every token
tied with the k-th, and its sort gives tied tokens any order.
"""
import json, os, sys
import torch
from transformers import (LogitsProcessorList, MinPLogitsWarper, TemperatureLogitsWarper, TopKLogitsWarper,
                          TopPLogitsWarper)

out = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(3)
cases = []


def case(logits, temperature, k, p, m, ties=False):
    warpers = LogitsProcessorList([TemperatureLogitsWarper(temperature)])
    if k:
        warpers.append(TopKLogitsWarper(k))
    if p:
        warpers.append(TopPLogitsWarper(p))
    if m:
        warpers.append(MinPLogitsWarper(m))
    kept = torch.isfinite(warpers(None, logits[None].clone())[0]).nonzero()[:, 0].tolist()
    cases.append(dict(logits=logits.tolist(), temperature=temperature, top_k=k, top_p=p, min_p=m, ties=ties, kept=kept))


for temperature in (0.5, 1.0, 1.7):
    for k, p, m in [(5, 0, 0), (1, 0, 0), (500, 0, 0), (0, 0.9, 0), (0, 0.3, 0), (0, 0.999, 0), (0, 0.01, 0), (0, 0, 0.05),
                    (0, 0, 0.5), (7, 0.8, 0), (20, 0.95, 0.1), (0, 0.7, 0.2), (9, 0, 0.3)]:
        case(3 * torch.randn(40), temperature, k, p, m)
flat, steep = 0.01 * torch.randn(40), 12 * torch.randn(40)
for k, p, m in [(0, 0.5, 0), (0, 0.99, 0), (6, 0.5, 0.9), (0, 0, 0.99)]:
    case(flat, 1.0, k, p, m)
    case(steep, 1.0, k, p, m)
for k, p, m in [(3, 0, 0), (8, 0, 0), (0, 0.55, 0), (0, 0.8, 0), (0, 0, 0.4)]:
    case(torch.randint(0, 4, (24,)).float(), 1.0, k, p, m, ties=True)
with open(os.path.join(out, 'kept.json'), 'w') as f:
    json.dump(cases, f)
    f.write('\n')
