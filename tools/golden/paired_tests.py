#!/usr/bin/env python3
"""Writes tests/golden/paired_tests.json: statsmodels' McNemar tests and paired bootstrap intervals.

`mcnemar` is statsmodels' test, exact below 25 clips that only one recogniser got right, else
chi-square with continuity correction. `paired` draws as bootstrap.py does, with its Philox, and takes
scikit-learn's scores of the same clips for both recognisers: ends must agree.

Usage: paired_tests.py [OUTPUT], with the packages of requirements.txt.
"""

import json
import pathlib
import sys
import warnings

import numpy as np
import sklearn
import statsmodels
from statsmodels.stats.contingency_tables import mcnemar

from bootstrap import SCORES, draws, noisy

RANDOM = np.random.default_rng(7)
EXACT_BELOW = 25


def tests():
    counts = [(0, 0), (1, 0), (0, 5), (3, 3), (2, 9), (12, 12), (6, 18), (1, 23), (24, 0), (12, 13),
              (25, 0), (30, 10), (9, 31), (50, 50), (51, 50), (120, 80), (7, 400)]
    for first, second in counts:
        exact = first + second < EXACT_BELOW
        table = [[0, first], [second, 0]]
        result = mcnemar(table, exact=exact, correction=True)
        yield {"first_only": first, "second_only": second, "exact": exact,
               "statistic": float(result.statistic), "p": float(result.pvalue)}


def paired():
    for name, classes, clips, right, cluster_of in [
            ("clips", 6, 100, 0.6, lambda i: i),
            ("speakers", 8, 160, 0.6, lambda i: i % 10),
            ("a class of one clip", 3, 40, 0.5, lambda i: i)]:
        truth, first, clusters = noisy(clips, classes, right, cluster_of)
        if name == "a class of one clip":
            truth = np.where(truth == 2, 0, truth)
            truth[7] = 2
        guess = RANDOM.integers(0, classes, clips)
        second = np.where(RANDOM.random(clips) < 0.3, guess, first)
        members = [np.flatnonzero(clusters == k) for k in range(clusters.max() + 1)]
        seed, resamples, confidence = 2**41 + 3, 300, 0.95
        row = {"name": name, "classes": classes, "truth": truth.tolist(), "first": first.tolist(),
               "second": second.tolist(), "clusters": clusters.tolist(), "seed": seed,
               "resamples": resamples, "confidence": confidence}
        for score, function in SCORES.items():
            row[score] = function(truth, second) - function(truth, first)
            values = []
            for b in range(resamples):
                drawn = np.concatenate([members[k] for k in draws(seed, b, len(members))])
                values.append(function(truth[drawn], second[drawn]) -
                              function(truth[drawn], first[drawn]))
            ends = [(1 - confidence) / 2, (1 + confidence) / 2]
            row[score + "_interval"] = np.quantile(values, ends).tolist()
        yield row


def main():
    warnings.simplefilter("ignore")  # of classes that a resample lacks
    default = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/paired_tests.json"
    output = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    output.write_text(json.dumps({
        "statsmodels": statsmodels.__version__, "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
        "mcnemar": list(tests()),
        "paired": list(paired()),
    }, separators=(",", ":")).replace('{"name"', '\n{"name"').replace('{"first', '\n{"first') + "\n")


if __name__ == "__main__":
    main()
