"""The corridor tables with what was imported: corridors laid onto real rails, rivers and motorways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from data.builder.corridor_places import without_brackets
from data.builder.corridor_shapes import REAL
from data.builder.corridor_table import CorridorTables, build_corridor_tables
from data.ingest.osm_store import load_imported_layer, load_imported_network
from data.registry.corridor_models import load_corridor_families, load_corridor_rules
from geo.corridors import FloatArray, make_axis, strips
from geo.crs import ALBERS, STORE_CRS, to_albers
from geo.track_snapping import Snapped, Tracks, snap_to_tracks

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
    families = load_corridor_families()
    for index, row in corridor[corridor["shape"] == "line"].iterrows():
        kind = families[str(row["family"])].snap
        if kind is None or kind not in tracks:
            continue
        members = tables.member[tables.member["corridor"] == row["id"]]
        axis = members[members["on_axis"] & (members["kind"] != "outside")]
        if len(axis) < 2:
            continue
        names = [MOTORWAY] if kind == "motorway" else track_names(str(row["name"]), members)
        snapped = snap_to_tracks(_metric(axis), tracks[kind], names)
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
