#!/usr/bin/env python3
"""Runs every comparison with the peers, one after the other, and writes what they print.

    all.py --burnish BURNISH --model FOLDER --llama-bin FOLDER --gguf MODEL.gguf --work FOLDER [--jemalloc LIB] [--only gemm,train]

--model is SmolLM2-135M as a Hugging Face folder in float32 (`burnish model convert`), --gguf the file it came from, --work a
folder for what has to be made on the way (two GGUF files of 540 and 270 MB, a small model). Results go to --out: a list of
rows with every sample in performance.json, and the table into performance.md between its markers. Rows of scripts that are
not run again stay as they were. Nothing else should run on the machine: about two hours with five repeats.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time

import ratio

HERE = os.path.dirname(os.path.abspath(__file__))
BEGIN, END = "<!-- bars: written by bench/all.py -->", "<!-- end of bars -->"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--burnish", required=True)
    p.add_argument("--model", required=True)
    p.add_argument("--llama-bin", required=True)
    p.add_argument("--gguf", required=True)
    p.add_argument("--work", required=True)
    p.add_argument("--jemalloc")
    p.add_argument("--repeats", type=int, default=5)
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--precisions", default="f32,bf16")
    p.add_argument("--only", help="some of the scripts, such as gemm,train")
    p.add_argument("--out", default=os.path.join(HERE, "..", "docs"))
    a = p.parse_args()
    os.makedirs(a.work, exist_ok=True)
    scripts = commands(a)
    only = a.only.split(",") if a.only else list(scripts)
    unknown = set(only) - set(scripts)
    if unknown:
        raise SystemExit(f"--only {','.join(sorted(unknown))}: want some of {','.join(scripts)}")
    path = os.path.join(a.out, "performance.json")
    results = {"runs": {}}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            results = json.load(f)
    machine = ratio.read_lines([a.burnish, "doctor", "--json", "--threads", str(a.threads)])
    results["machine"] = {k: v for line in machine[:1] + [x for x in machine if x.get("kind") == "limits"] for k, v in line.items() if k != "kind"}
    for name in only:
        print(f"{name} …", file=sys.stderr, flush=True)
        begin = time.time()
        rows = []
        for script, *args in scripts[name]:
            rows += ratio.read_lines([sys.executable, os.path.join(HERE, script), "--burnish", a.burnish, "--repeats", str(a.repeats),
                                      "--threads", str(a.threads), "--json", *args])
        results["runs"][name] = {"date": time.strftime("%Y-%m-%d", time.gmtime(begin)), "minutes": round((time.time() - begin) / 60, 1),
                                 "revision": ratio.burnish(a, "version")[0].get("revision", ""), "python": platform.python_version(), "rows": rows}
        with open(path, "w", encoding="utf-8") as f:  # after each: an hour's work is not lost
            json.dump(results, f, indent=1)
            f.write("\n")
        write_table(os.path.join(a.out, "performance.md"), results, list(scripts))


def commands(a):
    """The scripts' names, files and arguments, in the order of the table."""
    small = os.path.join(a.work, "small")
    if not os.path.exists(small):
        subprocess.run([sys.executable, os.path.join(HERE, "small_model.py"), "--burnish", a.burnish, "--out", small], check=True, stdout=subprocess.DEVNULL)
    jemalloc = ["--jemalloc", a.jemalloc] if a.jemalloc else []
    bars, memory = {"f32": "4", "bf16": "4.5"}, {"f32": "6.5GB", "bf16": "3.45GB"}  # so that time and memory are of one run
    precisions = a.precisions.split(",")
    return {
        "gemm": [["gemm.py", "--detail", os.path.join(a.work, "gemm.jsonl")]],
        "train": [["train.py", "--model", a.model, "--precisions", a.precisions, *jemalloc]],
        "llama": [["llama.py", "--bin", a.llama_bin, "--from", a.gguf, "--f32", os.path.join(a.work, "f32.gguf"), "--f16", os.path.join(a.work, "f16.gguf"),
                   "--precisions", a.precisions]],
        "grpo": [["grpo.py", "--model", a.model, "--runs", a.precisions, "--bars", ",".join(bars[x] for x in precisions),
                  "--memory", ",".join(memory[x] for x in precisions)]],
        "small": [["grpo.py", "--model", small, "--name", "3 M parameters", "--runs", "f32", "--bars", "5"]],
        "start": [["start.py", "--model", a.model]],
    }


def write_table(path, results, order):
    """Puts the table between the markers; what stands around it stays."""
    with open(path, encoding="utf-8") as f:
        text = f.read()
    before, found, rest = text.partition(BEGIN)
    _, also, after = rest.partition(END)
    if not found or not also:
        raise SystemExit(f"{path}: found no {BEGIN!r} and {END!r}, want both")
    m, runs = results["machine"], results["runs"]
    lines = ["", f"{m['cpu']}, {m['threads']} threads: {m['f32_gflops']:.0f} GFLOP/s in f32"
             + (f", {m['bf16_gflops']:.0f} in bf16" if m.get("bf16_gflops") else "") + f", {m['read_gbs']:.1f} GB/s.", "", *ratio.HEAD.split("\n")]
    lines += [ratio.table_row(r) for name in order if name in runs for r in runs[name]["rows"]]
    dates = ", ".join(f"{name} {runs[name]['date']} ({runs[name]['revision'][:9] or 'no revision'})" for name in order if name in runs)
    lines += ["", f"Measured: {dates}.", ""]
    with open(path, "w", encoding="utf-8") as f:
        f.write(before + BEGIN + "\n".join(lines) + END + after)


main()
