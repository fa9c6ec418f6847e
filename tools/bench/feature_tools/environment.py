"""The virtual environment that the other libraries are installed in."""
import importlib.metadata
import json
import os
import pathlib
import shutil
import subprocess
import sys

BASE = ["numpy", "scipy", "soundfile", "soxr", "h5py"]
PEERS = {"librosa": ["librosa"], "torchaudio": ["torch", "torchaudio"],
         "kaldi-native-fbank": ["kaldi-native-fbank"], "opensmile": ["opensmile"],
         "essentia": ["essentia"], "floor-mkl": ["mkl"]}
MARK = "serenade-bench.json"


def default_folder():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(cache) / "serenade" / "bench-features"


def newest_python():
    """The newest releases of libraries want a new Python."""
    for minor in range(14, 9, -1):
        path = shutil.which(f"python3.{minor}")
        if path and subprocess.run([path, "-c", "import venv, ensurepip"], check=False,
                                   capture_output=True).returncode == 0:
            return path
    return sys.executable


def python_of(folder):
    return folder / "bin" / "python3"


def pip(folder, words):
    return subprocess.run([python_of(folder), "-m", "pip", "install", "--quiet",
                           "--disable-pip-version-check", *words], check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def make(folder, peers, python=None, torch_index=None, upgrade=False, say=print):
    """Makes what is missing of it. A library that does not install is left out, and that is said."""
    mark = folder / MARK
    known = json.loads(mark.read_text(encoding="utf-8")) if mark.exists() else {}
    if not python_of(folder).exists():
        say(f"making an environment in {folder} (once; seconds are not counted)")
        words = [python or newest_python(), "-m", "venv", str(folder)]
        subprocess.run(words, check=True)
    newer = ["--upgrade"] if upgrade else []
    if upgrade or "base" not in known:
        done = pip(folder, newer + BASE)
        if done.returncode != 0:
            sys.exit(f"features: {' '.join(BASE)} do not install:\n{done.stdout}")
        known["base"] = True
    for peer in peers:
        if not upgrade and known.get(peer) is True:
            continue
        index = ["--index-url", torch_index] if torch_index and peer == "torchaudio" else []
        say(f"installing {' '.join(PEERS[peer])}")
        done = pip(folder, newer + index + PEERS[peer])
        lines = done.stdout.strip().splitlines()
        known[peer] = True if done.returncode == 0 else (lines[-1] if lines else "pip failed")
    mark.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    return {peer: why for peer, why in known.items() if why is not True and peer in peers}


def versions():
    """Of what this Python, that of the environment, has."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    names = [*BASE, *(name for packages in PEERS.values() for name in packages), "numba"]
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
