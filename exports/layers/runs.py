"""Layers of recorded runs: what an analysis gave, with its borders; the cells of a coverage, proposed sites.

The rows are those that were recorded, checked against their digest. Cells and sites were not recorded: they
are computed anew, and only while the store is the version the run was made with, so that they belong to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd

from analysis.coverage import CoverageAnalysis, CoverageRequest, prepare_coverage
from analysis.given import gather
from analysis.runs import Run, parameters_of, read_result, read_run, run_ids
from analysis.siting import SitingRequest, prepare_siting
from data.registry.export_models import export_field
from data.registry.facility_models import load_facility_types
from data.registry.mode_models import load_modes
from data.store.store import Store
from exports.layers.kinds import LayerInfo, LayerRequest, Words, from_frame, plain
from geo.crs import STORE_CRS
from geo.errors import StoreError
from geo.export_table import ExportTable

MAX_RUNS = 50
"""So many of the newest runs are offered."""

_NAMES = {"coverage": "设施覆盖", "catchment": "供需匹配", "siting": "选址方案"}
_SITES = ("site_rank", "id", "name", "adcode", "lon", "lat", "gain", "share")
_LEFT_OUT = ("geometry",)


@dataclass(frozen=True)
class RunLayer:
    """One layer of a run. ``part``: ``regions`` (what was recorded), ``cells`` or ``sites``."""

    run: Run
    part: str
    info: LayerInfo


def run_layers(store: Store, data_dir: Path) -> dict[str, RunLayer]:
    """Return the layers of the newest runs by id, newest first; a run that cannot be read is left out."""
    out: dict[str, RunLayer] = {}
    for run_id in run_ids(data_dir)[:MAX_RUNS]:
        try:
            run = read_run(data_dir, run_id)
            layers = [_layer(store, run, part) for part in _parts(store, run)]
        except (StoreError, KeyError, TypeError, AttributeError):
            continue
        out.update({one.info.id: one for one in layers})
    return out


def _parts(store: Store, run: Run) -> tuple[str, ...]:
    if run.kind not in _NAMES:
        return ()
    more = {"coverage": ("cells",), "siting": ("sites",)}.get(run.kind, ())
    same = run.data_version == store.data_version
    if run.kind == "siting" and not int(run.parameters["request"]["add"]):
        more = ()
    return ("regions", *(more if same else ()))


def _layer(store: Store, run: Run, part: str) -> RunLayer:
    suffix, geometry, rows = {
        "regions": ("", "polygon", run.rows),
        "cells": (".cells", "polygon", 0),
        "sites": (".sites", "point", int(run.parameters["request"].get("add", 0))),
    }[part]
    what = {"regions": "", "cells": "，通行时间格网", "sites": "，建议点"}[part]
    when = run.started_at[:10]
    age = "" if run.data_version == store.data_version else f"；用的是旧数据版本 {run.data_version}"
    again = "记录的结果，未重算" if part == "regions" else "按记录的参数重算"
    info = LayerInfo(
        f"run.{run.id}{suffix}",
        f"{_asked(run)}{what}（{when} 的计算）",
        "已记录的计算",
        geometry,  # type: ignore[arg-type]
        rows,
        f"{_NAMES[run.kind]}，运行编号 {run.id}，{again}{age}",
    )
    return RunLayer(run, part, info)


def _asked(run: Run) -> str:
    """Return in words what a run asked."""
    asked = run.parameters["request"]
    if run.kind == "siting":
        return str(run.parameters["name"])
    kinds, modes = load_facility_types(), load_modes()
    names = "、".join(kinds[one].name if one in kinds else str(one) for one in asked["types"])
    mode = modes[asked["mode"]].name if asked["mode"] in modes else str(asked["mode"])
    minutes = float(run.parameters["minutes"] if run.kind == "coverage" else asked["minutes"])
    return f"{names}{_NAMES[run.kind]}，{mode} {minutes:g} 分钟"


def make_run_layer(store: Store, data_dir: Path, one: RunLayer) -> ExportTable:
    """Return the recorded rows with their borders, or the proposed sites, as a table.

    Raises ``StoreError`` when the recorded rows are missing or were changed since.
    """
    request = LayerRequest(store, data_dir, one.info, {})
    if one.part == "sites":
        return _sites(request, one.run)
    rows = read_result(data_dir, one.run)
    shapes = store.regions(zoom="full")[["geometry"]]
    rows = rows.drop(columns=[name for name in _LEFT_OUT if name in rows.columns])
    frame = gpd.GeoDataFrame(rows.join(shapes, on="adcode"), geometry="geometry", crs=STORE_CRS)
    fields = [export_field(name) for name in rows.columns]
    return from_frame(request, frame, fields, _words(one.info), plain(), geometry="polygon")


def _words(info: LayerInfo) -> Words:
    return Words(info.title, info.definition, ())


def _sites(request: LayerRequest, run: Run) -> ExportTable:
    with parameters_of(run) as recorded:
        asked = SitingRequest.from_dict(recorded["request"])
        found = prepare_siting(request.given, asked).sites()
    sites = found.rename(columns={"rank": "site_rank"})
    points = gpd.GeoDataFrame(sites, geometry=gpd.points_from_xy(sites["lon"], sites["lat"]), crs=STORE_CRS)
    fields = [export_field(name) for name in _SITES]
    return from_frame(request, points, fields, _words(request.info), plain("#d55e00"), geometry="point")


def run_analysis(store: Store, data_dir: Path, run: Run) -> tuple[CoverageAnalysis, float]:
    """Return the analysis of a recorded coverage, made anew, and its threshold in minutes."""
    with parameters_of(run) as asked:
        analysis = prepare_coverage(gather(store, data_dir), CoverageRequest.from_dict(asked["request"]))
        return analysis, float(asked["minutes"])
