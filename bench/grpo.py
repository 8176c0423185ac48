#!/usr/bin/env python3
"""A whole step of GRPO, rollout to optimizer: burnish against TRL's GRPOTrainer.

    grpo.py --burnish BURNISH --model FOLDER [--runs f32,bf16] [--bars 4,4.5] [--memory 6.5GB,3.45GB] [--name NAME]

FOLDER is a Hugging Face folder in float32, which both open. Both sample from prompts of the same number of tokens, every
completion with its full length, at temperature 1, without a reference model. Runs: f32 is TRL without gradient
checkpointing in float32; bf16 is TRL with its own defaults, bf16 autocast and checkpointing. TRL's first step doesn't count,
nor does burnish's. Memory is the high-water mark of the resident set of the same runs. It also prints how long TRL takes
from the start of its process to its first step.
"""

import sys
import time

import ratio

RUNS = {"f32": "f32", "bf16": "bf16, checkpointing (TRL's defaults)"}


def main():
    p = ratio.arguments(__doc__)
    p.add_argument("--model", required=True)
    p.add_argument("--name", default="", help="what the table calls the model")
    p.add_argument("--prompts", type=int, default=4)
    p.add_argument("--samples", type=int, default=8)
    p.add_argument("--prompt", type=int, default=128)
    p.add_argument("--tokens", type=int, default=128)
    p.add_argument("--runs", default="f32,bf16")
    p.add_argument("--bars", default="4,4.5", help="of the runs: how many times faster")
    p.add_argument("--memory", help="of the runs, as train.memory of burnish's recipe: 6.5GB,3.45GB")
    p.add_argument("--memory-bar", type=float, default=0.35, help="share of the memory that the peer's run takes")
    p.add_argument("--set", action="append", default=[], help="more of burnish's recipe, such as train.memory=4GB")
    a = p.parse_args()
    rows = []
    runs = a.runs.split(",")
    memory = a.memory.split(",") if a.memory else ["auto"] * len(runs)
    for run, bar, m in zip(runs, a.bars.split(","), memory, strict=True):
        rows += compare(a, run, float(bar), m)
    ratio.report(a, rows)


def compare(a, run, bar, memory):
    more = [x for s in [f"train.memory={memory}", *a.set] for x in ("--set", s)]
    ours = lambda: ratio.burnish(a, "bench", "grpo", "--model", a.model, "--prompts", a.prompts, "--samples", a.samples, "--prompt", a.prompt,
                                 "--tokens", a.tokens, "--precision", run, "--repeats", 1, *more)[0]
    shape = [a.prompts, a.samples, a.prompt, a.tokens]
    peer = ratio.Peer(__file__, "--serve", a.model, run, a.repeats + 1, a.threads, *shape, threads=a.threads)
    first = peer.ask()  # the step that doesn't count
    (mine, other), quiet = ratio.alternate(a, [ours, peer.ask], [peer])
    peer.close()
    work = f"GRPO step{', ' + a.name if a.name else ''}, {a.prompts}×{a.samples}×{a.tokens}, {run}"
    name = f"{first['version']}, {RUNS[run]}"
    phases = {k: [r.get(f"seconds_{k}") for r in mine] for k in ("rollout", "train", "optimizer")}
    seconds = lambda rows: [r["seconds"] for r in rows]
    return [
        {**ratio.compare(work, name, "s", seconds(mine), seconds(other), bar, quiet, a.repeats, kind="seconds"), "phases": phases,
         "theirs_rollout": [r["rollout"] for r in other], "of_peak": [r["of_peak"] for r in mine], "theirs_to_first_step": first["to_first_step"]},
        ratio.compare(work + ", memory", name, "GB", [r["peak_rss"] / ratio.GB for r in mine], [r["peak_rss"] / ratio.GB for r in other],
                      a.memory_bar or None, quiet, a.repeats, kind="size"),
    ]


# --- the peer --------------------------------------------------------------------------------------------------------

def serve(folder, run, steps, threads, prompts, samples, prompt_tokens, tokens):
    """Answers with the seconds of one step; the trainer waits at the beginning of each until it is asked."""
    began = time.perf_counter()
    import json
    import tempfile
    import torch
    import trl
    from datasets import Dataset
    from transformers import AutoTokenizer, TrainerCallback
    torch.set_num_threads(threads)
    bf16 = run == "bf16"
    text = prompt_of(AutoTokenizer.from_pretrained(folder), prompt_tokens)

    class Turns(TrainerCallback):
        to_first_step = None

        def on_step_begin(self, *_, **__):
            if self.to_first_step is None:
                self.to_first_step = time.perf_counter() - began
            if not sys.stdin.readline():
                sys.exit(0)
            rollout["seconds"] = 0.0
            self.start = time.perf_counter()

        def on_step_end(self, *_, **__):
            print("\n" + json.dumps({"seconds": time.perf_counter() - self.start, "rollout": rollout["seconds"], "peak_rss": ratio.peak_rss(),
                                     "to_first_step": self.to_first_step, "version": f"TRL {trl.__version__}"}), flush=True)

        def on_log(self, *_, logs=None, **__):
            length = (logs or {}).get("completions/mean_length")
            if length not in (None, tokens):
                raise SystemExit(f"TRL: completions of {length} tokens on average, want {tokens} each")

    rollout = {"seconds": 0.0}
    with tempfile.TemporaryDirectory() as out:
        trainer = trl.GRPOTrainer(
            model=folder, train_dataset=Dataset.from_list([{"prompt": text}] * (prompts * (steps + 1))), callbacks=[Turns()],
            reward_funcs=lambda completions, **_: [float(hash(c) % 1000) / 1000 for c in completions],
            args=trl.GRPOConfig(
                output_dir=out, max_steps=steps, use_cpu=True, bf16=bf16, gradient_checkpointing=bf16, report_to=[], save_strategy="no",
                logging_steps=1, seed=0, disable_tqdm=True, model_init_kwargs={"dtype": "float32"}, per_device_train_batch_size=prompts * samples,
                num_generations=samples, max_completion_length=tokens, learning_rate=1e-6, temperature=1.0, beta=0.0,
                generation_kwargs={"min_new_tokens": tokens}))
        generate = trainer._generate_single_turn

        def timed(*args, **kwargs):
            start = time.perf_counter()
            result = generate(*args, **kwargs)
            rollout["seconds"] += time.perf_counter() - start
            return result

        trainer._generate_single_turn = timed
        trainer.train()


def prompt_of(tokenizer, n):
    """A text of n tokens: one word again and again, that the tokenizer doesn't join."""
    for word in (" the", "a ", " 1", "7"):
        text = word * n
        for _ in range(4 * n):
            got = len(tokenizer(text)["input_ids"])
            if got == n:
                return text
            text = text[:-len(word)] if got > n else text + word
    raise SystemExit(f"found no text of {n} tokens")


if sys.argv[1:2] == ["--serve"]:
    serve(sys.argv[2], sys.argv[3], *map(int, sys.argv[4:10]))
else:
    main()
