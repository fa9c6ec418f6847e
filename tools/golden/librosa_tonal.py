#!/usr/bin/env python3
"""Writes tests/golden/librosa_tonal.h5: harmonic and percussive parts, constant-Q transforms and
what is made of them, of the signals that tests/golden/librosa.h5 holds.

    python3 -m venv .venv && .venv/bin/pip install -r tools/golden/requirements.txt
    .venv/bin/python tools/golden/librosa_tonal.py [FOLDER]

One group a signal, every matrix [frames, dims] in float32, librosa's defaults where nothing is
said. Masks are kept of every 41st bin and signals of every third sample: they would be ten times the
rest. Made with librosa 1.0.0.
"""

import pathlib
import sys
import warnings

import h5py
import librosa
import numpy as np
import soxr

from librosa_signals import SAMPLE_RATE

GOLDEN = pathlib.Path(__file__).parents[2] / "tests" / "golden"
STEP = 41
THIRD = 3


def parts(y):
    magnitude = np.abs(librosa.stft(y))
    harmonic, percussive = librosa.decompose.hpss(magnitude, mask=True)
    strict = librosa.decompose.hpss(magnitude, mask=True, margin=(2.0, 3.0), power=1.5)
    hard = librosa.decompose.hpss(magnitude, mask=True, power=np.inf)
    return {
        "harmonic_mask": harmonic[::STEP],
        "percussive_mask": percussive[::STEP],
        "strict_harmonic_mask": strict[0][::STEP],
        "strict_percussive_mask": strict[1][::STEP],
        "hard_harmonic_mask": hard[0][::STEP],
        "harmonic": librosa.effects.harmonic(y)[::THIRD],
        "percussive": librosa.effects.percussive(y, margin=(1.0, 3.0))[::THIRD],
    }


def constant_q(y):
    return {
        "cqt": np.abs(librosa.cqt(y, sr=SAMPLE_RATE)),
        "cqt_tuned": np.abs(librosa.cqt(y, sr=SAMPLE_RATE, tuning=None)),
        # Octaves that are not whole, and a hop that can be halved three times only.
        "cqt_24": np.abs(librosa.cqt(y, sr=SAMPLE_RATE, fmin=55, n_bins=130, bins_per_octave=24,
                                     hop_length=200, tuning=0.25)),
        # Decimated before the first octave: only low notes are asked for.
        "cqt_low": np.abs(librosa.cqt(y, sr=SAMPLE_RATE, n_bins=40)),
    }


def classes(y):
    feature = librosa.feature
    return {
        "chroma_cqt": feature.chroma_cqt(y=y, sr=SAMPLE_RATE),
        "chroma_cqt_24": feature.chroma_cqt(y=y, sr=SAMPLE_RATE, n_chroma=24, bins_per_octave=24,
                                            n_octaves=5, fmin=110, tuning=0),
        "chroma_cens": feature.chroma_cens(y=y, sr=SAMPLE_RATE),
        "tonnetz": feature.tonnetz(y=y, sr=SAMPLE_RATE),
        "harmonic_tonnetz": feature.tonnetz(y=librosa.effects.harmonic(y), sr=SAMPLE_RATE),
    }


def main():
    warnings.simplefilter("ignore")  # clips shorter than filters, silence: meant so
    target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDEN
    with h5py.File(GOLDEN / "librosa.h5") as signals, \
            h5py.File(target / "librosa_tonal.h5", "w") as file:
        file.attrs["made_with"] = (f"librosa {librosa.__version__}, numpy {np.__version__}, "
                                   f"soxr {soxr.__version__}")
        for name in signals:
            y = signals[name]["samples"][:]
            group = file.create_group(name)
            for feature, values in {**parts(y), **constant_q(y), **classes(y)}.items():
                group.create_dataset(feature, data=np.atleast_2d(np.asarray(values, np.float32)).T,
                                     compression="gzip", compression_opts=9, shuffle=True)
            print(f"{name}: {len(group)} arrays")


main()
