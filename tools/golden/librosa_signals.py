"""The signals that golden data is made of: mono float32, samples rounded to 16 bits.

The sentence needs espeak-ng (made with 1.51); everything else is numpy alone.
"""

import subprocess
import tempfile

import numpy as np
import soundfile

SAMPLE_RATE = 22050


def quantized(y):
    """As a 16-bit file would hold it: compresses well, and every reader agrees on the values."""
    return (np.round(np.clip(y, -1, 1 - 2**-15) * 2**15) / 2**15).astype(np.float32)


def chirp(seconds, rate, seed, noise=0.01):
    """100 Hz to 45% of the rate, with white noise, fading at both ends."""
    t = np.arange(int(seconds * rate)) / rate
    sweep = 100 * t + (0.45 * rate - 100) * t**2 / (2 * seconds)
    y = 0.5 * np.sin(2 * np.pi * sweep) * np.sin(np.pi * t / seconds)
    return quantized(y + noise * np.random.default_rng(seed).standard_normal(len(t)))


def white_noise(samples, seed):
    return quantized(0.2 * np.random.default_rng(seed).standard_normal(samples))


def sentence():
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        command = ["espeak-ng", "-v", "en-us", "-s", "190", "-w", file.name]
        subprocess.run([*command, "Dogs are sitting by the door."], check=True)
        y, rate = soundfile.read(file.name, dtype="float32")
    assert rate == SAMPLE_RATE, rate
    return y


def impulse(samples, position):
    y = np.zeros(samples, np.float32)
    y[position] = 1
    return y


def square(seconds, frequency):
    """Full scale, both signs: the loudest a clip can be."""
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return np.where(np.floor(2 * frequency * t) % 2 == 0, 1.0, -1.0).astype(np.float32)


def chord(seconds, tuning):
    """A, C sharp and E with four harmonics each, `tuning` semitones above A440."""
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    y = np.zeros_like(t)
    for semitone in (-12, -8, -5):
        f = 440 * 2 ** ((semitone + tuning) / 12)
        for harmonic in range(1, 5):
            y += 0.15 / harmonic * np.sin(2 * np.pi * f * harmonic * t)
    return quantized(y * np.exp(-t))
