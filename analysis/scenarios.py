"""Scenarios, sitings saved under a name: kept as runs, listed, compared and done again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis.given import Given
from analysis.runs import Run, list_runs, read_result, record_run
from analysis.siting import SitingAnalysis, SitingRequest, prepare_siting
from data.store.store import Store
from geo.errors import SitingError, StoreError

KIND = "siting"
MAX_NAME = 60


@dataclass(frozen=True)
class Scenario:
    """A saved siting: its name, what was asked, and the run that holds its result."""

    name: str
    request: SitingRequest
    run: Run


def save_scenario(
    data_dir: Path, store: Store, analysis: SitingAnalysis, name: str, *, seconds: float = 0.0
) -> Scenario:
    """Write a siting down under a name and return it; an earlier one of the same name stays beside it.

    Candidates of a file are kept with it. Raises ``SitingError`` for an empty or too long name;
    ``StoreError`` when the data directory cannot be written.
    """
    title = " ".join(name.split())
    if not title or len(title) > MAX_NAME:
        raise SitingError(f"方案名称应有 1 到 {MAX_NAME} 个字，收到 {len(title)} 个。")
    run = record_run(
        data_dir,
        kind=KIND,
        parameters={"name": title, "request": analysis.request.as_dict()},
        data_version=store.data_version,
        result=analysis.comparison(),
        seconds=seconds,
    )
    return Scenario(title, analysis.request, run)


def _scenario(run: Run) -> Scenario:
    if run.kind != KIND:
        raise SitingError(f"运行 {run.id} 不是选址方案（类别 {run.kind}）。")
    try:
        return Scenario(str(run.parameters["name"]), SitingRequest.from_dict(run.parameters["request"]), run)
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as fault:
        raise SitingError(f"运行 {run.id} 的方案参数已损坏，请重新计算并保存方案。") from fault


def list_scenarios(data_dir: Path) -> list[Scenario]:
    """Return every readable scenario, newest first."""
    found = []
    for run in list_runs(data_dir):
        if run.kind == KIND:
            try:
                found.append(_scenario(run))
            except SitingError:
                continue
    return found


def replay_scenario(given: Given, run: Run) -> pd.DataFrame:
    """Return the comparison of a recorded siting, computed anew."""
    return prepare_siting(given, _scenario(run).request).comparison()


def compare_scenarios(data_dir: Path, scenarios: Sequence[Scenario]) -> pd.DataFrame:
    """Return one row per scenario from its recorded result.

    Columns ``id, name, population, covered_before, covered_after, gained, coverage_after, minutes, group``:
    sums over the counties, and their ratio; NaN where the state before is not known. Raises ``StoreError``
    for a result that is missing or was changed.
    """
    rows = []
    for scenario in scenarios:
        table = read_result(data_dir, scenario.run)
        if missing := {"population", "covered_before", "covered_after", "gained"} - set(table.columns):
            raise StoreError(
                f"方案“{scenario.name}”的结果缺少 {'、'.join(sorted(missing))}，请重新计算并保存。"
            )
        people, after = table["population"].sum(), table["covered_after"].sum()
        rows.append(
            {
                "id": scenario.run.id,
                "name": scenario.name,
                "population": people,
                "covered_before": table["covered_before"].sum(min_count=1),
                "covered_after": after,
                "gained": table["gained"].sum(min_count=1),
                "coverage_after": after / people if people > 0 else float("nan"),
                "minutes": scenario.request.minutes,
                "group": scenario.request.group,
            }
        )
    return pd.DataFrame(rows)
