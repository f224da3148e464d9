"""Layers of corridors, belts, circles and hubs as the plans describe them, and the places they name."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from analysis.corridors import RAIL_GROUP, SCHEMATIC, SURVEYED, match_stations
from data.registry.corridor_models import load_corridor_families
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
)
from geo.crs import STORE_CRS
from geo.export_table import ExportTable, GeometryKind

_SHAPES: dict[str, tuple[GeometryKind, str, str]] = {
    "line": ("line", "通道走廊（线）", "#d55e00"),
    "area": ("polygon", "片区、圈、带（面）", "#e69f00"),
    "point": ("point", "枢纽、节点（点）", "#0072b2"),
}
_ALL = {"all": "全部年份", "2020": "2020 年", "2025": "2025 年", "2035": "2035 年"}
_DEFINITION = "规划文本中的通道、走廊、带、圈和枢纽，按原文所列地点连成，线位和范围为示意，不是实测"
_FIELDS = (
    *("id", "name", "family", "corridor_kind", "plan", "doc_no", "status", "horizon", "period", "length_km"),
    *("speed_kmh", "description", "basis", "precision", "seed_line", "note"),
)
_NODE_FIELDS = (
    *("corridor", "corridor_name", "position", "member_text", "role", "name", "adcode", "lon", "lat"),
    *("place_precision", "station", "on_axis", "line", "note"),
)


def _list(store: Store) -> list[LayerInfo]:
    shapes = store.corridor_shapes()
    drawn = store.corridors().set_index("id")["shape"].reindex(shapes.index)
    # A hub of several places is a row for each.
    places = shapes.geometry.count_geometries().where(drawn == "point", 1)
    counts = places.groupby(drawn).sum()
    horizon = Parameter("horizon", "规划年份", _ALL, "all")
    out = [
        LayerInfo(f"corridors.{key}", title, "通道", kind, int(counts[key]), _DEFINITION, (horizon,), 4_000)
        for key, (kind, title, _) in _SHAPES.items()
        if key in counts
    ]
    members = store.corridor_members()
    nodes = int(members[["lon", "lat"]].notna().all(axis=1).sum())
    if nodes:
        text = (
            "每条通道按次序经过或包含的地点；点为该地点的驻地或中心，是示意；"
            "铁路的地点有导入的同名火车站时在车站，是实测"
        )
        out.append(LayerInfo("corridors.nodes", "通道所列地点", "通道", "point", nodes, text, (), 400))
    return out


def _make(request: LayerRequest) -> ExportTable:
    if request.info.id == "corridors.nodes":
        return _nodes(request)
    store, key = request.store, request.info.id.partition(".")[2]
    kind, _, colour = _SHAPES[key]
    table = store.corridors()
    table = table[table["drawn"] & (table["shape"] == key)].rename(columns={"kind": "corridor_kind"})
    if request.settings["horizon"] != "all":
        table = table[table["horizon"] == int(request.settings["horizon"])]
    shapes = store.corridor_shapes().geometry
    frame = gpd.GeoDataFrame(table, geometry=table["id"].map(shapes), crs=STORE_CRS)
    frame = frame[frame.geometry.notna()]
    if kind == "point":
        # A hub of several places is a row for each: files of points hold one place to a row.
        frame = frame.explode(ignore_index=True)
    if request.clip is not None:
        frame = frame[frame.intersects(request.clip.shape)]
    words = Words(request.info.title, _DEFINITION, _plans(store), remarks=("线位和范围为示意",))
    return from_frame(request, frame, fields_of(*_FIELDS), words, plain(colour), geometry=kind)


def _nodes(request: LayerRequest) -> ExportTable:
    store = request.store
    frame = store.corridor_members().rename(columns={"text": "member_text"})
    frame = frame[frame[["lon", "lat"]].notna().all(axis=1)]
    frame = frame[request.keeps(frame["adcode"].fillna(""))]
    frame = frame.assign(corridor_name=frame["corridor"].map(store.corridors().set_index("id")["name"]))
    frame = _with_stations(store, frame)
    points = gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy(frame["lon"], frame["lat"]), crs=STORE_CRS)
    words = Words(
        request.info.title, request.info.definition, _plans(store), remarks=(_precision_words(points),)
    )
    return from_frame(request, points, fields_of(*_NODE_FIELDS), words, plain("#0072b2"), geometry="point")


def _with_stations(store: Store, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the places with those of railways moved to the imported station of their name."""
    families = load_corridor_families()
    rail = {key for key, family in families.items() if family.group == RAIL_GROUP}
    kinds = frame["corridor"].map(store.corridors().set_index("id")["family"])
    own = frame[kinds.isin(rail) & frame["adcode"].notna()]
    frame = frame.assign(place_precision=SCHEMATIC, station=None)
    if own.empty:
        return frame
    found = match_stations(own.rename(columns={"member_text": "text"}), store.facilities())
    found = found[found["precision"] == SURVEYED]
    for column, values in {
        "lon": found["lon"],
        "lat": found["lat"],
        "place_precision": found["precision"],
        "station": found["station"],
    }.items():
        frame[column] = frame[column].astype(object) if column == "station" else frame[column]
        frame.loc[found.index, column] = values
    return frame


def _precision_words(points: pd.DataFrame) -> str:
    """Return how many places stand at a station."""
    surveyed = int((points["place_precision"] == SURVEYED).sum())
    return f"{surveyed} 个地点在导入的同名火车站，其余点位为示意" if surveyed else "点位为示意"


def _plans(store: Store) -> list[str]:
    named = store.corridors()[["plan", "doc_no"]].drop_duplicates()
    titles = store.plan_documents().set_index("plan")["title"]
    return [f"{titles.get(plan, plan)}（{number}）" for plan, number in named.itertuples(index=False)]


KINDS = (LayerKind("corridors", _list, _make),)
