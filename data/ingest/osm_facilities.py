"""Objects of an OpenStreetMap extract, and its facilities: one row per facility, however it is drawn.

A facility may be drawn as a point, as a building or site outline, or both. Its place is its point, or the
centre of its outline (a point on it where the centre falls outside). What lies within an outline of the same
type is the same facility and counts once; the merges are reported.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import pandas as pd
import shapely
from numpy.typing import NDArray

from data.ingest.osm_source import check_extract, file_fault, readable
from data.registry.osm_models import FacilityRule, OsmMapping, load_osm_mapping

NODE, WAY, RELATION = "n", "w", "r"


@dataclass(frozen=True)
class OsmObjects:
    """Objects in the order of the extract: nodes, then areas and lines.

    ``kind`` is ``n``, ``w`` or ``r``; ``ident`` the OpenStreetMap id; ``tags`` a mapping each; ``geometry``
    Point, LineString (a way that is no area) or MultiPolygon, WGS 84 longitude and latitude, never missing.
    ``unplaced`` names the objects without a usable geometry: relations that are no area, and objects whose
    nodes lie outside the extract.
    """

    kind: list[str]
    ident: list[int]
    tags: list[dict[str, str]]
    geometry: NDArray[np.object_]
    unplaced: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self.ident)


class _Collector:
    """Gathers objects as libosmium hands them out; a way is kept aside until it is known to be no area."""

    def __init__(self, wants: Callable[[dict[str, str]], bool]) -> None:
        self.wants = wants
        self.factory = osmium.geom.WKBFactory()
        self.kept: list[tuple[str, int, dict[str, str], str]] = []
        self.waiting: dict[tuple[str, int], tuple[dict[str, str], str | None]] = {}

    def add(self, thing: Any) -> None:
        """Take one node, way, relation or area."""
        tags = {tag.k: tag.v for tag in thing.tags}
        if not self.wants(tags):
            return
        if thing.is_node():
            self._keep(NODE, thing.id, tags, self._shape(self.factory.create_point, thing))
        elif thing.is_way():
            self.waiting[WAY, thing.id] = tags, self._shape(self.factory.create_linestring, thing)
        elif thing.is_relation():
            self.waiting[RELATION, thing.id] = tags, None
        elif thing.is_area():
            kind = WAY if thing.from_way() else RELATION
            self.waiting.pop((kind, thing.orig_id()), None)
            self._keep(kind, thing.orig_id(), tags, self._shape(self.factory.create_multipolygon, thing))

    @staticmethod
    def _shape(create: Any, thing: Any) -> str | None:
        """Return the geometry as hexadecimal WKB, or ``None`` when positions are missing or make none."""
        try:
            return str(create(thing))
        except (RuntimeError, osmium.InvalidLocationError):
            return None

    def _keep(self, kind: str, ident: int, tags: dict[str, str], shape: str | None) -> None:
        if shape is None:
            self.waiting[kind, ident] = tags, None
        else:
            self.kept.append((kind, ident, tags, shape))

    def result(self) -> OsmObjects:
        """Return everything taken; ways that became no area are lines."""
        for (kind, ident), (tags, shape) in self.waiting.items():
            if shape is not None:
                self.kept.append((kind, ident, tags, shape))
        unplaced = tuple(
            f"{kind}{ident}" for (kind, ident), (_, shape) in self.waiting.items() if shape is None
        )
        return OsmObjects(
            [row[0] for row in self.kept],
            [row[1] for row in self.kept],
            [row[2] for row in self.kept],
            shapely.from_wkb(np.array([row[3] for row in self.kept], dtype=object)),
            unplaced,
        )


def read_objects(path: Path, keys: Sequence[str], wants: Callable[[dict[str, str]], bool]) -> OsmObjects:
    """Return the objects of an extract whose tags ``wants`` accepts, with their geometry.

    ``keys``: an object without any of these tags is passed over before Python sees it. Raises
    ``FaultReport`` when the file cannot be read to its end.
    """
    tagged = osmium.filter.KeyFilter(*keys)
    collector = _Collector(wants)
    with readable(path) as file:
        for thing in osmium.FileProcessor(file).with_areas(tagged).with_filter(tagged):
            collector.add(thing)
    return collector.result()


SOURCE = "osm"
"""The id of OpenStreetMap in the table of sources."""

FACILITY_COLUMNS = (
    "id",
    "name",
    "type",
    "level",
    "capacity",
    "capacity_unit",
    "lon",
    "lat",
    "source",
    "precision",
    "original_datum",
    "as_of",
)
MERGE_COLUMNS = ("type", "kept", "kept_name", "merged", "merged_name")

_NAME_KEYS = ("name", "name:zh", "name:zh-Hans", "official_name")
_NAME_LENGTH = 200
_MAX_CAPACITY = 1_000_000.0
# Two outlines of one type are one facility when this share of the smaller lies in the larger.
_SHARED_AREA = 0.5


@dataclass(frozen=True)
class OsmFacilities:
    """The facilities of an extract and what happened to the rest.

    ``frame``: ``FACILITY_COLUMNS``; ``id`` is ``osm-`` and OpenStreetMap's kind and id (``osm-w123``),
    unique; ``name``, ``capacity`` and ``as_of`` may be missing; ``lon``, ``lat`` float64 in WGS 84, which is
    CGCS2000 by policy. ``merges``: ``MERGE_COLUMNS``, one row per object counted as part of another.
    ``unplaced``: kind and id of facilities without a usable position.
    """

    frame: pd.DataFrame
    merges: pd.DataFrame
    unplaced: tuple[str, ...]


def facility_name(tags: dict[str, str]) -> str | None:
    """Return the name an object carries, without control characters, or ``None``."""
    for key in _NAME_KEYS:
        name = "".join(char for char in tags.get(key, "") if char.isprintable()).strip()
        if name:
            return name[:_NAME_LENGTH]
    return None


def facility_capacity(tags: dict[str, str], rule: FacilityRule) -> float:
    """Return the capacity by the first of the rule's tags that is a sensible number, NaN otherwise."""
    for key in rule.capacity_keys:
        text = tags.get(key, "").strip()
        if text.isascii() and text.isdecimal() and 0 < float(text) <= _MAX_CAPACITY:
            return float(text)
    return np.nan


def _places(geometry: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return one point per geometry: its centre, or a point on it where the centre lies outside an area."""
    places: NDArray[np.object_] = shapely.centroid(geometry)
    areas = shapely.get_dimensions(geometry) == 2
    outside = areas & ~shapely.covers(geometry, places)
    places[outside] = shapely.point_on_surface(geometry[outside])
    return places


def _same_name(one: str | None, other: str | None) -> bool:
    """Return whether two names may be one facility's: one is missing, or one is part of the other."""
    return one is None or other is None or one in other or other in one


def _holder(
    names: list[str | None], geometry: NDArray[np.object_], places: NDArray[np.object_]
) -> NDArray[np.int64]:
    """Return for each object of one type the number of the outline it belongs to, or its own number.

    Points and lines belong to the outline around them. An outline belongs to a larger one that holds its
    place and at least half its area, unless both have names that differ. Chains end at the outermost outline.
    """
    areas = np.flatnonzero(shapely.get_dimensions(geometry) == 2)
    size = shapely.area(geometry)
    holder = np.arange(len(geometry))
    if not len(areas):
        return holder
    tree = shapely.STRtree(geometry[areas])
    inner, outer = tree.query(places, predicate="covered_by")
    outer = areas[outer]
    # Smallest outline first: what it holds may then move on with it to a larger one.
    for part, whole in sorted(zip(inner, outer, strict=True), key=lambda pair: (size[pair[1]], pair[1])):
        if part == whole or holder[part] != part or (size[part], part) >= (size[whole], whole):
            continue
        if size[part] > 0:
            shared = shapely.area(shapely.intersection(geometry[part], geometry[whole]))
            if shared < _SHARED_AREA * size[part] or not _same_name(names[part], names[whole]):
                continue
        holder[part] = whole
    while not np.array_equal(holder, holder[holder]):
        holder = holder[holder]
    return holder


def _filled(rows: list[dict[str, Any]], holder: NDArray[np.int64]) -> None:
    """Give an outline the name and capacity of what it holds, where it has none of its own."""
    for part, whole in enumerate(holder):
        if part == whole:
            continue
        kept, merged = rows[whole], rows[part]
        if kept["name"] is None:
            kept["name"] = merged["name"]
        if np.isnan(kept["capacity"]):
            kept["capacity"] = merged["capacity"]


def _merge(
    rows: list[dict[str, Any]], geometry: NDArray[np.object_], places: NDArray[np.object_]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows that count and the merges, type by type."""
    kept: list[int] = []
    merges: list[dict[str, Any]] = []
    types = np.array([row["type"] for row in rows], dtype=object)
    for kind in dict.fromkeys(types):
        members = np.flatnonzero(types == kind)
        own = [rows[member] for member in members]
        holder = _holder([row["name"] for row in own], geometry[members], places[members])
        names = [row["name"] for row in own]
        _filled(own, holder)
        for part, whole in enumerate(holder):
            if part == whole:
                kept.append(int(members[part]))
            else:
                pair = (kind, own[whole]["id"], own[whole]["name"], own[part]["id"], names[part])
                merges.append(dict(zip(MERGE_COLUMNS, pair, strict=True)))
    return [rows[number] for number in sorted(kept)], merges


def _row(kind: str, ident: int, tags: dict[str, str], rule: FacilityRule) -> dict[str, Any]:
    capacity = facility_capacity(tags, rule)
    return {
        "id": f"osm-{kind}{ident}",
        "name": facility_name(tags),
        "type": rule.type,
        "level": rule.level or None,
        "capacity": capacity,
        "capacity_unit": rule.capacity_unit or None,
        "source": SOURCE,
        "precision": "surveyed",
        "original_datum": "wgs84",
    }


def facilities_of_objects(
    objects: OsmObjects, mapping: OsmMapping, *, as_of: str | None = None
) -> OsmFacilities:
    """Return the facilities among ``objects`` (see ``OsmFacilities``)."""
    rules = [mapping.facility_rule(tags) for tags in objects.tags]
    chosen = [number for number, rule in enumerate(rules) if rule is not None]
    rows = [
        _row(kind, ident, tags, rule)
        for kind, ident, tags, rule in zip(objects.kind, objects.ident, objects.tags, rules, strict=True)
        if rule is not None
    ]
    geometry = objects.geometry[chosen]
    places = _places(geometry)
    for row, place in zip(rows, places, strict=True):
        row["lon"], row["lat"], row["as_of"] = shapely.get_x(place), shapely.get_y(place), as_of
    kept, merges = _merge(rows, geometry, places)
    frame = pd.DataFrame(kept, columns=list(FACILITY_COLUMNS))
    frame.loc[frame["capacity"].isna(), "capacity_unit"] = None
    return OsmFacilities(frame, pd.DataFrame(merges, columns=list(MERGE_COLUMNS)), objects.unplaced)


def scan_facilities(
    path: Path, mapping: OsmMapping | None = None, *, types: Collection[str] | None = None
) -> OsmFacilities:
    """Return the facilities of an extract, empty when it holds none.

    ``mapping`` defaults to the packaged registry. Raises ``FaultReport`` for a file that is no PBF or is cut
    short.
    """
    rules = mapping or load_osm_mapping()
    info = check_extract(path, max_bytes=rules.extract.max_bytes)
    keys = dict.fromkeys(rule.all_of[0].key_name for rule in rules.facilities)

    def wants(tags: dict[str, str]) -> bool:
        rule = rules.facility_rule(tags)
        return rule is not None and (types is None or rule.type in types)

    return facilities_of_objects(read_objects(path, list(keys), wants), rules, as_of=info.as_of)


def read_osm_facilities(
    path: Path, mapping: OsmMapping | None = None, *, types: Collection[str] | None = None
) -> pd.DataFrame:
    """Return the facilities of an extract as the frame that ``OsmFacilities`` describes.

    Raises ``FaultReport`` for a file that is no PBF, is cut short, or holds no facility (of ``types``).
    """
    frame = scan_facilities(path, mapping, types=types).frame
    if frame.empty:
        wanted = f"“{'、'.join(sorted(types))}”类型的设施" if types else "对照表 osm_mapping.yaml 里的设施"
        raise file_fault(path, f"数据包里没有{wanted}", "请检查数据包的范围，或换一种设施类型")
    return frame
