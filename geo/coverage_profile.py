"""The people and the area of every county in the order of their minutes: sorted once, asked for any
threshold.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.errors import CoverageError, UnknownRegionError
from geo.region_tree import LEVELS, Level, region_hierarchy
from geo.travel import Method, TravelResult

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

GROUPS: dict[str, str] = {
    "population": "常住人口",
    "under_3": "3岁以下",
    "age_3_5": "3—5岁",
    "age_6_14": "6—14岁",
    "age_60_plus": "60岁及以上",
    "age_65_plus": "65岁及以上",
    "age_80_plus": "80岁及以上",
    "urban": "城镇人口",
    "rural": "乡村人口",
}
"""Population groups: column of the cell frame, and what people read."""

UNIT: float = 2.0**-30
"""Of a person, and of a square kilometre: what sums are counted in, as whole numbers."""

MAX_TOTAL: float = 4e9
"""People or square kilometres that the counting can hold."""


class Sums(NamedTuple):
    """What all figures of a region are made of: sums over its cells (float64)."""

    cells: float
    population: float
    covered_population: float
    reached_population: float
    straight_population: float
    person_minutes: float
    area_km2: float
    covered_area_km2: float


@dataclass(frozen=True, eq=False)
class CoverageProfile:
    """Cells sorted by county and minutes, with running totals, for one population group.

    ``counties``: adcodes in ascending order; county i owns the entries ``start[i]:start[i + 1]`` of
    ``minutes`` (float64, ascending, +inf where unreachable). ``people_to`` and ``area_to`` (int64, one entry
    more than ``minutes``): totals of ``group`` and of area in all entries before, in ``UNIT``; being whole
    numbers they add up exactly, in any order. ``person_minutes``: float64 per county, people times minutes of
    those who reach a facility. ``straight``: int64 per county, people (in ``UNIT``) whose minutes are those
    of a straight line. ``regions``: frame indexed by adcode with ``name``, ``level`` and, per level,
    the region that a row belongs to.
    """

    group: str
    method: Method
    mode: str
    max_minutes: float
    regions: pd.DataFrame
    counties: NDArray[np.object_]
    start: IntArray
    minutes: FloatArray
    people_to: IntArray
    area_to: IntArray
    person_minutes: FloatArray
    straight: IntArray

    def members(self, level: Level) -> dict[str, IntArray]:
        """Return, for each region of a level in the order of ``regions``, the numbers of its counties."""
        return self._members[level]

    @cached_property
    def _members(self) -> dict[Level, dict[str, IntArray]]:
        found: dict[Level, dict[str, IntArray]] = {}
        for level in LEVELS:
            owner = self.regions[level].reindex(pd.Index(self.counties)).to_numpy()
            names = self.regions.index[self.regions["level"] == level]
            found[level] = {str(adcode): np.flatnonzero(owner == adcode) for adcode in names}
        return found

    def entries_within(self, limit: float) -> IntArray:
        """Return, per county, the end of its entries with minutes ≤ ``limit``."""
        ends = [
            np.searchsorted(self.minutes[low:high], limit, side="right")
            for low, high in zip(self.start[:-1], self.start[1:], strict=True)
        ]
        return self.start[:-1] + np.array(ends, dtype=np.int64)

    def totals(self, totals_to: IntArray, ends: IntArray) -> IntArray:
        """Return, per county, the total (in ``UNIT``) of its entries before ``ends``."""
        return totals_to[ends] - totals_to[self.start[:-1]]

    def region_sums(self, level: Level, limit: float) -> dict[str, Sums]:
        """Return the sums of every region of a level: those of its counties added up."""
        covered, reached, ends = self.entries_within(limit), self._reached, self.start[1:]
        whole = np.stack(
            [
                np.diff(self.start),
                self.totals(self.people_to, ends),
                self.totals(self.people_to, covered),
                self.totals(self.people_to, reached),
                self.straight,
                self.totals(self.area_to, ends),
                self.totals(self.area_to, covered),
            ]
        )
        found = {}
        for adcode, members in self.members(level).items():
            cells, people, near, reaching, by_line, area, near_area = whole[:, members].sum(axis=1).tolist()
            found[adcode] = Sums(
                cells=float(cells),
                population=people * UNIT,
                covered_population=near * UNIT,
                reached_population=reaching * UNIT,
                straight_population=by_line * UNIT,
                person_minutes=float(self.person_minutes[members].sum()),
                area_km2=area * UNIT,
                covered_area_km2=near_area * UNIT,
            )
        return found

    @cached_property
    def _reached(self) -> IntArray:
        return self.entries_within(np.finfo(np.float64).max)

    def medians(self, level: Level) -> dict[str, float]:
        """Return the minutes within which half of those who reach a facility do; NaN where nobody does.

        Computed once per level: no threshold changes them.
        """
        known: dict[Level, dict[str, float]] = self.__dict__.setdefault("_medians", {})
        if level not in known:
            known[level] = {adcode: self._median(members) for adcode, members in self.members(level).items()}
        return known[level]

    def _median(self, members: IntArray) -> float:
        """Return the population-weighted median minutes of some counties together."""
        people = np.diff(self.people_to)
        parts = [slice(int(self.start[i]), int(self._reached[i])) for i in members]
        minutes = np.concatenate([self.minutes[part] for part in parts] or [np.zeros(0)])
        weight = np.concatenate([people[part] for part in parts] or [np.zeros(0, dtype=np.int64)])
        order = np.argsort(minutes, kind="stable")
        running = np.cumsum(weight[order])
        if len(running) == 0 or running[-1] == 0:
            return float("nan")
        return float(minutes[order][np.searchsorted(2 * running, running[-1], side="left")])


def build_profile(
    cells: pd.DataFrame, travel: TravelResult, regions: pd.DataFrame, *, group: str = "population"
) -> CoverageProfile:
    """Return the cells sorted for one population group; the only step of coverage that costs.

    ``cells``: ``adcode`` (county), ``area_km2`` and the group's column, one row per cell in the order of
    ``travel``. ``regions``: ``adcode`` (column or index), ``name``, ``level``, ``parent``; every county a
    row, with or without cells. People and areas are rounded to ``UNIT`` (a billionth), after which every sum
    is exact: the result does not depend on the order of the rows, to the last bit.

    Raises ``CoverageError`` that lists every fault: another number of cells than of times, columns that are
    missing, values that are negative or no number; ``UnknownRegionError`` for cells of an unknown county.
    """
    if group not in GROUPS:
        raise CoverageError(f"没有“{group}”这一人群；可选：{'、'.join(GROUPS)}。")
    _require_cells(cells, travel, group)
    hierarchy = region_hierarchy(regions)
    counties = np.sort(hierarchy.index[hierarchy["level"] == "county"].to_numpy(dtype=object))
    codes, names = pd.factorize(cells["adcode"])
    code = np.append(pd.Index(counties).get_indexer(pd.Index(names)), -1)[codes]
    if (code < 0).any():
        unknown = sorted(set(cells["adcode"].to_numpy()[code < 0].astype(str)))
        raise UnknownRegionError(f"人口格网中有不认识的县级代码：{'、'.join(unknown[:5])}。请与区划表核对。")
    people = np.rint(cells[group].to_numpy(dtype=np.float64) / UNIT).astype(np.int64)
    area = np.rint(cells["area_km2"].to_numpy(dtype=np.float64) / UNIT).astype(np.int64)
    minutes = np.where(travel.reachable, travel.minutes, np.inf)
    straight = np.zeros(len(counties), dtype=np.int64)
    np.add.at(straight, code[travel.straight], people[travel.straight])
    order = np.lexsort((people, minutes, code))
    code, minutes, people, area = code[order], minutes[order], people[order], area[order]
    spent = np.where(np.isfinite(minutes), minutes, 0.0) * (people * UNIT)
    return CoverageProfile(
        group=group,
        method=travel.method,
        mode=travel.mode,
        max_minutes=travel.max_minutes,
        regions=hierarchy,
        counties=counties,
        start=np.concatenate([[0], np.cumsum(np.bincount(code, minlength=len(counties)))]),
        minutes=minutes,
        people_to=np.concatenate([[0], np.cumsum(people)]),
        area_to=np.concatenate([[0], np.cumsum(area)]),
        person_minutes=np.bincount(code, weights=spent, minlength=len(counties)).astype(np.float64),
        straight=straight,
    )


def _require_cells(cells: pd.DataFrame, travel: TravelResult, group: str) -> None:
    """Raise ``CoverageError`` that lists every fault of the cell frame."""
    missing = [column for column in ("adcode", "area_km2", group) if column not in cells]
    if missing:
        raise CoverageError(f"人口格网缺少列：{'、'.join(missing)}。")
    faults = []
    if len(cells) != len(travel.minutes):
        faults.append(f"格网有 {len(cells)} 格，通行时间有 {len(travel.minutes)} 个，应一一对应")
    for column in ("area_km2", group):
        values = cells[column].to_numpy(dtype=np.float64, na_value=np.nan)
        bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0.0)))
        if len(bad):
            example = f"首例在第 {bad[0] + 1} 行：{values[bad[0]]}"
            faults.append(f"列 {column} 有 {len(bad)} 格缺失或为负（{example}）")
        elif values.sum() > MAX_TOTAL:
            faults.append(f"列 {column} 合计 {values.sum():.3g}，超过 {MAX_TOTAL:.0e}，请检查单位")
    if faults:
        raise CoverageError("人口格网有误：" + "；".join(faults) + "。")
