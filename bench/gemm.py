#!/usr/bin/env python3
"""Matrix products of SmolLM2-135M's shapes in float32: burnish against OpenBLAS (through numpy) and PyTorch.

    gemm.py --burnish BURNISH [--rows 1,2,4,8,9-32,256,1024,4096] [--seconds 0.05]

Every product is the fastest of ten parts of the time, on either side. A row of the table is a group of numbers of rows:
the geometric mean of the ratios of each matrix over them, of the matrix where that is least. Groups of few rows compare
y = x.W' alone, which is what decoding does; from 256 rows the gradients dx and dW count as well. With --detail every
single product is printed as JSON. The last row takes another matrix each time, so that weights come from memory, and
compares what is read with the machine's measured bandwidth.
"""

import json
import math
import statistics
import sys
import time

import ratio

GROUPS = [("1-8 rows", 1, 8, 1.5), ("9-32 rows", 9, 32, 1.15), ("256 rows and more", 256, 1 << 20, 0.95)]
SHAPES = [(576, 576), (192, 576), (1536, 576), (576, 1536), (49152, 576)]
PRODUCTS = ("forward", "grad_x", "grad_w")


def main():
    p = ratio.arguments(__doc__)
    p.add_argument("--rows", default="1,2,4,8,9,14,16,24,32,256,1024")
    p.add_argument("--seconds", type=float, default=0.05)
    p.add_argument("--peers", default="numpy,torch")
    p.add_argument("--detail", help="a file for every product's speeds, JSON lines")
    a = p.parse_args()
    rows = numbers(a.rows)
    names = a.peers.split(",")
    peers = [ratio.Peer(__file__, "--serve", name, a.threads, threads=a.threads) for name in names]

    def ours():
        args = [x for n in rows for x in ("--rows", n)]
        return {(r["n"], r["k"], r["rows"], product): r[product]
                for r in ratio.burnish(a, "bench", "gemm", "--seconds", a.seconds, *args) for product in PRODUCTS}

    def theirs(peer):
        answer = peer.ask({"rows": rows, "seconds": a.seconds})
        return {tuple(key): v for key, v in answer["speeds"]}

    taken, quiet = ratio.alternate(a, [ours] + [lambda q=q: theirs(q) for q in peers], peers)
    speeds = [{key: statistics.median(s[key] for s in side) for key in side[0]} for side in taken]
    out = []
    for name, other in zip(names, speeds[1:]):
        for title, least, most, bar in GROUPS:
            row = group(a, title, least, most, bar, label(peers, names, name), speeds[0], other, quiet)
            if row:
                out.append(row)
    out.append(cold(a, quiet))
    if a.detail:
        with open(a.detail, "w", encoding="utf-8") as f:
            for key in speeds[0]:
                line = dict(zip(("n", "k", "rows", "product"), key), burnish=speeds[0][key])
                f.write(json.dumps({**line, **{n: s[key] for n, s in zip(names, speeds[1:])}}) + "\n")
    for q in peers:
        q.close()
    ratio.report(a, out)


def label(peers, names, name):
    return peers[names.index(name)].ask({"version": True})["version"]


def numbers(text):
    out = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        out += range(int(first), int(last or first) + 1)
    return out


def group(a, title, least, most, bar, peer, ours, theirs, quiet):
    """The matrix whose ratios are least, in the geometric mean."""
    products = PRODUCTS if least >= 256 else PRODUCTS[:1]
    means = {}
    for n, k in SHAPES:
        keys = [key for key in ours if key[:2] == (n, k) and least <= key[2] <= most and key[3] in products]
        if keys:
            means[n, k] = [geometric(s[key] for key in keys) for s in (ours, theirs)]
    if not means:
        return None
    (n, k), (mine, other) = min(means.items(), key=lambda m: m[1][0] / m[1][1])
    every = {f"{n}x{k}": round(m[0] / m[1], 3) for (n, k), m in means.items()}
    return ratio.compare(f"f32 GEMM, {title} (least: {n}×{k})", peer, "GFLOP/s", [mine], [other], bar, quiet, a.repeats, ratios=every)


def geometric(values):
    return math.exp(statistics.fmean(map(math.log, values)))


def cold(a, quiet):
    """One row against memory: the share of the bandwidth, as the geometric mean over the matrices."""
    shares = []
    for _ in range(a.repeats):
        lines = ratio.burnish(a, "bench", "gemm", "--rows", 1, "--seconds", 0.5, "--cold")
        shares.append(geometric(r["of_bandwidth"] for r in lines))
    return ratio.compare("f32 GEMM, 1 row, weights from memory", "memory bandwidth", "of it", shares, [1.0], 0.85, quiet, a.repeats)


# --- the peer --------------------------------------------------------------------------------------------------------

def serve(library, threads):
    if library == "numpy":
        import numpy
        make = lambda rows, cols: (numpy.arange(rows * cols, dtype=numpy.float32) % 7 - 3).reshape(rows, cols) / 64
        products = {"forward": lambda x, w, dy, out: numpy.matmul(x, w.T, out=out), "grad_x": lambda x, w, dy, out: numpy.matmul(dy, w, out=out),
                    "grad_w": lambda x, w, dy, out: numpy.matmul(dy.T, x, out=out)}
        empty = lambda rows, cols: numpy.empty((rows, cols), numpy.float32)
        info = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]
        version = f"OpenBLAS {info['version']} (numpy {numpy.__version__})"
    else:
        import torch
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        make = lambda rows, cols: ((torch.arange(rows * cols) % 7 - 3).float() / 64).reshape(rows, cols)
        products = {"forward": lambda x, w, dy, out: torch.mm(x, w.T, out=out), "grad_x": lambda x, w, dy, out: torch.mm(dy, w, out=out),
                    "grad_w": lambda x, w, dy, out: torch.mm(dy.T, x, out=out)}
        empty = lambda rows, cols: torch.empty(rows, cols)
        version = f"PyTorch {torch.__version__.partition('+')[0]}"

    def answer(q):
        if "version" in q:
            return {"version": version}
        speeds = []
        for n, k in SHAPES:
            w = make(n, k)
            for rows in q["rows"]:
                x, dy = make(rows, k), make(rows, n)
                outs = {"forward": empty(rows, n), "grad_x": empty(rows, k), "grad_w": empty(n, k)}
                for name, product in products.items():
                    run = lambda: product(x, w, dy, outs[name])
                    speeds.append(((n, k, rows, name), fastest(run, 2e-9 * rows * n * k, q["seconds"])))
        return {"speeds": speeds}

    ratio.serve(answer)


def fastest(run, gflop, seconds):
    run()
    best, begin = 0.0, time.perf_counter()
    while True:
        start, count = time.perf_counter(), 0
        while count == 0 or time.perf_counter() - start < seconds / 10:
            run()
            count += 1
        best = max(best, count * gflop / (time.perf_counter() - start))
        if time.perf_counter() - begin >= seconds:
            return best


if sys.argv[1:2] == ["--serve"]:
    serve(sys.argv[2], int(sys.argv[3]))
else:
    main()
