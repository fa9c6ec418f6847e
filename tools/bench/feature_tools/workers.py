"""Processes that do what they are told: Serenade's own and the other libraries'."""
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
# Threads are the bench's to give: N processes of the libraries' make N threads.
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS",
                                     "NUMBA_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")}
ONE_THREAD["MKL_THREADING_LAYER"] = "SEQUENTIAL"


class LeftOut(Exception):
    """Why something is not timed."""


class Process:
    def __init__(self, words, log):
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            env={**os.environ, **ONE_THREAD})

    def tell(self, order):
        try:
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # hear() says so

    def hear(self):
        line = self.process.stdout.readline()
        if not line:
            raise LeftOut(f"its process ended ({self.process.wait()})")
        answer = json.loads(line)
        if "error" in answer:
            raise LeftOut(answer["error"].strip().splitlines()[-1])
        return answer

    def ask(self, order):
        self.tell(order)
        return self.hear()

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Native:
    """build/bench_features: Serenade and, with `floor`, a floor; its threads are threads."""

    def __init__(self, program, log, floor=None, library=None):
        self.program, self.log, self.floor, self.library = program, log, floor, library
        self.process = None

    def prepare(self, source, features, frames, threads):
        if self.process is None:
            self.process = Process([self.program], self.log)
        order = {"do": "features", "threads": threads, **source, **features}
        if self.floor:
            order |= {"do": "floor", "floor": self.floor, "library": self.library, **frames}
        self.process.ask(order)
        self.process.ask({"do": "run", "rounds": 1})  # tables and memory are made
        return "floor" if self.floor else "exact"

    def run(self, rounds):
        answer = self.process.ask({"do": "run", "rounds": rounds})
        return (answer["end"] - answer["begin"]) / rounds

    def ask(self, order):
        return self.process.ask(order)

    def close(self):
        if self.process:
            self.process.close()


class Library:
    """As many processes of one thread as there are to be threads, each with its share of the clips;
    results stay where they are computed."""

    def __init__(self, tool, log):
        self.tool, self.log = tool, log
        self.processes = []
        self.working = []

    def prepare(self, source, features, _, threads):
        while len(self.processes) < threads:
            self.processes.append(Process([sys.executable, HERE / "peer.py", self.tool], self.log))
        self.working = self.processes[:threads]
        for i, process in enumerate(self.working):
            share = {"paths": source["paths"][i::threads]} if "paths" in source else \
                {**source, "share": [i, threads]}
            process.tell({"do": "prepare", **features, **share})
        return self.hear_all()[0]["definition"]

    def hear_all(self):
        """Every process answers, also where another has nothing but an error to tell."""
        answers, errors = [], []
        for process in self.working:
            try:
                answers.append(process.hear())
            except LeftOut as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return answers

    def run(self, rounds):
        for process in self.working:
            process.tell({"do": "run", "rounds": rounds})
        answers = self.hear_all()
        return (max(a["end"] for a in answers) - min(a["begin"] for a in answers)) / rounds

    def ask(self, order):
        return self.working[0].ask(order)

    def close(self):
        for process in self.processes:
            process.close()
