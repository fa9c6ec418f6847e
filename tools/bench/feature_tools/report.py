"""The bench's results as text."""
import json

FLOORS = ("floor-decode", "floor-resample", "floor-copy", "floor-pocketfft", "floor-fftw",
          "floor-mkl")


def to_json(result):
    """A line a row."""
    lines = []
    for key, value in result.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            rows = ",\n".join("    " + json.dumps(row) for row in value)
            lines.append(f"  {json.dumps(key)}: [\n{rows}\n  ]")
        else:
            lines.append(f"  {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def number(value):
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def grid(head, rows):
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    return [" ".join(str(cell).ljust(w) if i < 2 else str(cell).rjust(w)
                     for i, (cell, w) in enumerate(zip(row, widths))) for row in [head, *rows]]


def cells_of(rows):
    cells = {}
    for row in rows:
        cells.setdefault((row["set"], row["from"], row["threads"]), {})[row["tool"]] = row
    return cells


def floor_sum(cells, key):
    """Seconds of the least that the way consists of: decode, resample, and of the transforms the
    fastest and a copy, which are timed from samples."""
    name, kind, threads = key
    tools = cells[key]
    samples = cells.get((name, "samples", threads), {})
    ffts = [samples[t]["median_s"] for t in ("floor-pocketfft", "floor-fftw", "floor-mkl")
            if t in samples]
    if not ffts or "floor-copy" not in samples or (kind != "samples" and "floor-decode" not in tools):
        return None
    parts = [tools[t]["median_s"] for t in ("floor-decode", "floor-resample") if t in tools]
    return sum(parts) + min(ffts) + samples["floor-copy"]["median_s"]


def ratios(result):
    cells = cells_of(result["rows"])
    own = {row["tool"] for row in result["rows"] if row["definition"] == "own"}
    tools = [t for t in dict.fromkeys(row["tool"] for row in result["rows"])
             if t != "serenade" and t not in FLOORS]
    head = ["set", "from", "threads", "serenade ms/clip",
            *(t + ("*" if t in own else "") for t in tools), "over floors"]
    lines = []
    for key, row in cells.items():
        if "serenade" not in row:
            continue
        floor = floor_sum(cells, key)
        ours = row["serenade"]["median_s"]
        lines.append([*key, f"{1000 * ours / row['serenade']['clips']:.3f}",
                      *(number(row[t]["ratio"]) if t in row else "-" for t in tools),
                      number(floor and ours / floor)])
    return ["Times as long as Serenade, medians (* its own definition, the nearest it has);",
            "over floors: Serenade over the sum of decode, resample, fastest FFT and copy", "",
            *grid(head, lines)]


def floors(result):
    cells = cells_of(result["rows"])
    lines = []
    for key, row in cells.items():
        if any(t in row for t in FLOORS):
            lines.append([*key, *(f"{1000 * row[t]['median_s'] / row[t]['clips']:.3f}"
                                  if t in row else "-" for t in FLOORS)])
    return ["Floors, ms a clip", "",
            *grid(["set", "from", "threads", *(t.removeprefix("floor-") for t in FLOORS)], lines)]


def checked(result):
    lines = []
    for c in result["checks"]:
        if not c.get("judged", True):
            continue
        size = c.get("largest", c.get("same_frames"))
        lines.append([c["set"], c["tool"], c["from"], c["columns"],
                      "-" if size is None else f"{size:.2g}", c.get("bound", "-"),
                      "equal" if c["equal"] else "NOT EQUAL"])
    return ["Compared before timing: largest difference (pyin: share of equal frames)", "",
            *grid(["set", "tool", "from", "columns", "difference", "bound", ""], lines)]


def whole(result):
    lines = []
    for row in result["scaling"]:
        lines.append(f"set {row['set']} from wav, {row['threads']} threads: "
                     f"{number(1000 * row['median_s'])} ms, {row['over_perfect']:.2f} times perfect "
                     "scaling")
    for row in result.get("sizes", []):
        lines.append(f"{row['clips']:,} clips: extracted in {row['extract_s']:.2f} s with "
                     f"{row['extract_anonymous_mb']:.0f} MB of anonymous memory; nothing to do: "
                     f"{row['nothing_to_do_s']:.2f} s, {row['nothing_to_do_anonymous_mb']:.0f} MB")
    if "cache_read" in result:
        r = result["cache_read"]
        lines.append(f"cache of {r['bytes'] / 1e6:.0f} MB in {r['shards']} shards, GB/s: Serenade "
                     f"{r['serenade_open_and_read_gb_s']:.2f} opened, verified and copied, "
                     f"{r['serenade_read_again_gb_s']:.2f} copied again; h5py "
                     f"{r['h5py_shards_gb_s']:.2f} by shards, {r['h5py_index_gb_s']:.2f} by index")
    return lines


def text(result):
    h = result["hardware"]
    head = [f"{result['date']}{', quick' if result['quick'] else ''}: {h['processor']}, "
            f"{h['cores']} cores, {h['memory_gb']} GB; load average "
            f"{result['load_average'][0]:.1f} before, {result['load_average'][1]:.1f} after",
            ", ".join(f"{k} {v}" for k, v in result["versions"].items()),
            f"{result['clips']} clips of {result['corpus']}, {result['audio_s']:.0f} s of sound; "
            f"{result['repeats']} repeats in turns; {result['warm_up']}"]
    left = [f"left out: set {row['set']}: {row['what']}: {row['why']}" for row in result["left_out"]]
    end = [f"{result['seconds']:.0f} s in all"]
    parts = [head, checked(result), ratios(result), floors(result), whole(result), left, end]
    return "\n" + "\n\n".join("\n".join(part) for part in parts if part)
