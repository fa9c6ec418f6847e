#!/usr/bin/env python3
"""Writes tests/golden/torchaudio.h5: torchaudio's mel spectrograms and MFCC of signals that
tests/golden/librosa.h5 holds.

    python3 -m venv .venv && .venv/bin/pip install torch torchaudio==2.11.0 h5py
    .venv/bin/python tools/golden/torchaudio_features.py [FOLDER]

One group a signal, every matrix [frames, dims] in float32; torchaudio's defaults where nothing is
said, but for n_fft, which is 400 and here must be a power of two. Made with torch 2.15.0.
"""

import pathlib
import sys

import h5py
import torch
import torchaudio

GOLDEN = pathlib.Path(__file__).parents[2] / "tests" / "golden"
SIGNALS = ["chirp", "sentence", "chord", "fewer_than_9_frames", "shorter_than_n_fft", "silence"]
FRAMES = {"n_fft": 1024, "hop_length": 256}


def main():
    target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDEN
    mel = torchaudio.transforms.MelSpectrogram(sample_rate=22050, n_mels=64, **FRAMES)
    mfcc = torchaudio.transforms.MFCC(sample_rate=22050, melkwargs=FRAMES)
    with h5py.File(GOLDEN / "librosa.h5") as signals, \
            h5py.File(target / "torchaudio.h5", "w") as file:
        file.attrs["made_with"] = f"torchaudio {torchaudio.__version__}, torch {torch.__version__}"
        for name in SIGNALS:
            y = torch.from_numpy(signals[name]["samples"][:])
            group = file.create_group(name)
            for feature, values in ("mel", mel(y)), ("mfcc", mfcc(y)):
                group.create_dataset(feature, data=values.T.numpy(), compression="gzip",
                                     compression_opts=9, shuffle=True)
                print(name, feature, tuple(values.T.shape))


main()
