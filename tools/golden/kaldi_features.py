#!/usr/bin/env python3
"""Writes tests/golden/kaldi.h5: what kaldi-native-fbank makes of signals that
tests/golden/librosa.h5 holds, taken as recorded at 16 kHz, without dither.

    python3 -m venv .venv && .venv/bin/pip install numpy h5py kaldi-native-fbank==1.23.0
    .venv/bin/python tools/golden/kaldi_features.py [FOLDER]

One group a signal, every matrix [frames, dims] in float32; Kaldi's defaults where nothing is said,
except for 80 mel bands of fbank.
"""

import pathlib
import sys

import h5py
import kaldi_native_fbank as knf
import numpy as np

GOLDEN = pathlib.Path(__file__).parents[2] / "tests" / "golden"
SIGNALS = ["chirp", "sentence", "shorter_than_n_fft", "silence", "square", "quiet"]
SAMPLE_RATE = 16000


def options(kind, **frame_options):
    result = kind()
    result.frame_opts.samp_freq = SAMPLE_RATE
    result.frame_opts.dither = 0
    for name, value in frame_options.items():
        setattr(result.frame_opts, name, value)
    return result


def rows(computer, y):
    computer.accept_waveform(SAMPLE_RATE, y.tolist())
    computer.input_finished()
    return np.array([computer.get_frame(i) for i in range(computer.num_frames_ready)], np.float32)


def features(y):
    fbank = options(knf.FbankOptions)
    fbank.mel_opts.num_bins = 80
    loud = options(knf.FbankOptions, snip_edges=False, window_type="hamming", preemph_coeff=0.9,
                   remove_dc_offset=False, frame_length_ms=32)
    loud.mel_opts.num_bins = 40
    loud.mel_opts.low_freq = 60
    loud.mel_opts.high_freq = -400
    mfcc = options(knf.MfccOptions)
    mfcc.mel_opts.num_bins = 23
    mfcc.num_ceps = 13
    plain = options(knf.MfccOptions, window_type="hanning")
    plain.mel_opts.num_bins = 40
    plain.num_ceps = 20
    plain.use_energy = False
    plain.cepstral_lifter = 0
    return {
        "fbank": rows(knf.OnlineFbank(fbank), y),
        "fbank_mirrored": rows(knf.OnlineFbank(loud), y * np.float32(32768)),
        "mfcc": rows(knf.OnlineMfcc(mfcc), y),
        "mfcc_plain": rows(knf.OnlineMfcc(plain), y),
    }


def main():
    target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDEN
    with h5py.File(GOLDEN / "librosa.h5") as signals, \
            h5py.File(target / "kaldi.h5", "w") as file:
        file.attrs["made_with"] = "kaldi-native-fbank 1.23.0"
        for name in SIGNALS:
            group = file.create_group(name)
            for feature, values in features(signals[name]["samples"][:]).items():
                group.create_dataset(feature, data=values, compression="gzip",
                                     compression_opts=9, shuffle=True)
                print(name, feature, values.shape)


main()
