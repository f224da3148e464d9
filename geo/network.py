"""A routable road network for one mode: nodes in the measuring CRS, edges in exact minutes, as CSR arrays."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import Transformer
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from geo.crs import ALBERS, STORE_CRS
from geo.errors import CrsError, NetworkError, NoRoadError
from geo.modes import METRES_PER_MINUTE_PER_KMH, TICK, TravelMode, quantise_minutes
from geo.points import metric_points

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]
BoolArray = NDArray[np.bool_]

FERRY = "ferry"
_MAX_EDGE_M = 1_000_000.0


@dataclass(frozen=True, eq=False)
class Network:
    """Roads as one mode can use them. Built by ``build_network``; immutable.

    ``x``, ``y``: node positions, float64 metres in ``geo.crs.ALBERS``, in Z-order (near nodes lie near in
    memory). ``node_id``: int64, the caller's own. ``indptr``, ``indices`` (int32) and ``minutes`` (float64,
    multiples of ``geo.modes.TICK``): CSR of directed edges, row = start, columns ascending, at most one
    edge per pair (the fastest). float64 because scipy's Dijkstra would convert anything else, at the cost
    of a copy. ``snappable``: bool per edge, a trip may start or end on it. ``major``: bool per node, it
    belongs to a (strongly) connected part of at least ``mode.min_component_nodes`` nodes. ``piece``: int32
    per node, equal where roads join two nodes, be it one way only; ``isolated``: bool per node, nothing of
    its piece is ``major``. ``symmetric``: every edge runs both ways in the same time.
    """

    mode: TravelMode
    x: FloatArray
    y: FloatArray
    node_id: NDArray[np.int64]
    indptr: IntArray
    indices: IntArray
    minutes: FloatArray
    snappable: BoolArray
    major: BoolArray
    piece: IntArray
    isolated: BoolArray
    symmetric: bool

    @property
    def node_count(self) -> int:
        """Number of nodes."""
        return len(self.x)

    @property
    def edge_count(self) -> int:
        """Number of directed edges."""
        return len(self.indices)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north of the nodes, in metres of ``ALBERS``."""
        return float(self.x.min()), float(self.y.min()), float(self.x.max()), float(self.y.max())

    @cached_property
    def max_speed(self) -> float:
        """Fastest progress as the crow flies on any edge or on the access leg, in metres per minute."""
        if self.edge_count == 0:
            return self.mode.access_m_per_minute
        start = self.edge_starts()
        crow = np.hypot(self.x[start] - self.x[self.indices], self.y[start] - self.y[self.indices])
        moving = crow > 0.0
        fastest = float(np.max(crow[moving] / self.minutes[moving])) if moving.any() else 0.0
        return max(fastest, self.mode.access_m_per_minute)

    @cached_property
    def reversed_edges(self) -> tuple[IntArray, IntArray, FloatArray]:
        """``indptr``, ``indices``, ``minutes`` of the network with every edge turned round."""
        if self.symmetric:
            return self.indptr, self.indices, self.minutes
        n = self.node_count
        turned = csr_array((self.minutes, self.indices, self.indptr), shape=(n, n)).tocsc()
        return turned.indptr, turned.indices, turned.data

    @cached_property
    def fingerprint(self) -> str:
        """Hash of everything that a travel time depends on (32 hexadecimal digits): the key of cached
        results.
        """
        digest = hashlib.blake2b(digest_size=16)
        digest.update(repr((self.mode, self.symmetric)).encode())
        # Pieces follow from the edges.
        for array in (self.x, self.y, self.indptr, self.indices, self.minutes, self.snappable, self.major):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def edge_starts(self) -> IntArray:
        """Return the start node of every directed edge (int32)."""
        return np.repeat(np.arange(self.node_count, dtype=np.int32), np.diff(self.indptr))


def build_network(nodes: pd.DataFrame, edges: pd.DataFrame, mode: TravelMode) -> Network:
    """Return the network that ``mode`` can use.

    ``nodes``: ``node_id`` (integer, unique) and either ``x``, ``y`` (metres, ``ALBERS``) or ``lon``,
    ``lat`` (CGCS2000). ``edges``: ``from_node``, ``to_node``, ``length_m``, ``highway`` (OSM value, or
    "ferry"), and if present ``oneway`` (1, -1, 0), ``maxspeed_kmh``, ``bridge``, ``tunnel``,
    ``duration_minutes``, and a nullable bool column named like the mode that overrides what its class
    allows. Each edge is one straight piece of road.

    Minutes = length / speed of the class (capped by ``maxspeed_kmh`` where the mode heeds it), or the
    duration where the edge states one. Bridges, tunnels and classes with ``snap: false`` carry trips but
    start none. All components are kept. Raises ``NetworkError`` that lists every fault of the tables,
    ``NoRoadError`` when the mode can use no edge at all.
    """
    if not mode.has_network:
        raise NetworkError(f"出行方式“{mode.name}”不使用路网；请选择步行、电动自行车或小汽车。")
    _require_sound(nodes, edges)
    x, y = _project(nodes)
    speeds = _edge_speeds(edges, mode)
    usable = np.isfinite(speeds.minutes) & (edges["from_node"] != edges["to_node"]).to_numpy()
    if not usable.any():
        kinds = "、".join(sorted({str(kind) for kind in pd.unique(edges["highway"])})[:8])
        raise NoRoadError(
            f"路网中没有“{mode.name}”可以通行的道路（道路等级：{kinds}）。请换用其他出行方式或路网。"
        )
    index = pd.Index(nodes["node_id"].to_numpy(dtype=np.int64))
    start = index.get_indexer(edges["from_node"].to_numpy()[usable]).astype(np.int32)
    end = index.get_indexer(edges["to_node"].to_numpy()[usable]).astype(np.int32)
    kept, start, end = _order_nodes(x, y, start, end)
    oneway = _oneway(edges, mode)[usable]
    used = _EdgeSpeeds(speeds.minutes[usable], speeds.snappable[usable])
    indptr, indices, weight, snappable = _compressed(len(kept), start, end, used, oneway)
    symmetric = not oneway.any()
    major, piece, isolated = _parts(indptr, indices, mode.min_component_nodes, symmetric=symmetric)
    return Network(
        mode=mode,
        x=x[kept],
        y=y[kept],
        node_id=nodes["node_id"].to_numpy(dtype=np.int64)[kept],
        indptr=indptr,
        indices=indices,
        minutes=weight,
        snappable=snappable,
        major=major,
        piece=piece,
        isolated=isolated,
        symmetric=symmetric,
    )


@dataclass(frozen=True)
class _EdgeSpeeds:
    minutes: FloatArray
    """Quantised minutes per edge, NaN where the mode may not go."""
    snappable: BoolArray


def _edge_speeds(edges: pd.DataFrame, mode: TravelMode) -> _EdgeSpeeds:
    """Return minutes and snappability of every edge for a mode."""
    codes, kinds = pd.factorize(edges["highway"])
    roads = [mode.classes.get(str(kind)) for kind in kinds]
    # A missing class has code -1, which picks what is appended last: not passable.
    speed = np.array([np.nan if road is None else road.speed_kmh for road in roads] + [np.nan])[codes]
    snappable = np.array([road is None or road.snap for road in roads] + [True], dtype=bool)[codes]
    ferry = np.array([str(kind) == FERRY for kind in kinds] + [False], dtype=bool)[codes]
    speed[ferry] = np.nan if mode.ferry_kmh is None else mode.ferry_kmh
    speed = _with_overrides(speed, ferry, edges, mode)
    if mode.use_maxspeed and "maxspeed_kmh" in edges:
        posted = edges["maxspeed_kmh"].to_numpy(dtype=np.float64, na_value=np.nan)
        speed = np.where((posted > 0.0) & ~ferry, np.minimum(speed, posted), speed)
    minutes = edges["length_m"].to_numpy(dtype=np.float64) / (speed * METRES_PER_MINUTE_PER_KMH)
    if "duration_minutes" in edges:
        stated = edges["duration_minutes"].to_numpy(dtype=np.float64, na_value=np.nan)
        minutes = np.where((stated > 0.0) & np.isfinite(minutes), stated, minutes)
    for column in ("bridge", "tunnel"):
        if column in edges:
            snappable &= ~edges[column].fillna(value=False).to_numpy(dtype=bool)
    # No edge is free of time unless it is free of length: otherwise speed would know no bound.
    minutes = np.maximum(quantise_minutes(minutes), np.where(edges["length_m"].to_numpy() > 0.0, TICK, 0.0))
    return _EdgeSpeeds(minutes, snappable & ~ferry)


def _with_overrides(speed: FloatArray, ferry: BoolArray, edges: pd.DataFrame, mode: TravelMode) -> FloatArray:
    """Return speeds after what an edge says of the mode: forbidden, or (on land) allowed, at the slowest."""
    if mode.id not in edges:
        return speed
    said = edges[mode.id].astype("boolean")
    slowest = min(road.speed_kmh for road in mode.classes.values())
    speed = np.where(said.fillna(value=True).to_numpy(dtype=bool), speed, np.nan)
    allowed = said.fillna(value=False).to_numpy(dtype=bool) & ~ferry
    return np.where(allowed & np.isnan(speed), slowest, speed)


def _oneway(edges: pd.DataFrame, mode: TravelMode) -> NDArray[np.int8]:
    """Return 1, -1 or 0 per edge; 0 throughout for a mode that need not heed one-way roads."""
    if not mode.oneway or "oneway" not in edges:
        return np.zeros(len(edges), dtype=np.int8)
    return edges["oneway"].fillna(0).to_numpy(dtype=np.int8)


def _require_sound(nodes: pd.DataFrame, edges: pd.DataFrame) -> None:
    """Raise ``NetworkError`` that lists every fault of the two tables."""
    faults: list[str] = []
    positions = {"x", "y"} <= set(nodes.columns) or {"lon", "lat"} <= set(nodes.columns)
    if "node_id" not in nodes or not positions:
        faults.append("结点表缺少列：应有 node_id，以及 x、y 或 lon、lat")
    missing = [name for name in ("from_node", "to_node", "length_m", "highway") if name not in edges]
    if missing:
        faults.append(f"路段表缺少列：{'、'.join(missing)}")
    if faults:
        raise NetworkError("；".join(faults) + "。")
    if len(nodes) == 0 or len(edges) == 0:
        raise NetworkError(f"路网是空的：{len(nodes)} 个结点，{len(edges)} 条路段。请检查来源文件。")
    repeated = int(nodes["node_id"].duplicated().sum())
    if repeated:
        faults.append(f"有 {repeated} 个结点编号重复")
    known = pd.Index(nodes["node_id"].drop_duplicates())
    ends = [known.get_indexer(edges[column]) < 0 for column in ("from_node", "to_node")]
    dangling = np.flatnonzero(ends[0] | ends[1])
    if len(dangling):
        faults.append(f"有 {len(dangling)} 条路段的端点不在结点表中（首例在第 {dangling[0] + 1} 行）")
    length = edges["length_m"].to_numpy(dtype=np.float64, na_value=np.nan)
    bad = np.flatnonzero(~((length >= 0.0) & (length <= _MAX_EDGE_M)))
    if len(bad):
        example = f"首例在第 {bad[0] + 1} 行：{length[bad[0]]} 米"
        faults.append(f"有 {len(bad)} 条路段的长度缺失、为负或超过 1000 公里（{example}）")
    if faults:
        raise NetworkError("路网数据有误：" + "；".join(faults) + "。")


def _project(nodes: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    """Return x, y in metres of ``ALBERS``; ``NetworkError`` when the positions are no positions in China."""
    if {"x", "y"} <= set(nodes.columns):
        xy = nodes[["x", "y"]].to_numpy(dtype=np.float64)
    else:
        lon, lat = nodes["lon"].to_numpy(dtype=np.float64), nodes["lat"].to_numpy(dtype=np.float64)
        transformer = Transformer.from_crs(STORE_CRS, ALBERS, always_xy=True)
        xy = np.column_stack(transformer.transform(lon, lat))
    try:
        xy = metric_points(xy, "路网结点")
    except CrsError as error:
        raise NetworkError(str(error)) from error
    return xy[:, 0].copy(), xy[:, 1].copy()


def _order_nodes(
    x: FloatArray, y: FloatArray, start: IntArray, end: IntArray
) -> tuple[IntArray, IntArray, IntArray]:
    """Return the used nodes in Z-order, and the edge ends renumbered to it.

    Near nodes lie near in memory, which makes the search about a third faster than in the order of OSM ids.
    """
    used = np.zeros(len(x), dtype=bool)
    used[start] = True
    used[end] = True
    kept = np.flatnonzero(used).astype(np.int32)
    key = _interleave(x[kept]) | (_interleave(y[kept]) << np.uint64(1))
    kept = kept[np.lexsort((y[kept], x[kept], key))]
    number = np.full(len(x), -1, dtype=np.int32)
    number[kept] = np.arange(len(kept), dtype=np.int32)
    return kept, number[start], number[end]


def _interleave(values: FloatArray) -> NDArray[np.uint64]:
    """Return the coordinate's position on a 16-bit scale with a zero bit between every two bits."""
    span = float(values.max() - values.min()) or 1.0
    bits = ((values - values.min()) / span * 65535.0).astype(np.uint64)
    for shift, mask in ((16, 0x0000FFFF0000FFFF), (8, 0x00FF00FF00FF00FF), (4, 0x0F0F0F0F0F0F0F0F)):
        bits = (bits | (bits << np.uint64(shift))) & np.uint64(mask)
    bits = (bits | (bits << np.uint64(2))) & np.uint64(0x3333333333333333)
    found: NDArray[np.uint64] = (bits | (bits << np.uint64(1))) & np.uint64(0x5555555555555555)
    return found


def _compressed(
    n: int, start: IntArray, end: IntArray, speeds: _EdgeSpeeds, oneway: NDArray[np.int8]
) -> tuple[IntArray, IntArray, FloatArray, BoolArray]:
    """Return CSR arrays (indptr, indices, minutes, snappable) of the directed edges, the fastest of each
    pair.
    """
    ahead, back = np.flatnonzero(oneway >= 0), np.flatnonzero(oneway <= 0)
    edge = np.concatenate([ahead, back]).astype(np.int32)
    row = np.concatenate([start[ahead], end[back]])
    column = np.concatenate([end[ahead], start[back]])
    # The position of each edge travels through scipy's counting sort as its value; 0 would vanish, so from 1.
    table = coo_array((np.arange(1, len(edge) + 1, dtype=np.int32), (row, column)), shape=(n, n))
    table.has_canonical_format = True  # parallel edges are to be compared below, not added up
    matrix = table.tocsr()
    del table, row, column
    matrix.sort_indices()
    edge = edge[matrix.data - 1]
    weight, allowed = speeds.minutes[edge], speeds.snappable[edge]
    rows = np.repeat(np.arange(n, dtype=np.int32), np.diff(matrix.indptr))
    first = np.ones(len(edge), dtype=bool)
    first[1:] = (rows[1:] != rows[:-1]) | (matrix.indices[1:] != matrix.indices[:-1])
    if first.all():
        return matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32), weight, allowed
    group = np.flatnonzero(first)
    fastest = np.minimum.reduceat(weight, group)
    # A trip may start on the fastest of them only, or it would board a ferry in mid-river.
    allowed &= weight == np.repeat(fastest, np.diff(np.append(group, len(weight))))
    weight, allowed = fastest, np.logical_or.reduceat(allowed, group)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows[group], minlength=n))]).astype(np.int32)
    return indptr, matrix.indices[group].astype(np.int32), weight, allowed


def _parts(
    indptr: IntArray, indices: IntArray, smallest: int, *, symmetric: bool
) -> tuple[BoolArray, IntArray, BoolArray]:
    """Return ``major``, ``piece`` and ``isolated`` of `Network` for its edges."""
    n = len(indptr) - 1
    pattern = csr_array((np.ones(len(indices), dtype=np.int8), indices, indptr), shape=(n, n))
    _, piece = connected_components(pattern, directed=True, connection="weak")
    label = piece if symmetric else connected_components(pattern, directed=True, connection="strong")[1]
    size: NDArray[np.int64] = np.bincount(label)
    major: BoolArray = size[label] >= smallest
    isolated: BoolArray = np.bincount(piece, weights=major)[piece] == 0
    return major, piece.astype(np.int32), isolated
