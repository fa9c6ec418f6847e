#!/usr/bin/env python3
"""Writes tests/golden/librosa_shelf.h5: what librosa's further features are of the signals that
tests/golden/librosa.h5 holds.

    python3 -m venv .venv && .venv/bin/pip install -r tools/golden/requirements.txt
    .venv/bin/python tools/golden/librosa_shelf.py [FOLDER]

One group a signal, every matrix [frames, dims] in float32, librosa's defaults where nothing is
said. Made with librosa 1.0.0.
"""

import pathlib
import sys
import warnings

import h5py
import librosa
import numpy as np

from librosa_signals import SAMPLE_RATE

GOLDEN = pathlib.Path(__file__).parents[2] / "tests" / "golden"


def shape(y):
    magnitude = np.abs(librosa.stft(y))
    spectral = librosa.feature
    return {
        "spectral_centroid": spectral.spectral_centroid(y=y, sr=SAMPLE_RATE),
        "spectral_bandwidth": spectral.spectral_bandwidth(y=y, sr=SAMPLE_RATE),
        "spectral_bandwidth_3": spectral.spectral_bandwidth(y=y, sr=SAMPLE_RATE, p=3),
        "spectral_rolloff": spectral.spectral_rolloff(y=y, sr=SAMPLE_RATE),
        "spectral_rolloff_25": spectral.spectral_rolloff(y=y, sr=SAMPLE_RATE, roll_percent=0.25),
        "spectral_flatness": spectral.spectral_flatness(y=y),
        "spectral_flux": librosa.onset.onset_strength(S=magnitude, sr=SAMPLE_RATE, center=False),
    }


def cepstra(y):
    mfcc = librosa.feature.mfcc
    return {
        "mel_htk": librosa.feature.melspectrogram(y=y, sr=SAMPLE_RATE, n_mels=40, htk=True,
                                                  norm=None, fmin=60, fmax=8000),
        "mfcc_lifted": mfcc(y=y, sr=SAMPLE_RATE, n_mfcc=20, lifter=22),
        "mfcc_plain": mfcc(y=y, sr=SAMPLE_RATE, n_mfcc=20, norm=None, htk=True, mel_norm=None),
        "mfcc_1": mfcc(y=y, sr=SAMPLE_RATE, n_mfcc=13, dct_type=1, norm="ortho"),
        "mfcc_1_plain": mfcc(y=y, sr=SAMPLE_RATE, n_mfcc=13, dct_type=1, norm=None),
        "mfcc_3": mfcc(y=y, sr=SAMPLE_RATE, n_mfcc=13, dct_type=3),
        "mfcc_3_plain": mfcc(y=y, sr=SAMPLE_RATE, n_mfcc=13, dct_type=3, norm=None),
    }


def normalized(y):
    """As librosa's page on pcen has it."""
    mel = librosa.feature.melspectrogram(y=y, sr=SAMPLE_RATE, n_mels=40, power=1)
    return {
        "pcen": librosa.pcen(mel * 2**31, sr=SAMPLE_RATE),
        "pcen_logarithm": librosa.pcen(mel * 2**31, sr=SAMPLE_RATE, power=0, gain=0.8,
                                       time_constant=0.06),
    }


def pitch(y):
    """The fundamental frequency of unvoiced frames is 0 instead of NaN."""
    voice = {"sr": SAMPLE_RATE, "fmin": librosa.note_to_hz("C2"), "fmax": librosa.note_to_hz("C7")}
    f0, voiced, probability = librosa.pyin(y, **voice)
    return {
        "yin": librosa.yin(y, **voice),
        "pyin": np.stack([np.nan_to_num(f0), voiced, probability]),
    }


def pitch_of_short_frames(y):
    """The same samples as if at 8 kHz: where a frame holds few periods its first sample counts, and
    librosa's difference function treats it in a way of its own at lag 1."""
    voice = {"sr": 8000, "fmin": 100, "fmax": 4000, "frame_length": 256, "hop_length": 80}
    f0, voiced, probability = librosa.pyin(y, **voice)
    return {
        "yin_short": librosa.yin(y, **voice),
        "pyin_short": np.stack([np.nan_to_num(f0), voiced, probability]),
    }


def features(y):
    result = {**shape(y), **cepstra(y), **normalized(y), **pitch(y), **pitch_of_short_frames(y)}
    return {name: np.atleast_2d(matrix).T for name, matrix in result.items()}


def main():
    warnings.simplefilter("ignore")  # silence has no pitch, clips shorter than n_fft: meant so
    target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDEN
    with h5py.File(GOLDEN / "librosa.h5") as signals, \
            h5py.File(target / "librosa_shelf.h5", "w") as file:
        file.attrs["made_with"] = f"librosa {librosa.__version__}, numpy {np.__version__}"
        for name in signals:
            group = file.create_group(name)
            for feature, values in features(signals[name]["samples"][:]).items():
                group.create_dataset(feature, data=np.asarray(values, np.float32),
                                     compression="gzip", compression_opts=9, shuffle=True)
            print(f"{name}: {len(group)} arrays")


main()
