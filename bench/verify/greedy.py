#!/usr/bin/env python3
"""Compares burnish's greedy answers with transformers' `generate`, token for token.

    greedy.py BURNISH MODEL FOLDER [--max-tokens N]           a few chat prompts
    greedy.py BURNISH MODEL FOLDER --answers FILE [--rows N]  the lines that `burnish eval --out FILE` wrote

Where two tokens are nearly equally likely, rounding may choose; so at the first difference the gap between the two
logits is printed, and only a gap above 1e-3 is a failure.
"""

import argparse

import burnish
import hf
import torch

PROMPTS = [
    "What is the capital of France, and what is it known for?",
    "Explain in three sentences why the sky is blue.",
    "Write a short story about a lighthouse keeper and a whale.",
    "List five uses of a paper clip.",
    "How do I boil an egg? Give numbered steps.",
    "Write a Python function that reverses a string, and explain it.",
    "Tom has 12 apples and gives 5 to Anna. Then he buys 9 more. How many has he now? Think step by step.",
]


def from_prompts(a, tokenizer):
    """(prompt ids, completion ids, text) of our greedy answer to each prompt."""
    for prompt in PROMPTS:
        got = burnish.run(a.burnish, "sample", "--model", a.model, "--prompt", prompt, "--temperature", "0",
                          "--max-tokens", str(a.max_tokens))[0]
        text = tokenizer.apply_chat_template([{"role": "user", "content": prompt}], add_generation_prompt=True, tokenize=False)
        yield tokenizer.encode(text, add_special_tokens=False), got["completion_ids"], got["text"]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("burnish"), p.add_argument("model"), p.add_argument("folder")
    p.add_argument("--max-tokens", type=int, default=96)
    p.add_argument("--answers")
    p.add_argument("--rows", type=int, default=5)
    a = p.parse_args()

    model, tokenizer = hf.load(a.folder)
    if a.answers:
        items = [(x["prompt_ids"], x["completion_ids"], x["text"]) for x in burnish.read_jsonl(a.answers, a.rows)]
    else:
        items = list(from_prompts(a, tokenizer))
    same, tokens, ok = 0, 0, True
    for prompt, ours, text in items:
        ids = torch.tensor([prompt])
        with torch.no_grad():
            theirs = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=len(ours))[0, len(prompt):].tolist()
        tokens += len(ours)
        if ours == theirs and tokenizer.decode(theirs, skip_special_tokens=True) == text:
            same += 1
            continue
        at = next((i for i, (x, y) in enumerate(zip(ours, theirs)) if x != y), None)
        if at is None:
            print(f"texts or lengths differ: {text!r}")
            ok = False
            continue
        logits = hf.token_stats(model, prompt, ours[:at + 1])[3][-1]
        gap = float(logits[theirs[at]] - logits[ours[at]])
        print(f"differs at token {at} of {len(ours)}: their logits are {gap:.2e} apart")
        ok = ok and abs(gap) < 1e-3
    print(hf.versions())
    print(f"{len(items)} prompts, {tokens} tokens, {same} answers identical")
    burnish.verdict(ok)


main()
