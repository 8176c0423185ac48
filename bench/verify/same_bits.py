#!/usr/bin/env python3
"""Shows from outside that a run's log-probs are the checkpoint's, bit for bit.

    same_bits.py BURNISH RUN [--base MODEL] [--threads N] [--seed S]

The completions of step N+1 were sampled from the weights that checkpoint step-N holds (of step 1: from MODEL, if given).
For each such pair in the run folder, this scores the completions in new processes: rows in shuffled order, one by one
(--batch 1) and in batches, with another number of threads, and compares every float32 of `logprobs`. As a check of the
check, the same rows are scored with the wrong checkpoint too, where there is one; there bits must differ.
"""

import argparse
import random
import struct
from pathlib import Path

import burnish


def bits(values):
    return [struct.unpack("<I", struct.pack("<f", v))[0] for v in values]


def compare(binary, model, rows, temperature, batch, threads, seed):
    """Shuffles rows, scores them with model, and counts the floats that differ in any bit."""
    rows = list(rows)
    random.Random(seed).shuffle(rows)
    lines = [{"prompt_ids": r["prompt_ids"], "completion_ids": r["completion_ids"]} for r in rows]
    got = burnish.run(binary, "model", "logprobs", model, "--temperature", str(temperature),
                      "--batch", str(batch), "--threads", str(threads), lines=lines)
    return sum(a != b for r, g in zip(rows, got, strict=True)
               for a, b in zip(bits(r["logprobs"]), bits(g["logprobs"]), strict=True))


def temperature_of(run):
    """The rollout's temperature, from the effective recipe."""
    section = None
    for line in (run / "recipe.yaml").read_text().splitlines():
        if line and not line.startswith(" "):
            section = line.split(":")[0]
        elif section == "rollout" and line.strip().startswith("temperature:"):
            return float(line.split(":")[1])
    return 1.0


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("burnish"), p.add_argument("run", type=Path)
    p.add_argument("--base", help="the model that the run started from")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()

    steps = {}
    for row in burnish.read_jsonl(a.run / "completions.jsonl"):
        steps.setdefault(row["step"], []).append(row)
    models = {int(d.name.removeprefix("step-")): d for d in (a.run / "checkpoints").glob("step-*")}
    if a.base:
        models[0] = a.base
    pairs = [(n, n - 1) for n in sorted(steps) if n - 1 in models]
    if not pairs:
        raise SystemExit(f"{a.run}: no step whose weights are kept; train with train.checkpoint_every=1")
    temperature = temperature_of(a.run)
    ok = True
    for step, at in pairs:
        rows = steps[step]
        n = sum(len(r["logprobs"]) for r in rows)
        for batch, threads in ((1, a.threads), (len(rows), 0)):
            wrong = compare(a.burnish, models[at], rows, temperature, batch, threads, a.seed)
            print(f"completions of step {step}, weights of step {at}, --batch {batch} --threads {threads}: "
                  f"{n} floats, {wrong} differ")
            ok = ok and wrong == 0
        other = next((m for m in sorted(models) if m != at), None)
        if other is not None:
            wrong = compare(a.burnish, models[other], rows, temperature, len(rows), 0, a.seed)
            print(f"  and with the weights of step {other}, which must not fit: {wrong} differ")
            ok = ok and wrong > 0
    burnish.verdict(ok)


main()
