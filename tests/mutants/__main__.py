"""``python -m tests.mutants``: put faults into the code one by one and see whether the nearest tests notice.

Each runs in a process of its own, forked from one that has the libraries loaded, in a copy of the code. A
fault is noticed when a test fails, when the module no longer loads, or when the tests take far longer. Prints
a line for each that nobody noticed, and the share that was; ends with 1 below ``--least``.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from data.builder.build import build_store
from scripts.nearest_tests import ROOMS, nearest
from tests.mutants.faults import ROOT, TARGETS, Fault, sample, shown

_LOADED = (
    "numpy",
    "pandas",
    "scipy.sparse.csgraph",
    "scipy.optimize",
    "pyarrow.parquet",
    "duckdb",
    "geopandas",
)
_LOADED += (
    "shapely",
    "pyproj",
    "pyogrio",
    "streamlit.testing.v1",
    "altair",
    "pydantic",
    "folium",
)
_LOADED += ("matplotlib.figure", "starlette.testclient", "pygeoapi.api", "typer.testing", "networkx")
_SLOW_S, _SLOWER = 20.0, 3.0
"""A fault that makes its tests take so much longer than without it is noticed: they would never end."""

_MOST_S = 90.0
"""Tests beyond this many seconds are too far to be called near; the first file is always taken."""

NOTICED, UNNOTICED, SLOW = "noticed", "unnoticed", "too slow"


@dataclass
class Slot:
    """A copy of the code with room for what its tests write; one process at a time uses it."""

    folder: Path
    busy: int | None = None
    ends: float = 0.0
    done: Callable[[str, float], None] = field(default=lambda _how, _seconds: None)
    started: float = 0.0

    @property
    def code(self) -> Path:
        """The copy."""
        return self.folder / "code"

    def said(self) -> str:
        """Return the last that its process wrote."""
        return (self.folder / "out.txt").read_text(encoding="utf-8", errors="replace")[-2000:]


def made_slot(folder: Path, store: Path) -> Slot:
    """Return a new copy of the code below ``folder``, and of the built store where its tests look for it."""
    slot = Slot(folder)
    kept = [*ROOMS, "tests", "scripts", "docs", "benchmarks"]
    for name in kept:
        shutil.copytree(ROOT / name, slot.code / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy2(path, slot.code / path.name)
    (slot.code / ".streamlit").symlink_to("pages/.streamlit")
    shutil.copytree(store, folder / "sutu-data")
    return slot


def start(slot: Slot, tests: Sequence[Path], limit: float, done: Callable[[str, float], None]) -> None:
    """Run test files in a process of their own."""
    slot.done, slot.started = done, time.monotonic()
    slot.ends = slot.started + limit
    slot.busy = os.fork()
    if slot.busy == 0:
        code = 70
        try:
            code = _run(slot, tests)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def _run(slot: Slot, tests: Sequence[Path]) -> int:
    """Be the process that runs the tests: 0 when all passed."""
    os.setsid()
    out = os.open(slot.folder / "out.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.chdir(slot.code)
    for name in [
        name for name in sys.modules if name.partition(".")[0] in {*ROOMS, "tests", "scripts", "app", "cli"}
    ]:
        del sys.modules[name]
    sys.path[:] = [str(slot.code), *(one for one in sys.path if one not in {"", str(ROOT)})]
    importlib.invalidate_caches()
    os.environ["PYTHONPATH"] = str(slot.code)
    # With a worker's name the tests look for the shared store beside their own folder.
    os.environ["PYTEST_XDIST_WORKER"] = "mutant"
    arguments = [
        "-x",
        "-q",
        "-p",
        "no:xdist",
        "--assert=plain",  # Modules loaded ahead cannot be rewritten any more.
        f"--basetemp={slot.folder / 'tmp'}",
        "--rootdir",
        str(slot.code),
    ]
    return int(pytest.main([*arguments, *map(str, tests)]))


def reap(slot: Slot) -> bool:
    """Return whether a slot is free; what its process has found is told before."""
    if slot.busy is None:
        return True
    pid, status = os.waitpid(slot.busy, os.WNOHANG)
    late = time.monotonic() > slot.ends
    if pid == 0 and not late:
        return False
    if pid == 0:
        os.killpg(slot.busy, signal.SIGKILL)
        os.waitpid(slot.busy, 0)
    slot.busy = None
    how = SLOW if late else UNNOTICED if status == 0 else NOTICED
    slot.done(how, time.monotonic() - slot.started)
    return True


def wait(slots: Sequence[Slot]) -> Slot:
    """Return a slot that is free, once one is."""
    while True:
        for slot in slots:
            if reap(slot):
                return slot
        time.sleep(0.02)


def drain(slots: Sequence[Slot]) -> None:
    """Wait until every slot is free."""
    while not all(reap(slot) for slot in slots):
        time.sleep(0.02)


def main(args: Sequence[str] | None = None) -> int:
    """Run the sample and return 1 when fewer than the least share were noticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--number", type=int, default=400)
    parser.add_argument("--seed", type=int, default=14)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--least", type=float, default=0.85, help="the share that must be noticed")
    parser.add_argument("--targets", nargs="+", default=list(TARGETS), metavar="PATTERN")
    parser.add_argument(
        "--again", type=Path, metavar="FILE", help="an earlier run's output: try what it missed"
    )
    given = parser.parse_args(args)
    faults = sample(given.number, given.seed, given.targets)
    known = [] if given.again is None else noticed_before(given.again.read_text(encoding="utf-8"), faults)
    before = {fault for fault, _ in known}
    faults = [fault for fault in faults if fault not in before]
    for name in _LOADED:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        store = Path(folder) / "store"
        build_store(store)
        slots = [made_slot(Path(folder) / f"slot{number}", store) for number in range(given.jobs)]
        near = {fault.path: _in_sight(nearest(fault.path)) for fault in faults}
        seconds = baseline(slots, sorted({test for tests in near.values() for test in tests}))
        results = run(slots, faults, near, seconds)
    return report([*known, *results], given.least)


def noticed_before(printed: str, faults: Sequence[Fault]) -> list[tuple[Fault, str]]:
    """Return the faults of a sample that an earlier run of it, by what it printed, had noticed."""
    row = re.compile(rf" *\d+ (?:{NOTICED}|{SLOW}) +[\d.]+ s  (.*)")
    ended = {found[1] for found in map(row.fullmatch, printed.splitlines()) if found}
    return [(fault, NOTICED) for fault in faults if shown(fault) in ended]


def _in_sight(tests: Sequence[Path]) -> list[Path]:
    """Return the tests that need no browser, and no documents from elsewhere."""
    return [path for path in tests if path.parts[1] not in {"browser", "sources"}]


def baseline(slots: Sequence[Slot], tests: Sequence[Path]) -> dict[Path, float]:
    """Return how long each test file takes without a fault; every one of them must pass."""
    found: dict[Path, float] = {}
    broken: list[str] = []
    for test in tests:
        slot = wait(slots)

        def done(how: str, taken: float, test: Path = test, slot: Slot = slot) -> None:
            found[test] = taken
            if how != UNNOTICED:
                broken.append(f"{test}: {how}\n{slot.said()}")

        start(slot, [test], 600.0, done)
    drain(slots)
    if broken:
        raise SystemExit("\n".join(["without a fault these do not pass:", *broken]))
    return found


def run(
    slots: Sequence[Slot], faults: Sequence[Fault], near: dict[Path, list[Path]], seconds: dict[Path, float]
) -> list[tuple[Fault, str]]:
    """Return how each fault ended."""
    results: list[tuple[Fault, str]] = []
    for fault in faults:
        slot = wait(slots)
        file = slot.code / fault.path
        source = file.read_text(encoding="utf-8")
        rewrite(file, fault.applied(source))
        tests = within_reach(fault.path, near[fault.path], seconds)
        limit = _SLOW_S + _SLOWER * sum(seconds[test] for test in tests)

        def done(how: str, taken: float, about: tuple[Fault, Path, str] = (fault, file, source)) -> None:
            fault, file, source = about
            rewrite(file, source)
            results.append((fault, how))
            print(f"{len(results):4} {how:9} {taken:5.1f} s  {shown(fault)}", flush=True)

        start(slot, tests, limit, done)
    drain(slots)
    return results


def rewrite(file: Path, source: str) -> None:
    """Write a module anew, and remove what Python keeps of it."""
    file.write_text(source, encoding="utf-8")
    for kept in file.parent.glob(f"__pycache__/{file.stem}.*"):
        kept.unlink()


def within_reach(path: Path, tests: Sequence[Path], seconds: dict[Path, float]) -> list[Path]:
    """Return the tests to run for a file: those of its name first, then the quickest, up to a time."""
    ordered = sorted(tests, key=lambda test: (test.stem != f"test_{path.stem}", seconds[test]))
    chosen, taken = [], 0.0
    for test in ordered:
        if chosen and taken + seconds[test] > _MOST_S:
            break
        chosen.append(test)
        taken += seconds[test]
    return chosen


def report(results: Sequence[tuple[Fault, str]], least: float) -> int:
    """Print the outcome by room, and what nobody noticed; return 1 when that is too much."""
    rooms = {fault.path.parts[0] for fault, _ in results}
    print()
    for room in sorted(rooms):
        counts = Counter(how != UNNOTICED for fault, how in results if fault.path.parts[0] == room)
        print(f"{room:10} {counts[True]:4} of {counts.total():4} noticed")
    unnoticed = sorted(shown(fault) for fault, how in results if how == UNNOTICED)
    print("\nnobody noticed", *unnoticed, sep="\n")
    share = 1 - len(unnoticed) / len(results)
    print(f"\n{share:.1%} of {len(results)} noticed")
    return int(share < least)


if __name__ == "__main__":
    outcome = main()
    sys.stdout.flush()
    os._exit(outcome)
