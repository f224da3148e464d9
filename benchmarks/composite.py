"""Ranks over all combinations of a composite index beside a plain loop over pandas frames on the same work.

``python -m benchmarks composite [--json] [--repeats 5]``. Counties, eight components with expert weights,
every normalisation, weighting and aggregation, and each component left out in turn: 216 combinations. The
loop builds every combination anew with pandas, as one would write it in a notebook; both give the same ranks,
which is checked. Medians of ``--repeats`` runs after one that does not count.
"""

import argparse
import itertools
import json
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import pandas as pd

from benchmarks.table import Row, beside, show
from geo.composite import AGGREGATIONS, NORMALISATIONS, WEIGHTINGS, Part, rank_ranges

REGIONS, COMPONENTS = 95, 8


def world() -> tuple[pd.DataFrame, list[Part]]:
    """Return positive values of 95 regions in eight components, and the components."""
    rng = np.random.default_rng(20)
    names = [f"c{number}" for number in range(COMPONENTS)]
    values = pd.DataFrame(rng.gamma(3.0, 10.0, (REGIONS, COMPONENTS)) + 1, columns=names)
    shares = np.arange(1, COMPONENTS + 1) / np.arange(1, COMPONENTS + 1).sum()
    ways = ["higher_better", "lower_better"]
    return values, [Part(name, ways[n % 2], float(shares[n])) for n, name in enumerate(names)]  # type: ignore[arg-type]


def scored(values: pd.DataFrame, parts: list[Part], method: str) -> pd.DataFrame:
    """Return the scores of every component, one column after the other."""
    found = {}
    for part in parts:
        column = values[part.id]
        up = part.direction == "higher_better"
        if method == "min_max":
            share = (column - column.min()) / (column.max() - column.min())
            found[part.id] = 100 * (share if up else 1 - share)
        elif method == "z":
            z = (column - column.mean()) / column.std(ddof=0)
            found[part.id] = 50 + 10 * (z if up else -z)
        else:
            found[part.id] = 100 * (column / column.max() if up else column.min() / column)
    return pd.DataFrame(found)


def weights(values: pd.DataFrame, parts: list[Part], method: str) -> pd.Series:
    """Return the weights of the components."""
    unit = scored(values, parts, "min_max") / 100
    if method == "equal":
        raw = pd.Series(1.0, index=unit.columns)
    elif method == "expert":
        raw = pd.Series({part.id: part.weight for part in parts})
    elif method == "entropy":
        share = unit / unit.sum()
        raw = 1 + (share * np.log(share.where(share > 0, 1.0))).sum() / np.log(len(unit))
    else:
        raw = unit.std() * (1 - unit.corr()).sum()
    return raw / raw.sum()


def plain_loop(values: pd.DataFrame, parts: list[Part]) -> pd.DataFrame:
    """Return the ranks of every combination (rows), made one by one."""
    rows = []
    for normalisation, aggregation, weighting in itertools.product(NORMALISATIONS, AGGREGATIONS, WEIGHTINGS):
        for without in [None, *parts]:
            chosen = [part for part in parts if part is not without]
            scores = scored(values, chosen, normalisation)
            weight = weights(values, chosen, weighting)
            if aggregation == "arithmetic":
                total = (scores * weight).sum(axis=1)
            else:
                usable = 1 + 0.99 * scores if normalisation == "min_max" else scores
                total = np.exp((np.log(usable) * weight).sum(axis=1))
            rows.append(total.round(9).rank(ascending=False, method="min"))
    return pd.DataFrame(rows)


def timed(work: Callable[[], pd.DataFrame], repeats: int) -> tuple[float, pd.DataFrame]:
    """Return the median seconds of some runs, and what the last gave."""
    answer = work()
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        answer = work()
        seconds.append(time.perf_counter() - begin)
    return median(seconds), answer


def main() -> None:
    """Run the comparison."""
    options = argparse.ArgumentParser(prog="benchmarks composite")
    options.add_argument("--json", action="store_true")
    options.add_argument("--repeats", type=int, default=5)
    given = options.parse_args()
    values, parts = world()
    ours, found = timed(lambda: rank_ranges(values, parts).ranks, given.repeats)
    plain, wanted = timed(lambda: plain_loop(values, parts), given.repeats)
    same = sorted(map(tuple, found.to_numpy())) == sorted(map(tuple, wanted.to_numpy()))
    if not same:
        raise SystemExit("两种做法的位次不同")
    rows = [
        beside(f"{len(found)} 种组合的位次，对比 pandas 逐个循环", "s", ours, plain),
        Row("位次相同的组合", "个", len(found)),
    ]
    if given.json:
        print(json.dumps({"rows": [row.as_dict() for row in rows]}, ensure_ascii=False))
    else:
        show({"composite": rows})
