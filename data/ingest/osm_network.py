"""The road network of an OpenStreetMap extract as ``geo.network`` takes it.

Every node of a road is a node of the graph, so that places snap to where the road really runs and each
edge is a straight piece; ``merge_below_m`` merges nodes that are no junction for a smaller graph. Two roads
meet where they share a node, never where they merely cross: a bridge joins nothing it passes over, and a
river is crossed only where a bridge, tunnel or ferry is mapped.

What tags mean for travel is read in ``osm_access`` (who may use a way), ``osm_barriers`` and ``osm_tags``.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data.ingest.osm_access import FERRY, UNSTATED, AccessTable, AccessTold, ways_access
from data.ingest.osm_barriers import barriers_on_roads, stop_at_barriers
from data.ingest.osm_source import FIXED, WaySelection, WayTable, check_extract, file_fault, read_ways
from data.ingest.osm_tags import decode, flag, parse_duration, parse_maxspeed
from data.registry.osm_models import OsmMapping, RoadRules, load_osm_mapping

_PLAIN_KEYS = ("maxspeed", "bridge", "tunnel", "duration")
_SEMI_MAJOR_M, _FLATTENING = 6378137.0, 1 / 298.257222101
_ECCENTRICITY_SQUARED = _FLATTENING * (2 - _FLATTENING)
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class OsmNetwork:
    """The network and what was left out of it.

    ``nodes``: ``node_id`` int64 (OpenStreetMap's, ascending; negative ones are points beside a barrier),
    ``lon``, ``lat`` float64 (WGS 84, which is CGCS2000 by policy). ``edges``: ``from_node``, ``to_node``
    int64; ``length_m`` float64 (on the GRS80 ellipsoid); ``highway`` category (``ferry`` for ferries);
    ``oneway`` int8 (1 along, -1 against, 0 both: for the mode that the registry calls directed);
    ``maxspeed_kmh``, ``duration_minutes`` float32 (NaN when not stated); ``bridge``, ``tunnel``, ``ferry``
    bool; ``walk``, ``ebike``, ``drive`` nullable boolean (what the tags say; NA leaves it to the road
    class). ``ways`` is the number of roads read, ``missing_nodes`` how many of their nodes the extract lacks
    (roads end there), ``dropped_loops`` how many pieces that begin and end in one node were left out.
    ``told`` is what the tags said that people should know.
    """

    nodes: pd.DataFrame
    edges: pd.DataFrame
    ways: int
    missing_nodes: int
    dropped_loops: int
    told: AccessTold = field(default_factory=AccessTold)


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
    ways: WayTable,
    number: NDArray[np.int64],
    at: NDArray[np.int64],
    merge_below_m: float | None,
    barriers: NDArray[np.int64],
) -> _Pieces:
    """Cut the ways into edges. ``at`` are the located positions, ``number`` the graph node of each.

    ``barriers`` are the ids of nodes that no merging may swallow.
    """
    way = ways.way_of_node()[at]
    starts = np.ones(len(at), dtype=np.bool_)
    starts[1:] = (way[1:] != way[:-1]) | (np.diff(at) > 1)
    steps = np.zeros(len(at))
    steps[1:] = np.where(starts[1:], 0.0, piece_lengths(ways.x[at], ways.y[at]))
    whole = np.bincount(way, weights=steps, minlength=len(ways))
    keep = np.ones(len(at), dtype=np.bool_)
    if merge_below_m is not None:
        uses = np.bincount(number)[number] + np.isin(ways.node_id[at], barriers)
        keep = _kept(starts, steps, uses, merge_below_m)
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
) -> tuple[pd.DataFrame, AccessTold]:
    """Return the edges with the attributes of their ways, and what the tags said."""
    way = pieces.way
    classes = _road_classes(ways, rules)
    access = ways_access(ways.tags, rules)
    columns: dict[str, object] = {
        "from_node": from_node,
        "to_node": to_node,
        "length_m": pieces.length_m,
        "highway": classes.take(way),
        "oneway": access.oneway[way],
        "maxspeed_kmh": decode(ways.tags["maxspeed"], parse_maxspeed, np.float32, np.nan)[way],
        "bridge": flag(ways.tags["bridge"])[way],
        "tunnel": flag(ways.tags["tunnel"])[way],
        "ferry": np.asarray(classes == FERRY)[way],
    }
    duration = decode(ways.tags["duration"], parse_duration, np.float32, np.nan)
    duration[np.asarray(classes != FERRY)] = np.nan
    columns["duration_minutes"] = duration[way] * pieces.share
    for mode, verdict in access.modes.items():
        stated = verdict[way]
        columns[mode] = pd.arrays.BooleanArray(stated == 1, stated == UNSTATED)
    return pd.DataFrame(columns), access.told


def network_of_ways(ways: WayTable, rules: RoadRules, *, merge_below_m: float | None = None) -> OsmNetwork:
    """Return the network that the roads of ``ways`` make up (see ``OsmNetwork``)."""
    at = np.flatnonzero(ways.located)
    missing = len(ways.located) - len(at)
    ids, sample, number = np.unique(ways.node_id[at], return_index=True, return_inverse=True)
    barriers = barriers_on_roads(ways.marked, ids, rules)
    pieces = _cut(ways, number, at, merge_below_m, barriers.nodes)
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
    edges, told = _edge_frame(ways, pieces, ids[from_number], ids[to_number], rules)
    nodes, edges = stop_at_barriers(nodes, edges, barriers)
    told = replace(told, barriers=barriers.counts(), unknown_barriers=barriers.unknown)
    return OsmNetwork(nodes, edges, len(ways), missing, int(loops.sum()), told)


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
    table = AccessTable(rules)
    selection = WaySelection({"highway": rules.highways, "route": (FERRY,)}, rules.barriers.key_name)
    ways = read_ways(path, selection, [*_PLAIN_KEYS, *table.keys], seldom=table.seldom_keys, scratch=scratch)
    return network_of_ways(ways, rules, merge_below_m=merge_below_m)


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
