#!/usr/bin/env python3
"""Golden values: schedules of transformers, and the refined schedule with numpy.  usage: golden.py > golden.json

"curves" are the factors that transformers gives for every step of 90. "refined" are the norms of a run and the curve made of
them at 17 places: resampled to 10,000 points, median-filtered over 10% with the first value repeated and the end mirrored, then
w_i * (sum of later w) / (sum of all w), divided by its maximum.
"""
import json

import numpy
import torch
import transformers.optimization as o

T, W = 90, 9


def curve(make, **options):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = make(optimizer, **options)
    out = []
    for _ in range(T):
        out.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return out


def refined(norms, power):
    g = numpy.interp(numpy.linspace(0, 1, 10000), numpy.linspace(0, 1, len(norms) - 4), norms[2:-2])
    half = int(0.1 * 10000 / 2)
    padded = numpy.pad(numpy.pad(g, (half, 0), mode="edge"), (0, half), mode="symmetric")
    g = numpy.median(numpy.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1), axis=1)
    w = g ** -power
    m = w * (w.sum() - w.cumsum()) / w.sum()
    return numpy.interp(numpy.linspace(0, 1, 17), numpy.linspace(0, 1, 10000), m / m.max()).tolist()


t = numpy.arange(60)
norms = (3 * numpy.exp(-t / 8) + 1 + 0.3 * numpy.sin(5.0 * t * t)).tolist()
norms[31] = 40.0
print(json.dumps({
    "curves": {
        "constant": curve(o.get_constant_schedule_with_warmup, num_warmup_steps=W),
        "linear": curve(o.get_linear_schedule_with_warmup, num_warmup_steps=W, num_training_steps=T),
        "cosine": curve(o.get_cosine_schedule_with_warmup, num_warmup_steps=W, num_training_steps=T),
        "cosine, floor 0.1": curve(o.get_cosine_with_min_lr_schedule_with_warmup, num_warmup_steps=W, num_training_steps=T, min_lr_rate=0.1),
        "wsd, linear": curve(o.get_wsd_schedule, num_warmup_steps=W, num_decay_steps=18, num_training_steps=T, decay_type="linear"),
        "wsd, 1-sqrt, floor 0.1": curve(o.get_wsd_schedule, num_warmup_steps=0, num_decay_steps=18, num_training_steps=T, decay_type="1-sqrt", min_lr_ratio=0.1),
        "rewarm": curve(o.get_cosine_with_hard_restarts_schedule_with_warmup, num_warmup_steps=0, num_training_steps=T, num_cycles=3),
    },
    "refined": {"norms": norms, "1": refined(norms, 1), "2": refined(norms, 2)},
}, indent=1))
