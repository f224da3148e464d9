"""A process whose builds are killed: run as a script with a data directory, a seed and a number of kills.

The inputs are read once, and the tiling of the counties is not checked again: neither leaves anything on
disk, and the moments worth dying at lie between the first byte written and the last rename. Every build
runs in a fork, which is killed when its moment has come; moments are drawn from the seed, one in each part
of the time that an undisturbed build takes. After each kill a line is written, and a line awaited, so that
the test can look at the folder as the dead build left it.
"""

from __future__ import annotations

import os
import random
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from data.builder import build
from data.builder.build import build_store
from data.store import check
from data.store.versions import input_version

QUIET = build._Steps(None)


def main(folder: Path, seed: int, kills: int) -> None:
    """Kill ``kills`` builds of ``folder``, then let one live."""
    contents = build._gather(folder, input_version(folder), QUIET)
    build._gather = lambda *_arguments: contents  # type: ignore[assignment]
    check.coverage_problems = lambda _counties: []  # type: ignore[assignment]
    duration = _run(lambda: build_store(folder), None)
    moments = random.Random(seed)
    for number in range(kills):
        _run(lambda: build_store(folder), duration * (number + moments.random()) / kills)
        print("killed", flush=True)
        sys.stdin.readline()
    _run(lambda: build_store(folder), None)
    print("alive", flush=True)


def _run(work: Callable[[], object], kill_after: float | None) -> float:
    """Do the work in a fork; return how long it took, or how long it was left to live."""
    started = time.perf_counter()
    child = os.fork()
    if child == 0:
        os._exit(_worked(work))
    watch = os.pidfd_open(child)
    select.select([watch], [], [], kill_after)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(watch)
    if kill_after is None and status != 0:
        raise SystemExit(f"an undisturbed build ended with {status}")
    return time.perf_counter() - started


def _worked(work: Callable[[], object]) -> int:
    try:
        work()
    except BaseException as fault:
        print(repr(fault), file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
