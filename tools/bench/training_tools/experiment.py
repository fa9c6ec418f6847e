"""What the other libraries are to know of an experiment, and numbers that are drawn for it."""
import json
import sys
import time

import numpy as np
import yaml

CLASSES = 8  # RAVDESS' emotions
# Numbers of a frame that features give (configs/REFERENCE.md) in the experiments compared.
DIMS = {"chroma_stft": 12, "spectral_contrast": 7, "tonnetz": 6, "zero_crossing_rate": 1, "rms": 1}


def item_of(entry):
    """'relu' or {'conv1d': {...}} as name and options."""
    if isinstance(entry, str):
        return entry, {}
    (name, given), = entry.items()
    return name, given or {}


def dims_of(features):
    count = 0
    for name, given in map(item_of, features["extract"]):
        size = {"mfcc": given.get("n_mfcc", 40), "mel": given.get("n_mels", 128)}.get(name)
        count += size if size else DIMS[name]
    return count


class Experiment:
    def __init__(self, file):
        with open(file, encoding="utf-8") as stream:
            config = yaml.safe_load(stream)
        dims = dims_of(config["features"])
        vectors = config["features"].get("statistics")
        if vectors and vectors != ["mean"]:
            raise ValueError("statistics other than means are not known here")
        self.input = (dims, 1) if vectors else (config["model"]["frames"], dims)
        self.layers = config["model"]["layers"]
        training = config["training"]
        self.batch = training["batch_size"]
        self.optimizer = training["optimizer"]
        self.smoothing = training.get("label_smoothing", 0.0)
        self.clip_norm = training.get("clip_norm")


def first_weights(folder):
    """Names and numbers of what bench_training check began with."""
    values, begin = np.fromfile(f"{folder}/weights.bin", dtype=np.float32), 0
    with open(f"{folder}/names.txt", encoding="utf-8") as lines:
        for name, *shape in map(str.split, lines):
            shape = [int(n) for n in shape]
            value = values[begin:begin + int(np.prod(shape))].reshape(shape)
            begin += value.size
            yield name, value


def numbers(shape, stream):
    """As tools/bench/training.cpp draws them."""
    def times(values, factor):
        return ((values.astype(np.uint64) * np.uint64(factor)) & np.uint64(0xFFFFFFFF)).astype(
            np.uint32)
    begin = stream * 0x9E3779B9 % 2**32
    word = ((np.arange(np.prod(shape), dtype=np.uint64) + np.uint64(begin))
            & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    word = times(word ^ (word >> np.uint32(16)), 0x85EBCA6B)
    word = times(word ^ (word >> np.uint32(13)), 0xC2B2AE35)
    word ^= word >> np.uint32(16)
    values = (word >> np.uint32(8)).astype(np.float32) * np.float32(2**-24) - np.float32(0.5)
    return (values * np.float32(4)).reshape(shape)


def layers_of(experiment, dropout):
    """Without dropout places are counted without it, as in bench_training check."""
    def without(entries):
        kept = []
        for kind, given in map(item_of, entries):
            if kind == "dropout":
                continue
            given = dict(given)
            if kind == "residual":
                given["layers"] = without(given["layers"])
            kept.append({kind: given})
        return kept
    return experiment.layers if dropout else without(experiment.layers)


def serve(first, epoch):
    """Answers, then takes an epoch and says its seconds, for each line of stdin."""
    print(json.dumps(first), flush=True)
    for _ in sys.stdin:
        begin = time.perf_counter()
        epoch()
        print(time.perf_counter() - begin, flush=True)
