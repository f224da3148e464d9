"""``python -m tests.fuzz --mutants 2000 --seed 1``: the long run; ``--replay KEY``: one mutant again."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from data.builder.build import build_store
from tests.fuzz.doors import DOORS
from tests.fuzz.run import Fate, Mutant, run
from tests.fuzz.verdict import verdict


def main(args: Sequence[str] | None = None) -> int:
    """Run the fuzzer as asked and return how many mutants were offenders, at most 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--mutants", type=int, default=2_000, help="how many, over all doors")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--doors", nargs="+", choices=DOORS, default=list(DOORS))
    parser.add_argument("--store", type=Path, help="a data directory with a built store (default: a new one)")
    parser.add_argument(
        "--replay", nargs="+", metavar="DOOR:SEED:INDEX", help="read these mutants again, here"
    )
    parser.add_argument("--apart", action="store_true", help="each in a process of its own")
    parser.add_argument("--keep", type=Path, help="a folder in which offenders are kept")
    given = parser.parse_args(args)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        store = given.store or Path(folder) / "data"
        build_store(store, only_if_stale=True)
        if given.replay:
            return replay(given.replay, given.keep or Path(folder), store)
        return fuzz(
            given.mutants,
            given.seed,
            given.doors,
            Path(folder),
            store,
            keep=given.keep,
            apart=given.apart,
        )


def fuzz(
    mutants: int,
    seed: int,
    doors: Sequence[str],
    folder: Path,
    store: Path,
    *,
    keep: Path | None = None,
    apart: bool = False,
) -> int:
    """Read mutants at every door, print a table and every offender, and return 1 when there was one."""
    offenders: list[Fate] = []
    print(f"{'door':12} {'mutants':>7} {'taken':>6} {'refused':>7} {'offend':>6} {'slowest':>8}")
    for door in doors:
        count: Counter[str] = Counter()
        slowest = 0.0
        each = [Mutant(door, seed, index) for index in range(-(-mutants // len(doors)))]
        for fate in run(each, folder, store, apart=apart):
            slowest = max(slowest, fate.seconds)
            state = "offend" if fate.verdict.wrong else "taken" if fate.verdict.said is None else "refused"
            count[state] += 1
            if fate.verdict.wrong:
                offenders.append(fate)
                _keep(fate.mutant, folder, keep)
        counts = f"{count['taken']:6} {count['refused']:7} {count['offend']:6}"
        print(f"{door:12} {len(each):7} {counts} {slowest:7.1f}s", flush=True)
    for fate in offenders:
        print(f"\n{fate.mutant.key} ({fate.seconds:.1f} s): {'; '.join(fate.verdict.wrong)}")
        print("\n".join(f"    {line}" for line in fate.verdict.trace.splitlines()[-6:]))
    if offenders:
        print(f"\n{len(offenders)} offenders; again: python -m tests.fuzz --replay {offenders[0].mutant.key}")
    return int(bool(offenders))


def replay(keys: Sequence[str], folder: Path, store: Path) -> int:
    """Read mutants again in this process, say what came of them, and return 1 when one is an offender."""
    wrong = False
    for key in keys:
        mutant = Mutant.of(key)
        path = mutant.write(folder)
        found = verdict(mutant.door, path, store)
        wrong = wrong or bool(found.wrong)
        print(f"{key}: {path.name}, {path.stat().st_size} bytes: {'; '.join(found.wrong) or 'right'}")
        print(found.trace or found.said or "taken")
    return int(wrong)


def _keep(mutant: Mutant, folder: Path, keep: Path | None) -> None:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        path = mutant.write(folder)
        path.rename(keep / (mutant.key.replace(":", "_") + path.name.removeprefix("mutant")))


if __name__ == "__main__":
    # Not ``sys.exit(main())`` alone: a store that was opened keeps threads that need no farewell.
    code = main()
    sys.stdout.flush()
    os._exit(code)
