"""Writes what the tokenizers library gives: lines.json.gz, small/*.json and golden.json.gz beside it, smollm2.json.gz.

usage: make_golden.py OUT_DIR BUILTIN_TOKENIZER_JSON [SMOLLM2_GGUF]

Without the last argument smollm2.json.gz is left as it is. Needs the Python packages tokenizers and gguf.
"""
import gzip, json, os, random, sys
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from make_lines import CODE, ENGLISH, JSON, WORLD, lines

LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace("{1,3}", "")
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
split = lambda p: [pre_tokenizers.Split(Regex(p), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]


def write(path, value):
    with open(path, "wb") as f, gzip.GzipFile("", "wb", 9, f, mtime=0) as z:
        z.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def train(stages, vocab=420):
    tk = Tokenizer(models.BPE())
    tk.pre_tokenizer = pre_tokenizers.Sequence(stages)
    tk.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab, show_progress=False, special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tk.train_from_iterator((ENGLISH + CODE + JSON + WORLD) * 3, trainer)
    return tk


def changed(tk, **model):
    d = json.loads(tk.to_str())
    d["model"].update(model)
    return Tokenizer.from_str(json.dumps(d))


def without(tk, gone):
    """The tokenizer without some bytes and all that is merged from them; "?" takes their place if unk says so."""
    d = json.loads(tk.to_str())
    m = d["model"]
    m["merges"] = [p for p in m["merges"] if not set("".join(p)) & gone]
    kept = [t for t, _ in sorted(m["vocab"].items(), key=lambda x: x[1]) if not (set(t) & gone) or t.startswith("<|")]
    m["vocab"] = {t: i for i, t in enumerate(kept)}
    return Tokenizer.from_str(json.dumps(d))


def small():
    """Tokenizers that use every supported setting."""
    bl = pre_tokenizers.ByteLevel
    yield "gpt2", train([bl(add_prefix_space=False)])
    yield "gpt2-split", train(split(GPT2))
    yield "prefix", train([pre_tokenizers.Digits(individual_digits=False), bl(add_prefix_space=True)])
    smol = train([pre_tokenizers.Digits(individual_digits=True), bl(add_prefix_space=False)])
    gone = set("âĠz7\u0109")
    yield "dropped", without(smol, gone)
    yield "unknown", changed(without(smol, gone), unk_token="<|endoftext|>")
    yield "unknown-fused", changed(without(smol, gone), unk_token="<|endoftext|>", fuse_unk=True)
    llama = changed(train(split(LLAMA3), 600), ignore_merges=True)
    d = json.loads(llama.to_str())
    d["model"]["merges"] = d["model"]["merges"][:100]  # words of the vocabulary that no merge makes
    yield "llama3", Tokenizer.from_str(json.dumps(d))
    qwen = train(split(QWEN2), 500)
    qwen.normalizer = normalizers.NFC()
    qwen.add_tokens([
        AddedToken("[strip]", lstrip=True, rstrip=True, normalized=False), AddedToken("word", single_word=True, normalized=False),
        AddedToken("cafe\u0301", normalized=True), AddedToken("[left]", lstrip=True, normalized=True),
        AddedToken("[right]", rstrip=True, normalized=False), AddedToken("[a]", normalized=False), AddedToken("[a][ab]", normalized=False)])
    qwen.add_special_tokens([AddedToken("<|repo_name|>", normalized=False)])
    yield "qwen2", qwen


def golden(tk, seed, text):
    r = random.Random(seed)
    size = tk.get_vocab_size()
    ids = [tk.encode(l, add_special_tokens=False).ids for l in text]
    decodes = []
    for _ in range(300):  # sequences that no text gives: broken characters, special tokens anywhere
        s = [r.randrange(size if r.random() < 0.5 else min(size, 300)) for _ in range(r.randint(0, 12))]
        decodes.append([s, tk.decode(s, skip_special_tokens=False), tk.decode(s, skip_special_tokens=True)])
    texts = [[tk.decode(i, skip_special_tokens=False), tk.decode(i, skip_special_tokens=True)] for i in ids]
    same = [a == [l, l] for a, l in zip(texts, text)]
    return dict(size=size, ids=ids, decodes=decodes, texts=[None if s else t for s, t in zip(same, texts)])


def smollm2(path):
    from gguf import GGUFReader
    kv = {k: f.contents() for k, f in GGUFReader(path).fields.items() if k.startswith("tokenizer.ggml")}
    tokens = kv["tokenizer.ggml.tokens"]
    tk = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=[tuple(m.split(" ")) for m in kv["tokenizer.ggml.merges"]]))
    tk.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tk.decoder = decoders.ByteLevel()
    tk.add_special_tokens([AddedToken(t, normalized=False) for t, kind in zip(tokens, kv["tokenizer.ggml.token_type"]) if kind == 3])
    return tk


def main():
    out, builtin = sys.argv[1:3]
    os.makedirs(f"{out}/small", exist_ok=True)
    text = lines()
    write(f"{out}/lines.json.gz", text)
    all = {"builtin": golden(Tokenizer.from_file(builtin), 0, text)}
    for name, tk in small():
        with open(f"{out}/small/{name}.json", "w", encoding="utf-8") as f:
            f.write(tk.to_str())
        all[name] = golden(tk, name, text)
    write(f"{out}/golden.json.gz", all)
    if len(sys.argv) > 3:
        write(f"{out}/smollm2.json.gz", golden(smollm2(sys.argv[3]), 1, text))
    print(len(text), "lines", {k: v["size"] for k, v in all.items()})


main()
