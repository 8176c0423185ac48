#!/usr/bin/env python3
"""A step of supervised training, all parameters, packed sequences: burnish against PyTorch.

    train.py --burnish BURNISH --model FOLDER [--jemalloc LIBJEMALLOC] [--precisions f32,bf16]

FOLDER is a Hugging Face folder in float32, which both open (`burnish model convert` writes one). Both do forward, backward,
clipping and AdamW; PyTorch's bf16 is autocast. The first step of either doesn't count. Memory is the high-water mark of
the resident set of the same runs. With --jemalloc PyTorch also runs with that library in LD_PRELOAD.
"""

import sys
import time

import ratio

BARS = {"f32": 1.3, "bf16": 1.2}


def main():
    p = ratio.arguments(__doc__)
    p.add_argument("--model", required=True)
    p.add_argument("--batch", type=int, default=4)
    p.add_argument("--length", type=int, default=512)
    p.add_argument("--precisions", default="f32,bf16")
    p.add_argument("--jemalloc")
    p.add_argument("--set", action="append", default=[], help="more of burnish's recipe, such as train.memory=4GB")
    a = p.parse_args()
    out = []
    for precision in a.precisions.split(","):
        out += compare(a, precision, None)
        if a.jemalloc:
            out += compare(a, precision, a.jemalloc)
    ratio.report(a, out)


def compare(a, precision, jemalloc):
    more = [x for s in a.set for x in ("--set", s)]
    ours = lambda: ratio.burnish(a, "bench", "train", "--model", a.model, "--batch", a.batch, "--length", a.length,
                                 "--precision", precision, "--repeats", 1, *more)[0]
    peer = ratio.Peer(__file__, "--serve", a.model, precision, a.batch, a.length, a.threads, threads=a.threads,
                      env={"LD_PRELOAD": jemalloc} if jemalloc else None)
    version = peer.ask()["version"]  # with the step that doesn't count
    (mine, other), quiet = ratio.alternate(a, [ours, peer.ask], [peer])
    peer.close()
    work = f"SFT step, {a.batch}×{a.length}, {precision}"
    name = version + (" autocast" if precision == "bf16" else "") + (" + jemalloc" if jemalloc else "")
    tokens = a.batch * a.length
    split = {side: {k: [r[f"seconds_{k}"] for r in v] for k in ("forward", "backward", "optimizer")} for side, v in (("ours", mine), ("theirs", other))}
    return [
        ratio.compare(work, name, "tok/s", [r["tokens_per_second"] for r in mine], [tokens / r["seconds"] for r in other],
                      BARS.get(precision), quiet, a.repeats, of_peak=[r["of_peak"] for r in mine], split=split),
        ratio.compare(work + ", memory", name, "GB", [r["peak_rss"] / ratio.GB for r in mine], [r["peak_rss"] / ratio.GB for r in other],
                      None, quiet, a.repeats, kind="size"),
    ]


# --- the peer --------------------------------------------------------------------------------------------------------

def serve(folder, precision, batch, length, threads):
    import torch
    from transformers import AutoModelForCausalLM
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6, fused=True)
    ids = torch.randint(64, 320, (batch, length))

    def step(_):
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = model(input_ids=ids, labels=ids, use_cache=False).loss
        forward = time.perf_counter()
        loss.backward()
        backward = time.perf_counter()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        end = time.perf_counter()
        return {"seconds": end - start, "seconds_forward": forward - start, "seconds_backward": backward - forward,
                "seconds_optimizer": end - backward, "peak_rss": ratio.peak_rss(), "version": f"PyTorch {torch.__version__.partition('+')[0]}"}

    ratio.serve(step)


if sys.argv[1:2] == ["--serve"]:
    serve(sys.argv[2], sys.argv[3], *map(int, sys.argv[4:7]))
else:
    main()
