"""Facilities of a run that may be one and the same: said with every answer, and what it is without them.

They are found as an import finds them (``data.ingest.duplicates``) and counted all the same: which of them is
one place, a person decides. Points that nobody surveyed are not looked at, each stands for itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from data.ingest.duplicates import Duplicates, find_duplicates

REPEATED = "疑似重复"
"""How the notes on repeated facilities can be told from others."""

MOST = 50_000
"""Beyond so many facilities an import has looked already, and a run does not look again."""

UNSURVEYED = ("implied", "seat")
_SHOWN = 3


@dataclass(frozen=True, eq=False)
class Repeats:
    """The pairs that may be one (``data.ingest.duplicates``), and the ids beyond the first of each group."""

    found: Duplicates
    extra: frozenset[str]

    def once(self, facilities: pd.DataFrame) -> pd.DataFrame:
        """Return facilities with one of each group only, the one with the lowest id."""
        return facilities[~facilities["id"].isin(self.extra)].reset_index(drop=True)

    def words(self, counted: int, without: str = "") -> list[str]:
        """Return what must be said (nothing without pairs): the pairs, and what the figure is ``without``."""
        if not self.extra:
            return list(self.found.notes)
        pairs = self.found.pairs.head(_SHOWN)
        shown = "；".join(
            f"{_named(row.name_a, row.id_a)}与{_named(row.name_b, row.id_b)}相距 {row.distance_m:,.0f} 米"
            for row in pairs.itertuples()
        )
        more = "等" if self.found.found > len(pairs) else ""
        once = counted - len(self.extra)
        return [
            f"{counted:,} 处设施中有 {self.found.found:,} 对{REPEATED}（{shown}{more}），都计在内；"
            f"每处只计一次是 {once:,} 处{without}",
            *self.found.notes,
        ]


def _named(name: object, number: object) -> str:
    return str(name) if isinstance(name, str) and name else f"编号 {number}"


def find_repeats(facilities: pd.DataFrame, regions: pd.DataFrame) -> Repeats:
    """Return what may be repeated among facilities (columns of the table ``facility``).

    ``regions``: the region table, whose names are left out where the name of a facility begins with one.
    """
    known = facilities[~facilities["precision"].isin(UNSURVEYED)]
    if not 1 < len(known) <= MOST:
        known = known.iloc[:0]
    found = find_duplicates(known.reset_index(drop=True), places=tuple(regions["name"]))
    return Repeats(found, _beyond_the_first(found.pairs))


def _beyond_the_first(pairs: pd.DataFrame) -> frozenset[str]:
    """Return the ids of each group of pairs but for the lowest."""
    ids, ends = np.unique(pairs[["id_a", "id_b"]].to_numpy(dtype=str), return_inverse=True)
    if len(ids) == 0:
        return frozenset()
    one, other = ends.reshape(-1, 2).T
    graph = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(len(ids), len(ids)))
    _, group = connected_components(graph, directed=False)
    _, first = np.unique(group, return_index=True)
    return frozenset(ids.tolist()) - frozenset(ids[first].tolist())
