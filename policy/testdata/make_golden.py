"""Writes tiny-hf/, tiny.gguf and golden.json beside it: one random llama in both formats, and what transformers says of it.
usage: make_golden.py TOKENIZER_JSON [FOLDER]      (a byte-level BPE with <|endoftext|>, <|im_start|>, <|im_end|>:
../tokenizer/testdata/small/gpt2.json)
needs: torch, transformers 5, gguf. None of them is needed to run the tests.
"""
import json, os, shutil, sys
import gguf, numpy as np, torch
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

source = sys.argv[1]
out = sys.argv[2] if len(sys.argv) > 2 else os.path.dirname(os.path.abspath(__file__))
hf = os.path.join(out, 'tiny-hf')
shutil.rmtree(hf, ignore_errors=True)
torch.manual_seed(0)

tok = PreTrainedTokenizerFast(tokenizer_file=source, bos_token='<|endoftext|>', eos_token='<|im_end|>', pad_token='<|endoftext|>')
tok.chat_template = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
vocab = tok.get_vocab()
size = len(vocab) + 3  # the embedding is larger than the vocabulary, as in many models
cfg = LlamaConfig(vocab_size=size, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
                  num_key_value_heads=2, head_dim=4, max_position_embeddings=64, tie_word_embeddings=True,
                  rope_theta=10000.0, rms_norm_eps=1e-5, bos_token_id=0, eos_token_id=0, pad_token_id=0)
model = LlamaForCausalLM(cfg).eval()
with torch.no_grad():
    for name, p in model.named_parameters():
        p.copy_(1 + 0.3 * torch.randn_like(p) if p.ndim == 1 else 0.3 * torch.randn_like(p))
model.generation_config = GenerationConfig(bos_token_id=0, pad_token_id=0, eos_token_id=[1, 2])
model.save_pretrained(hf)
tok.save_pretrained(hf)

prompt = tok.encode('one and two', add_special_tokens=False)
rows = [tok.encode(t, add_special_tokens=False) for t in ('make three', ' 4', 'the <|im_end|>')]
logps = []
for row in rows:
    with torch.no_grad():
        logits = model(torch.tensor([prompt + row])).logits[0].double() / 0.7
    lp = torch.log_softmax(logits, -1)
    logps.append([lp[len(prompt) - 1 + i, id].item() for i, id in enumerate(row)])
rendered = tok.apply_chat_template([dict(role='user', content='Hi <b>&')], add_generation_prompt=True, tokenize=False)
json.dump(dict(prompt=prompt, rows=rows, temperature=0.7, logps=logps, rendered=rendered,
               rendered_ids=tok.encode(rendered, add_special_tokens=False)), open(os.path.join(out, 'golden.json'), 'w'))


def permute(w, heads):  # convert_hf_to_gguf.py, LlamaModel.permute
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


w = gguf.GGUFWriter(os.path.join(out, 'tiny.gguf'), 'llama')
w.add_context_length(64)
w.add_embedding_length(16)
w.add_block_count(2)
w.add_feed_forward_length(24)
w.add_head_count(4)
w.add_head_count_kv(2)
w.add_key_length(4)
w.add_value_length(4)
w.add_rope_dimension_count(4)
w.add_rope_freq_base(10000.0)
w.add_layer_norm_rms_eps(1e-5)
w.add_vocab_size(size)
tokens = [None] * size
for text, id in vocab.items():
    tokens[id] = text
for i in range(len(vocab), size):
    tokens[i] = f'[PAD{i}]'
special = set(tok.all_special_ids) | {vocab['<|im_start|>']}
w.add_tokenizer_model('gpt2')
w.add_tokenizer_pre('gpt-2')
w.add_token_list(tokens)
w.add_token_types([3 if i in special else 5 if i >= len(vocab) else 1 for i in range(size)])
merges = json.load(open(source))['model']['merges']
w.add_token_merges([m if isinstance(m, str) else ' '.join(m) for m in merges])
w.add_bos_token_id(0)
w.add_eos_token_id(vocab['<|im_end|>'])
w.add_pad_token_id(0)
w.add_chat_template(tok.chat_template)
names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 2)
for name, p in model.named_parameters():
    a = p.detach().numpy()
    if 'q_proj' in name or 'k_proj' in name:
        a = permute(a, 4 if 'q_proj' in name else 2)
    w.add_tensor(names.get_name(name, try_suffixes=('.weight',)), np.ascontiguousarray(a, dtype=np.float32))
w.write_header_to_file()
w.write_kv_data_to_file()
w.write_tensors_to_file()
w.close()
