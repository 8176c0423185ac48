#!/usr/bin/env python3
"""Prompt processing and decoding: burnish against llama.cpp's own benchmarks, at equal precision.

    llama.py --burnish BURNISH --bin FOLDER --f32 MODEL-F32.gguf --f16 MODEL-F16.gguf [--from MODEL.gguf]

FOLDER has llama-bench, llama-batched-bench and llama-quantize. With --from the two files are made of another one where
they are missing. burnish reads the F32 file and computes in f32, or in bf16 against llama.cpp's f16. llama-batched-bench
decodes 32 sequences with prompts of their own, burnish 4 prompts with 8 samples each: the work of a rollout.
"""

import json
import os
import subprocess

import ratio

# (burnish, llama.cpp): prompt, one sequence, 32 sequences
BARS = {("f32", "f32"): (1.4, 1.0, 1.3), ("bf16", "f16"): (1.4, 1.0, None)}


def main():
    p = ratio.arguments(__doc__)
    p.add_argument("--bin", required=True)
    p.add_argument("--f32", required=True)
    p.add_argument("--f16", required=True)
    p.add_argument("--from", dest="source")
    p.add_argument("--prompt", type=int, default=512)
    p.add_argument("--tokens", type=int, default=128)
    p.add_argument("--precisions", default="f32,bf16")
    a = p.parse_args()
    for path, kind in ((a.f32, "F32"), (a.f16, "F16")):
        if not os.path.exists(path):
            if not a.source:
                raise SystemExit(f"{path}: not there; give --from to make it")
            subprocess.run([f"{a.bin}/llama-quantize", "--allow-requantize", "--pure", a.source, path, kind], check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    rows = []
    for precision in a.precisions.split(","):
        theirs = "f32" if precision == "f32" else "f16"
        rows += compare(a, precision, theirs, a.f32 if theirs == "f32" else a.f16, BARS[precision, theirs])
    ratio.report(a, rows)


def compare(a, precision, theirs, gguf, bars):
    """The three works of one pair of precisions."""
    def ours(batch, samples, prompt, tokens, key):
        r = ratio.burnish(a, "bench", "decode", "--model", a.f32, "--precision", precision, "--batch", batch, "--samples", samples,
                          "--prompt", prompt, "--tokens", tokens, "--repeats", 1)[0]
        return r[key], r["peak_rss"], r.get("of_bandwidth") if key == "decode" else r.get("prefill_of_peak")

    def bench(*args):
        out, peak = ratio.run_measured([f"{a.bin}/llama-bench", "-m", gguf, "-t", str(a.threads), "-r", "1", "-o", "json", *map(str, args)])
        return json.loads(out)[0]["avg_ts"], peak

    def batched():
        # its rows: speed_pp for prompts, speed_tg for tokens
        context = 32 * (128 + a.tokens + 16)
        out, peak = ratio.run_measured([f"{a.bin}/llama-batched-bench", "-m", gguf, "-c", str(context), "-b", "2048", "-ub", "512", "-npp", "128",
                                        "-ntg", str(a.tokens), "-npl", "32", "-t", str(a.threads), "-tb", str(a.threads), "--output-format", "jsonl"])
        return next(json.loads(x)["speed_tg"] for x in out.splitlines() if x.startswith("{")), peak

    works = [
        (f"prompt of {a.prompt} tokens", lambda: ours(1, 1, a.prompt, 1, "prefill"), lambda: bench("-p", a.prompt, "-n", 0)),
        (f"decode, 1 sequence, {a.tokens} tokens", lambda: ours(1, 1, 1, a.tokens + 1, "decode"), lambda: bench("-p", 0, "-n", a.tokens)),
        (f"decode, 32 sequences (4×8), {a.tokens} tokens", lambda: ours(32, 8, 128, a.tokens, "decode"), batched),
    ]
    rows = []
    for (work, mine, other), bar in zip(works, bars):
        (x, y), quiet = ratio.alternate(a, [mine, other])
        rows.append(ratio.compare(f"{work}, {precision}", f"llama.cpp {theirs}", "tok/s", [v[0] for v in x], [v[0] for v in y], bar, quiet, a.repeats,
                                  ours_rss=max(v[1] for v in x), theirs_rss=max(v[1] for v in y), of_limit=[v[2] for v in x]))
    return rows


main()
