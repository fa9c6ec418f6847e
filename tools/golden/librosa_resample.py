#!/usr/bin/env python3
"""Writes tests/golden/resample.h5: what librosa.load makes of recordings at other rates.

    python3 -m venv .venv && .venv/bin/pip install -r tools/golden/requirements.txt
    .venv/bin/python tools/golden/librosa_resample.py

One group a signal: input, input_rate, output, output_rate. The resampler is soxr_hq, librosa's
default; lengths are ceil(samples * output_rate / input_rate).
"""

import pathlib

import h5py
import librosa
import numpy as np
import soxr

from librosa_signals import SAMPLE_RATE, chirp, impulse, white_noise

TARGET = pathlib.Path(__file__).parents[2] / "tests" / "golden" / "resample.h5"

SIGNALS = {
    "chirp_8k": (chirp(0.9, 8000, seed=1), 8000),
    "chirp_48k": (chirp(0.7, 48000, seed=2), 48000),
    "noise_8k": (white_noise(4001, seed=3), 8000),
    "noise_48k": (white_noise(24007, seed=4), 48000),
    "noise_44k": (white_noise(9973, seed=5), 44100),
    "impulse_48k": (impulse(4800, 1234), 48000),
    "short_48k": (white_noise(37, seed=6), 48000),
}

with h5py.File(TARGET, "w") as file:
    file.attrs["made_with"] = f"librosa {librosa.__version__}, soxr {soxr.__version__}"
    for name, (y, rate) in SIGNALS.items():
        output = librosa.resample(y, orig_sr=rate, target_sr=SAMPLE_RATE)
        assert output.dtype == np.float32
        group = file.create_group(name)
        for key, values in {"input": y, "output": output}.items():
            group.create_dataset(key, data=values, compression="gzip", compression_opts=9,
                                 shuffle=True)
        group["input_rate"] = rate
        group["output_rate"] = SAMPLE_RATE
        print(f"{name}: {len(y)} samples at {rate} Hz to {len(output)}")
