#!/usr/bin/env python3
"""Compares `burnish model tokenize` and `burnish model render` with transformers, id for id and byte for byte.

    tokens.py BURNISH MODEL FOLDER DATA [--rows N]

Lines: questions and answers of GSM8K, and lines of many scripts, spaces, digits and special tokens. Conversations: with
and without a system message, one and three turns, with and without the generation prompt.
"""

import argparse

import burnish
import hf
from transformers import AutoTokenizer

UNICODE = [
    "", " ", "  ", "\n", "\n\n \t\r\n", "a  b   c    d", "   leading and trailing   ", "tab\tand\u00a0no-break\u2009thin space",
    "naïve café — “quotes” … ½ ², №", "Größenmaßstäbe; Ångström; œuvre; ﬁne", "Привет, мир! Ёлка и съезд.", "Γειά σου Κόσμε",
    "नमस्ते दुनिया, क्या हाल है?", "สวัสดีชาวโลก", "こんにちは世界。カタカナ、ひらがな、漢字。", "안녕하세요 세계", "你好，世界！一二三", "مرحبا بالعالم ١٢٣",
    "שלום עולם", "😀👩‍👩‍👧‍👦🏳️‍🌈 flags 🇩🇪🇯🇵", "e\u0301 vs é, \u212b vs Å", "zero\u200bwidth\u200djoiner\ufeffbom", "𝕌𝕟𝕚𝕔𝕠𝕕𝕖 𐍈 𒀀",
    "1234567890 12,345.67 3.14e-10 0x1F 007 ٣٤", "I'm you're he'll we've they'd it's DON'T CAN'T I'M", "x=y+z*(a/b)-{c}[d]<e>|f|&&g||!h?i:j;",
    "<|im_start|>user\nhi<|im_end|>\n", "<|endoftext|><|im_end|><|im_start|>", "<|im_start", "a<|im_end|>b <repo_name>c", "<jupyter_code>1+1",
    "def f(x):\n    return x  # done\n\n\nclass A:\n\tpass\n", '{"reasoning": "12+7=19; 19*3=57", "answer": 57}', "\\n \\u00e9 \\\\", "\u0000\u0001\u001f\u007f\u0085",
    "ﷺ", "İstanbul ıǅ", "a\u0300\u0301\u0302\u0303", "ⅣⅤ ①② ㎏", "\U0010ffff\ud7ff\ue000",
]


def conversations(questions):
    """Message lists of every shape that a template treats apart."""
    for q in questions:
        user = {"role": "user", "content": q}
        system = {"role": "system", "content": "Answer briefly. ünï “x”"}
        more = [{"role": "assistant", "content": "  I think\n\nit is 4. "}, {"role": "user", "content": "Why?\n"}]
        for messages in ([user], [system, user], [user, *more], [system, user, *more]):
            for prompt in (True, False):
                yield {"messages": messages, "add_generation_prompt": prompt}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("burnish"), p.add_argument("model"), p.add_argument("folder"), p.add_argument("data")
    p.add_argument("--rows", type=int, default=1000)
    a = p.parse_args()

    tokenizer = AutoTokenizer.from_pretrained(a.folder)
    rows = burnish.read_jsonl(f"{a.data}/test.jsonl", a.rows)
    texts = [x[key] for x in rows for key in ("question", "answer")] + UNICODE
    ours = burnish.run(a.burnish, "model", "tokenize", a.model, lines=[{"text": t} for t in texts])
    wrong = 0
    for text, got in zip(texts, ours, strict=True):
        want = tokenizer.encode(text, add_special_tokens=False)
        if got["ids"] != want:
            wrong += 1
            print(f"differs: {text[:80]!r}\n  got  {got['ids'][:20]}\n  want {want[:20]}")
    print(f"tokenize: {len(texts)} texts, {sum(len(x['ids']) for x in ours)} ids, {wrong} texts differ")

    chats = list(conversations(x["question"] for x in rows[:20]))
    rendered = burnish.run(a.burnish, "model", "render", a.model, lines=chats)
    bad = 0
    for chat, got in zip(chats, rendered, strict=True):
        text = tokenizer.apply_chat_template(chat["messages"], add_generation_prompt=chat["add_generation_prompt"], tokenize=False)
        if got["text"] != text or got["ids"] != tokenizer.encode(text, add_special_tokens=False):
            bad += 1
            print(f"differs: {got['text'][:200]!r}\n  want {text[:200]!r}")
    print(f"render: {len(chats)} conversations, {bad} differ")
    print(hf.versions())
    burnish.verdict(wrong == 0 and bad == 0)


main()
