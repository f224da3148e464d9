"""What a siting is given: what a planner changes by hand, and where new facilities may stand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from analysis.coverage import CoverageAnalysis
from data.builder.facilities import locate_townships
from data.ingest.sites import Site
from data.registry.rule_models import load_siting_rules
from data.store.store import Store
from geo.crs import ALBERS, STORE_CRS
from geo.errors import SitingError

Kind = Literal["add", "move", "close"]
KINDS: dict[Kind, str] = {"add": "添加", "move": "移动", "close": "关闭"}
PLANNED = "planned"
"""The precision of a facility that a plan puts somewhere."""

_DEGREES = r"(-?\d{1,3}(?:\.\d{1,7})?)"
_TEXT = re.compile(rf"(add|move|close)(?:!([^!@]{{1,300}}))?(?:@{_DEGREES},{_DEGREES})?")


@dataclass(frozen=True)
class Edit:
    """One change: ``add`` at a place, ``move`` a facility (id) to a place, or ``close`` one."""

    kind: Kind
    facility: str | None = None
    lon: float | None = None
    lat: float | None = None

    @property
    def text(self) -> str:
        """The change as text: ``add@117.2,34.26``, ``move!ID@117.2,34.26``, ``close!ID``."""
        who = "" if self.facility is None else "!" + quote(self.facility, safe="").replace("~", "%7E")
        where = "" if self.lon is None or self.lat is None else f"@{self.lon:.5f},{self.lat:.5f}"
        return f"{self.kind}{who}{where}"

    @classmethod
    def parse(cls, text: str) -> Edit:
        """Return the change a text names. Raises ``SitingError`` for any other text."""
        found = _TEXT.fullmatch(text)
        if found is None:
            raise SitingError(
                f"“{text[:60]}”不是方案改动；应形如 add@117.2,34.26、move!编号@117.2,34.26、close!编号。"
            )
        who, lon, lat = found.group(2, 3, 4)
        kind: Kind = next(one for one in KINDS if one == found.group(1))
        if (who is None) != (kind == "add") or (lon is None) != (kind == "close"):
            raise SitingError(f"方案改动“{text[:60]}”缺少或多出了设施编号、位置。")
        place = (None, None) if lon is None else (round(float(lon), 5), round(float(lat), 5))
        return cls(kind, None if who is None else unquote(who), *place)


def parse_edits(text: str) -> tuple[Edit, ...]:
    """Return the changes of an address, joined by ``~``; ``SitingError`` for a bad one or too many."""
    parts = [part for part in text.split("~") if part]
    most = load_siting_rules().most_changes
    if len(parts) > most:
        raise SitingError(f"方案改动有 {len(parts)} 处，最多 {most} 处。")
    return tuple(Edit.parse(part) for part in parts)


def edits_text(edits: Sequence[Edit]) -> str:
    """Return changes as one text for an address."""
    return "~".join(edit.text for edit in edits)


def new_facilities(places: pd.DataFrame, kind: str, *, prefix: str = "new") -> pd.DataFrame:
    """Return planned facilities at ``places`` (``lon, lat, x, y, adcode, name``) as the table has them."""
    count = len(places)
    return pd.DataFrame(
        {
            "id": [f"{prefix}-{number}" for number in range(1, count + 1)],
            "name": places["name"].to_numpy(dtype=object),
            "type": kind,
            "level": pd.Series([None] * count, dtype=object),
            "capacity": np.full(count, np.nan),
            "capacity_unit": pd.Series([None] * count, dtype=object),
            "lon": places["lon"].to_numpy(dtype=np.float64),
            "lat": places["lat"].to_numpy(dtype=np.float64),
            "adcode": places["adcode"].to_numpy(dtype=object),
            "source": "方案",
            "precision": PLANNED,
            "x": places["x"].to_numpy(dtype=np.float64),
            "y": places["y"].to_numpy(dtype=np.float64),
        }
    )


def place_points(
    lon: Sequence[float], lat: Sequence[float], counties: gpd.GeoDataFrame, what: str
) -> pd.DataFrame:
    """Return ``lon, lat, x, y, adcode`` of places (degrees, EPSG:4490) inside the province.

    ``counties``: polygons in ``ALBERS``, index adcode. Raises ``SitingError`` that lists the places outside.
    """
    points = gpd.GeoSeries.from_xy(lon, lat, crs=STORE_CRS).to_crs(ALBERS)
    found, county = shapely.STRtree(counties.geometry.to_numpy()).query(
        points.to_numpy(), predicate="intersects"
    )
    codes = pd.Series(counties.index.to_numpy()[county], index=found).groupby(level=0).min()
    adcode = codes.reindex(range(len(points)))
    outside = np.flatnonzero(adcode.isna().to_numpy())
    if len(outside):
        shown = "、".join(f"第 {row + 1} 个（{lon[row]:g},{lat[row]:g}）" for row in outside[:5])
        more = " 等" if len(outside) > 5 else ""
        raise SitingError(
            f"{what}有 {len(outside)} 个不在江苏省内：{shown}{more}。"
            "请检查经度和纬度是否写反、坐标基准是否正确。"
        )
    return pd.DataFrame(
        {
            "lon": np.asarray(lon, dtype=np.float64),
            "lat": np.asarray(lat, dtype=np.float64),
            "x": points.x.to_numpy(),
            "y": points.y.to_numpy(),
            "adcode": adcode.to_numpy(dtype=object),
        }
    )


def apply_edits(
    facilities: pd.DataFrame, edits: Sequence[Edit], kind: str, counties: gpd.GeoDataFrame
) -> pd.DataFrame:
    """Return the facilities after the changes, in order: closed ones gone, moved ones elsewhere, new ones
    last.

    New ones get the ids ``new-1``, ``new-2`` … and can be moved or closed by these. Raises ``SitingError``
    for a facility that is not there and for a place outside the province.
    """
    placed = [edit for edit in edits if edit.lon is not None and edit.lat is not None]
    places = place_points(
        [edit.lon or 0.0 for edit in placed], [edit.lat or 0.0 for edit in placed], counties, "方案的位置"
    )
    at = dict(zip(placed, places.to_dict("records"), strict=True))
    frame = facilities.reset_index(drop=True)
    added = 0
    for edit in edits:
        if edit.kind == "add":
            added += 1
            one = new_facilities(pd.DataFrame([{**at[edit], "name": f"新增 {added}"}]), kind)
            frame = (
                pd.concat([frame, one.assign(id=f"new-{added}")], ignore_index=True) if len(frame) else one
            )
            continue
        rows = np.flatnonzero((frame["id"] == edit.facility).to_numpy())
        if len(rows) == 0:
            raise SitingError(
                f"方案要{KINDS[edit.kind]}的设施“{edit.facility}”不在当前设施里（可能已关闭或数据已更新）。"
            )
        if edit.kind == "close":
            frame = frame[frame["id"] != edit.facility].reset_index(drop=True)
        else:
            for column, value in at[edit].items():
                frame.loc[rows, column] = value
            frame.loc[rows, "precision"] = PLANNED
    return frame


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
    most = load_siting_rules().most_candidates
    if len(frame) > most:
        raise SitingError(f"候选点有 {len(frame)} 个，最多 {most} 个。请缩小范围或加大间距。")
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
