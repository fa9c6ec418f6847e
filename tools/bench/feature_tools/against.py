"""Two builds of bench_features in turns: whether a change moved the seconds, and no bit."""
import statistics

import sets
from workers import LeftOut, Native

REPEATS = 41


def compare(before, now, clips, names, scratch, log):
    """Prints a line a set: same bits or not, and how many times faster `now` is than `before`.
    Returns whether all bits are the same. One thread; the order changes from turn to turn."""
    programs = [Native(str(program), log) for program in (before, now)]
    same = True
    for name in names:
        for kind in ("samples", "wav"):
            rows = []
            try:
                for program in programs:
                    program.prepare(clips.source(kind, sets.SETS[name]["sample_rate"]),
                                    {**sets.SETS[name], "set": name}, None, 1)
                    program.ask({"do": "rows", "file": str(scratch / "rows.f32")})
                    rows.append((scratch / "rows.f32").read_bytes())
            except LeftOut as error:
                print(f"left out: set {name}: {error}")
                break
            seconds = [[], []]
            for turn in range(REPEATS):
                for i in ((0, 1) if turn % 2 else (1, 0)):
                    seconds[i].append(programs[i].run(1))
            same = same and rows[0] == rows[1]
            medians, least = [list(map(f, seconds)) for f in (statistics.median, min)]
            print(f"set {name} from {kind}: {'same bits' if rows[0] == rows[1] else 'OTHER BITS'}; "
                  f"ms a clip {1000 * medians[0] / len(clips):.3f} before, "
                  f"{1000 * medians[1] / len(clips):.3f} now; {medians[0] / medians[1]:.3f} times as "
                  f"fast by medians, {least[0] / least[1]:.3f} by minima", flush=True)
    for program in programs:
        program.close()
    return same
