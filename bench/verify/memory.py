#!/usr/bin/env python3
"""Compares the memory that `burnish train` plans with the peak that the run then has, at one or more limits (Linux).

    memory.py BURNISH RECIPE [--set k=v]... [--memory auto 3GB 4GB ...] --out DIR

Each limit's run gets a folder in DIR. Use two steps: in the second one everything that is kept between steps is there.
The peak is the resident set's high-water mark that the kernel reports for the child process. It must be within 10% of the
plan and never above the limit. A plan is made for the worst batch: take tasks of one length (--set env.limit=4 for a step
of 4) and answers that use all their tokens, or say --within 0.3.
"""

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

import burnish


def size(text):
    """Bytes of a size such as 3GB."""
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20), ("GB", 1e9), ("MB", 1e6)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    raise SystemExit(f"{text}: not a size")


def measure(a, memory):
    """Plans and runs at one limit. Says whether the peak kept to both."""
    args = [a.recipe] + [x for s in a.set for x in ("--set", s)] + ["--set", f"train.memory={memory}"]
    plan = burnish.run(a.burnish, "train", *args, "--dry-run")[0]
    out = Path(a.out) / memory
    with tempfile.TemporaryFile("w+") as lines:
        child = subprocess.Popen([a.burnish, "train", *args, "--out", out, "--json"], stdout=lines)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"train: exit {child.returncode}")
    peak = usage.ru_maxrss * 1024
    ratio = plan["memory_peak"] / peak
    parts = ", ".join(f"{k.removeprefix('memory_')} {v / 1e6:.0f}" for k, v in plan.items() if k.startswith("memory_"))
    print(f"memory {memory}: micro-batches of {plan['micro_batch_tokens']} tokens, {plan['kept_layers']} layers kept, {plan['recorded_layers']} recorded, {plan['max_running']} completions at a time")
    print(f"  planned (MB): {parts}")
    print(f"  measured peak {peak / 1e6:.0f} MB; planned/measured {ratio:.2f}; user {usage.ru_utime:.0f} s, system {usage.ru_stime:.0f} s")
    for line in burnish.read_jsonl(out / "metrics.jsonl"):
        seconds = {k.removeprefix("seconds/"): round(v, 1) for k, v in line.items() if k.startswith("seconds/")}
        shown = {k: line.get(k) for k in ("tokens_computed", "loss", "logp_gap")}
        print(f"  step {line['step']}: {json.dumps(shown)}, peak {line.get('memory_peak', 0) / 1e6:.0f} MB, seconds {seconds}")
    return abs(ratio - 1) <= a.within and (memory == "auto" or peak <= size(memory))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("burnish"), p.add_argument("recipe")
    p.add_argument("--set", action="append", default=[])
    p.add_argument("--memory", nargs="+", default=["auto"])
    p.add_argument("--out", required=True)
    p.add_argument("--within", type=float, default=0.10)
    a = p.parse_args()
    burnish.verdict(all([measure(a, memory) for memory in a.memory]))


main()
