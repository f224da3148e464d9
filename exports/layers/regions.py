"""Layers of regions: the borders by level, and every indicator by level and year."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import pandas as pd

from data.ingest.indicator_definitions import definition_rows
from data.ingest.indicator_store import load_sources
from data.registry.export_models import export_field
from data.store.store import Store
from exports.layers.kinds import (
    IMPORTED_NOTE,
    LayerInfo,
    LayerKind,
    LayerRequest,
    Parameter,
    Words,
    classes,
    fields_of,
    from_frame,
    plain,
    source_titles,
)
from geo.errors import ExportError
from geo.export_table import ExportTable
from geo.region_tree import LEVEL_NAMES, parent_names

_QUALITY = {
    "derived": "数值为推算",
    "secondary": "数据为二手转录，未与原书逐年核对",
    "imported": IMPORTED_NOTE,
}
_REGION_COLUMNS = (
    *("adcode", "name", "short_name", "level", "kind", "parent", "parent_name", "economic_region"),
    *("area_km2", "seat_lon", "seat_lat"),
)
_SAID = ("status", "quality", "source", "source_title", "flag", "note", "reason")
_BYTES_PER_REGION = 60_000


def _list_regions(store: Store) -> list[LayerInfo]:
    counts = store.region_table()["level"].value_counts()
    return [
        LayerInfo(
            f"regions.{level}",
            f"{name}界线",
            "行政区划",
            "polygon",
            int(counts[level]),
            "现行行政区划的范围；海域部分以边界来源为准",
            bytes_per_row=_BYTES_PER_REGION,
        )
        for level, name in LEVEL_NAMES.items()
    ]


def _make_regions(request: LayerRequest) -> ExportTable:
    level = request.info.id.partition(".")[2]
    frame = _shapes(request, level)
    title = request.info.title if request.clip is not None else f"江苏省{request.info.title}"
    words = Words(title, request.info.definition, ())
    fields = fields_of(*_REGION_COLUMNS)
    return from_frame(request, frame, fields, words, plain("#dfe6ee"), geometry="polygon")


def _shapes(request: LayerRequest, level: str) -> gpd.GeoDataFrame:
    store = request.store
    frame = store.regions(level, zoom="full")
    frame = frame.assign(parent_name=parent_names(store.region_table()).reindex(frame.index))
    return frame[request.keeps(frame["adcode"])]


def _list_indicators(store: Store) -> list[LayerInfo]:
    counts = store.region_table()["level"].value_counts()
    out = []
    for row in store.indicators().to_dict("records"):
        levels = [level for level in row["levels"] if level in LEVEL_NAMES]
        if not levels or not row["years"]:
            continue
        level = levels[-1]
        years = {str(year): f"{year} 年" for year in reversed(row["years"])}
        parameters = (
            Parameter("level", "层级", {key: LEVEL_NAMES[key] for key in levels}, level),
            Parameter("year", "年份", years, next(iter(years))),
        )
        out.append(
            LayerInfo(
                f"indicator.{row['id']}",
                str(row["name"]),
                "指标",
                "polygon",
                int(counts[level]),
                str(row["definition"]),
                parameters,
                _BYTES_PER_REGION,
            )
        )
    return out


def _make_indicator(request: LayerRequest) -> ExportTable:
    store, level, year = request.store, request.settings["level"], int(request.settings["year"])
    row = store.indicator(request.info.id.partition(".")[2])
    facts = store.facts(str(row["id"]), year=year, level=level).set_index("adcode")
    if facts.empty:
        raise ExportError(f"指标“{row['name']}”在{LEVEL_NAMES[level]}一级没有 {year} 年的数据。")
    shapes = _shapes(request, level)
    told = facts[["value", "status", "quality", "source", "flag", "note", "reason"]].reindex(shapes.index)
    told["reason"] = told["reason"].where(told["value"].isna() & told["reason"].notna(), None)
    told.loc[told["value"].isna() & told["reason"].isna(), "reason"] = "无数据"
    frame = shapes[["adcode", "name", "parent_name", "geometry"]].join(told)
    frame = frame.assign(
        indicator=str(row["id"]),
        indicator_name=str(row["name"]),
        unit=str(row["unit"]),
        year=year,
        rank=_ranks(frame["value"], str(row["direction"])),
    )
    frame = frame.assign(source_title=source_titles(store, frame["source"]))
    names = ("adcode", "name", "parent_name", "indicator", "indicator_name", "year", "value", "unit", "rank")
    fields = [
        export_field(one, unit=str(row["unit"]), title=str(row["name"]))
        if one == "value"
        else export_field(one)
        for one in (*names, *_SAID)
    ]
    words = Words(
        f"{row['name']}，{LEVEL_NAMES[level]}，{year} 年",
        _definition(row),
        facts["source"].dropna(),
        str(year),
        str(row["unit"]),
        tuple(_QUALITY[one] for one in sorted(set(facts["quality"])) if one in _QUALITY),
    )
    ramp = "diverging" if row["kind"] == "change" else None
    shading = classes("value", decimals=int(row["decimals"]), direction=str(row["direction"]), ramp=ramp)
    table = from_frame(request, frame, fields, words, shading, geometry="polygon")
    return replace(table, definition_form=_definition_form(request, row))


def _definition_form(request: LayerRequest, row: pd.Series) -> tuple[tuple[str, ...], ...]:
    """Return the form that defines an indicator which an import brought along; nothing for the registry's."""
    if row["quality"] != "imported":
        return ()
    known = (one for source in load_sources(request.data_dir) for one in source.definitions)
    found = next((one for one in known if one.id == row["id"]), None)
    return () if found is None else tuple(definition_rows([found]))


def _definition(row: pd.Series) -> str:
    parts = [str(row["definition"])]
    for key, name in (("numerator", "分子"), ("denominator", "分母"), ("note", "说明")):
        if isinstance(row[key], str) and row[key]:
            parts.append(f"{name}：{row[key]}")
    return "；".join(parts)


def _ranks(values: pd.Series, direction: str) -> pd.Series:
    return values.rank(method="min", ascending=direction == "lower_better")


KINDS = (
    LayerKind("regions", _list_regions, _make_regions),
    LayerKind("indicator", _list_indicators, _make_indicator),
)
