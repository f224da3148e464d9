"""One siting analysis, the same for the page, the command line and the replay of a saved scenario.

`SitingRequest` says what is asked: a coverage, a planner's own changes (facilities added, moved, closed), how
many more sites to propose and from which candidates. `SitingAnalysis` has the coverage before and after, the
proposed sites with what each adds, and the curve of the budget.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.coverage import CoverageAnalysis, CoverageRequest, prepare_coverage
from analysis.given import Given
from analysis.left_out import road_notes
from analysis.siting_inputs import (
    CANDIDATES,
    CandidateKind,
    Edit,
    apply_edits,
    find_candidates,
    new_facilities,
)
from data.ingest.sites import Site, parse_sites
from data.registry.rule_models import load_siting_rules
from geo.errors import NoFacilityError, SitingError
from geo.region_tree import Level
from geo.site_reach import Reach, reach_snapped, reach_straight
from geo.siting import (
    OBJECTIVES,
    Objective,
    SitingProblem,
    SitingResult,
    budget_curve,
    covered_cells,
    covering_problem,
    median_problem,
    require_number,
    solve_exact,
    solve_greedy,
)
from geo.snapping import snap_points

Method = Literal["greedy", "exact"]
METHODS: dict[Method, str] = {"greedy": "贪心", "exact": "精确"}
NO_EXISTING = "数据里没有此类设施，现状未知"

SITE_COLUMNS = ("rank", "id", "name", "adcode", "lon", "lat", "gain", "share", "straight")
COMPARISON_COLUMNS = (
    "adcode",
    "name",
    "level",
    "population",
    "covered_before",
    "covered_after",
    "gained",
    "coverage_before",
    "coverage_after",
    "mean_minutes_before",
    "mean_minutes_after",
    "reason",
)


@dataclass(frozen=True)
class SitingRequest:
    """What is asked. ``coverage`` as for a coverage; ``minutes`` the threshold; ``group`` a column of people.

    ``add``: sites to propose (0: none, only the ``edits``); ``objective``: ``coverage`` (most people covered)
    or ``minutes`` (fewest minutes × people, those beyond ``cap_minutes`` counted as that far).
    ``candidates``: ``townships``, ``cells`` (the most populous cell of every square of ``spacing_km``) or
    ``file``, the ``sites`` themselves, so that a saved scenario needs no file to be done again.
    """

    coverage: CoverageRequest
    minutes: float
    group: str = "population"
    add: int = 0
    objective: Objective = "coverage"
    method: Method = "greedy"
    candidates: CandidateKind = "cells"
    spacing_km: float = field(default_factory=lambda: float(load_siting_rules().spacing_km))
    cap_minutes: float = field(default_factory=lambda: load_siting_rules().cap_minutes)
    time_limit_s: float = field(default_factory=lambda: load_siting_rules().time_limit_s)
    edits: tuple[Edit, ...] = ()
    sites: tuple[Site, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain values that `from_dict` takes back."""
        plain = {key: value for key, value in vars(self).items() if key not in {"coverage", "edits", "sites"}}
        if self.sites:
            plain["sites"] = [list(site) for site in self.sites]
        return {**plain, "coverage": self.coverage.as_dict(), "edits": [edit.text for edit in self.edits]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SitingRequest:
        """Return the request a run recorded."""
        coverage = CoverageRequest.from_dict(values["coverage"])
        edits = tuple(Edit.parse(text) for text in values["edits"])
        sites = parse_sites(values.get("sites", ()))
        return cls(**{**values, "coverage": coverage, "edits": edits, "sites": sites})


@dataclass(frozen=True, eq=False)
class SitingAnalysis:
    """A siting that is asked and solved.

    ``before``: the coverage of the facilities there are; ``planned``: after the edits; ``after``: with the
    proposed sites too. ``candidates``: ``id, name, adcode, lon, lat, x, y``, empty when nothing is proposed.
    ``result`` and ``problem`` are None then.
    """

    request: SitingRequest
    before: CoverageAnalysis
    planned: CoverageAnalysis
    after: CoverageAnalysis
    candidates: pd.DataFrame
    problem: SitingProblem | None
    result: SitingResult | None
    notes: tuple[str, ...]

    @property
    def no_existing(self) -> bool:
        """Whether the data know no facility of the type: what is covered now is then unknown, not zero."""
        return self.before.facilities.empty

    @property
    def changed(self) -> bool:
        """Whether the plan differs from what there is."""
        return self.after is not self.before

    def covered(self, which: Literal["before", "after"]) -> NDArray[np.bool_]:
        """Return whether each cell is covered before or after."""
        analysis = self.before if which == "before" else self.after
        return covered_cells(minutes_of(analysis), self.request.minutes)

    def comparison(self, level: Level = "county", group: str | None = None) -> pd.DataFrame:
        """Return before and after of every region inside (columns ``COMPARISON_COLUMNS``).

        Σ of people, never a mean of ratios; NaN with a ``reason`` where there is nobody, or where the data
        know no facility to begin with.
        """
        column = group or self.request.group
        after = _table(self.after, self.request.minutes, level, column)
        before = _table(self.before, self.request.minutes, level, column)
        rows = pd.DataFrame(
            {
                "adcode": after["adcode"],
                "name": after["name"],
                "level": level,
                "population": after["population"],
                "covered_before": before["covered_population"],
                "covered_after": after["covered_population"],
                "gained": after["covered_population"] - before["covered_population"],
                "coverage_before": before["population_coverage"],
                "coverage_after": after["population_coverage"],
                "mean_minutes_before": before["mean_minutes"],
                "mean_minutes_after": after["mean_minutes"],
                "reason": after["reason"],
            },
            columns=list(COMPARISON_COLUMNS),
        )
        if self.no_existing:
            unknown = ["covered_before", "gained", "coverage_before", "mean_minutes_before"]
            rows = rows.assign(**dict.fromkeys(unknown, np.nan), reason=NO_EXISTING)
        return rows

    def sites(self) -> pd.DataFrame:
        """Return the proposed sites in order of choice: ``SITE_COLUMNS``.

        ``gain``: what each adds to those before it, people or minutes × people; ``share``: of what could be
        gained at all (the demand not covered, or the minutes left); ``straight``: no road is near it.
        """
        if self.result is None or self.problem is None:
            return pd.DataFrame(columns=list(SITE_COLUMNS))
        chosen = self.candidates.iloc[self.result.sites].reset_index(drop=True)
        problem = self.problem
        left = problem.demand - problem.base if problem.objective == "coverage" else problem.base
        gains = self.result.gains
        return chosen[["id", "name", "adcode", "lon", "lat", "straight"]].assign(
            rank=np.arange(1, len(chosen) + 1), gain=gains, share=gains / left if left > 0.0 else np.nan
        )[list(SITE_COLUMNS)]

    @cached_property
    def curve(self) -> pd.DataFrame:
        """The budget curve: ``sites`` (0, 1 …), ``value`` and ``share`` of the demand.

        ``value``: people covered, or the mean minutes of everybody, with so many greedy sites.
        """
        if self.problem is None:
            return pd.DataFrame(columns=["sites", "value", "share"])
        problem = self.problem
        most = min(max(2 * self.request.add, 10), problem.sites, load_siting_rules().most_added)
        gained = budget_curve(problem, most)
        if problem.objective == "coverage":
            value = problem.base + gained
            share = value / problem.demand if problem.demand > 0.0 else np.full(len(value), np.nan)
        else:
            people = problem.demand if problem.demand > 0.0 else np.nan
            value = (problem.base - gained) / people
            share = gained / problem.base if problem.base > 0.0 else np.full(len(value), np.nan)
        return pd.DataFrame({"sites": np.arange(most + 1), "value": value, "share": share})

    def summary(self) -> dict[str, Any]:
        """Return the figures of the whole: people, covered before and after, gained, gap and bound."""
        people = self.after.cells[self.request.group].to_numpy(dtype=np.float64)
        before, after = self.covered("before"), self.covered("after")
        total, result = float(people.sum()), self.result
        now = np.nan if self.no_existing else float(people[before].sum())
        then = float(people[after].sum())
        return {
            "population": total,
            "covered_before": now,
            "covered_after": then,
            "gained": then - now,
            "coverage_before": now / total if total > 0.0 else np.nan,
            "coverage_after": then / total if total > 0.0 else np.nan,
            "facilities_before": len(self.before.facilities),
            "facilities_after": len(self.after.facilities),
            "candidates": len(self.candidates),
            "proposed": 0 if result is None else len(result.sites),
            "value": np.nan if result is None else result.value,
            "bound": np.nan if result is None else result.bound,
            "gap": np.nan if result is None else result.gap,
            "method": None if result is None else result.method,
            "status": None if result is None else result.status,
            "reason": NO_EXISTING if self.no_existing else (None if result is None else result.reason),
        }


def minutes_of(analysis: CoverageAnalysis) -> NDArray[np.float64]:
    """Return the minutes of every cell to its nearest facility; NaN everywhere when there is none."""
    if analysis.facilities.empty:
        return np.full(len(analysis.cells), np.nan)
    return analysis.travel.minutes


def _table(analysis: CoverageAnalysis, minutes: float, level: Level, group: str) -> pd.DataFrame:
    """Return the coverage table; without any facility nobody is covered."""
    if not analysis.facilities.empty:
        return analysis.table(minutes, level=level, group=group)
    nobody = dataclasses.replace(analysis, facilities=_somewhere(analysis.cells, analysis.request.types[0]))
    rows = nobody.table(minutes, level=level, group=group)
    none = rows["population"] * 0.0
    shares = dict.fromkeys(["population_coverage", "area_coverage"], none / rows["population"])
    return rows.assign(covered_population=none, mean_minutes=np.nan, **shares)


def _somewhere(cells: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return one facility at the first cell: for asking about regions when there is none."""
    first = cells.iloc[[0]][["x", "y", "adcode"]].reset_index(drop=True)
    return new_facilities(first.assign(lon=np.nan, lat=np.nan, name=""), kind)


def prepare_siting(given: Given, request: SitingRequest) -> SitingAnalysis:
    """Return the solved siting of a request.

    Raises ``SitingError`` for a number out of range, more new sites than candidates, sites outside the
    province or edits of unknown facilities.
    """
    tell = given.progress
    _require(request)
    before = _existing(given, request)
    tell("计算现状的通行时间")
    _ = minutes_of(before)
    planned = before
    if request.edits:
        kept = apply_edits(before.facilities, request.edits, request.coverage.types[0], before.counties)
        planned = dataclasses.replace(before, facilities=kept)
    if request.add == 0:
        empty = pd.DataFrame(columns=["id", "name", "adcode", "lon", "lat", "x", "y"])
        return SitingAnalysis(request, before, planned, planned, empty, None, None, before.notes)
    tell("准备候选点")
    sites, notes = find_candidates(
        given.store,
        before,
        request.candidates,
        request.group,
        spacing_km=request.spacing_km,
        given=request.sites,
    )
    require_number(request.add, len(sites))
    tell(f"计算 {len(sites)} 个候选点的可达范围")
    reach, off_road, told = _reach(request, planned, sites)
    sites = sites.assign(straight=off_road)
    problem = _problem(request, planned, reach)
    tell("求解")
    result = (
        solve_exact(problem, request.add, time_limit_s=request.time_limit_s)
        if request.method == "exact"
        else solve_greedy(problem, request.add)
    )
    after = planned
    if len(result.sites):
        new = new_facilities(sites.iloc[result.sites], request.coverage.types[0], prefix="site")
        joined = pd.concat([planned.facilities, new], ignore_index=True)
        after = dataclasses.replace(planned, facilities=joined)
    return SitingAnalysis(
        request, before, planned, after, sites, problem, result, (*before.notes, *notes, *told)
    )


def _require(request: SitingRequest) -> None:
    faults = []
    most = load_siting_rules().most_added
    if not 0 <= request.add <= most:
        faults.append(f"新增数量应在 0 到 {most} 之间，收到 {request.add}")
    if request.objective not in OBJECTIVES:
        faults.append(f"没有“{request.objective}”这一目标；可选：{'、'.join(OBJECTIVES)}")
    if request.candidates not in CANDIDATES:
        faults.append(f"没有“{request.candidates}”这种候选点；可选：{'、'.join(CANDIDATES)}")
    if request.candidates == "file" and request.add and not request.sites:
        faults.append("候选点取自文件，但没有给出文件")
    if not 1.0 <= request.spacing_km <= 100.0:
        faults.append(f"格网候选点的间距应在 1 到 100 公里之间，收到 {request.spacing_km:g}")
    longest = request.coverage.search_minutes
    if not 0.0 < request.cap_minutes <= longest:
        faults.append(f"计时上限应在 0 到 {longest:g} 分钟之间，收到 {request.cap_minutes:g}")
    if faults:
        raise SitingError("；".join(faults) + "。")


def _existing(given: Given, request: SitingRequest) -> CoverageAnalysis:
    """Return the coverage of what there is; with no facility at all, one without any."""
    try:
        found = prepare_coverage(given, request.coverage, tell_unplaced=False)
    except NoFacilityError:
        one = _somewhere(given.cells, request.coverage.types[0]).assign(lon=119.0, lat=33.0)
        somewhere = dataclasses.replace(given.untold(), own_facilities=one)
        found = prepare_coverage(somewhere, request.coverage, tell_unplaced=False)
        found = dataclasses.replace(found, facilities=found.facilities.iloc[:0], given_notes=(NO_EXISTING,))
    found.require_threshold(request.minutes)
    return found


def _reach(
    request: SitingRequest, analysis: CoverageAnalysis, sites: pd.DataFrame
) -> tuple[Reach, NDArray[np.bool_], list[str]]:
    """Return what the candidates reach, which of them lie off the roads, and what must be said of these."""
    radius = request.minutes if request.objective == "coverage" else request.cap_minutes
    sites_xy, cells_xy = (frame[["x", "y"]].to_numpy(dtype=np.float64) for frame in (sites, analysis.cells))
    network = analysis.network
    if network is None:
        reach = reach_straight(sites_xy, cells_xy, mode=analysis.mode, max_minutes=radius)
        return reach, np.ones(len(sites), dtype=bool), []
    sites_at = snap_points(network, sites_xy, exact=True)
    reach = reach_snapped(network, sites_at, snap_points(network, cells_xy), max_minutes=radius)
    off = {"候选点": (int((~sites_at.found).sum()), len(sites))}
    return reach, ~sites_at.found, road_notes(network.mode, straight_people=0.0, people=0.0, off_road=off)


def _problem(request: SitingRequest, planned: CoverageAnalysis, reach: Reach) -> SitingProblem:
    demand = planned.cells[request.group].to_numpy(dtype=np.float64)
    minutes = minutes_of(planned)
    if request.objective == "coverage":
        done = covered_cells(minutes, request.minutes)
        return covering_problem(reach, demand, request.minutes, covered=done)
    return median_problem(reach, demand, request.cap_minutes, minutes=minutes)


def group_comparison(analysis: SitingAnalysis, groups: Sequence[str]) -> pd.DataFrame:
    """Return before and after of the whole request region for several groups of people, one row each."""
    within = analysis.request.coverage.within
    level = cast(Level, analysis.before.regions.loc[within, "level"])
    rows = []
    for group in groups:
        table = analysis.comparison(level, group)
        rows.append(table[table["adcode"] == within].assign(group=group))
        if group != analysis.request.group:
            # Nine sorted copies of the province would stay in memory otherwise.
            for one in (analysis.before, analysis.after):
                one._profiles.pop(group, None)
    return pd.concat(rows, ignore_index=True)
