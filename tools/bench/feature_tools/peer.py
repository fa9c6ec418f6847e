#!/usr/bin/env python3
"""One thread of one of the libraries that Serenade is timed beside: peer.py TOOL.

Like bench_features it does what it is told, a JSON object a line on stdin, an answer a line on
stdout: prepare (a set, of files or of samples; computes the first clip twice, so that whatever is
compiled or loaded at first is), run (so many rounds over the clips; begin and end by the clock that
all processes share), check (the first clips' rows, from float64 samples where the library has it).
"""
import json
import os
import sys
import time

import numpy as np

N_FFT, HOP = 2048, 512
OPENSMILE_LEVELS = """
[componentInstances:cComponentManager]
instance[dataMemory].type=cDataMemory

\\{\\cm[source{?}:include external source]}

[componentInstances:cComponentManager]
%(instances)s

%(sections)s

\\{\\cm[sink{?}:include external sink]}
"""


def by_soundfile(path, rate):
    """As librosa.load: mean of the channels, then soxr HQ. torchaudio, openSMILE and essentia would
    resample by filters of their own."""
    import soundfile
    import soxr
    y, sr = soundfile.read(path, dtype="float32")
    if y.ndim > 1:
        y = y.mean(axis=1)
    return y if sr == rate else soxr.resample(y, sr, rate, quality="HQ")


class Librosa:
    definition = "exact"

    def __init__(self):
        import librosa
        self.librosa = librosa
        self.sets = {"a": self.log_mel, "b": self.mfcc, "c": self.notebook, "d": self.seed,
                     "e": self.pyin}

    def load(self, path, rate):
        return self.librosa.load(path, sr=rate)[0]

    def log_mel(self, y, sr):
        return [self.librosa.power_to_db(self.librosa.feature.melspectrogram(y=y, sr=sr))]

    def mfcc(self, y, sr):
        return [self.librosa.feature.mfcc(y=y, sr=sr, n_mfcc=40)]

    def seed_but_tonnetz(self, y, sr):
        feature = self.librosa.feature
        return [feature.mfcc(y=y, sr=sr, n_mfcc=40), feature.chroma_stft(y=y, sr=sr),
                feature.spectral_contrast(y=y, sr=sr), feature.zero_crossing_rate(y),
                feature.rms(y=y)]

    def notebook(self, y, sr):
        mfcc, chroma, contrast, zcr, rms = self.seed_but_tonnetz(y, sr)
        tonnetz = self.librosa.feature.tonnetz(y=self.librosa.effects.harmonic(y), sr=sr)
        return [mfcc, chroma, contrast, tonnetz, zcr, rms]

    def seed(self, y, sr):
        mfcc, chroma, contrast, zcr, rms = self.seed_but_tonnetz(y, sr)
        tonnetz = self.librosa.feature.tonnetz(chroma=chroma, sr=sr)
        return [mfcc, chroma, contrast, tonnetz, zcr, rms]

    def pyin(self, y, sr):
        note = self.librosa.note_to_hz
        f0, voiced, probability = self.librosa.pyin(y, sr=sr, fmin=note("C2"), fmax=note("C7"))
        return [np.nan_to_num(f0)[None], voiced[None], probability[None]]


class Torchaudio:
    definition = "exact"
    load = staticmethod(by_soundfile)

    def __init__(self):
        import torch
        # It refuses a torch made for another CUDA than its own, also where there is no GPU.
        torch.version.cuda = None
        import torchaudio
        torch.set_num_threads(1)
        torch.set_grad_enabled(False)
        self.torch, self.torchaudio, self.made = torch, torchaudio, {}
        self.sets = {"a": self.log_mel, "b": self.mfcc, "f": self.fbank}

    def made_once(self, make, y, sr):
        key = (make.__name__, y.dtype)
        if key not in self.made:
            usual = self.torch.get_default_dtype()
            self.torch.set_default_dtype(y.dtype)  # of windows and filters
            self.made[key] = make(sr).to(y.dtype)
            self.torch.set_default_dtype(usual)
        return self.made[key]

    @staticmethod
    def mel_options():
        return {"n_fft": N_FFT, "hop_length": HOP, "n_mels": 128, "norm": "slaney",
                "mel_scale": "slaney", "pad_mode": "constant"}

    def make_log_mel(self, sr):
        transforms = self.torchaudio.transforms
        return self.torch.nn.Sequential(
            transforms.MelSpectrogram(sample_rate=sr, **self.mel_options()),
            transforms.AmplitudeToDB("power", top_db=80))

    def make_mfcc(self, sr):
        return self.torchaudio.transforms.MFCC(sample_rate=sr, n_mfcc=40,
                                               melkwargs=self.mel_options())

    def log_mel(self, y, sr):
        y = self.torch.from_numpy(y)
        return [self.made_once(self.make_log_mel, y, sr)(y).numpy()]

    def mfcc(self, y, sr):
        y = self.torch.from_numpy(y)
        return [self.made_once(self.make_mfcc, y, sr)(y).numpy()]

    def fbank(self, y, sr):
        y = self.torch.from_numpy(y)[None]
        return [self.torchaudio.compliance.kaldi.fbank(
            y, num_mel_bins=80, dither=0, sample_frequency=sr).numpy().T]


class KaldiNativeFbank:
    definition = "exact"
    load = staticmethod(by_soundfile)

    def __init__(self):
        import kaldi_native_fbank
        self.module = kaldi_native_fbank
        self.options = kaldi_native_fbank.FbankOptions()
        self.options.frame_opts.samp_freq = 16000
        self.options.frame_opts.dither = 0
        self.options.mel_opts.num_bins = 80
        self.sets = {"f": self.fbank}

    def fbank(self, y, sr):
        bank = self.module.OnlineFbank(self.options)
        bank.accept_waveform(sr, y.tolist())
        bank.input_finished()
        return [np.array([bank.get_frame(i) for i in range(bank.num_frames_ready)]).T]


class Opensmile:
    definition = "own"
    load = staticmethod(by_soundfile)

    def __init__(self):
        import tempfile
        import opensmile
        self.module, self.made = opensmile, {}
        self.folder = tempfile.mkdtemp(prefix="serenade-bench-opensmile-")
        self.join = os.path.join
        self.sets = {name: (lambda y, sr, name=name: self.process(name, y, sr)) for name in "abdef"}

    @staticmethod
    def components(name):
        """(component, type, what it reads, options); the last is what is wanted."""
        seconds = "frameSize=0.025\nframeStep=0.010" if name == "f" else \
            f"frameSize={N_FFT / 22050:.8f}\nframeStep={HOP / 22050:.8f}"
        high = 8000 if name == "f" else 11025
        bands = 80 if name == "f" else 128
        spectra = [("frames", "cFramer", "wave", seconds + "\nframeCenterSpecial=left"),
                   ("windows", "cWindower", "frames", "winFunc=hann"),
                   ("fft", "cTransformFFT", "windows", ""), ("mag", "cFFTmagphase", "fft", "")]
        mel = [("mel", "cMelspec", "mag",
                f"nBands={bands}\nusePower=1\nlofreq=0\nhifreq={high}")]
        mfcc = [("mfcc", "cMfcc", "mel", "firstMfcc=0\nlastMfcc=39")]
        if name in "af":
            return spectra + mel + [("lld", "cVectorOperation", "mel", "operation=log")]
        if name == "b":
            return spectra + mel + [("lld", *mfcc[0][1:])]
        if name == "e":
            return spectra + [("acf", "cAcf", "mag", ""), ("cepstrum", "cAcf", "mag", "cepstrum=1"),
                              ("lld", "cPitchACF", "acf;cepstrum", "F0=1\nmaxPitch=2093")]
        return spectra + mel + mfcc + [
            ("tones", "cTonespec", "mag", ""), ("chroma", "cChroma", "tones", "octaveSize=12"),
            ("crossings", "cMZcr", "frames", ""), ("energy", "cEnergy", "frames", "rms=1\nlog=0"),
            ("lld", "cVectorConcat", "mfcc;chroma;crossings;energy",
             "includeSingleElementFields=1")]

    def process(self, name, y, sr):
        if name not in self.made:
            parts = self.components(name)
            text = OPENSMILE_LEVELS % {
                "instances": "\n".join(f"instance[{name}].type={kind}" for name, kind, _, _ in parts),
                "sections": "\n".join(
                    f"[{part}:{kind}]\nreader.dmLevel={reads}\nwriter.dmLevel={part}\n{options}\n"
                    for part, kind, reads, options in parts)}
            path = self.join(self.folder, name + ".conf")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            self.made[name] = self.module.Smile(feature_set=path, feature_level="lld")
        return [self.made[name].process_signal(y, sr).to_numpy().T]


class Essentia:
    definition = "own"
    load = staticmethod(by_soundfile)

    def __init__(self):
        import essentia
        import essentia.standard
        essentia.log.infoActive = essentia.log.warningActive = False
        self.es = es = essentia.standard
        self.window = es.Windowing(type="hann", size=N_FFT, normalized=False)
        self.spectrum = es.Spectrum(size=N_FFT)
        bands = {"inputSize": N_FFT // 2 + 1, "numberBands": 128, "sampleRate": 22050,
                 "highFrequencyBound": 11025}
        self.mel = es.MelBands(type="power", **bands)
        self.mfcc = es.MFCC(numberCoefficients=40, logType="dbpow", **bands)
        self.peaks = es.SpectralPeaks(sampleRate=22050, maxFrequency=11000, minFrequency=20)
        self.hpcp = es.HPCP(size=12, sampleRate=22050)
        self.contrast = es.SpectralContrast(frameSize=N_FFT, sampleRate=22050)
        self.zcr, self.rms = es.ZeroCrossingRate(), es.RMS()
        self.pitch = es.PitchYinProbabilistic(frameSize=N_FFT, hopSize=HOP, sampleRate=22050)
        self.short = es.Windowing(type="hann", size=400, zeroPadding=112, normalized=False)
        self.short_spectrum = es.Spectrum(size=512)
        self.fbank = es.MelBands(inputSize=257, numberBands=80, sampleRate=16000, type="power",
                                 lowFrequencyBound=20, highFrequencyBound=8000)
        self.sets = {"a": self.log_mel, "b": self.cepstra, "d": self.seed, "e": self.pyin,
                     "f": self.kaldi}

    def frames(self, y):
        return self.es.FrameGenerator(y, frameSize=N_FFT, hopSize=HOP)

    def log_mel(self, y, sr):
        mel = [self.mel(self.spectrum(self.window(frame))) for frame in self.frames(y)]
        return [10 * np.log10(np.maximum(1e-10, np.array(mel))).T]

    def cepstra(self, y, sr):
        return [np.array([self.mfcc(self.spectrum(self.window(f)))[1] for f in self.frames(y)]).T]

    def seed(self, y, sr):
        rows = []
        for frame in self.frames(y):
            spectrum = self.spectrum(self.window(frame))
            contrast, valleys = self.contrast(spectrum)
            rows.append(np.concatenate([self.mfcc(spectrum)[1], self.hpcp(*self.peaks(spectrum)),
                                        contrast, valleys, [self.zcr(frame), self.rms(frame)]]))
        return [np.array(rows).T]

    def pyin(self, y, sr):
        return [np.stack(self.pitch(y)[:2])]

    def kaldi(self, y, sr):
        frames = self.es.FrameGenerator(y, frameSize=400, hopSize=160, startFromZero=True)
        mel = [self.fbank(self.short_spectrum(self.short(frame))) for frame in frames]
        return [np.log(np.maximum(1.1920929e-07, np.array(mel))).T]


class Pocketfft:
    """The floor of scipy's real transform, of all frames of a clip in one call."""
    definition = "floor"

    def __init__(self):
        import scipy.fft
        self.rfft = scipy.fft.rfft
        self.sets = {name: (lambda y, sr, name=name: self.transform(name, y)) for name in "abcdef"}

    def transform(self, name, y):
        n, hop = (512, 160) if name == "f" else (N_FFT, HOP)
        padded = np.zeros(len(y) + n, np.float32)
        padded[n // 2:n // 2 + len(y)] = y
        frames = np.lib.stride_tricks.sliding_window_view(padded, n)[::hop]
        return [self.rfft(frames, axis=1).T]


TOOLS = {"librosa": Librosa, "torchaudio": Torchaudio, "kaldi-native-fbank": KaldiNativeFbank,
         "opensmile": Opensmile, "essentia": Essentia, "floor-pocketfft": Pocketfft}


class Peer:
    def __init__(self, tool):
        self.tool = tool

    def prepare(self, order):
        self.rate = order["sample_rate"]
        if order["set"] not in self.tool.sets:
            raise ValueError(f"has nothing like set {order['set']}")
        self.compute = self.tool.sets[order["set"]]
        if "paths" in order:
            self.clips = order["paths"]
        else:
            values = np.fromfile(order["signals"], np.float32)
            ends = np.cumsum(order["lengths"])
            self.clips = [values[e - n:e].copy() for n, e in zip(order["lengths"], ends)]
            if "share" in order:
                first, of = order["share"]
                self.clips = self.clips[first::of]
        for _ in range(2):
            self.one(self.clips[0])
        return {"definition": self.tool.definition}

    def one(self, clip):
        y = self.tool.load(clip, self.rate) if isinstance(clip, str) else clip
        return self.compute(y, self.rate)

    def run(self, order):
        begin = time.clock_gettime(time.CLOCK_MONOTONIC)
        for _ in range(order["rounds"]):
            results = [self.one(clip) for clip in self.clips]
        end = time.clock_gettime(time.CLOCK_MONOTONIC)
        del results
        return {"begin": begin, "end": end}

    def check(self, order):
        doubles = isinstance(self.tool, (Librosa, Torchaudio)) and order["precision"] == "float64"
        rows = []
        for clip in self.clips[:order["clips"]]:
            y = self.tool.load(clip, self.rate) if isinstance(clip, str) else clip
            y = y.astype(np.float64) if doubles else y
            rows.append(np.concatenate(self.compute(y, self.rate)).T.astype(np.float64))
        np.savez(order["file"], *rows)
        return {"definition": self.tool.definition}


def main():
    name = sys.argv[1]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever libraries print is no answer
    try:
        peer, failed = Peer(TOOLS[name]()), None
    except Exception as error:
        peer, failed = None, f"{type(error).__name__}: {error}"
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = {"error": failed} if failed else getattr(peer, order["do"])(order)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
