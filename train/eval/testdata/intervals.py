"""Writes intervals.json: reference values for the intervals and the percentile of package eval.

usage: intervals.py OUT.json      needs the Python packages statsmodels, scipy, numpy
"""
import json, sys

import numpy as np
import scipy, statsmodels
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

wilson = []
for hits, n in [(81, 263), (15, 148), (0, 20), (1, 29), (20, 20), (0, 1), (1, 1), (594, 1319), (150, 300), (299, 300)]:
    low, high = proportion_confint(hits, n, alpha=0.05, method="wilson")
    wilson.append(dict(hits=hits, n=n, low=low, high=high))

r = np.random.default_rng(3)
means = []
for n in [2, 3, 10, 20, 21, 100, 300]:
    xs = r.integers(1, 513, n)
    mean = xs.mean()
    low, high = stats.t.interval(0.95, n - 1, loc=mean, scale=stats.sem(xs))
    p95 = np.percentile(xs, 95, method="inverted_cdf")  # nearest rank
    means.append(dict(xs=xs.tolist(), mean=mean, low=low, high=high, p95=float(p95)))

made_with = dict(statsmodels=statsmodels.__version__, scipy=scipy.__version__, numpy=np.__version__)
with open(sys.argv[1], "w", encoding="utf-8") as f:
    f.write(json.dumps(dict(made_with=made_with, wilson=wilson, means=means)).replace("}, {", "},\n{") + "\n")
