"""The clips that everything is timed on: some of a corpus, as WAV, as FLAC and as samples."""
import hashlib
import pathlib
import subprocess
import sys

import numpy as np
import soundfile
import soxr

ENDINGS = (".wav", ".flac")


def corpus_of(given, ravdess, demo, program, scratch):
    """The folder of recordings, and what to call it."""
    if given:
        return pathlib.Path(given), pathlib.Path(given).name
    if ravdess:
        return pathlib.Path(ravdess), "RAVDESS"
    if not demo.exists():
        demo = scratch / "demo"
        if not program.exists():
            sys.exit("features: no recordings: set SERENADE_RAVDESS, give --corpus FOLDER, or "
                     "`ninja -C build demo_corpus`")
        subprocess.run([program, demo], check=True, stdout=subprocess.DEVNULL)
    return demo, "the demo corpus (synthetic speech)"


def choose(folder, count):
    """The same ones every time, spread over speakers and emotions by their names' hashes."""
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in ENDINGS)
    if not paths:
        sys.exit(f"features: {folder}: holds no WAV or FLAC files")
    by_hash = sorted(paths, key=lambda p: hashlib.sha256(p.stem.encode()).digest())
    return sorted(by_hash[:count])


class Clips:
    """Files of both kinds in `scratch`, and for each rate a file of float32 samples end to end,
    decoded by soundfile and resampled by soxr HQ, as librosa.load does."""

    def __init__(self, paths, scratch, rates):
        self.paths = {"wav": [], "flac": []}
        self.lengths, self.signals = {rate: [] for rate in rates}, {}
        signals = {rate: [] for rate in rates}
        self.seconds, self.file_rates = 0.0, set()
        for kind in self.paths:
            (scratch / kind).mkdir(parents=True)
        for path in paths:
            stored, rate = soundfile.read(path, dtype="int16", always_2d=True)
            self.seconds += len(stored) / rate
            self.file_rates.add(rate)
            for kind, made in self.paths.items():
                made.append(str(scratch / kind / f"{path.stem}.{kind}"))
                soundfile.write(made[-1], stored, rate, subtype="PCM_16")
            mono = (stored / np.float32(32768)).mean(axis=1, dtype=np.float32)
            for to in rates:
                y = mono if to == rate else soxr.resample(mono, rate, to, quality="HQ")
                signals[to].append(y.astype(np.float32))
                self.lengths[to].append(len(y))
        for rate, parts in signals.items():
            self.signals[rate] = str(scratch / f"signals-{rate}.f32")
            np.concatenate(parts).tofile(self.signals[rate])

    def __len__(self):
        return len(self.paths["wav"])

    def source(self, kind, rate):
        """What a worker is told of them."""
        if kind != "samples":
            return {"paths": self.paths[kind]}
        return {"signals": self.signals[rate], "lengths": self.lengths[rate]}
