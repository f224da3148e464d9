"""Who is within reach: coverage per region from travel times.

The cells are sorted by county and minutes once (``geo.coverage_profile.build_profile``); every threshold
after that is a binary search per county (``coverage_table``), so that a slider recomputes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from geo.coverage_profile import GROUPS, UNIT, CoverageProfile, Sums, build_profile
from geo.errors import CoverageError, UnknownRegionError
from geo.modes import quantise_minutes
from geo.region_tree import LEVELS, Level

__all__ = [
    "COLUMNS",
    "GROUPS",
    "CoverageProfile",
    "build_profile",
    "coverage_table",
    "cumulative_curve",
    "sensitivity",
]

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
    "straight_population",
    "edge",
    "reason",
)


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
    counties whose result may lack facilities beyond the province (see ``geo.edge.edge_counties``); a region
    is flagged when one of its counties is. ``speed_factor``: all speeds times this factor, that is, all
    minutes divided by it. ``straight_population``: people whose minutes are those of a straight line, for
    want of roads near them or near their facility.

    What has no value is NaN, and ``reason`` says why (None otherwise). Raises ``CoverageError`` for a
    negative or missing threshold, and for one beyond the search radius of the travel times.
    """
    limit = _effective_threshold(profile, threshold_minutes, speed_factor)
    flagged, names, medians = _flagged(edge), profile.regions["name"], profile.medians(level)
    counties = profile.members(level)
    rows = [
        {"adcode": adcode, "name": names[adcode], "level": level}
        | _figures(sums, medians[adcode], speed_factor)
        | {"edge": any(str(profile.counties[i]) in flagged for i in counties[adcode])}
        for adcode, sums in profile.region_sums(level, limit).items()
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.assign(reason=_objects([row["reason"] for row in rows]))


def _objects(values: Sequence[object]) -> pd.Series:
    """Return values as they are: pandas would turn a None among texts into NaN."""
    return pd.Series(list(values), dtype=object)


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


def _figures(total: Sums, median: float, speed_factor: float) -> dict[str, object]:
    """Return the figures of one region from the sums of its counties."""
    people, area, reached = total.population, total.area_km2, total.reached_population
    none = total.cells == 0.0
    return {
        "population": np.nan if none else people,
        "covered_population": np.nan if none else total.covered_population,
        "population_coverage": total.covered_population / people if people > 0.0 else np.nan,
        "area_km2": np.nan if none else area,
        "covered_area_km2": np.nan if none else total.covered_area_km2,
        "area_coverage": total.covered_area_km2 / area if area > 0.0 else np.nan,
        "mean_minutes": total.person_minutes / reached / speed_factor if reached > 0.0 else np.nan,
        "median_minutes": median / speed_factor,
        "unreachable_population": np.nan if none else max(people - reached, 0.0),
        "straight_population": np.nan if none else total.straight_population,
        "reason": _reason(total),
    }


def _reason(total: Sums) -> str | None:
    """Return why a region's row has figures that are undefined; None when it has none."""
    if total.cells == 0.0:
        return NO_CELLS
    reasons = []
    if total.population == 0.0:
        reasons.append(NO_PEOPLE)
    elif total.reached_population == 0.0:
        reasons.append(NOBODY_REACHES)
    if total.area_km2 == 0.0:
        reasons.append(NO_AREA)
    return "；".join(reasons) or None


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
    members = {name: own for level in LEVELS for name, own in profile.members(level).items()}[adcode]
    ends = np.stack(
        [profile.entries_within(limit)[members] for limit in limits.tolist()] or [profile.start[members]]
    )
    first, last = profile.start[members], profile.start[members + 1]
    columns: dict[str, object] = {"minutes": limits}
    for figure, ratio, to in (
        ("population", "population_coverage", profile.people_to),
        ("area_km2", "area_coverage", profile.area_to),
    ):
        within = (to[ends] - to[first]).sum(axis=1)[: len(limits)] * UNIT
        total = int((to[last] - to[first]).sum()) * UNIT
        columns[figure] = within
        columns[ratio] = within / total if total > 0.0 else np.full(len(limits), np.nan)
    return pd.DataFrame(columns)


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
                table = coverage_table(profile, 0.0, level=level)
                table = table.assign(
                    population_coverage=np.nan,
                    area_coverage=np.nan,
                    reason=_objects([str(error)] * len(table)),
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


NOT_TWO = "有覆盖率的区域不足两个"
LOWEST_ZERO = "最低覆盖率为零，比值无定义"
RURAL_ZERO = "乡村覆盖率为零，比值无定义"


@dataclass(frozen=True)
class GapResult:
    """The widest gap between regions: adcodes, difference in percentage points, ratio highest : lowest.

    NaN with a ``reason`` where undefined: fewer than two regions with a figure, or a lowest of zero (ratio
    only).
    """

    highest: str | None
    lowest: str | None
    gap_points: float
    ratio: float
    reason: str | None


def region_gap(table: pd.DataFrame) -> GapResult:
    """Return the gap between the best and the worst covered region of a ``coverage_table``.

    Of equal regions the lowest adcode counts. Regions without a figure take no part.
    """
    known = table.dropna(subset=["population_coverage"]).sort_values(["population_coverage", "adcode"])
    if len(known) < 2:
        return GapResult(None, None, float("nan"), float("nan"), NOT_TWO)
    coverage = known["population_coverage"].to_numpy(dtype=np.float64)
    best = known[coverage == coverage[-1]].iloc[0]
    low, high = float(coverage[0]), float(coverage[-1])
    return GapResult(
        highest=str(best["adcode"]),
        lowest=str(known.iloc[0]["adcode"]),
        gap_points=(high - low) * 100.0,
        ratio=high / low if low > 0.0 else float("nan"),
        reason=None if low > 0.0 else LOWEST_ZERO,
    )


def urban_rural_gap(urban: pd.DataFrame, rural: pd.DataFrame) -> pd.DataFrame:
    """Return town and country side by side for every region of two ``coverage_table`` results.

    ``urban`` and ``rural`` are tables of the groups of those names, for the same regions. Columns
    ``adcode``, ``name``, ``urban_coverage``, ``rural_coverage``, ``gap_points`` (urban - rural, percentage
    points), ``ratio`` (urban : rural), ``reason``. Where either has no figure the gap has none, with that
    table's reason.
    """
    both = urban[["adcode", "name", "population_coverage", "reason"]].merge(
        rural[["adcode", "population_coverage", "reason"]],
        on="adcode",
        how="left",
        suffixes=("_urban", "_rural"),
        validate="one_to_one",
        sort=False,
    )
    town = both["population_coverage_urban"].to_numpy(dtype=np.float64)
    country = both["population_coverage_rural"].to_numpy(dtype=np.float64)
    ratio = np.divide(town, country, out=np.full(len(both), np.nan), where=country > 0.0)
    reasons = [
        _gap_reason({"城镇": (one, why_one), "乡村": (two, why_two)})
        for one, why_one, two, why_two in zip(
            town, both["reason_urban"], country, both["reason_rural"], strict=True
        )
    ]
    return pd.DataFrame(
        {
            "adcode": both["adcode"],
            "name": both["name"],
            "urban_coverage": town,
            "rural_coverage": country,
            "gap_points": (town - country) * 100.0,
            "ratio": ratio,
            "reason": pd.Series(reasons, dtype=object),
        }
    )


def _gap_reason(coverage: dict[str, tuple[float, object]]) -> str | None:
    """Return why a gap or its ratio is undefined; None when both are there."""
    told = [f"{who}：{reason}" for who, (value, reason) in coverage.items() if np.isnan(value)]
    if not told and coverage["乡村"][0] == 0.0:
        return RURAL_ZERO
    return "；".join(told) or None
