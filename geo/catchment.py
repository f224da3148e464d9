"""Supply against demand: two-step floating catchment areas, per cell, per region, per group of people.

First every facility's supply is set against the demand that reaches it, each demand by its weight; then every
cell adds up the ratios of the facilities in its reach by the same weights (2SFCA: Luo & Wang 2003; with
decay E2SFCA: Luo & Qi 2009). With ``3sfca`` a cell first divides its demand among the facilities in reach by
their weights (Wan, Zou & Sternberg 2012). What nobody reaches is supply for nobody; a cell that reaches no
supply has access 0. Σ access × demand = Σ supply that reaches anybody.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from geo.errors import CatchmentError, UnknownRegionError
from geo.reach import Reach
from geo.region_tree import LEVELS, Level, region_hierarchy
from geo.rounding import EQUAL, all_equal

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Method = Literal["2sfca", "3sfca"]

METHOD_NAMES: dict[Method, str] = {"2sfca": "两步移动搜索法", "3sfca": "三步移动搜索法"}

NO_CELLS = "没有人口格网"
NO_PEOPLE = "该人群人数为零"
NOBODY_SERVED = "没有人在服务范围内，基尼系数无定义"
REACHES_NOBODY = "服务范围内没有需求"
NO_SUPPLY = "供给为零"

COLUMNS = (
    "adcode",
    "name",
    "level",
    "population",
    "access",
    "unserved_population",
    "unserved_share",
    "straight_population",
    "lowest_access",
    "median_access",
    "gini",
    "reason",
)


@dataclass(frozen=True, eq=False)
class CatchmentResult:
    """What floating catchments give.

    ``access``: float64 per cell, supply per unit of demand, 0 where no supply is in reach (never NaN).
    ``served``: bool per cell. Per facility: ``ratio`` (supply per weighted demand, 0 where nobody reaches
    it), ``weighted_demand``, and ``reason`` (object: why it serves nobody, else None). ``supply`` and
    ``demand`` are those that went in, ``supply_used`` the supply that reaches anybody.
    """

    method: Method
    access: FloatArray
    served: BoolArray
    ratio: FloatArray
    weighted_demand: FloatArray
    reason: NDArray[np.object_]
    supply: FloatArray
    demand: FloatArray

    @property
    def supply_used(self) -> float:
        """Supply of the facilities that any demand reaches."""
        return float(self.supply[self.weighted_demand > 0.0].sum())

    @property
    def supply_lost(self) -> float:
        """Supply of the facilities that no demand reaches: summed by itself, so that none is exactly 0."""
        return float(self.supply[self.weighted_demand <= 0.0].sum())

    @property
    def access_given(self) -> float:
        """Σ access × demand over all cells; equals ``supply_used`` but for rounding."""
        return float(np.dot(self.access, self.demand))


def floating_catchment(
    reach: Reach, demand: ArrayLike, supply: ArrayLike, *, method: Method = "2sfca"
) -> CatchmentResult:
    """Return the access of every cell to the supply of the facilities in reach.

    ``demand``: people (or what else asks) per cell; ``supply``: capacity, or 1, per facility; both ≥ 0.
    Raises ``CatchmentError`` that lists every fault: other lengths than ``reach`` has, values that are
    missing or negative, no demand at all, no supply at all.
    """
    asked, offered = np.asarray(demand, dtype=np.float64), np.asarray(supply, dtype=np.float64)
    _require(reach, asked, offered, method)
    if method == "3sfca":
        total = reach.scatter(np.ones(reach.facilities))
        share = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0.0)
        weighted = reach.gather(asked * share, power=2)
    else:
        weighted = reach.gather(asked)
    some = weighted > 0.0
    ratio = np.divide(offered, weighted, out=np.zeros_like(offered), where=some)
    access = reach.scatter(ratio, power=2) * share if method == "3sfca" else reach.scatter(ratio)
    served = reach.touched(ratio > 0.0)
    reason = np.full(len(offered), None, dtype=object)
    reason[offered == 0.0] = NO_SUPPLY
    reason[~some] = REACHES_NOBODY
    return CatchmentResult(method, access, served, ratio, weighted, reason, offered, asked)


def _require(reach: Reach, demand: FloatArray, supply: FloatArray, method: str) -> None:
    if method not in METHOD_NAMES:
        raise CatchmentError(f"没有“{method}”这种方法；可选：{'、'.join(METHOD_NAMES)}。")
    faults = []
    for what, values, count in (("需求", demand, reach.cells), ("供给", supply, reach.facilities)):
        if values.shape != (count,):
            faults.append(f"{what}有 {values.size} 个值，应为 {count} 个")
            continue
        bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0.0)))
        if len(bad):
            faults.append(
                f"{what}有 {len(bad)} 个值缺失或为负（首例在第 {bad[0] + 1} 行：{values[bad[0]]:g}）"
            )
        elif not (values > 0.0).any():
            faults.append(f"{what}全部为零，供需无从匹配")
    if faults:
        raise CatchmentError("供需数据有误：" + "；".join(faults) + "。")


def access_table(
    result: CatchmentResult,
    cells: pd.DataFrame,
    regions: pd.DataFrame,
    *,
    group: str = "population",
    level: Level = "county",
    straight: ArrayLike | None = None,
) -> pd.DataFrame:
    """Return the access of the people of ``group`` in every region of ``level``, columns ``COLUMNS``.

    ``access`` = Σ access × people / Σ people, never a mean of means; ``unserved_population`` the people with
    access 0; ``straight_population`` those of the cells marked in ``straight`` (bool per cell: their times
    are those of a straight line; None: nobody's); ``lowest_access`` and ``median_access``: what the worst-off
    tenth and half of the people have at most; ``gini`` of access over the people. Undefined figures are NaN
    with a ``reason``. ``cells`` in the order of ``result`` with ``adcode`` and the group's column;
    ``regions`` as for ``geo.coverage_profile``.
    Raises ``CatchmentError`` for cells that do not fit, ``UnknownRegionError`` for unknown counties.
    """
    if level not in LEVELS:
        raise CatchmentError(f"没有“{level}”这一级；可选：{'、'.join(LEVELS)}。")
    people = _people(result, cells, group)
    by_line = np.zeros(len(people), dtype=bool) if straight is None else np.asarray(straight, dtype=bool)
    hierarchy = region_hierarchy(regions)
    wanted = hierarchy.index[hierarchy["level"] == level]
    codes, names = pd.factorize(cells["adcode"])
    owner = hierarchy[level].reindex(pd.Index(names))
    known = pd.Index(names).isin(hierarchy.index)
    if not known.all():
        raise UnknownRegionError(f"人口格网中有不认识的县级代码：{'、'.join(map(str, names[~known][:5]))}。")
    region = wanted.get_indexer(pd.Index(owner))[codes]
    order = np.lexsort((people, result.access, region))
    start = np.searchsorted(region[order], np.arange(len(wanted) + 1))
    rows = [
        _row(result.access[part], people[part], by_line[part])
        for part in (order[low:high] for low, high in itertools.pairwise(start))
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS[3:]))
    table["reason"] = pd.Series([row[-1] for row in rows], dtype=object)
    table.insert(0, "adcode", wanted.to_numpy(dtype=object))
    table.insert(1, "name", hierarchy.loc[wanted, "name"].to_numpy())
    table.insert(2, "level", level)
    return table


def _people(result: CatchmentResult, cells: pd.DataFrame, group: str) -> FloatArray:
    missing = [column for column in ("adcode", group) if column not in cells]
    if missing:
        raise CatchmentError(f"人口格网缺少列：{'、'.join(missing)}。")
    if len(cells) != len(result.access):
        raise CatchmentError(f"格网有 {len(cells)} 格，可及性有 {len(result.access)} 个，应一一对应。")
    people: FloatArray = cells[group].to_numpy(dtype=np.float64)
    return people


def _row(access: FloatArray, people: FloatArray, straight: BoolArray) -> list[object]:
    """Return the figures of one region; its cells ascend by access."""
    total = float(people.sum())
    if total <= 0.0:
        return [total, *[float("nan")] * 7, NO_PEOPLE if len(people) else NO_CELLS]
    unserved = float(people[access <= 0.0].sum())
    gini = weighted_gini(access, people)
    running = np.cumsum(people)
    # The tenth is full where all but rounding of it is.
    parts = (total * part * (1.0 - EQUAL) for part in (0.1, 0.5))
    lowest, median = (float(access[np.searchsorted(running, part)]) for part in parts)
    mean = float(np.dot(access, people)) / total
    reason = NOBODY_SERVED if np.isnan(gini) else None
    by_line = float(people[straight].sum())
    return [total, mean, unserved, unserved / total, by_line, lowest, median, gini, reason]


def weighted_gini(values: ArrayLike, weights: ArrayLike) -> float:
    """Return the Gini coefficient (0 … 1) of ``values`` (≥ 0), each held by ``weights`` people.

    Half the relative mean absolute difference between any two people; NaN where nobody holds anything.
    """
    amount, people = np.asarray(values, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    order = np.argsort(amount, kind="stable")
    held, people = (amount * people)[order], people[order]
    total, everybody = float(held.sum()), float(people.sum())
    if not (total > 0.0 and everybody > 0.0):
        return float("nan")
    if all_equal(amount[order][people > 0.0]):
        return 0.0
    before = np.cumsum(held) - held
    spread = float(np.dot(people, 2.0 * before + held))
    # Rounding may leave a hair below zero where all have the same.
    return max(1.0 - spread / (total * everybody), 0.0)


def lorenz_curve(values: ArrayLike, weights: ArrayLike, *, points: int = 101) -> pd.DataFrame:
    """Return the Lorenz curve: ``people_share`` (0 … 1, ``points`` even steps) and ``access_share``.

    Empty when nobody holds anything.
    """
    amount, people = np.asarray(values, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    order = np.argsort(amount, kind="stable")
    held, people = (amount * people)[order], people[order]
    if not held.sum() > 0.0:
        return pd.DataFrame({"people_share": [], "access_share": []}, dtype=np.float64)
    known_people = np.concatenate([[0.0], np.cumsum(people) / people.sum()])
    known_held = np.concatenate([[0.0], np.cumsum(held) / held.sum()])
    share = np.linspace(0.0, 1.0, points)
    return pd.DataFrame({"people_share": share, "access_share": np.interp(share, known_people, known_held)})
