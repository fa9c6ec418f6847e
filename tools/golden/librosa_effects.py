#!/usr/bin/env python3
"""Writes tests/golden/librosa_effects.h5: time_stretch and pitch_shift of a few signals, by librosa.

    python3 -m venv .venv && .venv/bin/pip install -r tools/golden/requirements.txt
    .venv/bin/python tools/golden/librosa_effects.py [FOLDER]

One group a signal: `samples`, and `time_stretch RATE` and `pitch_shift STEPS` for each setting, with
librosa's defaults (n_fft 2048, hop_length 512, soxr_hq). Made with librosa 0.11.0, numpy 2.4.6,
scipy 1.17.1, soxr 1.1.0.
"""

import pathlib
import sys

import h5py
import librosa
import numpy as np

from librosa_signals import SAMPLE_RATE, chirp, white_noise

TARGET = pathlib.Path(__file__).parents[2] / "tests" / "golden"

RATES = [0.8, 1.1]
STEPS = [-3.5, 2]


def sentence():
    """Half a second of speech, the one in librosa.h5."""
    with h5py.File(TARGET / "librosa.h5") as file:
        return file["sentence/samples"][4000:15025]


SIGNALS = {
    "chirp": chirp(0.5, SAMPLE_RATE, seed=1),
    "sentence": sentence(),
    "noise": white_noise(6000, seed=3),
    "shorter_than_n_fft": white_noise(700, seed=4),
}


def main():
    target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    with h5py.File(target / "librosa_effects.h5", "w") as file:
        file.attrs["made_with"] = f"librosa {librosa.__version__}, numpy {np.__version__}"
        for name, y in SIGNALS.items():
            group = file.create_group(name)
            results = {"samples": y}
            for rate in RATES:
                results[f"time_stretch {rate:g}"] = librosa.effects.time_stretch(y, rate=rate)
            for steps in STEPS:
                results[f"pitch_shift {steps:g}"] = librosa.effects.pitch_shift(
                    y, sr=SAMPLE_RATE, n_steps=steps)
            for what, values in results.items():
                group.create_dataset(what, data=np.asarray(values, np.float32), compression="gzip",
                                     compression_opts=9, shuffle=True)
            print(f"{name}: {len(y)} samples, peak {np.abs(y).max():.3f}")


main()
