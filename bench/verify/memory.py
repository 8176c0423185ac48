#!/usr/bin/env python3
"""Compares the memory that `burnish train --dry-run` plans with the peak that the run then has (Linux).

    memory.py BURNISH RECIPE [--set k=v]... --out DIR

The dry run must have finished within the run's first step for the numbers to mean anything, so use one or two steps.
The peak is the resident set's high-water mark that the kernel reports for the child process.
"""

import argparse
import os
import subprocess
import tempfile

import burnish


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("burnish"), p.add_argument("recipe")
    p.add_argument("--set", action="append", default=[])
    p.add_argument("--out", required=True)
    p.add_argument("--within", type=float, default=0.25)
    a = p.parse_args()

    args = [a.recipe] + [x for s in a.set for x in ("--set", s)]
    plan = burnish.run(a.burnish, "train", *args, "--dry-run")[0]
    with tempfile.TemporaryFile("w+") as out:
        child = subprocess.Popen([a.burnish, "train", *args, "--out", a.out, "--json"], stdout=out)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"train: exit {child.returncode}")
    peak = usage.ru_maxrss * 1024
    ratio = plan["memory_peak"] / peak
    parts = ", ".join(f"{k.removeprefix('memory_')} {v / 1e6:.0f}" for k, v in plan.items() if k.startswith("memory_"))
    print(f"planned (MB): {parts}")
    print(f"measured peak {peak / 1e6:.0f} MB; planned/measured {ratio:.2f}; user {usage.ru_utime:.0f} s, system {usage.ru_stime:.0f} s")
    for line in burnish.read_jsonl(os.path.join(a.out, "metrics.jsonl")):
        seconds = {k.removeprefix("seconds/"): round(v, 1) for k, v in line.items() if k.startswith("seconds/")}
        print(f"step {line['step']}: tokens computed {line.get('tokens_computed')}, seconds {seconds}")
    burnish.verdict(abs(ratio - 1) <= a.within)


main()
