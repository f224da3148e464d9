"""The nearest of many places, and all within reach of one, where straight lines stop at water.

Without water in between these are the distances of a KD-tree, bit for bit; the others go round the water or
over its crossings (``geo.waters``). No way is shorter than the straight line, so whatever lies within reach
lies within that distance too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo.points import build_tree, nearest_points
from geo.waters import Waters

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_FIRST_NEIGHBOURS, _MORE = 4, 4
_PLACES_AT_ONCE = 4_000


class Nearest(NamedTuple):
    """Per place: metres to the nearest point (inf: none), its row (-1), whether the way leads round water
    or over a crossing.
    """

    metres: FloatArray
    point: IntArray
    around: BoolArray


def nearest_on_land(
    points: FloatArray, places: FloatArray, *, limit_m: float, waters: Waters | None
) -> Nearest:
    """Return the nearest of ``points`` to each of ``places``, shape (n, 2), within ``limit_m``.

    Of equally near points the lowest index.
    """
    tree = build_tree(points)
    metres, index = nearest_points(tree, points, places, limit_m=limit_m)
    around = np.zeros(len(places), dtype=bool)
    if waters is None:
        return Nearest(metres, index, around)
    rows = np.flatnonzero(index >= 0)
    search = _Search(tree, points, waters.ashore(points), waters, limit_m)
    places_at = waters.ashore(places[rows])
    apart = ~waters.clear(places_at, search.points_at[index[rows]])
    rows, places_at = rows[apart], places_at[apart]
    for part in np.array_split(np.arange(len(rows)), max(1, -(-len(rows) // _PLACES_AT_ONCE))):
        own = rows[part]
        metres[own], index[own], around[own] = search.nearest(places[own], places_at[part])
    return Nearest(metres, index, around)


@dataclass(frozen=True, eq=False)
class _Search:
    """The points that are looked for, and from where they look around (``points_at``)."""

    tree: cKDTree
    points: FloatArray
    points_at: FloatArray
    waters: Waters
    limit_m: float

    def nearest(self, places: FloatArray, places_at: FloatArray) -> Nearest:
        """Return the nearest point to places that water parts from the nearest in a straight line."""
        by_way, way_index = self._by_nodes(places, places_at)
        direct, direct_index = self._in_sight(places, places_at, np.minimum(by_way, self.limit_m))
        around = (by_way < direct) | ((by_way == direct) & (way_index < direct_index))
        metres = np.where(around, by_way, direct)
        return Nearest(metres, np.where(around, way_index, direct_index), around & np.isfinite(metres))

    def _by_nodes(self, places: FloatArray, places_at: FloatArray) -> tuple[FloatArray, IntArray]:
        """Return the metres and the index of the nearest point by way of some node; (inf, -1)."""
        waters = self.waters
        node_metres, node_index = self._at_nodes
        best, chosen = np.full(len(places), np.inf), np.full(len(places), -1, dtype=np.int64)
        nodes = np.flatnonzero(np.isfinite(node_metres))
        # In the order of what they lead to: of equally short ways the first is that of the lowest index.
        nodes = nodes[np.argsort(node_index[nodes], kind="stable")]
        if len(nodes) == 0 or len(places) == 0:
            return best, chosen
        x, y = (places[:, None, axis] - waters.nodes[nodes, axis] for axis in (0, 1))
        total = node_metres[nodes] + np.sqrt(x * x + y * y)
        rows = np.arange(len(places))
        while len(rows):
            column = total.argmin(axis=1)
            metres = total[np.arange(len(rows)), column]
            seen = np.zeros(len(rows), dtype=bool)
            within = np.flatnonzero(metres <= self.limit_m)
            ends = waters.shores[nodes[column[within]]]
            seen[within] = waters.clear(places_at[rows[within]], ends)
            best[rows[seen]] = metres[seen]
            chosen[rows[seen]] = node_index[nodes[column[seen]]]
            still = ~seen & (metres <= self.limit_m)
            rows, total, column = rows[still], total[still], column[still]
            total[np.arange(len(rows)), column] = np.inf
        return best, chosen

    @cached_property
    def _at_nodes(self) -> tuple[FloatArray, IntArray]:
        """The metres and the index of the nearest point to every node on land; (inf, -1) beyond."""
        waters, points = self.waters, self.points
        count = len(waters.nodes)
        first, chosen = np.full(count, np.inf), np.full(count, -1, dtype=np.int64)
        near = np.flatnonzero(waters.near(points, self.limit_m))
        if count == 0 or len(near) == 0:
            return first, chosen
        found = build_tree(waters.nodes).query_ball_point(points[near], np.nextafter(self.limit_m, np.inf))
        point = np.repeat(near, [len(one) for one in found])
        node = np.concatenate([np.asarray(one, dtype=np.int64) for one in found])
        seen = waters.clear(self.points_at[point], waters.shores[node])
        point, node = point[seen], node[seen]
        metres = _metres(points[point] - waters.nodes[node])
        order = np.lexsort((point, metres, node))
        node, first_of = np.unique(node[order], return_index=True)
        first[node], chosen[node] = metres[order][first_of], point[order][first_of]
        total = first[:, None] + waters.ways
        best = total.min(axis=0)
        tied = np.where(total == best, chosen[:, None], np.iinfo(np.int64).max).min(axis=0)
        return best, np.where(np.isfinite(best), tied, -1)

    def _in_sight(
        self, places: FloatArray, places_at: FloatArray, bound: FloatArray
    ) -> tuple[FloatArray, IntArray]:
        """Return the metres and the index of the nearest point that each place sees; (inf, -1) beyond
        ``bound``.
        """
        count = len(self.points)
        best, chosen = np.full(len(places), np.inf), np.full(len(places), -1, dtype=np.int64)
        rows, neighbours = np.arange(len(places)), _FIRST_NEIGHBOURS
        while len(rows):
            asked = min(neighbours, count)
            metres, index = self.tree.query(places[rows], k=[*range(1, asked + 1)], workers=-1)
            order = np.lexsort((index, metres), axis=1)
            metres, index = (np.take_along_axis(one, order, axis=1) for one in (metres, index))
            # Among those as far as the last one asked for, others may stand first: they wait for the next
            # turn.
            last = np.full(len(rows), np.inf) if asked == count else metres[:, -1]
            still = np.ones(len(rows), dtype=bool)
            for turn in range(asked):
                at = np.flatnonzero(still & (metres[:, turn] <= bound[rows]) & (metres[:, turn] < last))
                seen = self.waters.clear(places_at[rows[at]], self.points_at[index[at, turn]])
                hit = at[seen]
                best[rows[hit]], chosen[rows[hit]] = metres[hit, turn], index[hit, turn]
                still[hit] = False
            rows = rows[still & (last <= bound[rows])] if asked < count else rows[:0]
            neighbours *= _MORE
        return best, chosen


def _metres(offset: FloatArray) -> FloatArray:
    metres: FloatArray = np.sqrt((offset**2).sum(axis=-1))
    return metres


class OnLand:
    """How far many places are from any one site, where straight lines stop at water."""

    def __init__(self, waters: Waters, places: FloatArray, limit_m: float) -> None:
        """Take the places (n, 2) that are asked for again and again, and how far is looked."""
        self._waters, self._places, self._limit = waters, places, limit_m
        self._places_at = waters.ashore(places)
        self._moved = float(_metres(self._places_at - places).max(initial=0.0))
        self._tree = build_tree(places)
        self._views: dict[int, tuple[IntArray, FloatArray]] = {}
        self._best = np.full(len(places), np.inf)

    def metres(self, site: FloatArray, rows: IntArray, metres: FloatArray) -> FloatArray:
        """Return the metres from a site (2,) to the places ``rows``, inf beyond the limit.

        ``rows``: every place within the limit in a straight line, ``metres``: these lines.
        """
        waters = self._waters
        if len(rows) == 0 or not waters.near(site[None], self._limit)[0]:
            return metres
        shore = waters.ashore(site[None])[0]
        within = self._limit + self._moved + float(_metres(shore - site))
        apart = ~waters.clear_from(shore, self._places_at[rows], within)
        if not apart.any():
            return metres
        to_nodes = waters.from_nodes(site, shore, self._limit)
        nodes = [int(node) for node in np.flatnonzero(to_nodes < self._limit)]
        for node in nodes:
            seen, leg = self._view(node)
            self._best[seen] = np.minimum(self._best[seen], to_nodes[node] + leg)
        found = np.where(apart, self._best[rows], metres)
        for node in nodes:
            self._best[self._view(node)[0]] = np.inf
        return np.where(found <= self._limit, found, np.inf)

    def _view(self, node: int) -> tuple[IntArray, FloatArray]:
        """Return the places that a node sees within the limit, and how far they are."""
        if node not in self._views:
            place, shore = self._waters.nodes[node], self._waters.shores[node]
            near = self._tree.query_ball_point(place, np.nextafter(self._limit, np.inf))
            rows = np.sort(np.asarray(near, dtype=np.int64))
            within = self._limit + self._moved + float(_metres(shore - place))
            rows = rows[self._waters.clear_from(shore, self._places_at[rows], within)]
            self._views[node] = rows, _metres(self._places[rows] - place)
        return self._views[node]
