"""Layers of facility coverage: travel time by cell, areas by minutes, and the figures by region."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import rasterio.features
import shapely
from numpy.typing import NDArray

from analysis.coverage import COLUMNS, CoverageAnalysis, CoverageRequest, covered_types, prepare_coverage
from data.registry.facility_models import load_facility_types
from data.registry.mode_models import load_modes
from data.registry.rule_models import load_coverage_rules
from data.store.store import Store
from exports.layers.grid import cell_size_m, in_chunks, people_origin
from exports.layers.kinds import (
    LayerInfo,
    LayerKind,
    LayerRequest,
    Parameter,
    Words,
    classes,
    fields_of,
    from_frame,
    table_of,
)
from geo.crs import ALBERS, STORE_CRS
from geo.errors import ExportError
from geo.export_table import ExportTable, Shading
from geo.modes import quantise_minutes
from geo.region_tree import LEVEL_NAMES, LEVELS

_COVERED = {"yes": "覆盖", "no": "未覆盖"}
_COLOURS = {"覆盖": "#2c7fb8", "未覆盖": "#fdae61"}
CELL_FIELDS = (
    *(
        "cell_id",
        "adcode",
        "population",
        "land_km2",
        "minutes",
        "straight",
        "reachable",
        "covered",
        "facility",
    ),
)
_AREA_FIELDS = ("covered_text", "threshold_minutes", "area_km2", "population")


def coverage_parameters(store: Store) -> tuple[Parameter, ...]:
    """Return what can be set of a question of coverage; nothing when the store has no facility.

    How people travel and the threshold are at first what the registry says of the first type.
    """
    held = set(store.query("SELECT DISTINCT type FROM facility")["type"])
    known = load_facility_types()
    types = {key: entry.name for key, entry in known.items() if key in held}
    modes = {key: entry.name for key, entry in load_modes().items()}
    if not types:
        return ()
    first = "general_hospital" if "general_hospital" in types else next(iter(types))
    minutes = {f"{n}": f"{n} 分钟" for n in load_coverage_rules().export_minutes}
    usual = f"{known[first].minutes:g}"
    return (
        Parameter("type", "设施类型", types, first),
        Parameter("mode", "出行方式", modes, known[first].mode),
        Parameter("minutes", "时间阈值", minutes, usual if usual in minutes else "30"),
    )


def _list(store: Store) -> list[LayerInfo]:
    parameters = coverage_parameters(store)
    rows = store.query("SELECT rows FROM catalogue WHERE name = 'population_grid'")
    if rows.empty or not parameters:
        return []
    counties = len(store.region_table("county"))
    levels = Parameter("level", "层级", {key: LEVEL_NAMES[key] for key in LEVELS}, "county")
    cells = int(rows["rows"].iloc[0])
    return [
        LayerInfo(
            *("coverage.cells", "通行时间面（格网）", "设施覆盖", "polygon", cells),
            "每个人口格子到最近设施的时间，及是否在阈值之内",
            parameters,
            250,
        ),
        LayerInfo(
            *("coverage.areas", "覆盖范围（多边形）", "设施覆盖", "polygon", 2),
            "阈值之内和之外的范围，由格子合并而成；边线沿格子边，是示意",
            parameters,
            3_000_000,
        ),
        LayerInfo(
            *("coverage.regions", "分地区覆盖率", "设施覆盖", "polygon", counties),
            "人口覆盖率 = 覆盖人口 ÷ 人口；面积覆盖率 = 覆盖格子的陆地面积 ÷ 陆地面积",
            (*parameters, levels),
            60_000,
        ),
    ]


def _make(request: LayerRequest) -> ExportTable:
    asked = CoverageRequest(types=covered_types([request.settings["type"]]), mode=request.settings["mode"])
    analysis = prepare_coverage(request.given, asked)
    makers = {"coverage.cells": _cells, "coverage.areas": _areas, "coverage.regions": _regions}
    return makers[request.info.id](request, analysis)


def _words(request: LayerRequest, analysis: CoverageAnalysis, what: str, unit: str) -> Words:
    sources, notes = people_origin(request.store)
    kind = load_facility_types()[request.settings["type"]].name
    mode = load_modes()[request.settings["mode"]].name
    return Words(
        f"{kind}{what}（{mode}）",
        f"{request.info.definition}；{analysis.method}；阈值 {request.settings['minutes']} 分钟",
        analysis.facilities["source"].dropna(),
        "2020",
        unit,
        (*analysis.notes, *analysis.edge_notes(float(request.settings["minutes"])), *notes),
        sources,
    )


def _covered(analysis: CoverageAnalysis, minutes: float) -> NDArray[np.bool_]:
    """Return which cells are covered, by the rule of ``geo.coverage``: quantised minutes ≤ threshold."""
    with np.errstate(invalid="ignore"):
        found = quantise_minutes(analysis.travel.minutes) <= quantise_minutes(minutes)
    return np.asarray(found & analysis.travel.reachable, dtype=bool)


def cell_frame(analysis: CoverageAnalysis, minutes: float) -> pd.DataFrame:
    """Return the cells of an analysis: ``CELL_FIELDS``, and ``x``, ``y`` of their centres (``ALBERS``, m)."""
    travel, ids = analysis.travel, analysis.facilities["id"].to_numpy(dtype=object)
    nearest = ids[np.maximum(travel.facility, 0)]
    nearest[travel.facility < 0] = None
    return analysis.cells.rename(columns={"area_km2": "land_km2"}).assign(
        minutes=travel.minutes,
        straight=travel.straight,
        reachable=travel.reachable,
        covered=_covered(analysis, minutes),
        facility=pd.Series(nearest, index=analysis.cells.index, dtype="str"),
    )


def _cell_frame(request: LayerRequest, analysis: CoverageAnalysis) -> pd.DataFrame:
    frame = cell_frame(analysis, float(request.settings["minutes"]))
    return frame[request.keeps(frame["adcode"])]


def _cells(request: LayerRequest, analysis: CoverageAnalysis) -> ExportTable:
    frame, size = _cell_frame(request, analysis), cell_size_m(request.store)
    return table_of(
        request,
        lambda: in_chunks(frame, list(CELL_FIELDS), size),
        len(frame),
        fields_of(*CELL_FIELDS),
        _words(request, analysis, "通行时间", "分钟"),
        shading=classes(
            "minutes",
            decimals=1,
            direction="lower_better",
            undefined=f"{analysis.travel.max_minutes:g} 分钟内不可达",
        ),
        geometry="polygon",
        name_field="cell_id",
        values=frame["minutes"].to_numpy(dtype=np.float64),
    )


def _areas(request: LayerRequest, analysis: CoverageAnalysis) -> ExportTable:
    frame, size = _cell_frame(request, analysis), cell_size_m(request.store)
    if frame.empty:
        raise ExportError(f"图层 {request.info.title} 在所选范围内没有人口格子。")
    rows = []
    for covered, part in frame.groupby("covered"):
        shape = merged_cells(part, size)
        people, area = int(part["population"].sum()), float(part["land_km2"].sum())
        text = _COVERED["yes" if covered else "no"]
        rows.append((text, float(request.settings["minutes"]), area, people, shape))
    shapes = gpd.GeoDataFrame(rows, columns=[*_AREA_FIELDS, "geometry"], geometry="geometry", crs=ALBERS)
    return from_frame(
        request,
        shapes.to_crs(STORE_CRS),
        fields_of(*_AREA_FIELDS),
        _words(request, analysis, f"{request.settings['minutes']}分钟覆盖范围", ""),
        Shading("categories", "covered_text", colours=_COLOURS, labels={text: text for text in _COLOURS}),
        geometry="polygon",
        name_field="covered_text",
    )


def merged_cells(cells: pd.DataFrame, size: float) -> shapely.MultiPolygon:
    """Return the union of square cells (centres ``x``, ``y``, metres) as one shape with straight edges."""
    column = np.rint(cells["x"].to_numpy() / size - 0.5).astype(np.int64)
    row = np.rint(cells["y"].to_numpy() / size - 0.5).astype(np.int64)
    left, top = int(column.min()), int(row.max())
    mask = np.zeros((top - int(row.min()) + 1, int(column.max()) - left + 1), dtype=np.uint8)
    mask[top - row, column - left] = 1
    place = rasterio.Affine(size, 0.0, left * size, 0.0, -size, (top + 1) * size)
    found = rasterio.features.shapes(mask, mask=mask.astype(bool), transform=place)
    return shapely.MultiPolygon([shapely.geometry.shape(shape) for shape, _ in found])


def _regions(request: LayerRequest, analysis: CoverageAnalysis) -> ExportTable:
    level = request.settings["level"]
    rows = analysis.table(float(request.settings["minutes"]), level=level)  # type: ignore[arg-type]
    shapes = request.store.regions(level, zoom="full")[["geometry"]]
    frame = rows[request.keeps(rows["adcode"])].join(shapes, on="adcode")
    frame = frame.assign(
        threshold_minutes=float(request.settings["minutes"]), edge=frame["edge"].astype(bool)
    )
    names = [one for one in COLUMNS if one != "level"]
    names.insert(2, "threshold_minutes")
    return from_frame(
        request,
        gpd.GeoDataFrame(frame, geometry="geometry", crs=STORE_CRS),
        fields_of(*names),
        _words(request, analysis, f"{request.settings['minutes']}分钟人口覆盖率", ""),
        classes("population_coverage", decimals=3, direction="higher_better"),
        geometry="polygon",
    )


KINDS = (LayerKind("coverage", _list, _make),)
