#!/usr/bin/env python3
"""Writes tests/golden/librosa.h5 and librosa_stft.h5: every feature of a few signals, by librosa.

    python3 -m venv .venv && .venv/bin/pip install -r tools/golden/requirements.txt
    .venv/bin/python tools/golden/librosa_features.py [FOLDER]

One group a signal, every matrix [frames, dims] in float32, librosa's defaults where nothing is
said (n_fft 2048, hop_length 512). librosa_stft.h5 holds every eighth row of the STFT magnitude and
what tuning, chroma and contrast are of those rows alone.
Made with librosa 1.0.0; 0.11.0 (same numpy and scipy) gives the same numbers, bit for bit. What 1.0
changes, top_db per channel instead of over all channels, does not show on mono signals.
"""

import pathlib
import sys
import warnings

import h5py
import librosa
import numpy as np

from librosa_signals import SAMPLE_RATE, chirp, chord, impulse, sentence, square, white_noise

TARGET = pathlib.Path(__file__).parents[2] / "tests" / "golden"


def resampled(y, rate):
    return librosa.resample(y, orig_sr=rate, target_sr=SAMPLE_RATE)


SIGNALS = {
    "chirp": chirp(1.0, SAMPLE_RATE, seed=1),
    "sentence": sentence(),
    "chord": chord(0.7, tuning=0.27),
    "silence": np.zeros(11025, np.float32),
    "impulse": impulse(11025, 3333),
    "square": square(0.5, frequency=440),
    "quiet": chirp(0.6, SAMPLE_RATE, seed=2) * np.float32(2**-13),
    "shorter_than_n_fft": white_noise(700, seed=3),
    "fewer_than_9_frames": white_noise(3000, seed=4),
    "from_8k": resampled(chirp(0.5, 8000, seed=5), 8000),
    "from_48k": resampled(chirp(0.4, 48000, seed=6), 48000),
}


def delta(matrix, order):
    """mode="interp", and "nearest" where librosa refuses: fewer frames than the width."""
    mode = "interp" if matrix.shape[-1] >= 9 else "nearest"
    return librosa.feature.delta(matrix, order=order, mode=mode)


def features(y):
    sr = SAMPLE_RATE
    power = np.abs(librosa.stft(y)) ** 2
    mel = librosa.feature.melspectrogram(y=y, sr=sr)
    mfcc = librosa.feature.mfcc(y=y, sr=sr, n_mfcc=40)
    chroma = librosa.feature.chroma_stft(y=y, sr=sr)
    result = {
        "mel": mel,
        "log_mel": librosa.power_to_db(mel),
        "mfcc": mfcc,
        "mfcc_13": librosa.feature.mfcc(y=y, sr=sr, n_mfcc=13, n_fft=1024, hop_length=256),
        "chroma_stft": chroma,
        "chroma_untuned": librosa.feature.chroma_stft(y=y, sr=sr, tuning=0.0),
        "spectral_contrast": librosa.feature.spectral_contrast(y=y, sr=sr),
        "tonnetz": librosa.feature.tonnetz(chroma=chroma, sr=sr),
        "zero_crossing_rate": librosa.feature.zero_crossing_rate(y),
        "rms": librosa.feature.rms(y=y),
        "delta": delta(mfcc, 1),
        "delta2": delta(mfcc, 2),
    }
    result = {name: matrix.T for name, matrix in result.items()}
    result["tuning"] = librosa.estimate_tuning(S=power, sr=sr)
    frames = result["mfcc"].astype(np.float64)
    result["statistics"] = np.stack([
        frames.mean(axis=0), frames.std(axis=0), frames.min(axis=0), frames.max(axis=0),
        np.median(frames, axis=0), np.percentile(frames, 10, axis=0),
        np.percentile(frames, 97.5, axis=0)])
    return result


def put(group, name, values):
    values = np.asarray(values, np.float32)
    packing = {"compression": "gzip", "compression_opts": 9, "shuffle": True} if values.ndim else {}
    group.create_dataset(name, data=values, **packing)


def put_stage(group, y):
    """A part of the STFT, and what follows from just that: no other rounding comes between."""
    magnitude = np.ascontiguousarray(np.abs(librosa.stft(y))[:, ::8])
    power = magnitude**2
    put(group, "magnitude", magnitude.T)
    put(group, "tuning", librosa.estimate_tuning(S=power, sr=SAMPLE_RATE))
    put(group, "chroma_stft", librosa.feature.chroma_stft(S=power, sr=SAMPLE_RATE).T)
    put(group, "spectral_contrast",
        librosa.feature.spectral_contrast(S=magnitude, sr=SAMPLE_RATE).T)


def main():
    warnings.simplefilter("ignore")  # silence has no pitch, clips shorter than n_fft: meant so
    target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    with h5py.File(target / "librosa.h5", "w") as file, \
            h5py.File(target / "librosa_stft.h5", "w") as stft_file:
        for made in file, stft_file:
            made.attrs["made_with"] = f"librosa {librosa.__version__}, numpy {np.__version__}"
        for name, y in SIGNALS.items():
            group = file.create_group(name)
            put(group, "samples", y)
            for feature, values in features(y).items():
                put(group, feature, values)
            put_stage(stft_file.create_group(name), y)
            print(f"{name}: {len(y)} samples, {group['mfcc'].shape[0]} frames, "
                  f"tuning {group['tuning'][()]:.2f}")


main()
