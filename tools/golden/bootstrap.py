#!/usr/bin/env python3
"""Writes tests/golden/bootstrap.json: percentile bootstrap intervals of scikit-learn's scores.

`cases` draws with a Philox 4x32-10 of its own, as kernels/device/philox.h defines it, so that ends
must agree; `scipy` has scipy.stats.bootstrap draw, whose ends agree up to chance. `guessing` are
scikit-learn's scores of guesses, a row for every class that may be named, weighted by how often it
is. `calibration` are expected calibration errors from numpy's histograms.

Usage: bootstrap.py [OUTPUT], with the packages of requirements.txt.
"""

import json
import pathlib
import sys
import warnings

import numpy as np
import scipy
import sklearn
from scipy.stats import bootstrap
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

RANDOM = np.random.default_rng(3)
SCORES = {
    "accuracy": accuracy_score,
    "uar": balanced_accuracy_score,
    "macro_f1": lambda *a, **k: f1_score(*a, average="macro", zero_division=0, **k),
}
PURPOSE_BOOTSTRAP = 5


def philox(counter, seed):
    """Four words a counter [n, 4]: Salmon and others 2011, ten rounds of two multiplications."""
    c = [counter[:, i].astype(np.uint64) for i in range(4)]
    low = np.uint64(0xFFFFFFFF)
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        p0 = np.uint64(0xD2511F53) * c[0]
        p1 = np.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> np.uint64(32)) ^ c[1] ^ np.uint64(k0), p1 & low,
             (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(k1), p0 & low]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack(c, axis=1)


def draws(seed, resample, clusters):
    blocks = np.arange((clusters + 3) // 4)
    counter = np.stack([blocks, np.full_like(blocks, resample), np.zeros_like(blocks),
                        np.full_like(blocks, PURPOSE_BOOTSTRAP)], axis=1)
    words = philox(counter, seed).ravel()[:clusters]
    return (words * np.uint64(clusters) >> np.uint64(32)).astype(int)


def noisy(clips, classes, right, cluster_of):
    truth = RANDOM.integers(0, classes, clips)
    guess = RANDOM.integers(0, classes, clips)
    clusters = np.array([cluster_of(i) for i in range(clips)])
    # Some speakers are understood better than others.
    skill = right + 0.25 * np.sin(clusters * 1.7)
    return truth, np.where(RANDOM.random(clips) < skill, truth, guess), clusters


def data():
    yield "clips", 8, *noisy(120, 8, 0.6, lambda i: i)
    yield "speakers", 8, *noisy(160, 8, 0.6, lambda i: i % 20)
    yield "three speakers", 4, *noisy(45, 4, 0.6, lambda i: i % 3)
    truth, predicted, clusters = noisy(30, 3, 0.6, lambda i: i)
    yield "a class of one clip", 4, np.append(truth, 3), np.append(predicted, 0), \
        np.append(clusters, 30)
    truth, predicted, clusters = noisy(40, 5, 0.5, lambda i: i // 4)
    yield "never named", 6, truth, np.where(predicted == 2, 5, predicted), clusters


def row(name, classes, truth, predicted, clusters):
    return {"name": name, "labels": classes, "truth": truth.tolist(),
            "predicted": predicted.tolist(), "clusters": clusters.tolist()}


def ours(name, classes, truth, predicted, clusters, seed=2**40 + 17, resamples=400, confidence=0.9):
    members = [np.flatnonzero(clusters == k) for k in range(clusters.max() + 1)]
    values = {score: [] for score in SCORES}
    for b in range(resamples):
        clips = np.concatenate([members[k] for k in draws(seed, b, len(members))])
        for score, function in SCORES.items():
            values[score].append(function(truth[clips], predicted[clips]))
    result = row(name, classes, truth, predicted, clusters)
    result |= {"seed": seed, "resamples": resamples, "confidence": confidence}
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    return result | {score: np.quantile(v, ends).tolist() for score, v in values.items()}


def theirs(name, classes, truth, predicted, clusters, resamples=4000):
    members = [np.flatnonzero(clusters == k) for k in range(clusters.max() + 1)]
    result = row(name, classes, truth, predicted, clusters) | {"resamples": resamples}
    for score, function in SCORES.items():
        def statistic(drawn):
            clips = np.concatenate([members[k] for k in drawn])
            return function(truth[clips], predicted[clips])
        interval = bootstrap((np.arange(len(members)),), statistic, n_resamples=resamples,
                             vectorized=False, method="percentile", confidence_level=0.95,
                             rng=np.random.default_rng(9)).confidence_interval
        result[score] = [float(interval.low), float(interval.high)]
    return result


def guessing():
    for support, guess in [([24, 48, 48, 48], [0, 1, 0, 0]), ([24, 48, 48, 48], [0.25] * 4),
                           ([10, 0, 7], [0.2, 0.5, 0.3]), ([5, 9, 3], [0.5, 0.5, 0])]:
        truth = np.repeat(np.arange(len(support)), support)
        every = np.repeat(truth, len(guess))
        named = np.tile(np.arange(len(guess)), truth.size)
        weight = np.tile(guess, truth.size)
        kept = weight > 0
        yield {"support": support, "guess": guess} | {
            score: float(function(every[kept], named[kept], sample_weight=weight[kept]))
            for score, function in SCORES.items()}


def calibration():
    for clips, bins in [(300, 10), (50, 15), (7, 2)]:
        confidence = RANDOM.uniform(0.13, 1, clips).astype(np.float32)
        right = RANDOM.random(clips) < confidence ** 1.5
        # Bins closed above: histograms of 1 - confidence, whose bins are closed below.
        edges = 1 - np.arange(bins + 1)[::-1] / bins
        where = np.clip(np.digitize(1 - confidence.astype(float), edges) - 1, 0, bins - 1)
        count = np.bincount(where, minlength=bins)
        correct = np.bincount(where, right, minlength=bins)
        total = np.bincount(where, confidence.astype(float), minlength=bins)
        yield {"confidence": confidence.astype(float).tolist(), "right": right.astype(int).tolist(),
               "bins": bins, "counts": count[::-1].tolist(),
               "expected_error": float(np.abs(correct - total).sum() / clips)}


def main():
    warnings.simplefilter("ignore")  # of classes that a resample lacks
    default = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/bootstrap.json"
    output = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    cases = list(data())
    output.write_text(json.dumps({
        "scikit-learn": sklearn.__version__, "numpy": np.__version__, "scipy.version": scipy.__version__,
        "cases": [ours(*case) for case in cases],
        "scipy": [theirs(*case) for case in cases[:2]],
        "guessing": list(guessing()),
        "calibration": list(calibration()),
    }, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")


if __name__ == "__main__":
    main()
