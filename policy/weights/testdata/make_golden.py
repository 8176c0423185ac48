"""Writes the golden files beside it. usage: make_golden.py [FOLDER]
needs: numpy, gguf 0.19, safetensors 0.8, torch. None of them is needed to run the tests.

llama.gguf           a llama with every supported type, values by gguf-py's quantize, q and k permuted as llama.cpp does
llama.sha256         its tensors by Hugging Face names: hashes of what gguf-py's dequantize gives, permutation undone
f32, f16, bf16.safetensors + safetensors.json    every type the safetensors package writes and we read; values as bits, hex
halves.json          sha256 of all 65,536 float16 and bfloat16 widened, and of float32 samples rounded, by numpy and torch
"""
import hashlib, json, os, sys
import numpy as np, torch
from gguf import GGUFWriter, GGMLQuantizationType as T, dequantize, quantize
from safetensors.torch import save_file

out = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(20)


def bits(w):
    return np.ascontiguousarray(w, dtype=np.float32).astype('<f4').tobytes().hex()


def sha(a):
    return hashlib.sha256(np.ascontiguousarray(a).tobytes()).hexdigest()


def save(name, value):
    with open(os.path.join(out, name), 'w') as f:
        json.dump(value, f, indent=0)
        f.write('\n')


# --- GGUF: 4 heads of 16, 2 key-value heads, width 64, feed-forward 96, vocabulary 10
HEADS, KV, WIDTH, FF, VOCAB = 4, 2, 64, 96, 10


def draw(*shape):
    w = rng.standard_normal(shape).astype(np.float32)
    if len(shape) == 2:  # rows of very different size: zero, subnormal scales, the largest a half scale can carry
        w[0] = 0
        w[1] *= 1e-6
        w[2] *= 7000
        w[3, :32] = -0.0
        w[4] = np.abs(w[4]) + 3
    return w


def permute(w, heads):  # convert_hf_to_gguf.py, LlamaModel.permute
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def unpermute(w, heads):
    return w.reshape(heads, w.shape[0] // heads // 2, 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


plan = [('token_embd.weight', 'model.embed_tokens.weight', (VOCAB, WIDTH), T.Q8_0),
        ('output_norm.weight', 'model.norm.weight', (WIDTH,), T.F32),
        ('output.weight', 'lm_head.weight', (VOCAB, WIDTH), T.F16)]
kinds = [[T.Q4_1, T.Q4_0, T.Q8_0, T.F16, T.Q4_0, T.Q4_1, T.Q8_0], [T.F32, T.F16, T.Q4_1, T.Q4_0, T.F32, T.F32, T.F16]]
for i, (q, k, v, o, gate, up, down) in enumerate(kinds):
    b, h = f'blk.{i}.', f'model.layers.{i}.'
    plan += [(b + 'attn_norm.weight', h + 'input_layernorm.weight', (WIDTH,), T.F32),
             (b + 'attn_q.weight', h + 'self_attn.q_proj.weight', (WIDTH, WIDTH), q),
             (b + 'attn_k.weight', h + 'self_attn.k_proj.weight', (WIDTH // 2, WIDTH), k),
             (b + 'attn_v.weight', h + 'self_attn.v_proj.weight', (WIDTH // 2, WIDTH), v),
             (b + 'attn_output.weight', h + 'self_attn.o_proj.weight', (WIDTH, WIDTH), o),
             (b + 'ffn_norm.weight', h + 'post_attention_layernorm.weight', (WIDTH,), T.F32),
             (b + 'ffn_gate.weight', h + 'mlp.gate_proj.weight', (FF, WIDTH), gate),
             (b + 'ffn_up.weight', h + 'mlp.up_proj.weight', (FF, WIDTH), up),
             (b + 'ffn_down.weight', h + 'mlp.down_proj.weight', (WIDTH, FF), down)]
plan += [('blk.0.attn_q.bias', 'model.layers.0.self_attn.q_proj.bias', (WIDTH,), T.F32),
         ('blk.0.attn_k.bias', 'model.layers.0.self_attn.k_proj.bias', (WIDTH // 2,), T.F32),
         ('blk.0.attn_v.bias', 'model.layers.0.self_attn.v_proj.bias', (WIDTH // 2,), T.F32),
         ('rope_freqs.weight', 'rope_freqs.weight', (8,), T.F32)]

w = GGUFWriter(os.path.join(out, 'llama.gguf'), 'llama')
w.add_custom_alignment(64)
w.add_uint32('llama.attention.head_count', HEADS)
w.add_uint32('llama.attention.head_count_kv', KV)
w.add_float32('llama.rope.freq_base', 1e5)
w.add_uint8('x.uint8', 255), w.add_int8('x.int8', -128), w.add_uint16('x.uint16', 65535), w.add_int16('x.int16', -32768)
w.add_int32('x.int32', -2147483648), w.add_uint64('x.uint64', 2**64 - 1), w.add_int64('x.int64', -2**63)
w.add_float64('x.float64', 0.1), w.add_bool('x.bool', True), w.add_string('x.string', 'Ġ naïve\n')
w.add_array('x.strings', ['Ġt', '', '世界']), w.add_array('x.ints', [3, 1, -1]), w.add_array('x.floats', [0.5, -2.0])
w.add_array('x.bools', [True, False]), w.add_array('x.nested', [[1, 2], [3]])
golden = []
for gguf_name, hf_name, shape, kind in plan:
    x = draw(*shape)
    heads = HEADS if '.attn_q.' in gguf_name else KV if '.attn_k.' in gguf_name else 0
    stored = quantize(np.ascontiguousarray(permute(x, heads)) if heads else x, kind)
    w.add_tensor(gguf_name, stored, raw_dtype=kind)
    with np.errstate(over='ignore'):
        y = dequantize(stored, kind).astype(np.float32)
    if heads:
        y = unpermute(y, heads)
    if kind == T.F32:  # nothing was rounded: the way back must give the model itself
        assert np.array_equal(x, y)
    assert np.isfinite(y).all(), (gguf_name, kind)
    golden.append(f"{sha(y.astype('<f4'))} {hf_name} {'x'.join(map(str, shape))}\n")
w.write_header_to_file(), w.write_kv_data_to_file(), w.write_tensors_to_file(), w.close()
open(os.path.join(out, 'llama.sha256'), 'w').writelines(golden)

# --- safetensors
golden = {}
for name, dtype in (('f32', torch.float32), ('f16', torch.float16), ('bf16', torch.bfloat16)):
    x = torch.from_numpy(rng.standard_normal((5, 7)).astype(np.float32) * 10.0 ** rng.integers(-6, 4, (5, 7)).astype(np.float32))
    tensors = {'a.matrix': x.to(dtype), 'b.vector "ü"<&>': x[0].to(dtype).clone(), 'c.scalar': x[1, 1].to(dtype).clone(),
               'd.empty': torch.zeros(0, 3, dtype=dtype)}
    path = os.path.join(out, name + '.safetensors')
    save_file(tensors, path, metadata={'format': 'pt'})
    os.chmod(path, 0o644)
    golden[name] = {k: {'shape': list(v.shape), 'dtype': name.upper(), 'bits': bits(v.float().numpy())} for k, v in tensors.items()}
save('safetensors.json', golden)

# --- 16-bit floats. NaN payloads differ between libraries: every NaN counts as 0x7fc00000 (0x7e00, 0x7fc0 when narrow)
all16 = np.arange(65536, dtype=np.uint16)
wide16 = all16.view(np.float16).astype(np.float32)
wideb = torch.from_numpy(all16.view(np.int16).copy()).view(torch.bfloat16).float().numpy()
for x in (wide16, wideb):
    x[np.isnan(x)] = np.uint32(0x7fc00000).view(np.float32)
# samples: every upper half with lower halves at, below and above the ties of both widths
low = np.array([0, 1, 0xfff, 0x1000, 0x1001, 0x1fff, 0x2000, 0x3000, 0x7fff, 0x8000, 0x8001, 0xf000, 0xffff], dtype=np.uint32)
samples = ((all16.astype(np.uint32)[:, None] << 16) | low[None, :]).reshape(-1).view(np.float32)
nan = np.isnan(samples)
with np.errstate(over='ignore', invalid='ignore'):
    n16 = samples.astype(np.float16).view(np.uint16)
nb = torch.from_numpy(samples.copy()).to(torch.bfloat16).view(torch.int16).numpy().view(np.uint16).copy()
n16[nan], nb[nan] = 0x7e00, 0x7fc0
save('halves.json', {'f16_to_f32': sha(wide16), 'bf16_to_f32': sha(wideb), 'low': low.tolist(), 'f32_to_f16': sha(n16), 'f32_to_bf16': sha(nb)})
