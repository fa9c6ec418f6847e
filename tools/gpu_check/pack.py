"""What tools/gpu-check carries to a machine with a GPU (--pack): programs, libraries, a list."""

import os
import re
import shutil
import subprocess
import sys

MOST_BYTES = 64 << 20

# What the machine has of its own or does without: too large to be carried.
LARGE = ("libcufft", "libcublasLt", "libcudnn")
SYSTEM = ("libc.so", "libm.so", "libstdc++.so", "libgcc_s.so", "libpthread.so", "libdl.so", "librt.so",
          "ld-linux", "linux-vdso")


def needed(path):
    """[(soname, file)] that a program loads."""
    found = subprocess.run(["ldd", str(path)], text=True, check=True, stdout=subprocess.PIPE).stdout
    return re.findall(r"(\S+) => (/\S+)", found)


def stand_in(folder, soname, programs):
    """A library of the functions that the programs use of an absent one: each says so and fails."""
    prefix = re.match(r"lib(\w+)", soname)[1]
    used = set()
    for program in programs:
        listed = subprocess.run(["nm", "-D", "--undefined-only", str(program)], text=True, check=True,
                                stdout=subprocess.PIPE).stdout
        used |= set(re.findall(rf"\b({prefix}\w+)", listed))
    source = ["#include <stdio.h>", "#include <stddef.h>"]
    for name in sorted(used):
        if name.endswith("LastErrorString"):
            source.append(f"void {name}(char* text, size_t size) {{ if (size > 0) *text = 0; }}")
        elif name.endswith(("String", "Name")):
            source.append(f'const char* {name}(void) {{ return "{soname} is absent"; }}')
        elif name.endswith("Version"):
            source.append(f"size_t {name}(void) {{ return 0; }}")
        else:
            # 1: none of the libraries' codes of success.
            source.append(f'int {name}(void) {{ fputs("gpu-check: ABSENT {soname}\\n", stderr); return 1; }}')
    folder.mkdir(parents=True)
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-Wl,-soname," + soname, "-Wl,--default-symver", "-xc",
                    "-", "-o", str(folder / soname)], input="\n".join(source) + "\n", text=True, check=True)


def newest(paths, symbol):
    """The newest version of a system library's symbols that these ask for."""
    found = set()
    for path in paths:
        listed = subprocess.run(["objdump", "-T", str(path)], text=True, check=True, stdout=subprocess.PIPE)
        found |= set(re.findall(rf"{symbol}_([\d.]+)", listed.stdout))
    return max(found, key=lambda v: [int(n) for n in v.split(".")], default="none")


def pack(folder, place, programs, script, table, wrong):
    """Fills the folder; the exit status."""
    if folder.exists() and any(folder.iterdir()):
        wrong(f"{folder} is not empty")
    lacking = [name for name in programs if name not in place.paths]
    if lacking:
        wrong(f"not built in {place.build}: {' '.join(lacking)}")
    (folder / "lib").mkdir(parents=True)
    expected = {}
    for name in programs:
        shutil.copy2(place.paths[name], folder / name)
        subprocess.run(["strip", str(folder / name)], check=True)
        for soname, file in needed(place.paths[name]):
            if soname.startswith(LARGE):
                expected.setdefault(soname, []).append(name)
            elif not soname.startswith(SYSTEM):
                shutil.copy2(os.path.realpath(file), folder / "lib" / soname)
    # What a large library asks for is found beside it, on the machine.
    own = {soname for name in programs for soname in
           re.findall(r"NEEDED\s+(\S+)", subprocess.run(["objdump", "-p", str(place.paths[name])], text=True,
                                                        check=True, stdout=subprocess.PIPE).stdout)}
    expected = {soname: names for soname, names in expected.items() if soname in own}
    for soname in expected:
        stand_in(folder / "absent" / soname, soname, [folder / name for name in programs])
    shutil.copy2(script, folder / "gpu-check")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    binaries = [path for path in files if path.name != "gpu-check"]
    text = ["# What is carried", ""]
    text += table(("file", "bytes"), [[path.relative_to(folder), path.stat().st_size] for path in files])
    total = sum(path.stat().st_size for path in files)
    text += [f"{total} bytes of at most {MOST_BYTES}.", "", "# What must be there", "",
             "- an NVIDIA GPU of compute capability 8.0 or later and its driver for CUDA 13 (libcuda.so.1)",
             f"- x86-64 with AVX2 and FMA, glibc {newest(binaries, 'GLIBC')} or later, libstdc++ with "
             f"GLIBCXX_{newest(binaries, 'GLIBCXX')}", "- python3", "", "# What may be there", "",
             "Searched for by the loader, in /usr/local/cuda*, and in Python's nvidia packages. Where one is "
             "absent a stand-in is loaded that fails, and the checks that come to it are skipped:", ""]
    text += [f"- {soname}, for {', '.join(names)}" for soname, names in sorted(expected.items())]
    text += ["- compute-sanitizer, for stage 3", ""]
    (folder / "LIST.md").write_text("\n".join(text))
    print("\n".join(text))
    if total > MOST_BYTES:
        print(f"gpu-check: {total} bytes are more than the {MOST_BYTES} that may be carried", file=sys.stderr)
        return 1
    return 0
