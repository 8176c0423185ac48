#!/usr/bin/env python3
"""Writes a random Llama of 3 million parameters as a Hugging Face folder, with the tokenizer of builtin:tiny.

    small_model.py --burnish BURNISH --out FOLDER
"""

import argparse
import os
import shutil
import subprocess
import tempfile

import torch
from transformers import LlamaConfig, LlamaForCausalLM


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--burnish", required=True)
    p.add_argument("--out", required=True)
    a = p.parse_args()
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=4096, hidden_size=192, intermediate_size=512, num_hidden_layers=6, num_attention_heads=6, num_key_value_heads=2,
        tie_word_embeddings=True, max_position_embeddings=2048, rope_theta=10000.0, bos_token_id=0, eos_token_id=2, pad_token_id=0))
    with tempfile.TemporaryDirectory() as parent:
        tiny = os.path.join(parent, "tiny")
        subprocess.run([a.burnish, "model", "convert", "builtin:tiny", "--out", tiny], check=True, stdout=subprocess.DEVNULL)
        model.save_pretrained(a.out)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(os.path.join(tiny, name), a.out)
    print(f"{a.out}: {sum(p.numel() for p in model.parameters()):,} parameters")


main()
