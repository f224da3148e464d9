"""Layers of recorded runs: what an analysis gave, with its borders; the cells of a coverage, proposed sites.

The rows are those that were recorded, checked against their digest. Cells and sites were not recorded: they
are computed anew, and only while the store is the version the run was made with, so that they belong to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd

from analysis import run_kinds
from analysis.coverage import CoverageAnalysis, CoverageRequest, prepare_coverage
from analysis.given import Given
from analysis.runs import Run, parameters_of, read_result, read_run, run_ids
from analysis.siting import SitingRequest, prepare_siting
from data.registry import load_registry
from data.registry.export_models import export_field
from data.registry.facility_models import load_facility_types
from data.registry.mode_models import load_modes
from data.store.store import Store
from exports.layers.kinds import LayerInfo, LayerRequest, Words, from_frame, plain
from geo.crs import STORE_CRS
from geo.errors import StoreError
from geo.export_table import ExportTable, GeometryKind


def newest_runs(data_dir: Path) -> list[str]:
    """Return the ids of the runs that are offered: so many of the newest as the office says."""
    return list(run_ids(data_dir)[: int(load_registry().setting("listed_runs"))])


_SITES = ("site_rank", "id", "name", "adcode", "lon", "lat", "gain", "share")
_LEFT_OUT = ("geometry",)


@dataclass(frozen=True)
class Part:
    """One part of a run that is a layer: how its id ends, its shapes, what its title says, where it is from.

    ``rows`` tells how many there are (0: not known before it is made). ``make`` gives the table; a part of
    cells has ``cells`` instead, the analysis they are of and its threshold.
    """

    suffix: str
    geometry: GeometryKind
    title: str
    origin: str
    rows: Callable[[Run], int]
    make: Callable[[LayerRequest, Run], ExportTable] | None = None
    cells: Callable[[Given, Run], tuple[CoverageAnalysis, float]] | None = None


@dataclass(frozen=True)
class RunLayers:
    """The layers of one kind of run: its ``name``, what a run asked in words, and what is computed anew
    beside the recorded rows.
    """

    name: str
    asked: Callable[[Run], str]
    more: Callable[[Run], tuple[Part, ...]]


@dataclass(frozen=True)
class RunLayer:
    """One layer of a run."""

    run: Run
    part: Part
    info: LayerInfo


def run_layers(store: Store, data_dir: Path) -> dict[str, RunLayer]:
    """Return the layers of the newest runs by id, newest first; a run that cannot be read is left out."""
    out: dict[str, RunLayer] = {}
    for run_id in newest_runs(data_dir):
        try:
            run = read_run(data_dir, run_id)
            layers = [_layer(store, run, part) for part in _parts(store, run)]
        except (StoreError, KeyError, TypeError, AttributeError):
            continue
        out.update({one.info.id: one for one in layers})
    return out


def _parts(store: Store, run: Run) -> tuple[Part, ...]:
    if run.kind not in KINDS:
        return ()
    more = KINDS[run.kind].more(run)
    return (_REGIONS, *(more if run.data_version == store.data_version else ()))


def _layer(store: Store, run: Run, part: Part) -> RunLayer:
    kind = KINDS[run.kind]
    age = "" if run.data_version == store.data_version else f"；用的是旧数据版本 {run.data_version}"
    info = LayerInfo(
        f"run.{run.id}{part.suffix}",
        f"{kind.asked(run)}{part.title}（{run.started_at[:10]} 的计算）",
        "已记录的计算",
        part.geometry,
        part.rows(run),
        f"{kind.name}，运行编号 {run.id}，{part.origin}{age}",
    )
    return RunLayer(run, part, info)


def make_run_layer(store: Store, data_dir: Path, one: RunLayer) -> ExportTable:
    """Return the recorded rows with their borders, or the proposed sites, as a table.

    Raises ``StoreError`` when the recorded rows are missing or were changed since.
    """
    make = one.part.make or _recorded
    return make(LayerRequest(store, data_dir, one.info, {}), one.run)


def _recorded(request: LayerRequest, run: Run) -> ExportTable:
    rows = read_result(request.data_dir, run)
    shapes = request.store.regions(zoom="full")[["geometry"]]
    rows = rows.drop(columns=[name for name in _LEFT_OUT if name in rows.columns])
    frame = gpd.GeoDataFrame(rows.join(shapes, on="adcode"), geometry="geometry", crs=STORE_CRS)
    fields = [export_field(name) for name in rows.columns]
    return from_frame(request, frame, fields, _words(request.info), plain(), geometry="polygon")


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


def _coverage_cells(given: Given, run: Run) -> tuple[CoverageAnalysis, float]:
    """Return the analysis of a recorded coverage, made anew, and its threshold in minutes."""
    with parameters_of(run) as asked:
        return prepare_coverage(given, CoverageRequest.from_dict(asked["request"])), float(asked["minutes"])


def _study_asked(name: str, minutes: Callable[[Run], Any]) -> Callable[[Run], str]:
    """Return how a question of facilities, mode and ``minutes`` is put in words."""

    def asked(run: Run) -> str:
        request = run.parameters["request"]
        kinds, modes = load_facility_types(), load_modes()
        types = "、".join(kinds[one].name if one in kinds else str(one) for one in request["types"])
        mode = modes[request["mode"]].name if request["mode"] in modes else str(request["mode"])
        return f"{types}{name}，{mode} {float(minutes(run)):g} 分钟"

    return asked


def _proposed(run: Run) -> int:
    return int(run.parameters["request"]["add"])


_ANEW = "按记录的参数重算"
_REGIONS = Part("", "polygon", "", "记录的结果，未重算", lambda run: run.rows, make=_recorded)
_CELLS = Part(".cells", "polygon", "，通行时间格网", _ANEW, lambda _run: 0, cells=_coverage_cells)
_POINTS = Part(".sites", "point", "，建议点", _ANEW, _proposed, make=_sites)

_COVERAGE, _CATCHMENT = "设施覆盖", "供需匹配"
KINDS: Mapping[str, RunLayers] = {
    run_kinds.COVERAGE.id: RunLayers(
        _COVERAGE, _study_asked(_COVERAGE, lambda run: run.parameters["minutes"]), lambda _run: (_CELLS,)
    ),
    run_kinds.CATCHMENT.id: RunLayers(
        _CATCHMENT,
        _study_asked(_CATCHMENT, lambda run: run.parameters["request"]["minutes"]),
        lambda _run: (),
    ),
    run_kinds.SITING.id: RunLayers(
        "选址方案", lambda run: str(run.parameters["name"]), lambda run: (_POINTS,) if _proposed(run) else ()
    ),
}
"""The kinds of runs that are by region, and so layers; by the id of their `RunKind`."""
