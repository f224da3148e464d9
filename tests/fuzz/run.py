"""Read mutant after mutant in a process of its own, which is ended when one takes too long."""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

from tests.fuzz.mutators import mutated
from tests.fuzz.seeds import seeds_of, written
from tests.fuzz.verdict import Verdict, verdict

MAX_SECONDS = 30.0
MAX_MB = 1_500.0
_START_SECONDS = 120.0
"""How long the process may take to start: it imports everything and opens the store."""

_ADDRESS_BYTES = 8_000_000_000


@dataclass(frozen=True)
class Mutant:
    """One mutant by what it is made from: the same key gives the same bytes."""

    door: str
    seed: int
    index: int

    @property
    def key(self) -> str:
        """What ``--replay`` takes."""
        return f"{self.door}:{self.seed}:{self.index}"

    @classmethod
    def of(cls, key: str) -> Mutant:
        """Return the mutant of a key."""
        door, seed, index = key.split(":")
        return cls(door, int(seed), int(index))

    def write(self, folder: Path) -> Path:
        """Write the mutant below ``folder`` and return its path; the seeds are kept there for the next."""
        chance = Random(self.key)
        one = chance.choice(seeds_of(self.door))
        seeds = folder / "seeds"
        seeds.mkdir(parents=True, exist_ok=True)
        path = folder / f"mutant{one.ending}"
        path.write_bytes(mutated(written(one, seeds), one.ending, chance))
        return path


@dataclass(frozen=True)
class Fate:
    """How a mutant fared, and how long that took."""

    mutant: Mutant
    verdict: Verdict
    seconds: float


def run(mutants: Sequence[Mutant], folder: Path, data_dir: Path, *, apart: bool = False) -> Iterator[Fate]:
    """Yield how each mutant fares; files are written below ``folder``.

    ``apart``: each is read in a process of its own, as pages and commands do.
    """
    process: _Reader | None = None
    try:
        for mutant in mutants:
            if process is None:
                process = _Reader(folder, data_dir, apart=apart)
            fate = process.read(mutant)
            if process.spent:
                process.end()
                process = None
            yield fate
    finally:
        if process is not None:
            process.end()


class _Reader:
    """A process that reads mutants one by one."""

    def __init__(self, folder: Path, data_dir: Path, *, apart: bool) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, folder, data_dir, apart), daemon=False)
        self._process.start()
        other.close()
        self.spent = False
        if not self._pipe.poll(_START_SECONDS):
            raise RuntimeError("the reading process does not start")
        self._pipe.recv()

    def read(self, mutant: Mutant) -> Fate:
        """Return how a mutant fares; afterwards the process may be spent."""
        started = time.monotonic()
        self._pipe.send(mutant)
        try:
            if self._pipe.poll(MAX_SECONDS):
                found, held_mb = self._pipe.recv()
            else:
                found, held_mb = Verdict((f"not done after {MAX_SECONDS:g} s",)), 0.0
                self.spent = True
        except (EOFError, ConnectionError):
            self._process.join(10)
            found, held_mb = Verdict((f"the process died ({self._process.exitcode})",)), 0.0
            self.spent = True
        if held_mb > MAX_MB:
            found = Verdict((*found.wrong, f"{held_mb:,.0f} MB"), found.said, found.trace)
            self.spent = True
        return Fate(mutant, found, time.monotonic() - started)

    def end(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _serve(pipe: Connection, folder: Path, data_dir: Path, apart: bool) -> None:
    """Read what the pipe names until it is closed; answers are the verdict and the most memory held (MB)."""
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_BYTES, _ADDRESS_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # What the libraries print to the terminal of whoever runs this says nothing about the mutant.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    tmp = folder / "tmp"
    shutil.rmtree(tmp, ignore_errors=True)
    tmp.mkdir(parents=True)
    os.environ["TMPDIR"] = str(tmp)
    tempfile.tempdir = None
    warnings.simplefilter("ignore")
    pipe.send("ready")
    while True:
        try:
            mutant = pipe.recv()
        except EOFError:
            return
        found = _found(mutant, folder, data_dir, apart=apart)
        left = sorted(item.name for item in tmp.iterdir())
        if left:
            found = Verdict((*found.wrong, f"left in TMPDIR: {left[0]}"), found.said, found.trace)
            shutil.rmtree(tmp)
            tmp.mkdir()
        pipe.send((found, _held_mb()))


def _found(mutant: Mutant, folder: Path, data_dir: Path, *, apart: bool) -> Verdict:
    """Return how a mutant fares; a mutator that fails is told as what it is, no fault of the program."""
    try:
        path = mutant.write(folder)
    except Exception as fault:
        return Verdict((f"the mutant could not be made: {type(fault).__name__}: {fault}",))
    return verdict(mutant.door, path, data_dir, apart=apart)


def _held_mb() -> float:
    """Return the most memory that this process, or one that it waited for, has held.

    What the kernel accounts to a process at its end begins with what its parent held when it was started, so
    that is asked of the children only.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    own = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024
