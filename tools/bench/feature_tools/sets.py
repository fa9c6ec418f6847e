"""What is computed: Serenade's words for each set, and when two results are the same."""
import numpy as np

SEED = "mfcc, chroma_stft, spectral_contrast, {tonnetz}, zero_crossing_rate, rms"


def features(text, sample_rate=22050, more=""):
    return {"sample_rate": sample_rate,
            "features": f"{{sample_rate: {sample_rate}, {more}extract: [{text}]}}"}


SETS = {
    "a": {"title": "log-mel 128", **features("mel: {db: true}")},
    "b": {"title": "MFCC 40", **features("mfcc")},
    "c": {"title": "seed set, tonnetz on harmonic CQT",
          **features(SEED.format(tonnetz="tonnetz: {chroma: cqt, part: harmonic}"))},
    "d": {"title": "seed set on STFT chroma", **features(SEED.format(tonnetz="tonnetz"))},
    "e": {"title": "pYIN", **features("pyin")},
    "f": {"title": "Kaldi fbank 80, 16 kHz",
          **features("kaldi_fbank", 16000, "hop_length: 160, ")},
}
# What every set's floor of transforms is made of.
FRAMES = {name: {"n_fft": 512, "hop_length": 160} if name == "f" else
          {"n_fft": 2048, "hop_length": 512} for name in SETS}

# Largest differences by the beginning of a column's name: dB, cepstra, shares. Transforms of
# constant Q, whose filters are approximated, are bound by what is aimed at.
TOLERANCES = {"mel": 1e-3, "mfcc": 2e-3, "chroma_stft": 1e-5, "spectral_contrast": 1e-3,
              "tonnetz": 1e-4, "zero_crossing_rate": 1e-6, "rms": 1e-6, "kaldi_fbank": 2e-3}
NORMALISED_SQUARE = 1e-9
# Kaldi transforms in float32, which leaves 1e-7 of a frame's loudest amplitude in every bin: natural
# logarithms of powers below 1e-8 of the loudest may differ by more.
FAINT = {"kaldi_fbank": (np.log(1e-8), 1e-2)}
# What is left of a sound's harmonic part where the sound is 120 dB below its loudest is decided by the
# last bit of float32: the library's own float32 and float64 differ there as much as others do. Frames
# in which these two agree are bound as everywhere; the others by this many times what the library
# differs from itself, at most and by the mean square.
UNSETTLED = {("c", "tonnetz"): 2}
# Which tuning is a sound's is a matter of the last bit too, where two are as likely: a frame in which
# the library's float32 and float64 have chosen differently must be equal to one of them.
CHOSEN = {("c", "chroma_stft"), ("d", "chroma_stft"), ("d", "tonnetz")}
# Decisions of pYIN: which of two minima is the lower one may be a matter of the last bit.
PYIN_FRAMES = 0.99


def group(column):
    """'mfcc' of 'mfcc_12' and of 'harmonic_mfcc_12'."""
    head, _, tail = column.removeprefix("harmonic_").rpartition("_")
    return head if tail.isdigit() else column.removeprefix("harmonic_")


def compare_pyin(ours, theirs):
    same = (ours[:, 1] == theirs[:, 1]) & \
        (np.abs(ours[:, 0] - theirs[:, 0]) <= 1e-4 * np.maximum(1, theirs[:, 0]))
    share = float(same.mean())
    return [{"columns": "pyin", "same_frames": share, "bound": PYIN_FRAMES,
             "equal": share >= PYIN_FRAMES}]


def choice(ours, theirs, single, bound):
    """Of frames in which a library's two answers are further apart than bound, the one nearer to ours."""
    apart = np.abs(single - theirs).max(axis=1) > bound
    nearer = np.abs(ours - single).max(axis=1) < np.abs(ours - theirs).max(axis=1)
    return np.where((apart & nearer)[:, None], single, theirs)


def compare(columns, ours, theirs, name_of_set=None, single=None):
    """Of all clips' rows: the largest difference and the normalised mean square of each feature. single:
    the library's own float32, where theirs is its float64."""
    if ours.shape != theirs.shape:
        return [{"columns": "all", "equal": False,
                 "why": f"{ours.shape} rows and columns here, {theirs.shape} there"}]
    if columns[0].startswith("pyin"):
        return compare_pyin(ours, theirs)
    results = []
    names = [group(column) for column in columns]
    for name in dict.fromkeys(names):
        here = [i for i, other in enumerate(names) if other == name]
        wanted = theirs[:, here]
        if single is not None and (name_of_set, name) in CHOSEN:
            wanted = choice(ours[:, here], wanted, single[:, here], TOLERANCES[name])
        difference = np.abs(ours[:, here] - wanted)
        bounds = np.full(wanted.shape, TOLERANCES[name])
        if name in FAINT:
            below, bound = FAINT[name]
            bounds[wanted < wanted.max(axis=1, keepdims=True) + below] = bound
        settled, more, as_much = np.ones(len(wanted), bool), {}, True
        if single is not None and (name_of_set, name) in UNSETTLED:
            itself = np.abs(single[:, here] - wanted)
            settled = itself.max(axis=1) <= TOLERANCES[name] / 10
            times = UNSETTLED[name_of_set, name]
            bounds[~settled] = max(TOLERANCES[name], times * itself.max())
            as_much = (difference[~settled] ** 2).sum() <= times ** 2 * (itself[~settled] ** 2).sum()
            more = {"unsettled_frames": int((~settled).sum()), "frames": len(settled),
                    "largest_unsettled": float(difference[~settled].max(initial=0)),
                    "of_the_library_itself": float(itself.max())}
        square = float((difference[settled] ** 2).mean() / max(1e-30, (wanted ** 2).mean()))
        results.append({"columns": name, "largest": float(difference[settled].max(initial=0)), **more,
                        "normalised_square": square, "bound": TOLERANCES[name],
                        "equal": bool((difference <= bounds).all() and as_much
                                      and square <= NORMALISED_SQUARE)})
    return results
