"""The road network of an OpenStreetMap extract as ``geo.network`` takes it, and what tags mean for travel.

Every node of a road is a node of the graph, so that places snap to where the road really runs and each
edge is a straight piece; ``merge_below_m`` merges nodes that are no junction for a smaller graph. Two roads
meet where they share a node, never where they merely cross: a bridge joins nothing it passes over, and a
river is crossed only where a bridge, tunnel or ferry is mapped.

Meanings follow the OpenStreetMap wiki (Key:access, Key:oneway, Key:maxspeed, Key:duration). A value that says
nothing usable counts as absent; it never becomes a guess.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data.ingest.osm_source import (
    FIXED,
    WaySelection,
    WayTable,
    check_extract,
    file_fault,
    read_ways,
    unescape,
)
from data.registry.osm_models import OsmMapping, RoadRules, load_osm_mapping

FERRY = "ferry"
"""The ``highway`` value of an edge that is a ferry."""

_PLAIN_KEYS = (
    "highway",
    "route",
    "oneway",
    "junction",
    "maxspeed",
    "bridge",
    "tunnel",
    "duration",
    "motorroad",
)
_SEMI_MAJOR_M, _FLATTENING = 6378137.0, 1 / 298.257222101
_ECCENTRICITY_SQUARED = _FLATTENING * (2 - _FLATTENING)
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class OsmNetwork:
    """The network and what was left out of it.

    ``nodes``: ``node_id`` int64 (OpenStreetMap's, ascending), ``lon``, ``lat`` float64 (WGS 84, which is
    CGCS2000 by policy). ``edges``: ``from_node``, ``to_node`` int64; ``length_m`` float64 (on the GRS80
    ellipsoid); ``highway`` category (``ferry`` for ferries); ``oneway`` int8 (1 along, -1 against, 0 both);
    ``maxspeed_kmh``, ``duration_minutes`` float32 (NaN when not stated); ``bridge``, ``tunnel``, ``ferry``
    bool; ``walk``, ``ebike``, ``drive`` nullable boolean (what the access tags say; NA leaves it to the road
    class). ``ways`` is the number of roads read, ``missing_nodes`` how many of their nodes the extract lacks
    (roads end there), ``dropped_loops`` how many pieces that begin and end in one node were left out.
    """

    nodes: pd.DataFrame
    edges: pd.DataFrame
    ways: int
    missing_nodes: int
    dropped_loops: int


@dataclass(frozen=True)
class _Pieces:
    """Edges before they are a frame: positions in the flat node arrays, way number, length."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    way: NDArray[np.int32]
    length_m: FloatArray
    share: NDArray[np.float32]


def piece_lengths(x: NDArray[np.int32], y: NDArray[np.int32]) -> FloatArray:
    """Return the metres from each position to the next, ``len - 1`` of them, on the GRS80 ellipsoid.

    Takes 1e-7 degrees. Uses the radii of curvature at the middle latitude, which is exact to 1e-6 for pieces
    up to 100 km (a piece of road is some 10 m): geodesics give the same answer twenty times slower.
    """
    lat = np.deg2rad((y[:-1] + 0.5 * np.diff(y).astype(np.float64)) / FIXED)
    sine = np.sin(lat)
    w_squared = 1.0 - _ECCENTRICITY_SQUARED * sine * sine
    normal = _SEMI_MAJOR_M / np.sqrt(w_squared)
    meridian = normal * (1.0 - _ECCENTRICITY_SQUARED) / w_squared
    east = np.deg2rad(np.diff(x.astype(np.int64)) / FIXED) * normal * np.cos(lat)
    north = np.deg2rad(np.diff(y.astype(np.int64)) / FIXED) * meridian
    return np.hypot(east, north)


def _kept(
    starts: NDArray[np.bool_], steps: FloatArray, uses: NDArray[np.int64], merge_below_m: float
) -> NDArray[np.bool_]:
    """Return which positions stay graph nodes: ends, junctions, and one at least every ``merge_below_m``."""
    keep: NDArray[np.bool_] = starts | np.append(starts[1:], True) | (uses > 1)
    run = np.cumsum(steps)
    last_kept = np.maximum.accumulate(np.where(keep, np.arange(len(keep)), 0))
    stretch = np.floor((run - run[last_kept]) / merge_below_m)
    keep[1:] |= stretch[1:] > stretch[:-1]
    return keep


def _cut(
    ways: WayTable, number: NDArray[np.int64], at: NDArray[np.int64], merge_below_m: float | None
) -> _Pieces:
    """Cut the ways into edges. ``at`` are the located positions, ``number`` the graph node of each."""
    way = ways.way_of_node()[at]
    starts = np.ones(len(at), dtype=np.bool_)
    starts[1:] = (way[1:] != way[:-1]) | (np.diff(at) > 1)
    steps = np.zeros(len(at))
    steps[1:] = np.where(starts[1:], 0.0, piece_lengths(ways.x[at], ways.y[at]))
    whole = np.bincount(way, weights=steps, minlength=len(ways))
    keep = np.ones(len(at), dtype=np.bool_)
    if merge_below_m is not None:
        keep = _kept(starts, steps, np.bincount(number)[number], merge_below_m)
    spots = np.flatnonzero(keep)
    real = ~starts[spots[1:]]
    length = np.add.reduceat(steps, spots[:-1] + 1)[: len(real)] if len(spots) > 1 else np.empty(0)
    first, last, length = spots[:-1][real], spots[1:][real], length[real]
    owner = way[last]
    with np.errstate(invalid="ignore"):
        share = np.where(whole[owner] > 0, length / whole[owner], 0.0).astype(np.float32)
    return _Pieces(first, last, owner, length, share)


def _road_classes(ways: WayTable, rules: RoadRules) -> pd.Categorical:
    """Return the class of each way: its ``highway`` value, or ``ferry``."""
    highway, route = ways.tags["highway"], ways.tags["route"]
    ferry = pc.fill_null(pc.equal(route, FERRY), False)
    known = pc.is_in(highway, value_set=pa.array(rules.highways))
    text = pc.if_else(ferry, FERRY, pc.if_else(known, highway, None))
    return pd.Categorical(text.to_pandas(), categories=[*rules.highways, FERRY])


def _edge_frame(
    ways: WayTable,
    pieces: _Pieces,
    from_node: NDArray[np.int64],
    to_node: NDArray[np.int64],
    rules: RoadRules,
) -> pd.DataFrame:
    """Return the edges with the attributes of their ways."""
    way = pieces.way
    classes = _road_classes(ways, rules)
    columns: dict[str, object] = {
        "from_node": from_node,
        "to_node": to_node,
        "length_m": pieces.length_m,
        "highway": classes.take(way),
        "oneway": oneway(ways.tags, rules)[way],
        "maxspeed_kmh": decode(ways.tags["maxspeed"], parse_maxspeed, np.float32, np.nan)[way],
        "bridge": flag(ways.tags["bridge"])[way],
        "tunnel": flag(ways.tags["tunnel"])[way],
        "ferry": np.asarray(classes == FERRY)[way],
    }
    duration = decode(ways.tags["duration"], parse_duration, np.float32, np.nan)
    duration[np.asarray(classes != FERRY)] = np.nan
    columns["duration_minutes"] = duration[way] * pieces.share
    for mode, verdict in mode_access(ways.tags, rules).items():
        stated = verdict[way]
        columns[mode] = pd.arrays.BooleanArray(stated == 1, stated == UNSTATED)
    return pd.DataFrame(columns)


def network_of_ways(ways: WayTable, rules: RoadRules, *, merge_below_m: float | None = None) -> OsmNetwork:
    """Return the network that the roads of ``ways`` make up (see ``OsmNetwork``)."""
    at = np.flatnonzero(ways.located)
    missing = len(ways.located) - len(at)
    ids, sample, number = np.unique(ways.node_id[at], return_index=True, return_inverse=True)
    pieces = _cut(ways, number, at, merge_below_m)
    from_number, to_number = number[pieces.first], number[pieces.last]
    loops = from_number == to_number
    if loops.any():
        pieces = _Pieces(*(getattr(pieces, name)[~loops] for name in _Pieces.__dataclass_fields__))
        from_number, to_number = from_number[~loops], to_number[~loops]
    used = np.zeros(len(ids), dtype=np.bool_)
    used[from_number] = True
    used[to_number] = True
    where = at[sample[used]]
    nodes = pd.DataFrame({"node_id": ids[used], "lon": ways.x[where] / FIXED, "lat": ways.y[where] / FIXED})
    edges = _edge_frame(ways, pieces, ids[from_number], ids[to_number], rules)
    return OsmNetwork(nodes, edges, len(ways), missing, int(loops.sum()))


def scan_network(
    path: Path,
    mapping: OsmMapping | None = None,
    *,
    merge_below_m: float | None = None,
    scratch: Path | None = None,
) -> OsmNetwork:
    """Return the road network of an extract, empty when it holds no road.

    ``mapping`` defaults to the packaged registry; ``merge_below_m`` merges nodes that are no junction as long
    as the merged edge stays about that long; ``scratch`` is the folder for intermediate text. Raises
    ``FaultReport`` for a file that is no PBF or is cut short.
    """
    mapping = mapping or load_osm_mapping()
    rules = mapping.roads
    check_extract(path, max_bytes=mapping.extract.max_bytes)
    keys = dict.fromkeys([*_PLAIN_KEYS, *(key for rule in rules.access for key in rule.keys)])
    selection = WaySelection({"highway": rules.highways, "route": (FERRY,)})
    return network_of_ways(
        read_ways(path, selection, list(keys), scratch=scratch), rules, merge_below_m=merge_below_m
    )


def read_osm_network(
    path: Path, registry: OsmMapping | None = None, *, merge_below_m: float | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (nodes, edges) of the roads in an extract, as ``OsmNetwork`` describes them.

    Raises ``FaultReport`` for a file that is no PBF, is cut short, or holds no road.
    """
    network = scan_network(path, registry, merge_below_m=merge_below_m)
    if network.edges.empty:
        raise file_fault(
            path, "数据包里没有可通行的道路", "请确认数据包含 highway 标签的道路，且没有被过滤成只含设施"
        )
    return network.nodes, network.edges


MAX_SPEED_KMH = 160.0
"""A posted limit above this is a typing error."""

_KMH_PER_UNIT = {"": 1.0, "km/h": 1.0, "kmh": 1.0, "kph": 1.0, "mph": 1.609344, "knots": 1.852}
_SPEED = re.compile(r"^(\d+(?:\.\d+)?) *([a-z/]*)$")
_CLOCK = re.compile(r"^(\d{1,3}):([0-5]\d)(?::([0-5]\d))?$")
_ISO = re.compile(r"^pt(?=\d)(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?$")
_MINUTES = re.compile(r"^(\d+(?:\.\d+)?) *(?:min|mins|minutes)?$")
_FORWARD, _BACKWARD, _BOTH = {"yes", "true", "1"}, {"-1", "reverse"}, {"no", "false", "0"}
UNSTATED = -1
"""No tag says whether a mode may use a way: the road class decides."""

UNDIRECTED = -2
"""No tag says in which direction a way runs: the road class decides."""


def parse_maxspeed(text: str) -> float:
    """Return a posted limit in km/h (the lowest of several), NaN for none, words, and impossible numbers."""
    speeds = []
    for part in text.lower().split(";"):
        match = _SPEED.match(part.strip())
        if match and match[2] in _KMH_PER_UNIT:
            speeds.append(float(match[1]) * _KMH_PER_UNIT[match[2]])
    return min((speed for speed in speeds if 0 < speed <= MAX_SPEED_KMH), default=np.nan)


def parse_duration(text: str) -> float:
    """Return minutes from ``1:20``, ``1:20:00``, ``PT1H20M`` or plain minutes; NaN for anything else."""
    words = text.strip().lower()
    if match := _CLOCK.match(words):
        minutes = int(match[1]) * 60 + int(match[2]) + int(match[3] or 0) / 60
    elif match := _ISO.match(words):
        minutes = float(match[1] or 0) * 60 + float(match[2] or 0) + float(match[3] or 0) / 60
    elif match := _MINUTES.match(words):
        minutes = float(match[1])
    else:
        return np.nan
    return minutes if minutes > 0 else np.nan


def parse_oneway(text: str) -> int:
    """Return 1 (along the way), -1 (against it) or 0 (both); ``UNDIRECTED`` for a value that says nothing.

    ``reversible`` and ``alternating`` change by the hour and count as both.
    """
    if text in _FORWARD:
        return 1
    if text in _BACKWARD:
        return -1
    return 0 if text in _BOTH or text in {"reversible", "alternating"} else UNDIRECTED


def decode(
    column: pa.ChunkedArray, meaning: Callable[[str], float | bool | int], dtype: type, missing: object
) -> NDArray[Any]:
    """Return ``meaning`` of every text as an array of ``dtype``, ``missing`` where there is none.

    Each distinct text is looked at once.
    """
    coded = column.combine_chunks().dictionary_encode()
    meanings = [meaning(unescape(text)) for text in coded.dictionary.to_pylist()]
    codes = coded.indices.fill_null(len(meanings)).to_numpy(zero_copy_only=False)
    found: NDArray[Any] = np.array([*meanings, missing], dtype=dtype)[codes]
    return found


def _is_one_of(values: Iterable[str]) -> Callable[[str], bool]:
    known = frozenset(values)
    return lambda text: text in known


def access(tags: dict[str, pa.ChunkedArray], mode_keys: Iterable[str], rules: RoadRules) -> NDArray[np.int8]:
    """Return 1 (allowed), 0 (denied) or ``UNSTATED`` per way by the most specific of ``mode_keys``."""
    meanings = dict.fromkeys(rules.allow, 1) | dict.fromkeys(rules.deny, 0)
    verdict: NDArray[np.int8] | None = None
    for key in mode_keys:
        stated = decode(
            tags[key], lambda text: meanings.get(text.split(";", 1)[0].strip(), UNSTATED), np.int8, UNSTATED
        )
        verdict = stated if verdict is None else np.where(verdict == UNSTATED, stated, verdict)
    if verdict is None:
        raise ValueError("access needs at least one key")
    return verdict


def mode_access(tags: dict[str, pa.ChunkedArray], rules: RoadRules) -> dict[str, NDArray[np.int8]]:
    """Return ``access`` for each mode; a motorroad denies its modes unless their own tag says otherwise."""
    motorroad = decode(tags["motorroad"], _is_one_of({"yes"}), np.bool_, False)
    verdicts = {}
    for rule in rules.access:
        verdict = access(tags, rule.keys, rules)
        if rule.mode in rules.motorroad_denies:
            own = access(tags, rule.keys[:1], rules)
            verdict = np.where(motorroad & (own == UNSTATED), 0, verdict)
        verdicts[rule.mode] = verdict.astype(np.int8)
    return verdicts


def oneway(tags: dict[str, pa.ChunkedArray], rules: RoadRules) -> NDArray[np.int8]:
    """Return 1, -1 or 0 per way: as tagged, else as implied by motorways and roundabouts."""
    stated = decode(tags["oneway"], parse_oneway, np.int8, UNDIRECTED)
    implied = decode(tags["highway"], _is_one_of(rules.oneway_highways), np.bool_, False)
    implied |= decode(tags["junction"], _is_one_of(rules.oneway_junctions), np.bool_, False)
    return np.where(stated != UNDIRECTED, stated, implied).astype(np.int8)


def flag(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return whether a yes/no/kind tag (``bridge``, ``tunnel``) says anything but no."""
    return decode(column, lambda text: text != "no", np.bool_, False)
