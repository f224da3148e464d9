"""Which cells each of many sites reaches within a time: the sparse table that siting chooses from, and that
floating catchments weigh (``geo.reach``).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from geo.errors import CoverageError
from geo.land_lines import OnLand
from geo.modes import TICK, TravelMode, quantise_minutes
from geo.network import Network
from geo.off_road import Lines, direct_walks
from geo.points import build_tree, metric_points
from geo.snapping import Snap, snap_points
from geo.travel import _along_edge

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MAX_PAIRS = 200_000_000
"""Pairs of site and cell that one table may hold (about 3 GB); beyond it the question is too large."""

_AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class Reach:
    """Pairs of site and cell within the search radius, by site.

    Site j owns the entries ``start[j]:start[j + 1]`` of ``cell`` (int32, ascending) and of ``minutes``
    (float64). ``cells``: how many cells there are.
    """

    start: IntArray
    cell: NDArray[np.int32]
    minutes: FloatArray
    cells: int

    @property
    def site(self) -> NDArray[np.int32]:
        """The site of each pair."""
        return np.repeat(np.arange(self.sites, dtype=np.int32), np.diff(self.start))

    @property
    def sites(self) -> int:
        """How many sites there are."""
        return len(self.start) - 1

    def of(self, site: int) -> tuple[NDArray[np.int32], FloatArray]:
        """Return the cells that a site reaches, and their minutes."""
        part = slice(int(self.start[site]), int(self.start[site + 1]))
        return self.cell[part], self.minutes[part]

    def within(self, minutes: float) -> "Reach":
        """Return the pairs of at most so many minutes."""
        kept = self.minutes <= float(quantise_minutes(minutes))
        before = np.concatenate([[0], np.cumsum(kept)])
        return Reach(before[self.start], self.cell[kept], self.minutes[kept], self.cells)


def reach_straight(
    sites_xy: ArrayLike, cells_xy: ArrayLike, *, mode: TravelMode, max_minutes: float
) -> Reach:
    """Return which cells each site reaches: distance × detour factor / speed of ``mode`` ≤ ``max_minutes``.

    Coordinates in metres of ``ALBERS``. The minutes are those of ``geo.travel.nearest_facility_straight`` for
    the site alone. No line crosses the mode's waters.
    Raises ``CrsError`` for other coordinates, ``CoverageError`` for more than ``MAX_PAIRS``.
    """
    sites, cells = metric_points(sites_xy, "候选点"), metric_points(cells_xy, "人口格网")
    speed = mode.straight_m_per_minute
    limit = np.nextafter((max_minutes + TICK) * speed, np.inf)
    parts: list[tuple[NDArray[np.int32], FloatArray]] = []
    tree = build_tree(cells) if len(cells) else None
    on_land = None if mode.waters is None else OnLand(mode.waters, cells, limit)
    pairs = 0
    for site in sites:
        near = [] if tree is None else tree.query_ball_point(site, limit)
        found = np.sort(np.asarray(near, dtype=np.int32))
        metres = np.sqrt(((cells[found] - site) ** 2).sum(axis=1))
        if on_land is not None:
            metres = on_land.metres(site, found.astype(np.int64), metres)
        parts.append(_within(found, quantise_minutes(metres / speed), max_minutes))
        pairs += len(parts[-1][0])
        require_room(pairs)
    return _table(parts, len(cells))


def reach_network(network: Network, sites_xy: ArrayLike, cells_xy: ArrayLike, *, max_minutes: float) -> Reach:
    """Return which cells reach each site over the network within ``max_minutes`` (trips cell → site).

    The minutes are those of ``geo.travel.nearest_facility_network`` for the site alone: shortest paths from
    a few sites at once over the edges turned round, walks between neighbours, straight lines for what the
    network does not cover. Raises as `reach_straight`.
    """
    sites, cells = metric_points(sites_xy, "候选点"), metric_points(cells_xy, "人口格网")
    sites_at = snap_points(network, sites, exact=True)
    return reach_snapped(network, sites_at, snap_points(network, cells), max_minutes=max_minutes)


def reach_snapped(network: Network, sites_at: Snap, cells_at: Snap, *, max_minutes: float) -> Reach:
    """Return `reach_network` of places that are put onto the network already."""
    lines = Lines(network, cells_at, max_minutes)
    parts = [
        lines.of(place, covered=bool(covered))
        for place, covered in zip(sites_at.xy, sites_at.found, strict=True)
    ]
    pairs = sum(len(cell) for cell, _ in parts)
    require_room(pairs)
    placed = np.flatnonzero(sites_at.found)
    rows = np.flatnonzero(cells_at.found)
    same_edge = _cells_by_edge(network, cells_at, rows)
    walks = direct_walks(network, sites_at, cells_at)
    walks_of = np.searchsorted(walks.site, np.arange(len(sites_at) + 1))
    for first in range(0, len(placed), _AT_ONCE):
        group = placed[first : first + _AT_ONCE]
        for site, at_node in zip(group, _node_minutes(network, sites_at, group, max_minutes), strict=True):
            minutes = np.minimum(
                at_node[cells_at.a[rows]] + cells_at.leave_a[rows],
                at_node[cells_at.b[rows]] + cells_at.leave_b[rows],
            )
            _meet(
                network,
                sites_at,
                cells_at,
                site=int(site),
                same_edge=same_edge,
                rows=rows,
                minutes=minutes,
            )
            minutes += cells_at.access_minutes[rows]
            own = slice(walks_of[site], walks_of[site + 1])
            at = np.searchsorted(rows, walks.cell[own])
            minutes[at] = np.minimum(minutes[at], walks.minutes[own])
            near = np.isfinite(minutes)
            by_road = _within(rows[near].astype(np.int32), minutes[near], max_minutes)
            parts[int(site)] = _in_order(by_road, parts[int(site)])
            pairs += len(by_road[0])
            require_room(pairs)
    return _table(parts, len(cells_at.found))


def _in_order(
    one: tuple[NDArray[np.int32], FloatArray], two: tuple[NDArray[np.int32], FloatArray]
) -> tuple[NDArray[np.int32], FloatArray]:
    """Return the pairs of two lists that share no cell, by cell."""
    if len(two[0]) == 0:
        return one
    cell, minutes = (np.concatenate([first, second]) for first, second in zip(one, two, strict=True))
    order = np.argsort(cell, kind="stable")
    return cell[order], minutes[order]


def _node_minutes(
    network: Network, sites_at: Snap, group: NDArray[np.intp], max_minutes: float
) -> FloatArray:
    """Return the minutes from every node to each site of a group (rows), each on a node of its own."""
    indptr, indices, minutes = network.reversed_edges
    n, k = network.node_count, len(group)
    heads, costs, counts = [], [], []
    for site in group:
        legs = sites_at.access_minutes[site] + np.array([sites_at.arrive_a[site], sites_at.arrive_b[site]])
        node = np.array([sites_at.a[site], sites_at.b[site]], dtype=np.int32)
        open_leg = np.isfinite(legs)
        node, legs = node[open_leg], legs[open_leg]
        if len(node) == 2 and node[0] == node[1]:
            node, legs = node[:1], np.array([legs.min()])
        order = np.argsort(node, kind="stable")
        heads.append(node[order])
        costs.append(legs[order])
        counts.append(len(node))
    graph = csr_array(
        (
            np.concatenate([minutes, *costs]),
            np.concatenate([indices, *heads]).astype(np.int32),
            np.concatenate([indptr, len(indices) + np.cumsum(counts)]).astype(np.int32),
        ),
        shape=(n + k, n + k),
    )
    times: FloatArray = dijkstra(graph, directed=True, indices=np.arange(n, n + k), limit=max_minutes + TICK)
    return times[:, :n]


def _cells_by_edge(
    network: Network, cells_at: Snap, rows: NDArray[np.intp]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the edge keys of the placed cells in ascending order, and the cells' places in ``rows``."""
    key = cells_at.a[rows].astype(np.int64) * np.int64(network.node_count) + cells_at.b[rows]
    order = np.argsort(key, kind="stable")
    return key[order], order


def _meet(
    network: Network,
    sites_at: Snap,
    cells_at: Snap,
    *,
    site: int,
    same_edge: tuple[NDArray[np.int64], NDArray[np.int64]],
    rows: NDArray[np.intp],
    minutes: FloatArray,
) -> None:
    """Lower ``minutes`` (in place) for cells on the site's own edge, which need no node."""
    keys, order = same_edge
    wanted = np.int64(sites_at.a[site]) * np.int64(network.node_count) + np.int64(sites_at.b[site])
    low, high = np.searchsorted(keys, wanted, "left"), np.searchsorted(keys, wanted, "right")
    if low == high:
        return
    at = order[low:high]
    cell = rows[at].astype(np.int64)
    along = _along_edge(sites_at, cells_at, np.full(len(cell), site, dtype=np.int64), cell, forth=True)
    minutes[at] = np.minimum(minutes[at], along + sites_at.access_minutes[site])


def _within(
    cell: NDArray[np.int32], minutes: FloatArray, max_minutes: float
) -> tuple[NDArray[np.int32], FloatArray]:
    kept = minutes <= float(quantise_minutes(max_minutes))
    return cell[kept], minutes[kept]


def require_room(pairs: int) -> None:
    """Raise ``CoverageError`` for more than ``MAX_PAIRS`` pairs."""
    if pairs > MAX_PAIRS:
        raise CoverageError(
            f"设施或候选点与格网的组合超过 {MAX_PAIRS:,} 对，内存放不下。请缩小范围、缩短时间或减少设施。"
        )


def _table(parts: list[tuple[NDArray[np.int32], FloatArray]], cells: int) -> Reach:
    counts = np.array([len(cell) for cell, _ in parts], dtype=np.int64)
    return Reach(
        start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        cell=np.concatenate([np.zeros(0, dtype=np.int32), *(cell for cell, _ in parts)]),
        minutes=np.concatenate([np.zeros(0), *(minutes for _, minutes in parts)]),
        cells=cells,
    )
