"""The whole program: `serenade extract`, its memory and what it takes to have nothing to do."""
import importlib.machinery
import importlib.util
import pathlib
import shutil
import statistics
import subprocess
import time

import h5py

HERE = pathlib.Path(__file__).resolve().parent
CONFIG = """
corpus: {{path: {corpus}, reader: {reader}}}
features: {features}
split: {{protocol: random}}
model: {{layers: [global_average_pool]}}
"""
WIDE = "{sample_rate: 16000, n_fft: 512, hop_length: 32, extract: [{mel: {n_mels: 64}}]}"


def hundred_thousand():
    path = str(HERE.parent / "hundred_thousand")
    loader = importlib.machinery.SourceFileLoader("hundred_thousand", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("hundred_thousand",
                                                                             loader))
    loader.exec_module(module)
    return module


def extract_words(program, config, cache, threads):
    return [str(program), "extract", str(config), "--cache", str(cache), "--threads", str(threads),
            "--quiet"]


def time_extract(program, scratch, corpus, features, threads, repeats):
    """Seconds of the program, from nothing to a written cache, repeat by repeat."""
    config = scratch / "extract.yaml"
    config.write_text(CONFIG.format(corpus=corpus, reader="ravdess", features=features))
    seconds = []
    for _ in range(repeats):
        cache = scratch / "cache-extract"
        shutil.rmtree(cache, ignore_errors=True)
        begin = time.monotonic()
        done = subprocess.run(extract_words(program, config, cache, threads), check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        seconds.append(time.monotonic() - begin)
        if done.returncode != 0:
            raise RuntimeError(done.stdout.strip().splitlines()[-1])
    return seconds


def against_size(program, scratch, sizes, threads):
    """Seconds and anonymous memory of an extraction, and of one with nothing to do, by clips."""
    module = hundred_thousand()
    rows = []
    for size in sizes:
        folder = scratch / f"size-{size}"
        module.make_clips(folder / "clips", size)
        config = folder / "bench.yaml"
        config.write_text(module.CONFIG.format(folder=folder))
        words = [str(program), "extract", str(config), "--cache", str(folder / "cache"),
                 "--threads", str(threads)]
        first = module.measure(f"extract {size:,} clips", words)
        module.measure("  again, files too young to know", words)
        idle = module.measure("  again, nothing to do", words)
        rows.append({"clips": size, "extract_s": first[0], "extract_anonymous_mb": first[1],
                     "nothing_to_do_s": idle[0], "nothing_to_do_anonymous_mb": idle[1]})
        if size != sizes[-1]:
            shutil.rmtree(folder)
    return rows, scratch / f"size-{sizes[-1]}"


def time_h5py(read):
    begin = time.monotonic()
    size = read()
    return time.monotonic() - begin, size


def read_shards(folder):
    size = 0
    for path in sorted(folder.glob("shard-*.h5")):
        with h5py.File(path) as file:
            size += file["features"][:].nbytes
    return size


def read_index(folder):
    with h5py.File(folder / "index.h5") as file:
        return file["features"][:].nbytes


def cache_bandwidth(program, native, scratch, corpus, threads, clips, repeats):
    """GB/s of a cache that lies in the page cache: Serenade opens it (all bytes hashed) and copies
    every clip's rows; h5py reads each shard, and the index, into arrays."""
    some = scratch / "read"
    for folder in sorted((corpus / "clips").iterdir()):
        (some / "clips").mkdir(parents=True, exist_ok=True)
        if sum(1 for _ in some.rglob("*.wav")) >= clips:
            break
        shutil.copytree(folder, some / "clips" / folder.name)
    config = some / "read.yaml"
    config.write_text(CONFIG.format(corpus=some / "clips", reader="crema-d", features=WIDE))
    subprocess.run(extract_words(program, config, some / "cache", threads), check=True,
                   stdout=subprocess.DEVNULL)
    folder = next((some / "cache").glob("*/index.h5")).parent
    ours, shards, index = [], [], []
    for _ in range(repeats):
        ours.append(native.ask({"do": "read_cache", "cache": str(some / "cache"), "features": WIDE}))
        shards.append(time_h5py(lambda: read_shards(folder)))
        index.append(time_h5py(lambda: read_index(folder)))
    size = ours[0]["bytes"]
    if size != shards[0][1] or size != index[0][1]:
        raise RuntimeError(f"{size} bytes here, {shards[0][1]} and {index[0][1]} through h5py")

    def speed(seconds):
        return size / statistics.median(seconds) / 1e9
    return {"bytes": size, "shards": ours[0]["shards"],
            "serenade_open_and_read_gb_s": speed([r["open_s"] + r["read_s"] for r in ours]),
            "serenade_read_again_gb_s": speed([r["read_again_s"] for r in ours]),
            "h5py_shards_gb_s": speed([s for s, _ in shards]),
            "h5py_index_gb_s": speed([s for s, _ in index])}
