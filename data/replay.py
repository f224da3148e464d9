"""Do a recorded run again: the same question put to the store as it is now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from data.catchment import CatchmentRequest, prepare_catchment
from data.coverage import CoverageRequest, prepare
from data.runs import Run, parameters_of
from data.scenarios import replay_scenario
from data.standards import StandardsRequest, prepare_standards
from data.store import Store
from geo.errors import StoreError


def again(store: Store, data_dir: Path, run: Run) -> pd.DataFrame:
    """Return the rows of a run computed anew.

    ``StoreError`` for a kind of run that nobody knows, or parameters that were changed.
    """
    with parameters_of(run) as asked:
        if run.kind == "coverage":
            return _coverage(store, data_dir, asked)
        if run.kind == "catchment":
            return _catchment(store, data_dir, asked)
        if run.kind == "siting":
            return replay_scenario(store, data_dir, run)
        if run.kind == "standards":
            return _standards(store, asked)
    raise StoreError(f"运行 {run.id} 的类别“{run.kind[:40]}”不认识，无法重算。")


def _coverage(store: Store, data_dir: Path, asked: dict[str, Any]) -> pd.DataFrame:
    analysis = prepare(store, data_dir, CoverageRequest.from_dict(asked["request"]))
    return analysis.table(asked["minutes"], level=asked["level"], group=asked["group"])


def _catchment(store: Store, data_dir: Path, asked: dict[str, Any]) -> pd.DataFrame:
    analysis = prepare_catchment(store, data_dir, CatchmentRequest.from_dict(asked["request"]))
    return analysis.table(level=asked["level"], group=asked["group"])


def _standards(store: Store, asked: dict[str, Any]) -> pd.DataFrame:
    request = StandardsRequest.from_dict(asked["request"])
    return request.rows(
        prepare_standards(store, year=request.year, origin=request.origin, within=request.within)
    )
