"""Layers of services: supply against demand, service circles, what the standards want, proposed sites."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from analysis.catchment import CatchmentRequest, prepare_catchment
from analysis.circles import CircleRequest, prepare_circles
from analysis.coverage import CoverageRequest, covered_types
from analysis.siting import SitingRequest, prepare_siting
from analysis.standards import prepare_standards
from data.registry.export_models import export_field
from data.registry.facility_models import load_facility_types, load_standards
from data.registry.mode_models import load_modes
from data.store.store import Store
from exports.layers.coverage import coverage_parameters
from exports.layers.grid import people_origin
from exports.layers.kinds import (
    LayerInfo,
    LayerKind,
    LayerRequest,
    Parameter,
    Words,
    classes,
    fields_of,
    from_frame,
    plain,
)
from geo.crs import STORE_CRS
from geo.export_table import ExportTable, Origin
from geo.region_tree import LEVEL_NAMES, LEVELS, PROVINCE

_BYTES_PER_REGION = 60_000
_ADD = ("1", "2", "3", "5", "10")
_TIERS = {"all": "城乡合计", "urban": "城镇", "rural": "乡村"}
_CATCHMENT = (
    *("adcode", "name", "population", "access", "access_unit", "unserved_population", "unserved_share"),
    *("straight_population", "lowest_access", "median_access", "gini", "edge_population", "edge", "reason"),
)
_CIRCLES = (
    *("adcode", "name", "population", "score", "complete_population", "complete_share", "missing"),
    *(
        "missing_population",
        "straight_population",
        "edge_population",
        "edge",
        "services",
        "undefined",
        "reason",
    ),
)
_SHORTFALL = (
    *("adcode", "name", "standard", "standard_text", "applies", "required", "required_most", "provided"),
    *("surveyed", "implied", "shortfall", "unit", "reason"),
)
_SITES = ("site_rank", "id", "name", "adcode", "lon", "lat", "gain", "share", "straight")


def _levels() -> Parameter:
    return Parameter("level", "层级", {key: LEVEL_NAMES[key] for key in LEVELS}, "county")


def _counties(store: Store) -> int:
    return len(store.region_table("county"))


def _regional(
    request: LayerRequest, rows: pd.DataFrame, names: tuple[str, ...], words: Words, *, column: str
) -> ExportTable:
    """Return figures by region with their borders, shaded by one of them (more is better)."""
    shapes = request.store.regions(request.settings["level"], zoom="full")[["geometry"]]
    frame = rows[request.keeps(rows["adcode"])].join(shapes, on="adcode")
    found = gpd.GeoDataFrame(frame, geometry="geometry", crs=STORE_CRS)
    direction = "lower_better" if column == "shortfall" else "higher_better"
    shading = classes(column, decimals=2, direction=direction)
    return from_frame(request, found, fields_of(*names), words, shading, geometry="polygon")


def _list_catchment(store: Store) -> list[LayerInfo]:
    parameters = coverage_parameters(store)
    if not parameters:
        return []
    text = "两步移动搜索：每一居民分得的供给，按人口汇总；到不了的人为 0，不是空"
    return [
        LayerInfo(
            *("catchment", "供需匹配（可及性）", "服务", "polygon", _counties(store), text),
            (*parameters, _levels()),
            _BYTES_PER_REGION,
        )
    ]


def _make_catchment(request: LayerRequest) -> ExportTable:
    asked = CatchmentRequest(
        types=covered_types([request.settings["type"]]),
        minutes=float(request.settings["minutes"]),
        mode=request.settings["mode"],
    )
    analysis = prepare_catchment(request.given, asked)
    rows = analysis.table(level=request.settings["level"])  # type: ignore[arg-type]
    sources, notes = people_origin(request.store)
    kind = load_facility_types()[request.settings["type"]].name
    words = Words(
        f"{kind}可及性（{_reach(request)}）",
        f"{request.info.definition}；{analysis.method_text}",
        analysis.facilities["source"].dropna(),
        "2020",
        analysis.unit,
        (*analysis.notes, *notes),
        sources,
    )
    return _regional(request, rows.assign(access_unit=analysis.unit), _CATCHMENT, words, column="access")


def _reach(request: LayerRequest) -> str:
    """Return in words how far people go: how they travel, and for how long."""
    return f"{load_modes()[request.settings['mode']].name}，{request.settings['minutes']}分钟"


def _list_circles(store: Store) -> list[LayerInfo]:
    text = "15分钟服务圈：居民在规定时间内到得了的服务占应有服务的比重（得分），及各项服务齐全的人口"
    parameters = (Parameter("tier", "城乡", _TIERS, "all"), _levels())
    return [
        LayerInfo(
            *("circles", "15分钟服务圈", "服务", "polygon", _counties(store), text),
            parameters,
            _BYTES_PER_REGION,
        )
    ]


def _make_circles(request: LayerRequest) -> ExportTable:
    analysis = prepare_circles(request.given, CircleRequest())
    settings = request.settings
    rows = analysis.table(level=settings["level"], tier=settings["tier"])  # type: ignore[arg-type]
    people, notes = people_origin(request.store)
    used = [one.facilities["source"].dropna() for one in analysis.coverages.values()]
    words = Words(
        f"15分钟服务圈，{_TIERS[settings['tier']]}",
        request.info.definition,
        pd.concat(used) if used else (),
        "2020",
        "",
        (*analysis.notes, *notes),
        people,
    )
    return _regional(request, rows, _CIRCLES, words, column="score")


def _list_shortfall(store: Store) -> list[LayerInfo]:
    standards = {key: one.name for key, one in load_standards().items()}
    text = "按规划的配置标准应配的数量与现有数量之差；现有数量不明的为空并写明原因"
    parameters = (Parameter("standard", "标准", standards, next(iter(standards))), _levels())
    return [
        LayerInfo(
            *("shortfall", "应配与缺口", "服务", "polygon", _counties(store), text),
            parameters,
            _BYTES_PER_REGION,
        )
    ]


def _make_shortfall(request: LayerRequest) -> ExportTable:
    analysis = prepare_standards(request.given)
    entry = load_standards()[request.settings["standard"]]
    rows = analysis.table(entry.id, level=request.settings["level"])  # type: ignore[arg-type]
    # A standard for prefectures answers for prefectures, whichever level is asked.
    level = str(rows["level"].iloc[0]) if len(rows) else request.settings["level"]
    wanted = LayerRequest(
        request.store, request.data_dir, request.info, {**request.settings, "level": level}, request.clip
    )
    rows = rows.assign(standard=entry.id, standard_text=entry.text, unit=entry.unit)
    rows["applies"] = rows["applies"].astype("boolean").fillna(value=False).astype(bool)
    words = Words(
        f"{entry.name}：缺口，{LEVEL_NAMES[level]}",
        f"{request.info.definition}；标准原文：{entry.text}；{analysis.population_text}",
        (),
        str(analysis.year),
        entry.unit,
        (*analysis.notes, *analysis.repeat_notes(entry.id)),
        (Origin(f"{entry.plan}（{entry.doc_no}）"),),
    )
    return _regional(wanted, rows, _SHORTFALL, words, column="shortfall")


def _list_siting(store: Store) -> list[LayerInfo]:
    parameters = coverage_parameters(store)
    if not parameters:
        return []
    text = "在现有设施之外再建几处、使新覆盖的人口最多的建议位置（格子中心，贪心法）；是示意，不是地块"
    add = Parameter("add", "新增处数", {key: f"{key} 处" for key in _ADD}, "5")
    return [LayerInfo("siting", "选址建议点", "服务", "point", 5, text, (*parameters, add), 400)]


def _make_siting(request: LayerRequest) -> ExportTable:
    settings = request.settings
    within = request.clip.adcode if request.clip is not None else PROVINCE
    asked = SitingRequest(
        coverage=CoverageRequest(
            types=covered_types([settings["type"]]), mode=settings["mode"], within=within
        ),
        minutes=float(settings["minutes"]),
        add=int(settings["add"]),
    )
    analysis = prepare_siting(request.given, asked)
    sites = analysis.sites().rename(columns={"rank": "site_rank"})
    points = gpd.GeoDataFrame(sites, geometry=gpd.points_from_xy(sites["lon"], sites["lat"]), crs=STORE_CRS)
    people, notes = people_origin(request.store)
    kind = load_facility_types()[settings["type"]].name
    words = Words(
        f"{kind}选址建议（{_reach(request)}）",
        f"{request.info.definition}；{analysis.before.method}；阈值 {settings['minutes']} 分钟",
        analysis.before.facilities["source"].dropna(),
        "2020",
        "人",
        (*analysis.notes, *notes),
        people,
    )
    fields = [export_field(one) for one in _SITES]
    return from_frame(request, points, fields, words, plain("#d55e00"), geometry="point")


KINDS = (
    LayerKind("catchment", _list_catchment, _make_catchment),
    LayerKind("circles", _list_circles, _make_circles),
    LayerKind("shortfall", _list_shortfall, _make_shortfall),
    LayerKind("siting", _list_siting, _make_siting),
)
