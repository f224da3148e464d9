"""Layers of places: facilities, and what the plans aim at, at the seat of the region a target is for."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from data.registry.facility_models import load_facility_types
from data.store.store import Store
from exports.layers.kinds import (
    LayerInfo,
    LayerKind,
    LayerRequest,
    Parameter,
    Words,
    fields_of,
    from_frame,
    plain,
    source_titles,
)
from geo.crs import STORE_CRS
from geo.export_table import ExportTable, Shading
from geo.region_tree import ECONOMIC_REGIONS, LEVELS, PROVINCE
from layers.words.precision import PRECISIONS

ALL = "all"
# Okabe–Ito, which colour-blind readers can tell apart.
_COLOURS = {"surveyed": "#0072b2", "seat": "#e69f00", "implied": "#cc79a7"}
_WHOLE_PROVINCE = ("全省", "江苏省", "江苏")


def _list_facilities(store: Store) -> list[LayerInfo]:
    held = store.query("SELECT type, precision FROM facility")
    types = load_facility_types()
    present = [key for key in types if (held["type"] == key).any()]
    kinds = {ALL: "全部类型", **{key: types[key].name for key in present}}
    ways = {
        ALL: "全部",
        **{key: name for key, name in PRECISIONS.items() if (held["precision"] == key).any()},
    }
    parameters = (Parameter("type", "设施类型", kinds, ALL), Parameter("precision", "点位精度", ways, ALL))
    if held.empty:
        return []
    definition = "导入的设施和按规划标准推定的设施；“点位精度”说明点位怎样得来，推定点位不是实测位置"
    return [LayerInfo("facilities", "公共服务设施", "设施", "point", len(held), definition, parameters, 300)]


def _make_facilities(request: LayerRequest) -> ExportTable:
    frame = request.store.facilities().rename(columns={"level": "grade"})
    kind, precision = request.settings["type"], request.settings["precision"]
    if kind != ALL:
        frame = frame[frame["type"] == kind]
    if precision != ALL:
        frame = frame[frame["precision"] == precision]
    frame = frame[request.keeps(frame["adcode"])]
    names = {key: entry.name for key, entry in load_facility_types().items()}
    frame = frame.assign(
        type_name=frame["type"].map(names).fillna(frame["type"]),
        precision_name=frame["precision"].map(PRECISIONS),
        source_title=source_titles(request.store, frame["source"]),
    )
    points = gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy(frame["lon"], frame["lat"]), crs=STORE_CRS)
    fields = fields_of(
        *("id", "name", "type", "type_name", "grade", "capacity", "capacity_unit", "lon", "lat", "adcode"),
        *("address", "source", "source_title", "precision", "precision_name", "datum", "as_of", "note"),
        *("origin_id", "origin_source"),
    )
    title = "公共服务设施" if kind == ALL else names.get(kind, kind)
    implied = bool(frame["precision"].isin(("implied", "seat")).any())
    remarks = ("含推定点位：按规划标准推定，不是实测位置",) if implied else ()
    words = Words(title, request.info.definition, frame["source"].dropna(), remarks=remarks)
    shading = Shading("categories", "precision", colours=_COLOURS, labels=PRECISIONS)
    return from_frame(request, points, fields, words, shading, geometry="point")


def _list_targets(store: Store) -> list[LayerInfo]:
    documents = store.plan_documents()
    if documents.empty:
        return []
    plans = {ALL: "全部规划", **dict(zip(documents["plan"], documents["title"], strict=True))}
    definition = "省级规划的目标、现状和预测，逐行照原文；点为范围所指地区的驻地（示意），不是项目位置"
    rows = int(store.query("SELECT count(*) AS n FROM plan_target")["n"].iloc[0])
    parameters = (
        Parameter("plan", "规划", plans, ALL),
        Parameter("attribute", "属性", {ALL: "全部", "约束性": "约束性", "预期性": "预期性"}, ALL),
    )
    return [LayerInfo("plan_targets", "规划目标", "规划", "point", rows, definition, parameters, 500)]


def _make_targets(request: LayerRequest) -> ExportTable:
    store = request.store
    frame = store.plan_targets().rename(columns={"kind": "row_kind", "unit": "target_unit"})
    if request.settings["plan"] != ALL:
        frame = frame[frame["plan"] == request.settings["plan"]]
    if request.settings["attribute"] != ALL:
        frame = frame[frame["attribute"] == request.settings["attribute"]]
    places = frame["scope"].map(_places(store))
    frame = frame.assign(place=places)
    if request.clip is not None:
        frame = frame[request.keeps(frame["place"].fillna(""))]
    regions = store.region_table()
    seats = regions[["seat_lon", "seat_lat"]].reindex(frame["place"].fillna("")).to_numpy(dtype=float)
    documents = store.plan_documents().set_index("plan")
    points = gpd.GeoSeries(gpd.points_from_xy(seats[:, 0], seats[:, 1]), index=frame.index, crs=STORE_CRS)
    points = points.where(np.isfinite(seats).all(axis=1), None)
    frame = frame.assign(
        plan_title=frame["plan"].map(documents["title"]),
        doc_no=frame["plan"].map(documents["doc_no"]),
        year=frame["year"].astype("float64"),
    )
    fields = fields_of(
        *("id", "plan", "plan_title", "doc_no", "domain", "indicator_text", "target_unit", "scope", "place"),
        *("year_text", "year", "value_text", "value_num", "comparator", "row_kind", "attribute", "note"),
    )
    found = gpd.GeoDataFrame(frame, geometry=points, crs=STORE_CRS)
    words = Words("规划目标", request.info.definition, _plan_sources(store), remarks=("点位为示意",))
    shading = plain("#0072b2")
    return from_frame(request, found, fields, words, shading, geometry="point", name_field="indicator_text")


def _places(store: Store) -> dict[str, str]:
    """Return the region of each scope that names one."""
    regions: pd.DataFrame = store.region_table()
    regions = regions[regions["level"].isin(LEVELS)]
    doubled = regions["short_name"].duplicated(keep=False)
    out = dict(zip(regions.loc[~doubled, "short_name"], regions.index[~doubled], strict=True))
    unique = regions[~regions["name"].duplicated(keep=False)]
    out.update(zip(unique["name"], unique.index, strict=True))
    out.update({f"{name}地区": out[name] for name in ECONOMIC_REGIONS.values() if name in out})
    out.update(dict.fromkeys(_WHOLE_PROVINCE, PROVINCE))
    return out


def _plan_sources(store: Store) -> list[str]:
    documents = store.plan_documents()
    return [
        f"{title}（{number}）" for title, number in zip(documents["title"], documents["doc_no"], strict=True)
    ]


KINDS = (
    LayerKind("facilities", _list_facilities, _make_facilities),
    LayerKind("plan_targets", _list_targets, _make_targets),
)
