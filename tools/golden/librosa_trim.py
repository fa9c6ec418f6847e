#!/usr/bin/env python3
"""Writes tests/golden/librosa_trim.h5: what librosa.effects.trim leaves of a few signals.

    python3 -m venv .venv && .venv/bin/pip install -r tools/golden/requirements.txt
    .venv/bin/python tools/golden/librosa_trim.py [FOLDER]

One group a signal: `samples`, and for each setting "TOP_DB FRAME_LENGTH HOP_LENGTH" the interval
[begin, end] in samples. Made with librosa 1.0.0.
"""

import pathlib
import sys

import h5py
import librosa
import numpy as np

from librosa_signals import SAMPLE_RATE, chirp, impulse, white_noise

TARGET = pathlib.Path(__file__).parents[2] / "tests" / "golden"

SETTINGS = [(60, 2048, 512), (30, 2048, 512), (20, 1024, 256), (12, 512, 100), (80, 256, 300)]


def between(before, y, after, level=0.0, seed=0):
    """A signal between pauses of silence or faint noise."""
    pauses = level * np.random.default_rng(seed).standard_normal(before + after)
    pauses = (np.round(pauses * 2**15) / 2**15).astype(np.float32)
    return np.concatenate([pauses[:before], y, pauses[before:]])


SOUND = chirp(0.3, SAMPLE_RATE, seed=11)
SIGNALS = {
    "between_zeros": between(7000, SOUND, 3333),
    "between_noise": between(5000, SOUND, 9000, level=0.002, seed=12),
    "sound_at_once": between(0, white_noise(4000, seed=13), 6000),
    "sound_to_the_end": between(6001, white_noise(4000, seed=14), 0),
    "fading": (SOUND * np.exp(-np.arange(len(SOUND)) / 900)).astype(np.float32),
    "impulse": impulse(11025, 3333),
    "shorter_than_a_hop": white_noise(90, seed=15),
    "silence": np.zeros(5000, np.float32),
    "below_the_floor": between(3000, np.full(2000, 2**-17, np.float32), 3000),
}


def main():
    target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    packing = {"compression": "gzip", "compression_opts": 9, "shuffle": True}
    with h5py.File(target / "librosa_trim.h5", "w") as file:
        file.attrs["made_with"] = f"librosa {librosa.__version__}, numpy {np.__version__}"
        for name, y in SIGNALS.items():
            group = file.create_group(name)
            group.create_dataset("samples", data=np.asarray(y, np.float32), **packing)
            for top_db, frame_length, hop_length in SETTINGS:
                _, interval = librosa.effects.trim(
                    y, top_db=top_db, frame_length=frame_length, hop_length=hop_length)
                group.create_dataset(f"{top_db} {frame_length} {hop_length}",
                                     data=np.asarray(interval, np.float32))
                print(name, top_db, frame_length, hop_length, interval)


main()
