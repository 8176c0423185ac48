#!/usr/bin/env python3
"""From the start of the process to the first sampled token: burnish, and transformers in a fresh Python.

    start.py --burnish BURNISH --model FOLDER

FOLDER is a Hugging Face folder in float32, in the file cache of both. The bar is seconds of burnish, not a ratio.
"""

import subprocess
import sys
import time

import ratio

PROGRAM = """
import sys, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
torch.set_num_threads(int(sys.argv[2]))
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
ids = AutoTokenizer.from_pretrained(sys.argv[1])("Hello", return_tensors="pt")
print(model.generate(**ids, max_new_tokens=1, do_sample=True)[0, -1].item(), flush=True)
"""


def main():
    p = ratio.arguments(__doc__)
    p.add_argument("--model", required=True)
    p.add_argument("--bar", type=float, default=1.5, help="seconds")
    a = p.parse_args()

    def ours():
        return ratio.burnish(a, "bench", "start", "--model", a.model, "--repeats", 1)[0]["seconds_to_first_token"]

    def theirs():
        start = time.perf_counter()
        child = subprocess.Popen([sys.executable, "-c", PROGRAM, a.model, str(a.threads)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        line = child.stdout.readline()
        seconds = time.perf_counter() - start
        child.communicate()
        if child.returncode != 0 or not line.strip():
            raise SystemExit(f"transformers: exit {child.returncode}")
        return seconds

    theirs()  # fills the file cache with the libraries
    (mine, other), quiet = ratio.alternate(a, [ours, theirs])
    row = ratio.compare("process start to first token", "transformers", "s", mine, other, a.bar, quiet, a.repeats, kind="seconds")
    row.update(met=row["ours"] <= a.bar, bar_text=f"at most {a.bar:g} s")
    ratio.report(a, [row])


main()
