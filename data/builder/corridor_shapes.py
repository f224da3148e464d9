"""How each structure of the plans is drawn: a line, an area, a point, or not at all, and then why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from data.builder.corridor_places import Draft
from data.registry.corridor_models import load_corridor_rules
from geo.corridors import bows, fan_out, make_axis, smooth_line
from geo.crs import ALBERS, STORE_CRS
from geo.errors import CorridorError
from geo.region_tree import lies_in

SCHEMATIC, REAL = "示意", "实测"
NO_MEMBERS = "原文没有列出成员或走向"
WHOLE_PROVINCE = "原文的范围是全省，不另画"
_PLACES = 4


def draw_all(drafts: Sequence[Draft], shapes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the geometry of every draft that can be drawn (columns id, geometry; EPSG:4490), in order.

    Fills in ``shape``, ``precision``, ``drawn`` and ``reason`` of the drafts' rows. ``shapes``: the region
    table with simplified geometry, whose counties the areas are made of.
    """
    counties = shapes[shapes["level"] == "county"].set_index("adcode").sort_index()
    hull = shapely.union_all(shapes.loc[shapes["level"] == "province"].to_crs(ALBERS).geometry.to_numpy())
    reach = shapely.simplify(shapely.buffer(hull, load_corridor_rules().beyond_province_m), 2_000.0)
    axes = {draft.id: axis for draft in drafts if (axis := _axis(draft)) is not None}
    bend = bows(axes)
    drawn: dict[str, shapely.Geometry] = {}
    areas: dict[tuple[str, ...], shapely.Geometry] = {}
    points: list[tuple[Draft, tuple[float, float]]] = []
    for draft in drafts:
        kind = _kind(draft, draft.id in axes)
        if kind == "line":
            drawn[draft.id] = _line(axes[draft.id], bend[draft.id], reach)
        elif kind == "area":
            codes = counties_of(draft.members, list(counties.index))
            if codes not in areas:
                areas[codes] = shapely.coverage_union_all(counties.loc[list(codes)].geometry.to_numpy())
            drawn[draft.id] = areas[codes]
        elif kind == "point":
            points += [(draft, place) for place in _positions(draft)]
        _tell(draft, kind)
    drawn.update(_marks(points))
    order = [draft.id for draft in drafts if draft.id in drawn]
    return gpd.GeoDataFrame({"id": order}, geometry=[drawn[key] for key in order], crs=STORE_CRS)


def counties_of(members: Sequence[dict[str, Any]], counties: Sequence[str]) -> tuple[str, ...]:
    """Return the counties (ascending) of the members that the text names: a prefecture is all of its own."""
    codes: set[str] = set()
    for one in members:
        code = one["adcode"]
        if one["role"] in {"node", "line"} or not isinstance(code, str) or one["level"] == "province":
            continue
        codes |= {county for county in counties if lies_in(county, code)}
    return tuple(sorted(codes))


def _axis(draft: Draft) -> np.ndarray | None:
    if draft.family.shape != "line":
        return None
    places = [(one["lon"], one["lat"]) for one in draft.members if one["on_axis"]]
    wide = Counter(one["text"] for one in draft.members if one["on_axis"])
    if sum(count > 1 for count in wide.values()) > 1:
        return None  # several belts or corridors at once: no single way leads through them
    if not any(one["on_axis"] and one["kind"] != "outside" for one in draft.members):
        return None
    try:
        return make_axis(places)
    except CorridorError:
        return None


def _kind(draft: Draft, has_axis: bool) -> str | None:
    """Return how a draft is drawn, None for not at all (its row then says why)."""
    inside = [one for one in draft.members if one["adcode"] and one["role"] != "node"]
    draft.row["reason"] = _reason(draft, inside, has_axis)
    if draft.row["reason"]:
        return None
    if draft.family.shape != "line" or has_axis:
        return draft.family.shape
    return "area" if len({one["adcode"] for one in inside}) > 1 else draft.family.single


def _reason(draft: Draft, inside: Sequence[dict[str, Any]], has_axis: bool) -> str | None:
    if any(one["kind"] == "province" for one in draft.members):
        return WHOLE_PROVINCE
    if not draft.members:
        return NO_MEMBERS
    if not inside:
        return _why(draft)
    single = draft.family.shape == "line" and not has_axis and len({one["adcode"] for one in inside}) == 1
    if single and draft.family.single is None:
        return f"只有一个可定位的成员（{inside[0]['name']}），画不成线"
    return None


def _why(draft: Draft) -> str:
    """Return why none of the members can be placed."""
    texts = list(dict.fromkeys(str(one["text"]) for one in draft.members))
    shown = "、".join(texts[:6]) + ("等" if len(texts) > 6 else "")
    kinds = {one["kind"] for one in draft.members}
    if kinds == {"outside"}:
        return f"成员都在省外：{shown}"
    if kinds == {"line"}:
        return f"只列了线路，没有列地点：{shown}"
    return f"成员不是可定位的地名（层级、机构或未列名）：{shown}"


def _tell(draft: Draft, kind: str | None) -> None:
    draft.row["drawn"] = kind is not None
    draft.row["shape"] = kind
    draft.row["precision"] = SCHEMATIC if kind is not None else None
    lost = list(dict.fromkeys(str(one["text"]) for one in draft.members if one["kind"] == "none"))
    if kind is not None and lost:
        said = f"未能定位：{'、'.join(lost)}"
        draft.row["note"] = f"{draft.row['note']}；{said}" if draft.row["note"] else said


def _line(axis: np.ndarray, bow: list[float], reach: shapely.Geometry) -> shapely.Geometry:
    series = gpd.GeoSeries(shapely.points(axis), crs=STORE_CRS).to_crs(ALBERS)
    curve = shapely.LineString(smooth_line(np.column_stack([series.x, series.y]), bow))
    inside = shapely.intersection(curve, reach)
    parts = [part for part in shapely.get_parts(inside) if part.geom_type == "LineString"]
    merged = shapely.line_merge(shapely.MultiLineString(parts))
    return _degrees(merged)


def _degrees(shape: shapely.Geometry) -> shapely.Geometry:
    turned = gpd.GeoSeries([shape], crs=ALBERS).to_crs(STORE_CRS).iloc[0]
    return shapely.transform(turned, lambda xy: np.round(xy, _PLACES))


def _positions(draft: Draft) -> list[tuple[float, float]]:
    places = [
        (one["lon"], one["lat"])
        for one in draft.members
        if one["lon"] is not None and one["adcode"] and one["role"] != "node"
    ]
    return list(dict.fromkeys(places))


def _marks(points: Sequence[tuple[Draft, tuple[float, float]]]) -> dict[str, shapely.Geometry]:
    """Return the marks of points, those at one place set apart."""
    at: dict[tuple[float, float], list[Draft]] = defaultdict(list)
    for draft, place in points:
        at[place].append(draft)
    found: dict[str, list[shapely.Geometry]] = defaultdict(list)
    for place, here in at.items():
        centre = gpd.GeoSeries([shapely.Point(place)], crs=STORE_CRS).to_crs(ALBERS).iloc[0]
        for draft, (dx, dy) in zip(here, fan_out(len(here)), strict=True):
            found[draft.id].append(_degrees(shapely.Point(centre.x + dx, centre.y + dy)))
    return {key: marks[0] if len(marks) == 1 else shapely.MultiPoint(marks) for key, marks in found.items()}
