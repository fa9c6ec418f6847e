#!/usr/bin/env python3
"""Writes tests/golden/sklearn_metrics.json: predictions and what scikit-learn says of them.

Usage: sklearn_metrics.py [OUTPUT], with the packages of requirements.txt.
"""

import json
import pathlib
import sys

import numpy as np
import sklearn
from sklearn.metrics import (accuracy_score, balanced_accuracy_score, classification_report,
                             confusion_matrix, f1_score, precision_recall_fscore_support)

RAVDESS = ["neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"]
RANDOM = np.random.default_rng(7)


def noisy(counts, right, classes=None):
    """counts[k] clips of class k, each right with probability `right`, else any class."""
    truth = np.repeat(np.arange(len(counts)), counts)
    guess = RANDOM.integers(0, classes or len(counts), truth.size)
    return truth, np.where(RANDOM.random(truth.size) < right, truth, guess)


def cases():
    yield "ravdess", RAVDESS, *noisy([24, 48, 48, 48, 48, 48, 48, 48], 0.7)
    yield "ravdess poor", RAVDESS, *noisy([16, 32, 32, 32, 32, 32, 32, 32], 0.1)

    truth, predicted = noisy([24, 48, 48, 48, 48, 48, 48, 48], 0.6)
    yield "never predicted", RAVDESS, truth, np.where(predicted == 6, 3, predicted)

    truth, predicted = noisy([24, 48, 48, 48, 48, 48, 0, 48], 0.6)
    yield "without support", RAVDESS, truth, predicted

    truth, predicted = noisy([24, 48, 48, 0, 48, 48, 0, 0], 0.8, 6)
    yield "neither true nor predicted", RAVDESS, truth, predicted

    yield "two classes", ["calm", "angry"], *noisy([13, 40], 0.8)
    yield "all wrong", ["calm", "angry"], np.array([0, 0, 1]), np.array([1, 1, 0])
    yield "single class", ["neutral"], np.zeros(5, int), np.zeros(5, int)
    yield "one clip", RAVDESS, np.array([4]), np.array([4])
    yield ("long names", ["pleasant surprise, as the Toronto set names it", "überrascht", "平静", "x"],
           *noisy([7, 11, 5, 9], 0.5))
    yield ("ties in the third decimal", ["a", "b", "c", "d"],
           np.repeat([0, 1, 2, 3], 8),
           np.array([0] * 1 + [1] * 7 + [1] * 3 + [0] * 5 + [2] * 5 + [3] * 3 + [3] * 7 + [2]))
    yield "many classes", [f"class {k}" for k in range(150)], *noisy([3] * 150, 0.5)
    yield "large counts", ["a", "b", "c"], *noisy([12000, 110000, 3], 0.9)


def describe(name, names, truth, predicted):
    present = np.unique(np.concatenate([truth, predicted]))
    confusion = confusion_matrix(truth, predicted, labels=np.arange(len(names)))
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, predicted, labels=np.arange(len(names)), zero_division=0)
    return {
        "name": name,
        "labels": names,
        # Long lists of predictions follow from the matrix; every metric here does, too.
        "confusion": confusion.tolist(),
        "accuracy": accuracy_score(truth, predicted),
        "uar": balanced_accuracy_score(truth, predicted),
        "macro_f1": f1_score(truth, predicted, average="macro", zero_division=0),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f1": f1.tolist(),
        "support": support.tolist(),
        "report": classification_report(truth, predicted, zero_division=0,
                                        target_names=[names[k] for k in present]),
        "report_4_digits": classification_report(truth, predicted, zero_division=0, digits=4,
                                                 target_names=[names[k] for k in present]),
    }


def spread():
    for values in [[0.51, 0.68, 0.61, 0.62, 0.63, 0.67], [0.5, 0.75],
                   RANDOM.random(24).tolist(), RANDOM.random(300).tolist()]:
        yield {"values": values, "mean": float(np.mean(values)),
               "deviation": float(np.std(values, ddof=1)), "sum": float(np.sum(values))}


def main():
    default = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/sklearn_metrics.json"
    output = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    output.write_text(json.dumps({
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
        "cases": [describe(*case) for case in cases()],
        "spread": list(spread()),
    }, ensure_ascii=False, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")


if __name__ == "__main__":
    main()
