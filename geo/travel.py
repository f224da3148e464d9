"""Minutes from every population cell to its nearest facility, over a network or in a straight line."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from geo.errors import CoverageError
from geo.modes import MAX_LABELS, MAX_MINUTES, TICK, TravelMode, pack, quantise_minutes, unpack
from geo.network import Network
from geo.off_road import direct_walks, packed_lines, uncovered_lines
from geo.points import metric_points
from geo.snapping import Snap, snap_points

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]
BoolArray = NDArray[np.bool_]
Direction = Literal["to_facility", "from_facility"]
Method = Literal["network", "straight"]

METHOD_NAMES: dict[Method, str] = {"network": "路网", "straight": "直线距离"}

FAR_M: float = 200_000.0
"""Facilities that all lie farther than this from every cell are taken for a mistake, not for a result."""


@dataclass(frozen=True, eq=False)
class TravelResult:
    """Travel to the nearest facility, one entry per cell in the caller's order.

    ``minutes``: float64, NaN where unreachable or beyond ``max_minutes``. ``facility``: int32, the row of
    the nearest facility in the caller's table, -1 where none. ``reachable``: bool. ``straight``: bool, the
    cell's answer is that of a straight line, for want of roads near it or near its facility. ``around``:
    bool, that line leads round water or over a crossing. ``unplaced``: int32, the rows of facilities that
    the network does not cover.
    """

    minutes: FloatArray
    facility: IntArray
    reachable: BoolArray
    straight: BoolArray
    around: BoolArray
    method: Method
    mode: str
    max_minutes: float
    unplaced: IntArray

    @property
    def method_name(self) -> str:
        """What a map must state: 路网 or 直线距离."""
        return METHOD_NAMES[self.method]


def nearest_facility_network(
    network: Network,
    facilities_xy: ArrayLike,
    cells_xy: ArrayLike,
    *,
    max_minutes: float | None = None,
    facility_ids: ArrayLike | None = None,
    direction: Direction = "to_facility",
    cells_snap: Snap | None = None,
) -> TravelResult:
    """Return the minutes over the network from every cell to its nearest facility, straight where it is not.

    One multi-source shortest-path run from all facilities at once (Dijkstra 1959, scipy.sparse.csgraph);
    with ``direction="to_facility"`` over the edges turned round, so that the time is that of the trip cell
    → facility; ``"from_facility"`` is the ambulance's or the fire engine's. Both ends walk from their place
    to the nearest point of an edge. A cell and a facility on the same edge meet along it. Neighbours walk
    from door to door where that is sooner, and what the network does not cover is reached in a straight line:
    see ``geo.off_road``.

    ``facilities_xy``, ``cells_xy``: shape (n, 2), metres of ``ALBERS``. ``max_minutes``: search radius;
    what lies beyond it is unreachable. Ties go to the lowest row, or to the smallest of ``facility_ids``
    where these are given, which makes the answer independent of the order of the rows. ``cells_snap``: what
    ``snap_points`` gave for the same cells and network, to save repeating it.

    Raises ``CoverageError`` when there is no facility, ``CrsError`` for coordinates that are not in the
    measuring CRS.
    """
    facilities = metric_points(facilities_xy, "设施")
    cells = metric_points(cells_xy, "人口格网")
    radius = search_minutes(max_minutes)
    require_facilities(facilities, cells)
    cells_at = snap_points(network, cells) if cells_snap is None else cells_snap
    if len(cells_at) != len(cells):
        raise CoverageError(f"接入结果有 {len(cells_at)} 个点，格网有 {len(cells)} 个，两者不是同一份格网。")
    facilities_at = snap_points(network, facilities, exact=True)
    rank = tie_rank(facility_ids, len(facilities))
    return solve_network(network, facilities_at, cells_at, rank, max_minutes=radius, direction=direction)


def solve_network(
    network: Network,
    facilities_at: Snap,
    cells_at: Snap,
    rank: NDArray[np.int64],
    *,
    max_minutes: float,
    direction: Direction = "to_facility",
) -> TravelResult:
    """Return ``nearest_facility_network`` for places already put onto the network; no facility is an answer
    too.

    ``rank``: place of each facility in the order of ties, a permutation of 0 … n-1.
    """
    packed = np.full(len(cells_at), np.inf)
    if facilities_at.found.any() and cells_at.found.any():
        at_node = _node_times(network, facilities_at, rank, max_minutes, direction)
        forth = direction == "to_facility"
        to_a = cells_at.leave_a if forth else cells_at.arrive_a
        to_b = cells_at.leave_b if forth else cells_at.arrive_b
        rows = np.flatnonzero(cells_at.found)
        through_a = at_node[cells_at.a[rows]] + to_a[rows]
        through_b = at_node[cells_at.b[rows]] + to_b[rows]
        packed[rows] = np.minimum(through_a, through_b)
        _meet_on_edges(network, facilities_at, cells_at, rank, packed=packed, forth=forth)
        packed[rows] += cells_at.access_minutes[rows]
        walks = direct_walks(network, facilities_at, cells_at)
        np.minimum.at(packed, walks.cell, pack(walks.minutes, rank[walks.site]))
    lines = uncovered_lines(network, facilities_at, cells_at, rank, max_minutes)
    straight = ~cells_at.found | (lines.packed < packed)
    minutes, facility, reachable = _decode(np.minimum(packed, lines.packed), rank, max_minutes)
    return TravelResult(
        minutes=minutes,
        facility=facility,
        reachable=reachable,
        straight=straight,
        around=straight & lines.around & reachable,
        method="network",
        mode=network.mode.id,
        max_minutes=max_minutes,
        unplaced=np.flatnonzero(~facilities_at.found).astype(np.int32),
    )


def _node_times(
    network: Network, facilities_at: Snap, rank: NDArray[np.int64], max_minutes: float, direction: Direction
) -> FloatArray:
    """Return the packed minutes (and facility rank) between every node and its nearest facility.

    All facilities hang on one extra node by edges as long as their access legs, so that one run serves them
    all.
    """
    if direction == "to_facility":
        (indptr, indices, minutes), legs = (
            network.reversed_edges,
            (facilities_at.arrive_a, facilities_at.arrive_b),
        )
    else:
        indptr, indices, minutes = network.indptr, network.indices, network.minutes
        legs = (facilities_at.leave_a, facilities_at.leave_b)
    rows = np.flatnonzero(facilities_at.found)
    node = np.concatenate([facilities_at.a[rows], facilities_at.b[rows]])
    leg = np.concatenate([facilities_at.access_minutes[rows] + side[rows] for side in legs])
    start = pack(leg, np.tile(rank[rows], 2))
    order = np.lexsort((start, node))
    order = order[np.isfinite(start[order])]
    node, start = node[order], start[order]
    first = np.ones(len(node), dtype=bool)
    first[1:] = node[1:] != node[:-1]
    n = network.node_count
    graph = csr_array(
        (
            np.concatenate([minutes, start[first]]),
            np.concatenate([indices, node[first].astype(np.int32)]),
            np.concatenate([indptr, [len(indices) + int(first.sum())]]).astype(np.int32),
        ),
        shape=(n + 1, n + 1),
    )
    times: FloatArray = dijkstra(graph, directed=True, indices=n, limit=max_minutes + TICK)
    return times[:n]


def _meet_on_edges(
    network: Network,
    facilities_at: Snap,
    cells_at: Snap,
    rank: NDArray[np.int64],
    *,
    packed: FloatArray,
    forth: bool,
) -> None:
    """Lower ``packed`` (in place) for cells that have a facility on their own edge, without any node."""
    n = np.int64(network.node_count)
    rows = np.flatnonzero(facilities_at.found)
    key = facilities_at.a[rows] * n + facilities_at.b[rows]
    order = np.argsort(key, kind="stable")
    rows, key = rows[order], key[order]
    cells = np.flatnonzero(cells_at.found)
    wanted = cells_at.a[cells] * n + cells_at.b[cells]
    low, high = np.searchsorted(key, wanted, "left"), np.searchsorted(key, wanted, "right")
    count = high - low
    pair = np.flatnonzero(count > 0)
    owner = np.repeat(pair, count[pair])
    offset = np.arange(len(owner)) - np.repeat(np.cumsum(count[pair]) - count[pair], count[pair])
    facility, cell = rows[low[owner] + offset], cells[owner]
    along = _along_edge(facilities_at, cells_at, facility, cell, forth=forth)
    direct = pack(along + facilities_at.access_minutes[facility], rank[facility])
    np.minimum.at(packed, cell, direct)


def _along_edge(
    facilities_at: Snap,
    cells_at: Snap,
    facility: NDArray[np.int64],
    cell: NDArray[np.int64],
    *,
    forth: bool,
) -> FloatArray:
    """Return the minutes between cells and facilities on the same edge, in the direction of the trip."""
    start, begin, end, finish = (
        (cells_at, cell, facilities_at, facility) if forth else (facilities_at, facility, cells_at, cell)
    )
    forward = end.fraction[finish] > start.fraction[begin]
    later = np.where(forward, end.arrive_a[finish], end.arrive_b[finish])
    sooner = np.where(forward, start.arrive_a[begin], start.arrive_b[begin])
    # Against a one-way road the later time is infinite, and so is the difference.
    along = np.subtract(later, sooner, out=np.full(len(later), np.inf), where=np.isfinite(later))
    same = end.fraction[finish] == start.fraction[begin]
    return np.where(same, 0.0, along)


def nearest_facility_straight(
    facilities_xy: ArrayLike,
    cells_xy: ArrayLike,
    *,
    mode: TravelMode,
    max_minutes: float | None = None,
    facility_ids: ArrayLike | None = None,
) -> TravelResult:
    """Return the minutes of every cell to its nearest facility: distance × detour factor / speed of ``mode``.

    Arguments, ties and errors as in ``nearest_facility_network``. A map of this result must say 直线距离.
    """
    facilities = metric_points(facilities_xy, "设施")
    cells = metric_points(cells_xy, "人口格网")
    radius = search_minutes(max_minutes)
    require_facilities(facilities, cells)
    return solve_straight(facilities, cells, mode, radius, tie_rank(facility_ids, len(facilities)))


def solve_straight(
    facilities: FloatArray, cells: FloatArray, mode: TravelMode, max_minutes: float, rank: NDArray[np.int64]
) -> TravelResult:
    """Return ``nearest_facility_straight`` for checked points; no facility is an answer too."""
    packed, around = packed_lines(facilities, cells, rank, mode, max_minutes)
    minutes, facility, reachable = _decode(packed, rank, max_minutes)
    return TravelResult(
        minutes=minutes,
        facility=facility,
        reachable=reachable,
        straight=np.ones(len(cells), dtype=bool),
        around=around & reachable,
        method="straight",
        mode=mode.id,
        max_minutes=max_minutes,
        unplaced=np.zeros(0, dtype=np.int32),
    )


def _decode(
    packed: FloatArray, rank: NDArray[np.int64], max_minutes: float
) -> tuple[FloatArray, IntArray, BoolArray]:
    """Return (minutes, facility row, reachable) of packed times."""
    minutes, label = unpack(packed)
    reachable = minutes <= max_minutes
    row_of = np.argsort(rank).astype(np.int32)
    facility = np.full(len(packed), -1, dtype=np.int32)
    facility[reachable] = row_of[label[reachable]]
    return np.where(reachable, minutes, np.nan), facility, reachable


def search_minutes(max_minutes: float | None) -> float:
    """Return the search radius in minutes, at most ``MAX_MINUTES``; ``CoverageError`` unless positive.

    Quantised as all minutes are: what takes exactly that long is found, and a threshold may be as long.
    """
    if max_minutes is None:
        return MAX_MINUTES
    if not max_minutes > 0.0:
        raise CoverageError(f"搜索半径应为正数（分钟），收到 {max_minutes}。")
    return min(float(quantise_minutes(max_minutes)), MAX_MINUTES)


def tie_rank(facility_ids: ArrayLike | None, count: int) -> NDArray[np.int64]:
    """Return each facility's place in the order of ties: by id where given, else by row."""
    if facility_ids is None:
        return np.arange(count, dtype=np.int64)
    ids = np.asarray(facility_ids)
    if len(ids) != count:
        raise CoverageError(f"设施编号有 {len(ids)} 个，设施有 {count} 个，应一一对应。")
    rank = np.empty(count, dtype=np.int64)
    rank[np.argsort(ids, kind="stable")] = np.arange(count)
    return rank


def require_facilities(facilities: FloatArray, cells: FloatArray) -> None:
    """Raise ``CoverageError`` when there is nothing to reach, nobody to reach it, or all of it lies
    elsewhere.
    """
    if len(facilities) == 0:
        raise CoverageError("没有该类型的设施，无法计算覆盖。请先导入设施，或换一个设施类型、等级。")
    if len(facilities) > MAX_LABELS:
        raise CoverageError(f"设施有 {len(facilities)} 个，一次最多 {MAX_LABELS} 个。请分类型计算。")
    if len(cells) == 0:
        raise CoverageError("人口格网是空的，没有可计算的格。请检查所选区域或人口数据。")
    west, south = cells.min(axis=0) - FAR_M
    east, north = cells.max(axis=0) + FAR_M
    x, y = facilities[:, 0], facilities[:, 1]
    if not ((x >= west) & (x <= east) & (y >= south) & (y <= north)).any():
        raise CoverageError(
            f"全部 {len(facilities)} 个设施都在研究范围以外 {FAR_M / 1000:.0f} 公里之外。"
            "请检查设施的坐标基准、经纬度顺序，或所选区域。"
        )
