"""Writes paired.json: reference values for package paired.

usage: paired.py OUT.json      needs the Python packages scipy, statsmodels, numpy
"""
import json, sys

import numpy as np
import scipy, statsmodels
from scipy import optimize, stats
from statsmodels.stats.multitest import multipletests

r = np.random.default_rng(5)
pairs = []
for n in [2, 3, 5, 8, 8, 20, 120]:
    a = r.normal(0.6, 0.1, n)
    b = a - r.normal(0.05, 0.08, n)
    t = stats.ttest_rel(a, b)
    low, high = t.confidence_interval(0.95)
    pairs.append(dict(a=a.tolist(), b=b.tolist(), mean=float(np.mean(a - b)), sd=float(np.std(a - b, ddof=1)), low=low, high=high, p=t.pvalue))

families = []
for m in [1, 2, 3, 7]:
    p = r.uniform(0, 0.08, m)
    families.append(dict(p=p.tolist(), holm=multipletests(p, 0.05, "holm")[1].tolist()))
families.append(dict(p=[0.01, 0.04, 0.03, 0.005, 0.02], holm=multipletests([0.01, 0.04, 0.03, 0.005, 0.02], 0.05, "holm")[1].tolist()))


def detectable(n, alpha):
    """The exact one, in units of sd: the root of the power function of the two-sided t test."""
    t = stats.t.ppf(1 - alpha / 2, n - 1)

    def power(delta):
        return stats.nct.sf(t, n - 1, delta * np.sqrt(n)) + stats.nct.cdf(-t, n - 1, delta * np.sqrt(n)) - 0.8

    high = 0.1
    while power(high) < 0:
        high *= 1.3
    return optimize.brentq(power, 1e-6, high)


effects = []
for n in [5, 8, 20, 120]:
    for m in [1, 6]:
        alpha = 0.05 / m
        formula = (stats.t.ppf(1 - alpha / 2, n - 1) + stats.t.ppf(0.8, n - 1)) / np.sqrt(n)
        effects.append(dict(n=n, comparisons=m, formula=formula, exact=detectable(n, alpha)))

made_with = dict(scipy=scipy.__version__, statsmodels=statsmodels.__version__, numpy=np.__version__)
with open(sys.argv[1], "w", encoding="utf-8") as f:
    f.write(json.dumps(dict(made_with=made_with, pairs=pairs, families=families, effects=effects)).replace("}, {", "},\n{") + "\n")
