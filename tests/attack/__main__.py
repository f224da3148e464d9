"""``python -m tests.attack``: the heavy hostile files, the attacks under strace, the fuzz, ten visitors.

It prints a table and ends with 1 when anything broke the rule.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from data.builder.build import build_store
from tests.attack.visitors import attack as visit
from tests.fuzz.__main__ import fuzz
from tests.fuzz.doors import DOORS
from tests.hostile.case import Case, Kind
from tests.hostile.cases import CASES
from tests.hostile.trace import misdeeds, tracer
from tests.hostile.watch import World, opened, watched

_GRACE_S = 5.0
"""How much longer than allowed a command may run before it is ended."""


def main(args: Sequence[str] | None = None) -> int:
    """Run what is asked for and return 1 when anything broke the rule, 0 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="ID", help="cases by id or the start of it")
    parser.add_argument("--kinds", nargs="+", choices=[kind.value for kind in Kind], default=[])
    parser.add_argument("--store", type=Path, help="a data directory with a built store (default: a new one)")
    parser.add_argument("--mutants", type=int, default=2_000, help="of the fuzz at the end; 0 for none")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--no-trace", action="store_true", help="leave out strace")
    given = parser.parse_args(args)
    with tempfile.TemporaryDirectory(prefix="attack-") as folder:
        store = given.store or Path(folder) / "store"
        build_store(store, only_if_stale=True)
        with opened(Path(folder) / "world", store) as world:
            broken = run_cases(chosen(given.only, given.kinds), world, trace=not given.no_trace)
        mutants = 0 if given.only or given.kinds else given.mutants
        if mutants:
            print(f"\nfuzz, seed {given.seed}")
            broken += fuzz(mutants, given.seed, DOORS, Path(folder), store)
            print(f"\nfuzz, seed {given.seed}, each in a process of its own")
            broken += fuzz(mutants // 10, given.seed, DOORS, Path(folder), store, apart=True)
        if not given.only and not given.kinds:
            broken += run_visitors(store, Path(folder))
    print(f"\n{broken} broke the rule" if broken else "\nall kept the rule")
    return int(bool(broken))


def chosen(only: Sequence[str], kinds: Sequence[str]) -> list[Case]:
    """Return the cases asked for; all of them without a wish."""
    return [
        case
        for case in CASES
        if (not only or case.id.startswith(tuple(only))) and (not kinds or case.kind.value in kinds)
    ]


def run_cases(cases: Iterable[Case], world: World, *, trace: bool) -> int:
    """Take each case in by the command line, print a row for it, and return how many broke the rule.

    Attacks and baits run under strace.
    """
    print(f"{'id':34} {'MB':>7} {'s':>6} {'cpu s':>6} {'peak MB':>8} {'exit':>5}  sentence")
    broken = 0
    for case in cases:
        traced = trace and case.kind in {Kind.attack, Kind.bait}
        log = world.folder / "strace.log"
        size = world.write(case).stat().st_size / 1e6
        outcome = watched(case, world, timeout=case.seconds + _GRACE_S, before=tracer(log) if traced else ())
        wrong = list(outcome.wrong)
        if traced:
            wrong += misdeeds(log, (world.data, world.tmp, world.home), world.folder)
        code = "—" if outcome.exit_code is None else outcome.exit_code
        took = f"{outcome.seconds:6.1f} {outcome.cpu_seconds:6.1f} {outcome.peak_mb:8.0f}"
        print(f"{case.id:34} {size:7.2f} {took} {code:>5}  {outcome.sentence()[:120]}", flush=True)
        for problem in wrong:
            print(f"    !! {problem}", flush=True)
        broken += bool(wrong)
        shutil.rmtree(world.folder / "files" / case.id)
    return broken


# What the page takes: up to 50 MB.
WORST = (
    "csv_20_000_on_one_point",
    "csv_60_000_within_100_m",
    "geojson_keys_on_all",
    "gpkg_400_000_rows",
    "legal_900_000_facilities",
)


def run_visitors(store: Path, folder: Path) -> int:
    """Let ten visitors hand over the worst files and leave, print what was seen, return 1 for a fault."""
    with opened(folder / "visitors", store) as world:
        files = [world.write(case) for case in CASES if case.door == "facilities" and case.id in WORST]
        seen = visit(store, files)
    print(f"\nten visitors: {seen.most_readers} readers at once; other pages {seen.slower:.2f} times as long")
    print(f"    a page: {seen.idle_seconds:.2f} s alone, {seen.busy_seconds:.2f} s beside them")
    print(f"    before {seen.before}\n    a minute after {seen.after}")
    for fault in seen.faults():
        print(f"    !! {fault}")
    return int(bool(seen.faults()))


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)
