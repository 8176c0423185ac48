#!/usr/bin/env python3
"""Checks that a run's checkpoint is what the ecosystem reads: a full one by transformers, an adapter by PEFT.

    checkpoint.py BURNISH CHECKPOINT DATA [--rows N] [--work DIR]

For a full checkpoint: transformers loads it without a warning and gives our log-probs. For an adapter (its base must be
a Hugging Face folder): PEFT loads it on the base and gives our log-probs of base + adapter; `burnish model convert`
merges it, and transformers gives the same log-probs for the merged folder. An adapter must also change something:
its log-probs must differ from the base's.
"""

import argparse
import json
import tempfile
from pathlib import Path

import burnish
import hf


def stats(model, rows):
    return [t.tolist() for row in rows for t in hf.token_stats(model, row["prompt_ids"], row["completion_ids"])[:3]]


def worst(a, b):
    return max(abs(x - y) for xs, ys in zip(a, b, strict=True) for x, y in zip(xs, ys, strict=True))


def ours(binary, model, rows):
    got = burnish.run(binary, "model", "logprobs", str(model), lines=rows)
    return [g[k] for g in got for k in ("logprobs", "entropy", "sum_p2")]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("burnish"), p.add_argument("checkpoint", type=Path), p.add_argument("data")
    p.add_argument("--rows", type=int, default=4)
    p.add_argument("--bound", type=float, default=1e-3)
    p.add_argument("--work", help="a folder for the merged model; default a temporary one")
    a = p.parse_args()

    adapter = a.checkpoint / "adapter_config.json"
    base = json.loads(adapter.read_text())["base_model_name_or_path"] if adapter.exists() else None
    model, tokenizer = hf.load(base or a.checkpoint, a.checkpoint if base else None)
    rows = []
    for x in burnish.read_jsonl(f"{a.data}/test.jsonl", a.rows):
        text = tokenizer.apply_chat_template([{"role": "user", "content": x["question"]}], add_generation_prompt=True, tokenize=False)
        rows.append({"prompt_ids": tokenizer.encode(text, add_special_tokens=False),
                     "completion_ids": tokenizer.encode(x["answer"], add_special_tokens=False)})
    mine, theirs = ours(a.burnish, a.checkpoint, rows), stats(model, rows)
    gaps = {"burnish and " + ("PEFT" if base else "transformers"): worst(mine, theirs)}
    ok = True
    if base:
        with tempfile.TemporaryDirectory(dir=a.work) as work:
            merged = Path(work) / "merged"
            burnish.run(a.burnish, "model", "convert", str(a.checkpoint), "--out", str(merged))
            joined, _ = hf.load(merged)
            gaps["PEFT and the merged folder in transformers"] = worst(theirs, stats(joined, rows))
            gaps["burnish on adapter and on the merged folder"] = worst(mine, ours(a.burnish, merged, rows))
        with model.disable_adapter():
            changed = worst(theirs, stats(model, rows))
        print(f"the adapter changes log-prob, entropy or sum of p^2 by up to {changed:.2e}")
        ok = changed > 0
    for name, gap in gaps.items():
        print(f"largest absolute difference between {name}: {gap:.2e}")
        ok = ok and gap <= a.bound
    print(hf.versions())
    burnish.verdict(ok)


main()
