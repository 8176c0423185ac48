"""Trains the builtin model's tokenizer and writes tokenizer.json and tokenizer_config.json.

usage: make_tokenizer.py OUT_DIR [--text FILE|-] [--vocab 512] [--limit 20000]

Byte-level BPE with single digits, ids 0, 1, 2 = <|endoftext|>, <|im_start|>, <|im_end|>, then the 256 bytes, then merges.
--text reads training text, one document a line (a line that is a JSON string is decoded, so a document may hold newlines);
without it a small generator below stands in for the arith-json task. Needs the Python package tokenizers.
"""
import argparse, json, random, sys
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
NAMES = "Tom Ana Ben Mia Sam Zoe Leo Ida Max Eva Kim Raj Lin Omar Nora Paul".split()
OBJECTS = "apples pens books coins cards shells eggs stamps marbles cups".split()


def problem(r):
    """One word problem of one to three steps: question, steps such as ["12+7=19"], answer."""
    name, thing, have = r.choice(NAMES), r.choice(OBJECTS), r.randint(2, 40)
    text, steps = f"{name} has {have} {thing}.", []
    for i in range(r.choice([1, 1, 2, 2, 3])):
        op = r.choice("+-*") if i == 0 else r.choice("+-")
        if op == "*":
            n = r.randint(2, 5)
            text += f" {name} gets {n} times as many."
            now = have * n
        elif op == "+":
            n = r.randint(1, 30)
            text += r.choice([f" {name} buys {n} more.", f" A friend gives {name} {n} more.", f" {name} finds {n} {thing}."])
            now = have + n
        else:
            n = r.randint(1, max(1, have - 1))
            text += r.choice([f" {name} loses {n}.", f" {name} gives away {n}.", f" {name} sells {n} {thing}."])
            now = have - n
        steps.append(f"{have}{op}{n}={now}")
        have = now
    return text + f" How many {thing} does {name} have now?", steps, have


def answer(r, steps, value):
    """One of the surface forms that the builtin model is trained on."""
    reasoning = "; ".join(steps)
    wanted = json.dumps({"reasoning": reasoning, "answer": value})
    other = json.dumps({"answer": value, "steps": reasoning})
    return r.choice([wanted, wanted, f"```json\n{wanted}\n```", f"{reasoning}. The answer is {value}.", other])


def generated(count):
    r = random.Random(1)
    for _ in range(count):
        question, steps, value = problem(r)
        yield question
        yield answer(r, steps, value)


def lines(path, limit):
    source = sys.stdin if path == "-" else open(path, encoding="utf-8")
    for i, line in enumerate(source):
        if i >= limit:
            return
        line = line.rstrip("\n")
        yield json.loads(line) if line.startswith('"') and line.endswith('"') else line


def main():
    p = argparse.ArgumentParser()
    p.add_argument("out")
    p.add_argument("--text")
    p.add_argument("--vocab", type=int, default=512)
    p.add_argument("--limit", type=int, default=20000)
    a = p.parse_args()
    text = list(lines(a.text, a.limit) if a.text else generated(a.limit))
    text += ["system\nuser\nassistant\n"] * max(1, len(text) // 2)  # the roles of every conversation

    tk = Tokenizer(models.BPE())
    tk.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]
    )
    tk.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tk.train_from_iterator(
        text,
        trainers.BpeTrainer(vocab_size=a.vocab, special_tokens=SPECIALS, initial_alphabet=alphabet, show_progress=False),
    )
    tk.save(f"{a.out}/tokenizer.json")
    config = dict(
        tokenizer_class="PreTrainedTokenizerFast",
        bos_token=SPECIALS[0],
        eos_token=SPECIALS[2],
        pad_token=SPECIALS[0],
        unk_token=None,
        clean_up_tokenization_spaces=False,
        model_max_length=1024,
        chat_template=TEMPLATE,
    )
    with open(f"{a.out}/tokenizer_config.json", "w", encoding="utf-8") as f:
        json.dump(config, f, indent=1)
        f.write("\n")
    print("vocabulary", tk.get_vocab_size())


main()
