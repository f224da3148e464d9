"""The tables ``corridor`` and ``corridor_member`` and the corridors' geometry, on real tracks where known.

Every structure of the plans is a row, drawn or not; one that cannot be drawn says why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from data.builder.corridor_places import (
    Draft,
    PlaceFinder,
    fact_rows,
    once,
    split_members,
    without_brackets,
)
from data.builder.corridor_shapes import REAL, draw_all
from data.ingest.osm_store import load_imported_layer, load_imported_network
from data.registry.corridor_models import (
    CorridorPlace,
    CorridorRoute,
    family_of,
    load_corridor_families,
    load_corridor_routes,
    load_corridor_rules,
)
from geo.corridors import FloatArray, make_axis, strips
from geo.crs import ALBERS, STORE_CRS, to_albers
from geo.track_snapping import Snapped, Tracks, snap_to_tracks

STATUS = {
    "existing": "existing",
    "under construction": "under_construction",
    "planned": "planned",
    "远景": "vision",
    "": "unstated",
}
STRUCTURES, RAIL_NODES, CULTURE_NODES = (
    "spatial_structures.csv",
    "rail_corridor_nodes.csv",
    "culture_tourism_nodes.csv",
)
_CULTURE_LIST = "两廊两带两区重要节点"
MEMBER_COLUMNS = (
    *("corridor", "position", "text", "role", "kind", "name", "adcode", "level", "lon", "lat"),
    *("on_axis", "line", "reason", "note"),
)


@dataclass(frozen=True)
class CorridorTables:
    """The rows of ``corridor`` and ``corridor_member``, and the drawn geometry (id, geometry, EPSG:4490).

    ``strips``: corridor, from_km, to_km, adcode: the counties each line runs through, from end to end.
    """

    corridor: pd.DataFrame
    member: pd.DataFrame
    shapes: gpd.GeoDataFrame
    strips: pd.DataFrame = field(default_factory=pd.DataFrame)


def build_corridor_tables(
    regions: gpd.GeoDataFrame,
    shapes: gpd.GeoDataFrame,
    *,
    structures: Sequence[dict[str, str]] | None = None,
    places: dict[str, CorridorPlace] | None = None,
    routes: Sequence[CorridorRoute] | None = None,
) -> CorridorTables:
    """Return the corridor tables.

    ``regions``: the region table with full geometry and seats; ``shapes``: the same simplified, of which
    areas are the union. ``structures`` (rows of the packaged list), ``places`` and ``routes`` default to
    what is packaged. Raises ``RegistryError`` for a kind without family or a place that does not exist.
    """
    rows = fact_rows(STRUCTURES) if structures is None else list(structures)
    finder = PlaceFinder(regions, places)
    known_routes = load_corridor_routes() if routes is None else tuple(routes)
    drafts = _drafts(rows)
    rail = _rail_nodes() if structures is None else {}
    culture = _culture_nodes() if structures is None else {}
    lines = _line_names(drafts)
    for draft, row in zip(drafts, rows, strict=True):
        key = (draft.row["doc_no"], draft.row["name"])
        if key in rail and draft.family.id in {"hsr_6v6h", "conventional_3v3h"}:
            _rail_members(draft, rail[key], finder, known_routes, lines)
        else:
            _members(draft, row, finder, known_routes, lines)
        for node in culture.get(key, []):
            _culture_node(draft, node, finder)
    geometry = draw_all(drafts, shapes)
    table = pd.DataFrame([draft.row for draft in drafts]).astype(
        {"length_km": "float64", "speed_kmh": "float64", "horizon": "int32", "position": "int32"}
    )
    member = pd.DataFrame([one for draft in drafts for one in draft.members], columns=list(MEMBER_COLUMNS))
    member = member.astype({"lon": "float64", "lat": "float64", "on_axis": "bool"})
    return CorridorTables(table, member, geometry)


def _drafts(rows: Sequence[dict[str, str]]) -> list[Draft]:
    rules, families = load_corridor_rules(), load_corridor_families()
    drafts, used = [], Counter[str]()
    for number, row in enumerate(rows):
        plan = rules.plan_of(row["plan"], row["seed_line"])
        family = family_of(row["kind"], row["plan"], families)
        stem = f"{plan}-{row['seed_line'].replace(':', '-')}"
        used[stem] += 1
        drafts.append(
            Draft(
                {
                    "id": f"{stem}-{used[stem]}",
                    "position": number,
                    "name": row["name"],
                    "family": family.id,
                    "kind": row["kind"],
                    "plan": plan,
                    "doc_no": row["doc_no"],
                    "status": STATUS[row["status"]],
                    "horizon": rules.horizon_of(row["status"], row["period"]),
                    "period": row["period"] or None,
                    "length_km": _number(row["length_km"]),
                    "speed_kmh": _number(row["speed_kmh"]),
                    "description": row["description"] or None,
                    "seed_line": row["seed_line"],
                    "basis": None,
                    "shape": None,
                    "precision": None,
                    "drawn": False,
                    "reason": None,
                    "note": None,
                },
                family,
            )
        )
    return drafts


def _line_names(drafts: Sequence[Draft]) -> dict[str, str]:
    """Return the ids of the railway lines by name, also without what stands in brackets."""
    names: dict[str, str] = {}
    for draft in drafts:
        kind = str(draft.row["kind"])
        if draft.row["plan"] == "railway" and ("rail line" in kind or kind == "rail river crossing"):
            names.setdefault(str(draft.row["name"]), draft.id)
            names.setdefault(without_brackets(str(draft.row["name"])), draft.id)
    for entry in load_corridor_rules().line_names:
        if entry.line in names:
            names.setdefault(entry.text, names[entry.line])
    return names


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _route_of(draft: Draft, routes: Sequence[CorridorRoute]) -> CorridorRoute | None:
    for route in routes:
        if route.line == draft.row["name"] and (not route.plans or draft.row["plan"] in route.plans):
            return route
    return None


def _members(
    draft: Draft,
    row: dict[str, str],
    finder: PlaceFinder,
    routes: Sequence[CorridorRoute],
    lines: dict[str, str],
) -> None:
    """Put in the members of a structure: along its route where it has one, else as the text lists them."""
    texts, again = once(split_members(row["members"]))
    ends = split_members(row["endpoints"])
    route = _route_of(draft, routes)
    if again:
        draft.row["note"] = f"原文重复列出：{'、'.join(again)}，只计一次"
    ordered = [*ends[:1], *(text for text in texts if text not in ends), *ends[1:]]
    if route is not None:
        _along_route(draft, route, ordered, finder)
        ordered = [text for text in ordered if text not in route.places]
    elif ordered:
        draft.row["basis"] = "plan"
    elif draft.family.from_name and (named := finder.in_name(str(row["name"]))):
        draft.row["basis"] = "name"
        for place in named:
            draft.add(place.name, "name", [place], on_axis=True)
    for text in ordered:
        if text in lines:
            draft.add_line(text, "line", lines[text])
        else:
            role = "end" if text in ends else "member"
            draft.add(text, role, finder.find(text), on_axis=route is None)


def _along_route(draft: Draft, route: CorridorRoute, texts: Sequence[str], finder: PlaceFinder) -> None:
    """Put in the places of a route; those that the plan itself lists keep their role."""
    draft.row["basis"] = route.basis
    draft.row["note"] = "；".join(part for part in (draft.row["note"], route.note) if part) or None
    for text in route.places:
        role = "member" if text in texts or (route.basis == "plan" and not texts) else "route"
        draft.add(text, role, finder.find(text), on_axis=True)


def _rail_nodes() -> dict[tuple[str, str], list[dict[str, str]]]:
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in fact_rows(RAIL_NODES):
        found.setdefault((row["doc_no"], row["corridor"]), []).append(row)
    return found


def _rail_members(
    draft: Draft,
    nodes: Sequence[dict[str, str]],
    finder: PlaceFinder,
    routes: Sequence[CorridorRoute],
    lines: dict[str, str],
) -> None:
    """Put in the cities of a rail corridor in the plan's order, then its lines with what the plan says."""
    cities = sorted(
        (row for row in nodes if row["node_type"] == "city"), key=lambda row: int(row["listed_order"])
    )
    route = _route_of(draft, routes)
    draft.row["basis"] = "plan" if cities else None
    for row in cities:
        draft.add(row["node"], "city", finder.find(row["node"]), on_axis=True)
    if not cities and route is not None:
        _along_route(draft, route, [], finder)
    for row in nodes:
        if row["node_type"] == "line":
            draft.add_line(row["node"], row["role"] or "line", lines.get(row["node"]))


def _culture_nodes() -> dict[tuple[str, str], list[dict[str, str]]]:
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in fact_rows(CULTURE_NODES):
        if row["list"] == _CULTURE_LIST:
            found.setdefault((row["doc_no"], row["group"]), []).append(row)
    return found


def _culture_node(draft: Draft, node: dict[str, str], finder: PlaceFinder) -> None:
    """Put in a node of 两廊两带两区: in its county where the plan names one, else in its prefecture."""
    where = split_members(node["county"]) or split_members(node["prefecture"])
    for text in where:
        places = finder.find(text)
        draft.add(node["name"], "node", places, note=f"{text}（{node['note']}）" if node["note"] else text)


KINDS = {"rail": "铁路", "rivers": "河道", "motorway": "高速公路"}
MOTORWAY = "高速公路"
_TOLERANCE_M = 60.0


def build_corridors(data_dir: Path, regions: gpd.GeoDataFrame, shapes: gpd.GeoDataFrame) -> CorridorTables:
    """Return the corridor tables of a data directory: snapped to what was imported there, else schematic."""
    tables = snap_tables(build_corridor_tables(regions, shapes), load_tracks(data_dir))
    counties = to_albers(shapes[shapes["level"] == "county"]).set_index("adcode").sort_index()
    axes = axes_of(tables.corridor, tables.member, tables.shapes.set_index("id"))
    return replace(tables, strips=_strips(axes, counties))


def axes_of(corridor: pd.DataFrame, member: pd.DataFrame, shapes: gpd.GeoDataFrame) -> dict[str, FloatArray]:
    """Return the axis of every line that is drawn, by id: on the real track where it follows one, else from
    place to place. ``shapes``: index id.
    """
    ordered = member[member["on_axis"]]
    places = {
        str(key): part[["lon", "lat"]].to_numpy() for key, part in ordered.groupby("corridor", sort=False)
    }
    lines = corridor[corridor["shape"] == "line"]
    return {
        str(key): make_axis(
            shapely.get_coordinates(shapes.loc[str(key), "geometry"])
            if precision == REAL
            else places[str(key)]
        )
        for key, precision in zip(lines["id"], lines["precision"], strict=True)
    }


def _strips(axes: Mapping[str, FloatArray], counties: gpd.GeoDataFrame) -> pd.DataFrame:
    frame = strips(axes, counties)
    return frame.assign(adcode=frame["adcode"].astype("str").where(frame["adcode"].notna(), None))


def load_tracks(data_dir: Path) -> dict[str, Tracks]:
    """Return the imported lines by kind (rail, rivers, motorway); kinds without any are left out."""
    found: dict[str, Tracks] = {}
    for kind in ("rail", "rivers"):
        lines = load_imported_layer(data_dir, kind)
        if lines is not None and len(lines):
            found[kind] = Tracks(to_albers(lines))
    roads = load_imported_network(data_dir)
    if roads is not None and (motorway := _motorways(*roads)) is not None:
        found["motorway"] = Tracks(motorway)
    return found


def _motorways(nodes: pd.DataFrame, edges: pd.DataFrame) -> gpd.GeoDataFrame | None:
    """Return the motorways of an imported road network; None when it has none.

    An imported network keeps no names of roads: motorways are matched as a class.
    """
    fast = edges[edges["highway"].isin(["motorway", "motorway_link"])]
    if fast.empty:
        return None
    at = nodes.set_index("node_id")[["lon", "lat"]]
    ends = [at.loc[fast[column]].to_numpy() for column in ("from_node", "to_node")]
    lines = shapely.linestrings(np.stack(ends, axis=1))
    return to_albers(gpd.GeoDataFrame({"name": [MOTORWAY] * len(fast)}, geometry=lines, crs=STORE_CRS))


def snap_tables(tables: CorridorTables, tracks: Mapping[str, Tracks]) -> CorridorTables:
    """Return the tables with every corridor that follows real tracks all the way drawn on them, as 实测.

    A corridor that matches in part, or not at all, stays as it was; its note says which stretches did not
    match and why.
    """
    if not tracks:
        return tables
    corridor, shapes = tables.corridor.copy(), tables.shapes.set_index("id")
    families, rules = load_corridor_families(), load_corridor_rules()
    for index, row in corridor[corridor["shape"] == "line"].iterrows():
        kind = families[str(row["family"])].snap
        if kind is None or kind not in tracks:
            continue
        members = tables.member[tables.member["corridor"] == row["id"]]
        axis = members[members["on_axis"] & (members["kind"] != "outside")]
        if len(axis) < 2:
            continue
        names = [MOTORWAY] if kind == "motorway" else track_names(str(row["name"]), members)
        snapped = snap_to_tracks(
            _metric(axis),
            tracks[kind],
            names,
            max_offset_m=rules.track_offset_m,
            max_detour=rules.track_detour,
        )
        said = _report(snapped, list(axis["name"]), KINDS[kind])
        corridor.loc[index, "note"] = "；".join(part for part in (row["note"], said) if isinstance(part, str))
        if snapped.complete:
            corridor.loc[index, "precision"] = REAL
            shapes.loc[row["id"], "geometry"] = _degrees(snapped)
    return replace(tables, corridor=corridor, shapes=shapes.reset_index())


def track_names(name: str, members: pd.DataFrame) -> list[str]:
    """Return the names its tracks may have: its own, those of its lines, those of the registry's table."""
    words = [name, *members.loc[members["kind"] == "line", "text"]]
    words += list(members.loc[members["on_axis"], "text"])
    plain = [
        without_brackets(word).removesuffix("扩能改造") for word in words if "铁路" in word or "高铁" in word
    ]
    known = [
        other
        for entry in load_corridor_rules().track_names
        if any(entry.word in word for word in words)
        for other in entry.names
    ]
    return list(dict.fromkeys([*plain, *known]))


def _metric(axis: pd.DataFrame) -> FloatArray:
    series = gpd.GeoSeries(gpd.points_from_xy(axis["lon"], axis["lat"]), crs=STORE_CRS).to_crs(ALBERS)
    return np.column_stack([series.x, series.y])


def _degrees(snapped: Snapped) -> shapely.Geometry:
    line = shapely.simplify(shapely.LineString(snapped.xy), _TOLERANCE_M)
    turned = gpd.GeoSeries([line], crs=ALBERS).to_crs(STORE_CRS).iloc[0]
    return shapely.transform(turned, lambda xy: np.round(xy, 5))


def _report(snapped: Snapped, places: Sequence[str], kind: str) -> str:
    """Return what a corridor's note says of the matching."""
    if snapped.complete:
        return f"已按导入的{kind}（{'、'.join(snapped.names_found[:3])}）对照为实测"
    lost = [one for one in snapped.stretches if one.metres is None]
    reasons = {one.reason for one in lost}
    if len(lost) == len(snapped.stretches) and len(reasons) == 1:
        return f"未能对照实测{kind}：{reasons.pop()}"
    told = "；".join(f"{places[one.start]}—{places[one.end]}：{one.reason}" for one in lost)
    return f"部分路段未能对照实测{kind}：{told}"
