"""The kinds of recorded runs: what each writes down, how it is done again, how far two of its results differ.

A new kind is one more `RunKind` in `RUN_KINDS`; who lists, replays or records runs asks there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.catchment import CatchmentRequest, prepare_catchment
from analysis.coverage import CoverageRequest, prepare_coverage
from analysis.given import Given
from analysis.runs import KIND as SITING_ID
from analysis.runs import Run, parameters_of, replay_scenario
from analysis.standards import StandardsRequest, prepare_standards
from geo.errors import CoverageError, StoreError


@dataclass(frozen=True)
class RunKind:
    """One kind: ``rows`` computes a run anew; ``difference`` says (Chinese) how far the figures of two
    results, of the same regions or standards, are apart.
    """

    id: str
    rows: Callable[[Given, Run], pd.DataFrame]
    difference: Callable[[pd.DataFrame, pd.DataFrame], str]


def rerun(given: Given, run: Run) -> pd.DataFrame:
    """Return the rows of a run computed anew.

    ``StoreError`` for a kind of run that nobody knows, or parameters that were changed.
    """
    if run.kind not in RUN_KINDS:
        raise StoreError(f"运行 {run.id} 的类别“{run.kind[:40]}”不认识，无法重算。")
    with parameters_of(run):
        return RUN_KINDS[run.kind].rows(given, run)


def difference(run: Run, before: pd.DataFrame, now: pd.DataFrame) -> str:
    """Return in words how far the recorded rows of a run and those computed anew are apart."""
    keys = "adcode" if "adcode" in before else "standard"
    if list(before[keys]) != list(now[keys]):
        return f"行不同：当时 {len(before)} 行，现在 {len(now)} 行。"
    return RUN_KINDS[run.kind].difference(before, now)


def coverage_asked(request: CoverageRequest, *, minutes: float, group: str, level: str) -> dict[str, Any]:
    """Return what a run of coverage writes down of its question."""
    return {"request": request.as_dict(), "minutes": minutes, "group": group, "level": level}


def _coverage_rows(given: Given, run: Run) -> pd.DataFrame:
    asked = run.parameters
    analysis = prepare_coverage(given, CoverageRequest.from_dict(asked["request"]))
    return analysis.table(asked["minutes"], level=asked["level"], group=asked["group"])


def catchment_asked(request: CatchmentRequest, *, group: str, level: str) -> dict[str, Any]:
    """Return what a run of supply and demand writes down of its question."""
    return {"request": request.as_dict(), "group": group, "level": level}


def _catchment_rows(given: Given, run: Run) -> pd.DataFrame:
    asked = run.parameters
    analysis = prepare_catchment(given, CatchmentRequest.from_dict(asked["request"]))
    return analysis.table(level=asked["level"], group=asked["group"])


def standards_asked(request: StandardsRequest) -> dict[str, Any]:
    """Return what a run of standards writes down of its question."""
    return {"request": request.as_dict()}


def _standards_rows(given: Given, run: Run) -> pd.DataFrame:
    request = StandardsRequest.from_dict(run.parameters["request"])
    return request.rows(
        prepare_standards(given, year=request.year, origin=request.origin, within=request.within)
    )


def _shares_apart(figure: str) -> Callable[[pd.DataFrame, pd.DataFrame], str]:
    """Return how results differ whose figure is a share of people covered."""

    def difference(before: pd.DataFrame, now: pd.DataFrame) -> str:
        gap = (before[figure] - now[figure]).abs().max()
        if math.isnan(gap):
            raise CoverageError("两次结果都没有可比较的覆盖率。")
        return f"人口覆盖率最多相差 {gap * 100:.2f} 个百分点。"

    return difference


def _access_apart(before: pd.DataFrame, now: pd.DataFrame) -> str:
    return f"可及性最多相差 {(before['access'] - now['access']).abs().max():.3g}。"


def _amounts_apart(before: pd.DataFrame, now: pd.DataFrame) -> str:
    parts = [
        f"{name}最多相差 {(before[key] - now[key]).abs().max():.6g}"
        for key, name in (("required", "应配"), ("provided", "已配"), ("shortfall", "缺口"))
    ]
    return f"{'，'.join(parts)}。"


COVERAGE = RunKind("coverage", _coverage_rows, _shares_apart("population_coverage"))
CATCHMENT = RunKind("catchment", _catchment_rows, _access_apart)
SITING = RunKind(SITING_ID, replay_scenario, _shares_apart("coverage_after"))
STANDARDS = RunKind("standards", _standards_rows, _amounts_apart)

RUN_KINDS: Mapping[str, RunKind] = {kind.id: kind for kind in (COVERAGE, CATCHMENT, SITING, STANDARDS)}
