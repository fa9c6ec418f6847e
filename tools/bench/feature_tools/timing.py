"""Times all tools in turns, and makes rows of it."""
import math
import statistics
import time

import numpy as np
import sets
from workers import LeftOut

KINDS = ("wav", "flac", "samples")


class Deadline:
    def __init__(self, seconds):
        self.end = time.monotonic() + seconds if seconds else math.inf

    def passed(self):
        return time.monotonic() > self.end


def time_cell(tools, source, name, threads, settings, deadline, leave_out):
    """Seconds of each tool, repeat by repeat: one repeat of all, then the next, so that whatever
    else the machine does meets all of them."""
    features = {**sets.SETS[name], "set": name}
    ready = {}
    for label, tool in tools.items():
        try:
            definition = tool.prepare(source, features, sets.FRAMES[name], threads)
            once = tool.run(1)
            ready[label] = (tool, definition, max(1, math.ceil(settings.least / max(once, 1e-7))), [])
        except LeftOut as error:
            leave_out(name, label, str(error))
    for repeat in range(settings.repeats):
        if repeat > 0 and deadline.passed():
            break
        for label, (tool, _, rounds, seconds) in list(ready.items()):
            try:
                seconds.append(tool.run(rounds))
            except LeftOut as error:
                leave_out(name, label, str(error))
                del ready[label]
    return {label: (definition, seconds) for label, (_, definition, _, seconds) in ready.items()}


def rows_of(times, name, kind, threads, clips):
    ours = statistics.median(times["serenade"][1]) if "serenade" in times else None
    for label, (definition, seconds) in times.items():
        median = statistics.median(seconds)
        yield {"set": name, "from": kind, "tool": label, "threads": threads, "clips": clips,
               "median_s": median, "min_s": min(seconds),
               "ratio": None if ours is None else median / ours, "definition": definition}


def our_rows(native, source, name, file):
    native.prepare(source, {**sets.SETS[name], "set": name}, None, 1)
    answer = native.ask({"do": "rows", "file": file})
    values = np.fromfile(file, np.float32).reshape(-1, len(answer["columns"])).astype(np.float64)
    return answer["columns"], np.split(values, np.cumsum(answer["rows"])[:-1])


def check_set(native, libraries, clips, name, count, scratch, leave_out):
    """Serenade's results against each library of the same definition, of the same samples (the
    library in float64 where it can) and of the files; and of FLAC files against WAV files, whose
    bits must be equal."""
    results = []
    rate = sets.SETS[name]["sample_rate"]
    found = {kind: our_rows(native, clips.source(kind, rate), name, str(scratch / "ours.f32"))
             for kind in KINDS}
    same = all(np.array_equal(a, b) for a, b in zip(found["wav"][1], found["flac"][1]))
    results.append({"set": name, "tool": "serenade", "from": "flac", "against": "wav",
                    "columns": "all", "equal": same})
    for label, library in libraries.items():
        single = None  # the library's own float32, of samples
        for kind, precision in (("samples", "float32"), ("samples", "float64"), ("wav", "float32")):
            file = str(scratch / "theirs.npz")
            try:
                library.prepare(clips.source(kind, rate), {**sets.SETS[name], "set": name}, None, 1)
                answer = library.ask({"do": "check", "clips": count, "file": file,
                                      "precision": precision})
            except LeftOut as error:
                leave_out(name, label, str(error))
                break
            if answer["definition"] != "exact":
                break
            with np.load(file) as stored:
                theirs = np.concatenate([stored[f"arr_{i}"] for i in range(len(stored.files))])
            single = theirs if single is None else single
            columns, ours = found[kind]
            for result in sets.compare(columns, np.concatenate(ours[:count]), theirs, name,
                                       single if precision == "float64" else None):
                results.append({"set": name, "tool": label, "from": kind, "precision": precision,
                                "judged": precision == "float64", **result})
    return results
