#!/usr/bin/env python3
"""Compares `burnish model logprobs` with transformers on GSM8K's questions and answers.

    logprobs.py BURNISH MODEL FOLDER DATA [--rows N] [--adapter DIR]

MODEL is what burnish reads; FOLDER the Hugging Face folder that transformers reads, with the PEFT adapter DIR on top if
given. Prints the largest absolute difference of log-prob, entropy and sum of p^2. Logits are not compared one by one:
a log-prob is a logit less the log of a sum over all of them, so an error in any logit of weight shows.
"""

import argparse

import burnish
import hf


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("burnish"), p.add_argument("model"), p.add_argument("folder"), p.add_argument("data")
    p.add_argument("--rows", type=int, default=8)
    p.add_argument("--adapter")
    p.add_argument("--bound", type=float, default=1e-3)
    a = p.parse_args()

    model, tokenizer = hf.load(a.folder, a.adapter)
    rows = []
    for x in burnish.read_jsonl(f"{a.data}/test.jsonl", a.rows):
        messages = [{"role": "user", "content": x["question"]}]
        prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        rows.append({"prompt_ids": tokenizer.encode(prompt, add_special_tokens=False),
                     "completion_ids": tokenizer.encode(x["answer"], add_special_tokens=False)})
    ours = burnish.run(a.burnish, "model", "logprobs", a.model, lines=rows)
    worst = {"logprobs": 0.0, "entropy": 0.0, "sum_p2": 0.0}
    tokens = 0
    for row, got in zip(rows, ours, strict=True):
        want = hf.token_stats(model, row["prompt_ids"], row["completion_ids"])
        tokens += len(row["completion_ids"])
        for name, values in zip(worst, want[:3]):
            for g, w in zip(got[name], values.tolist(), strict=True):
                worst[name] = max(worst[name], abs(g - w))
    print(hf.versions())
    print(f"{len(rows)} rows, {tokens} tokens; largest absolute difference: " +
          ", ".join(f"{k} {v:.2e}" for k, v in worst.items()))
    burnish.verdict(all(v <= a.bound for v in worst.values()))


main()
