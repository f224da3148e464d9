"""``python -m tests.worlds``: random small worlds, every method of ``geo`` beside an oracle, and its laws.

Prints a line for every world in which something differs, and ends with 1 when there was any.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from tests.worlds.checks import judge

SHOWN = 4
"""How many of a world's differences its line tells."""


def main(args: Sequence[str] | None = None) -> int:
    """Judge the worlds asked for and return 1 when something differs in any, 0 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.worlds", description=__doc__)
    parser.add_argument("--number", type=int, default=500, help="how many worlds")
    parser.add_argument("--seed", type=int, default=15, help="which series of worlds")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the first of them, from 0")
    given = parser.parse_args(args)
    compared = failed = 0
    for number in range(given.first, given.first + given.number):
        tally = judge(world_seed(given.seed, number))
        compared += tally.compared
        if tally.faults:
            failed += 1
            told = "; ".join(f"{check}: {what}" for check, what in tally.faults[:SHOWN])
            rest = len(tally.faults) - SHOWN
            print(f"world {number}  {told}{f'; {rest} more' if rest > 0 else ''}", flush=True)
    print(f"{given.number} worlds, {compared:,} comparisons, {failed} worlds differ")
    return int(failed > 0)


def world_seed(series: int, number: int) -> int:
    """Return the number that a world of a series is made of."""
    return series * 1_000_000 + number


if __name__ == "__main__":
    raise SystemExit(main())
