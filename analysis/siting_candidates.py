"""Where new facilities may stand: townships with a known place, populous cells, or the sites of a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from analysis.coverage import CoverageAnalysis
from analysis.siting_edits import place_points
from data.builder.implied import locate_townships
from data.ingest.sites import MAX_CANDIDATES, Site
from data.store.store import Store
from geo.crs import ALBERS, STORE_CRS
from geo.errors import SitingError

CandidateKind = Literal["townships", "cells", "file"]
CANDIDATES: dict[CandidateKind, str] = {"townships": "乡镇（街道）驻地", "cells": "人口格网", "file": "文件"}
COLUMNS = ["id", "name", "adcode", "lon", "lat", "x", "y"]


def find_candidates(
    store: Store,
    analysis: CoverageAnalysis,
    kind: CandidateKind,
    group: str,
    *,
    spacing_km: float,
    given: Sequence[Site],
) -> tuple[pd.DataFrame, list[str]]:
    """Return the candidates inside the region asked for (columns ``COLUMNS``), and what must be said of them.

    Raises ``SitingError`` for none, too many, or sites of a file outside the province. A file's sites count
    wherever in the province they lie.
    """
    inside = set(analysis.cells["adcode"])
    if kind == "townships":
        frame, notes = _townships(store, analysis, inside)
    elif kind == "cells":
        frame, notes = _cells(analysis, group, spacing_km)
    else:
        frame, notes = _given(analysis, given)
    if frame.empty:
        raise SitingError("所选范围内没有候选点。请换一种候选点，或扩大范围。")
    if len(frame) > MAX_CANDIDATES:
        raise SitingError(f"候选点有 {len(frame)} 个，最多 {MAX_CANDIDATES} 个。请缩小范围或加大间距。")
    return frame[COLUMNS].reset_index(drop=True), notes


def _townships(store: Store, analysis: CoverageAnalysis, inside: set[str]) -> tuple[pd.DataFrame, list[str]]:
    townships = locate_townships(store.regions(zoom="full").reset_index())
    own = townships[townships["adcode"].isin(inside)]
    known = own[own["geonameid"].notna()].reset_index(drop=True)
    unknown = f"{len(own)} 个乡镇（街道）中只有 {len(known)} 个有已知位置，其余不能作候选点"
    notes = [unknown] if len(own) > len(known) else []
    placed = place_points(known["lon"].tolist(), known["lat"].tolist(), analysis.counties, "候选点")
    return placed.assign(id=known["code"], name=known["name"]), notes


def _cells(analysis: CoverageAnalysis, group: str, spacing_km: float) -> tuple[pd.DataFrame, list[str]]:
    """Return the cell with most of the group's people in every square; of equals the first, none if empty."""
    cells, side = analysis.cells, spacing_km * 1000.0
    block = pd.DataFrame(
        {"i": np.floor(cells["x"] / side), "j": np.floor(cells["y"] / side), "people": cells[group]}
    )
    best = block[block["people"] > 0].groupby(["i", "j"])["people"].idxmax().sort_values().to_numpy()
    chosen = cells.loc[best].reset_index(drop=True)
    places = gpd.GeoSeries.from_xy(chosen["x"], chosen["y"], crs=ALBERS).to_crs(STORE_CRS)
    names = chosen["adcode"].map(analysis.regions["name"])
    frame = chosen[["adcode", "x", "y"]].assign(
        lon=places.x.to_numpy(),
        lat=places.y.to_numpy(),
        id=[f"cell-{value}" for value in chosen["cell_id"]],
        name=[f"{name}格网 {number}" for number, name in enumerate(names, start=1)],
    )
    return frame, [f"候选点为每 {spacing_km:g} 公里见方内人口最多的格网，人口格网为模型推算"]


def _given(analysis: CoverageAnalysis, given: Sequence[Site]) -> tuple[pd.DataFrame, list[str]]:
    if not given:
        raise SitingError("候选点文件里没有点。")
    lon, lat = [site.lon for site in given], [site.lat for site in given]
    placed = place_points(lon, lat, analysis.counties, "候选点")
    numbers = range(1, len(given) + 1)
    beyond = int((~placed["adcode"].isin(set(analysis.cells["adcode"]))).sum())
    notes = [f"{beyond} 个候选点在所选范围之外，仍可选中，只计它们对范围内居民的效益"] if beyond else []
    names = [site.name for site in given]
    return placed.assign(id=[f"file-{number}" for number in numbers], name=names), notes
