"""Who is within reach: coverage of population and area per region, from travel times and any threshold.

The cells are sorted by county and minutes once (``build_profile``); every threshold after that is a binary
search per county (``coverage_table``), so that a slider recomputes nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from geo.errors import CoverageError, UnknownRegionError
from geo.minutes import quantise_minutes
from geo.travel import Method, TravelResult

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Level = Literal["county", "prefecture", "economic_region", "province"]

LEVELS: tuple[Level, ...] = ("county", "prefecture", "economic_region", "province")

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

NO_CELLS = "没有人口格网"
NO_PEOPLE = "该人群人数为零"
NO_AREA = "格网面积为零"
NOBODY_REACHES = "没有人能够到达"

COLUMNS = (
    "adcode",
    "name",
    "level",
    "population",
    "covered_population",
    "population_coverage",
    "area_km2",
    "covered_area_km2",
    "area_coverage",
    "mean_minutes",
    "median_minutes",
    "unreachable_population",
    "edge",
    "reason",
)


@dataclass(frozen=True, eq=False)
class CoverageProfile:
    """The people and the area of every county in the order of their minutes.

    ``counties``: adcodes in ascending order; county i owns the entries ``start[i]:start[i + 1]`` of
    ``minutes`` (float64, ascending, +inf where unreachable), ``people`` (of ``group``) and ``area_km2``.
    ``regions``: frame indexed by adcode with ``name``, ``level`` and the county-to-region columns of every
    level.
    """

    group: str
    method: Method
    mode: str
    max_minutes: float
    regions: pd.DataFrame
    counties: NDArray[np.object_]
    start: IntArray
    minutes: FloatArray
    people: FloatArray
    area_km2: FloatArray

    def rows(self, county: int) -> slice:
        """Return the entries of county number ``county``."""
        return slice(int(self.start[county]), int(self.start[county + 1]))

    def members(self, level: Level) -> dict[str, IntArray]:
        """Return, for each region of a level in the order of ``regions``, the numbers of its counties."""
        regions = self.regions[self.regions["level"] == level]
        owner = self.regions[level].reindex(pd.Index(self.counties)).to_numpy()
        return {str(adcode): np.flatnonzero(owner == adcode) for adcode in regions.index}

    def medians(self, level: Level) -> dict[str, float]:
        """Return the median minutes of every region of a level; computed once, no threshold changes them."""
        known: dict[Level, dict[str, float]] = self.__dict__.setdefault("_medians", {})
        if level not in known:
            known[level] = {adcode: _median(self, members) for adcode, members in self.members(level).items()}
        return known[level]


def build_profile(
    cells: pd.DataFrame, travel: TravelResult, regions: pd.DataFrame, *, group: str = "population"
) -> CoverageProfile:
    """Return the cells sorted for one population group; the only step that costs.

    ``cells``: ``adcode`` (county), ``area_km2`` and the group's column, one row per cell in the order of
    ``travel``. ``regions``: ``adcode`` (column or index), ``name``, ``level``, ``parent``; every county a
    row, with or without cells. Cells enter in the order (county, minutes, people, area), so that the result
    does not depend on the order of the rows, to the last bit.

    Raises ``CoverageError`` that lists every fault: another number of cells than of times, columns that are
    missing, values that are negative or no number; ``UnknownRegionError`` for cells of an unknown county.
    """
    if group not in GROUPS:
        raise CoverageError(f"没有“{group}”这一人群；可选：{'、'.join(GROUPS)}。")
    _require_cells(cells, travel, group)
    hierarchy = _hierarchy(regions)
    counties = np.sort(hierarchy.index[hierarchy["level"] == "county"].to_numpy(dtype=object))
    code = pd.Index(counties).get_indexer(cells["adcode"])
    if (code < 0).any():
        unknown = sorted(set(cells["adcode"].to_numpy()[code < 0].astype(str)))
        raise UnknownRegionError(f"人口格网中有不认识的县级代码：{'、'.join(unknown[:5])}。请与区划表核对。")
    people = cells[group].to_numpy(dtype=np.float64)
    area = cells["area_km2"].to_numpy(dtype=np.float64)
    minutes = np.where(travel.reachable, travel.minutes, np.inf)
    order = np.lexsort((area, people, minutes, code))
    return CoverageProfile(
        group=group,
        method=travel.method,
        mode=travel.mode,
        max_minutes=travel.max_minutes,
        regions=hierarchy,
        counties=counties,
        start=np.concatenate([[0], np.cumsum(np.bincount(code, minlength=len(counties)))]),
        minutes=minutes[order],
        people=people[order],
        area_km2=area[order],
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
            faults.append(
                f"列 {column} 有 {len(bad)} 格缺失或为负（首例在第 {bad[0] + 1} 行：{values[bad[0]]}）"
            )
    if faults:
        raise CoverageError("人口格网有误：" + "；".join(faults) + "。")


def _hierarchy(regions: pd.DataFrame) -> pd.DataFrame:
    """Return name and level of every region, and for every county the region of each level that it is part
    of.
    """
    frame = regions.set_index("adcode") if "adcode" in regions else regions
    missing = [column for column in ("name", "level", "parent") if column not in frame]
    if missing:
        raise CoverageError(f"区划表缺少列：{'、'.join(missing)}。")
    parent = dict(zip(frame.index.astype(str), frame["parent"], strict=True))
    level_of = dict(zip(frame.index.astype(str), frame["level"], strict=True))
    table = frame.loc[frame["level"].isin(LEVELS), ["name", "level"]].copy()
    for level in LEVELS:
        table[level] = [_ancestor(adcode, level, parent, level_of) for adcode in table.index]
    return table


def _ancestor(adcode: str, level: str, parent: dict[str, str], level_of: dict[str, str]) -> str | None:
    """Return the region of ``level`` that ``adcode`` is, or is part of; None when there is none."""
    at: str | None = adcode
    for _ in range(len(LEVELS) + 1):
        if at is None or at not in level_of:
            return None
        if level_of[at] == level:
            return at
        at = parent.get(at)
    return None


def coverage_table(
    profile: CoverageProfile,
    threshold_minutes: float,
    *,
    level: Level = "county",
    edge: Collection[str] | pd.Series | None = None,
    speed_factor: float = 1.0,
) -> pd.DataFrame:
    """Return one row per region of ``level`` with the columns of ``COLUMNS``, in the order of the region
    table.

    A cell is covered when its minutes ≤ ``threshold_minutes``; its people count once. ``population`` is
    that of the profile's group. Sums of counties, and ratios of those sums: a ratio is never averaged.
    ``mean_minutes`` and ``median_minutes`` weigh by people, over those who reach a facility. ``edge``:
    counties whose result may lack facilities beyond the province (see ``edge_counties``); a region is
    flagged when one of its counties is. ``speed_factor``: all speeds times this factor, that is, all
    minutes divided by it.

    What has no value is NaN, and ``reason`` says why (None otherwise). Raises ``CoverageError`` for a
    negative or missing threshold, and for one beyond the search radius of the travel times.
    """
    limit = _effective_threshold(profile, threshold_minutes, speed_factor)
    sums = _county_sums(profile, limit)
    flagged, names, medians = _flagged(edge), profile.regions["name"], profile.medians(level)
    rows = [
        {"adcode": adcode, "name": names[adcode], "level": level}
        | _figures(sums.iloc[members].sum(), medians[adcode], speed_factor)
        | {"edge": any(str(profile.counties[i]) in flagged for i in members)}
        for adcode, members in profile.members(level).items()
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _effective_threshold(profile: CoverageProfile, threshold_minutes: float, speed_factor: float) -> float:
    """Return the threshold on the profile's minutes; minutes / factor ≤ threshold is minutes ≤ threshold ×
    factor.
    """
    if not threshold_minutes >= 0.0 or not np.isfinite(threshold_minutes):
        raise CoverageError(f"时间阈值应为不小于 0 的分钟数，收到 {threshold_minutes}。")
    if not speed_factor > 0.0:
        raise CoverageError(f"速度系数应大于 0，收到 {speed_factor}。")
    limit = float(quantise_minutes(threshold_minutes * speed_factor))
    if limit > profile.max_minutes:
        raise CoverageError(
            f"阈值 {threshold_minutes:g} 分钟（折合 {limit:g} 分钟）超过了通行时间的搜索半径"
            f" {profile.max_minutes:g} 分钟。请加大搜索半径后重算。"
        )
    return limit


def _county_sums(profile: CoverageProfile, limit: float) -> pd.DataFrame:
    """Return the sums of every county that all figures are made of."""
    rows = []
    for county in range(len(profile.counties)):
        at = profile.rows(county)
        minutes, people, area = profile.minutes[at], profile.people[at], profile.area_km2[at]
        covered = int(np.searchsorted(minutes, limit, side="right"))
        reached = int(np.searchsorted(minutes, np.inf, side="left"))
        # Prefix sums of one array: the part can never exceed the whole, not even by a rounding.
        people_to, area_to = np.cumsum(people), np.cumsum(area)
        rows.append(
            {
                "cells": len(minutes),
                "population": _prefix(people_to, len(minutes)),
                "covered_population": _prefix(people_to, covered),
                "reached_population": _prefix(people_to, reached),
                "person_minutes": float(np.dot(people[:reached], minutes[:reached])),
                "area_km2": _prefix(area_to, len(minutes)),
                "covered_area_km2": _prefix(area_to, covered),
            }
        )
    return pd.DataFrame(rows)


def _prefix(sums: FloatArray, count: int) -> float:
    """Return the sum of the first ``count`` values, from their running sums."""
    return float(sums[count - 1]) if count else 0.0


def _figures(total: pd.Series, median: float, speed_factor: float) -> dict[str, object]:
    """Return the figures of one region from the sums of its counties."""
    people, area, reached = total["population"], total["area_km2"], total["reached_population"]
    reasons = []
    if total["cells"] == 0:
        reasons.append(NO_CELLS)
    elif people == 0.0:
        reasons.append(NO_PEOPLE)
    elif reached == 0.0:
        reasons.append(NOBODY_REACHES)
    if total["cells"] > 0 and area == 0.0:
        reasons.append(NO_AREA)
    none = total["cells"] == 0
    return {
        "population": np.nan if none else people,
        "covered_population": np.nan if none else total["covered_population"],
        "population_coverage": total["covered_population"] / people if people > 0.0 else np.nan,
        "area_km2": np.nan if none else area,
        "covered_area_km2": np.nan if none else total["covered_area_km2"],
        "area_coverage": total["covered_area_km2"] / area if area > 0.0 else np.nan,
        "mean_minutes": total["person_minutes"] / reached / speed_factor if reached > 0.0 else np.nan,
        "median_minutes": median / speed_factor,
        "unreachable_population": np.nan if none else max(people - reached, 0.0),
        "reason": "；".join(reasons) or None,
    }


def _median(profile: CoverageProfile, members: IntArray) -> float:
    """Return the minutes within which half of the people who reach a facility reach one; NaN without any."""
    minutes = np.concatenate([profile.minutes[profile.rows(int(i))] for i in members] or [np.zeros(0)])
    people = np.concatenate([profile.people[profile.rows(int(i))] for i in members] or [np.zeros(0)])
    if len(members) > 1:
        order = np.lexsort((people, minutes))
        minutes, people = minutes[order], people[order]
    reached = int(np.searchsorted(minutes, np.inf, side="left"))
    running = np.cumsum(people[:reached])
    if reached == 0 or running[-1] == 0.0:
        return float("nan")
    return float(minutes[np.searchsorted(running, running[-1] / 2.0, side="left")])


def _flagged(edge: Collection[str] | pd.Series | None) -> set[str]:
    """Return the adcodes of the flagged counties."""
    if edge is None:
        return set()
    if isinstance(edge, pd.Series):
        return {str(adcode) for adcode in edge.index[edge.astype(bool)]}
    return {str(adcode) for adcode in edge}


def cumulative_curve(profile: CoverageProfile, adcode: str, minutes: ArrayLike) -> pd.DataFrame:
    """Return ``minutes``, ``population``, ``population_coverage``, ``area_km2``, ``area_coverage`` of one
    region.

    One row per given threshold (float64, any order): what lies within that many minutes. Coverage is NaN
    where there are no people or no area. Raises ``UnknownRegionError``, and ``CoverageError`` as
    ``coverage_table``.
    """
    if adcode not in profile.regions.index:
        raise UnknownRegionError(f"没有代码为“{adcode}”的区域。")
    limits = np.asarray(minutes, dtype=np.float64)
    for limit in (limits.min(initial=0.0), limits.max(initial=0.0)):
        _effective_threshold(profile, float(limit), 1.0)
    owner = profile.regions[str(profile.regions.loc[adcode, "level"])].reindex(pd.Index(profile.counties))
    members = np.flatnonzero(owner.to_numpy() == adcode)
    people, area = np.zeros(len(limits)), np.zeros(len(limits))
    total_people = total_area = 0.0
    for county in members:
        at = profile.rows(int(county))
        count = np.searchsorted(profile.minutes[at], limits, side="right")
        people_to = np.concatenate([[0.0], np.cumsum(profile.people[at])])
        area_to = np.concatenate([[0.0], np.cumsum(profile.area_km2[at])])
        people, area = people + people_to[count], area + area_to[count]
        total_people, total_area = total_people + people_to[-1], total_area + area_to[-1]
    return pd.DataFrame(
        {
            "minutes": limits,
            "population": people,
            "population_coverage": people / total_people
            if total_people > 0.0
            else np.full(len(limits), np.nan),
            "area_km2": area,
            "area_coverage": area / total_area if total_area > 0.0 else np.full(len(limits), np.nan),
        }
    )


def sensitivity(
    profile: CoverageProfile,
    threshold_minutes: float,
    *,
    level: Level = "province",
    speed_factors: Sequence[float] = (0.8, 1.0, 1.2),
    threshold_steps: Sequence[float] = (-5.0, 0.0, 5.0),
) -> pd.DataFrame:
    """Return the coverage of every region of ``level`` for other speeds and thresholds.

    Columns ``adcode``, ``name``, ``speed_factor``, ``threshold_minutes``, ``population_coverage``,
    ``area_coverage``, ``reason``. Every speed (roads, ferries, access on foot) times a factor divides every
    time by it and leaves the nearest facility the nearest: exact, nothing is routed again. Combinations
    beyond the search radius, and thresholds below zero, are rows with a reason.
    """
    frames = []
    for factor in speed_factors:
        for step in threshold_steps:
            limit = threshold_minutes + step
            try:
                table = coverage_table(profile, limit, level=level, speed_factor=factor)
            except CoverageError as error:
                # The same regions, without figures: the combination cannot be answered, and says so.
                table = coverage_table(profile, 0.0, level=level).assign(
                    population_coverage=np.nan, area_coverage=np.nan, reason=str(error)
                )
            frames.append(table.assign(speed_factor=float(factor), threshold_minutes=float(limit)))
    columns = [
        "adcode",
        "name",
        "speed_factor",
        "threshold_minutes",
        "population_coverage",
        "area_coverage",
        "reason",
    ]
    return pd.concat(frames, ignore_index=True)[columns]
