"""Water that a straight line does not cross: the shortest way on land and over the known crossings.

A line between two places that meets no water is as long as ever. Another is as long as the shortest way
round the water or over its crossings (bridges, tunnels, ferries): through the corners of the outlines and the
ends of the crossings, as in a visibility graph (Lozano-Pérez & Wesley 1979). A place inside an outline
belongs to the nearest shore: what lies between it and another place is judged from there, the metres are
those from the place itself, for outlines of water are schematic and the people at their rims are not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from geo.points import build_tree

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

RIM_M: float = 0.5
"""How far inside its outline water begins: a way along a shore, or through a corner of it, touches none."""

_SQUARE_M = 2_000.0
_WIDER = 1e-6
"""By how much (radians) a side is taken for wider than it looks, so that no rounding loses one."""


@dataclass(frozen=True, eq=False)
class Waters:
    """Water, and the places by which one passes it. Coordinates in metres of ``ALBERS``.

    ``shapes``: polygons that do not overlap. ``edges``: float64 (e, 4), the sides (x, y, x, y) of what nobody
    crosses, ``RIM_M`` inside the shapes. ``nodes``: float64 (k, 2), corners of the shapes and ends of the
    crossings; ``ways``: (k, k) metres between them on land and over crossings, inf where none leads. Made by
    `build_waters`.
    """

    shapes: tuple[shapely.Polygon, ...]
    edges: FloatArray
    nodes: FloatArray
    ways: FloatArray

    def __repr__(self) -> str:
        """Return a name that tells other waters apart: kept answers go by it."""
        return f"Waters({self._digest})"

    @cached_property
    def _digest(self) -> str:
        digest = hashlib.blake2b(digest_size=12)
        for part in (self.edges, self.nodes, self.ways):
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()

    @cached_property
    def shores(self) -> FloatArray:
        """From where each of the ``nodes`` looks around: itself, or the nearest shore."""
        return self.ashore(self.nodes)

    @cached_property
    def _nodes_moved(self) -> float:
        """How far the farthest node is from the shore from which it looks around."""
        return float(_metres(self.shores - self.nodes).max(initial=0.0))

    @cached_property
    def _squares(self) -> _Squares:
        return _Squares(self.shapes)

    @cached_property
    def _sides(self) -> shapely.STRtree:
        return shapely.STRtree(shapely.linestrings(self.edges.reshape(-1, 2, 2)))

    @cached_property
    def _outlines(self) -> shapely.STRtree:
        return shapely.STRtree(np.array(self.shapes, dtype=object))

    def near(self, xy: FloatArray, limit_m: float) -> BoolArray:
        """Return whether water may lie within ``limit_m`` of each place (n, 2); False is certain."""
        return self._squares.any_in(xy - limit_m, xy + limit_m)

    def ashore(self, xy: FloatArray) -> FloatArray:
        """Return the places (n, 2), those inside an outline moved to the nearest point of it."""
        maybe = np.flatnonzero(self.near(xy, 0.0))
        row, shape = self._outlines.query(shapely.points(xy[maybe]), predicate="within")
        if len(row) == 0:
            return xy
        moved, row = xy.copy(), maybe[row]
        rings = shapely.boundary(np.asarray(self.shapes, dtype=object)[shape])
        # Not by a distance along the rings: the end of one is as far along as the beginning of the next.
        legs = shapely.shortest_line(shapely.points(xy[row]), rings)
        moved[row] = shapely.get_coordinates(legs)[1::2]
        return moved

    def clear(self, start: FloatArray, end: FloatArray) -> BoolArray:
        """Return which straight lines between two places ashore, (n, 2) each, cross no water."""
        found = np.ones(len(start), dtype=bool)
        rows = np.flatnonzero(self._squares.any_in(np.minimum(start, end), np.maximum(start, end)))
        for part in np.array_split(rows, max(1, -(-len(rows) // 100_000))):
            lines = shapely.linestrings(np.stack([start[part], end[part]], axis=1))
            line, side = self._sides.query(lines)
            crossed = _cross(start[part][line].T, end[part][line].T, self.edges[side].T)
            found[part[line[crossed]]] = False
        return found

    def clear_from(self, place: FloatArray, others: FloatArray, within_m: float) -> BoolArray:
        """Return which straight lines from one place ashore (2,) to others, (n, 2), cross no water.

        All of these lie within ``within_m`` of the place.
        """
        found = np.ones(len(others), dtype=bool)
        sides = self.edges[self._sides.query(shapely.box(*(place - within_m), *(place + within_m)))]
        if len(sides) == 0 or len(others) == 0:
            return found
        side, other = _same_direction(place, sides, others)
        ends = np.broadcast_to(place[:, None], (2, len(other)))
        crossed = _cross(ends, others[other].T, sides[side].T)
        found[other[crossed]] = False
        return found

    def from_nodes(self, place: FloatArray, shore: FloatArray, limit_m: float) -> FloatArray:
        """Return the metres (k) from a place (2,), that looks around from ``shore``, to every node.

        inf beyond ``limit_m``.
        """
        metres = _metres(self.nodes - place)
        rows = np.flatnonzero(metres <= limit_m)
        within = limit_m + float(_metres(shore - place)) + self._nodes_moved
        rows = rows[self.clear_from(shore, self.shores[rows], within)]
        if len(rows) == 0:
            return np.full(len(self.nodes), np.inf)
        total = (metres[rows, None] + self.ways[rows]).min(axis=0)
        return np.where(total <= limit_m, total, np.inf)


class _Squares:
    """Which squares of the country hold water, counted so that any box is one look-up."""

    def __init__(self, shapes: Sequence[shapely.Polygon]) -> None:
        west, south, east, north = shapely.total_bounds(shapes) if len(shapes) else (0.0, 0.0, 0.0, 0.0)
        self._corner = np.array([west, south]) - _SQUARE_M
        self._size = np.ceil((np.array([east, north]) - self._corner) / _SQUARE_M).astype(np.int64) + 1
        low = self._corner + _SQUARE_M * np.indices((int(self._size[0]), int(self._size[1]))).reshape(2, -1).T
        _, square = shapely.STRtree(shapely.box(*low.T, *(low + _SQUARE_M).T)).query(
            np.array(shapes, dtype=object), predicate="intersects"
        )
        taken = np.zeros(len(low), dtype=np.int64)
        taken[square] = 1
        self._total = np.zeros(tuple(self._size + 1), dtype=np.int64)
        self._total[1:, 1:] = taken.reshape(self._size).cumsum(axis=0).cumsum(axis=1)

    def _square(self, xy: FloatArray) -> IntArray:
        found: IntArray = np.floor((xy - self._corner) / _SQUARE_M).astype(np.int64)
        return found

    def any_in(self, low: FloatArray, high: FloatArray) -> BoolArray:
        """Return whether the boxes from ``low`` to ``high``, (n, 2) each, touch a square with water."""
        a = np.clip(self._square(low), 0, self._size)
        b = np.clip(self._square(high) + 1, 0, self._size)
        total = self._total
        found: BoolArray = (
            total[b[:, 0], b[:, 1]]
            - total[a[:, 0], b[:, 1]]
            - total[b[:, 0], a[:, 1]]
            + total[a[:, 0], a[:, 1]]
        ) > 0
        return found


def _same_direction(place: FloatArray, sides: FloatArray, others: FloatArray) -> tuple[IntArray, IntArray]:
    """Return the pairs (side, other) that lie in one direction of a place: any other pair is no crossing."""
    direction = np.arctan2(*(others - place).T[::-1])
    order = np.argsort(direction, kind="stable")
    # Twice round, for a side may lie across the direction at which angles begin anew.
    around = np.concatenate([direction[order], direction[order] + 2.0 * np.pi])
    one, two = (np.arctan2(*(sides[:, ends] - place).T[::-1]) for ends in (slice(0, 2), slice(2, 4)))
    turn = (two - one + np.pi) % (2.0 * np.pi) - np.pi
    first = np.where(turn >= 0.0, one, two) - _WIDER
    first = np.where(first < -np.pi, first + 2.0 * np.pi, first)
    start = np.searchsorted(around, first, "left")
    count = np.searchsorted(around, first + np.abs(turn) + 2.0 * _WIDER, "right") - start
    side = np.repeat(np.arange(len(sides)), count)
    step = np.arange(len(side)) - np.repeat(np.cumsum(count) - count, count)
    return side, order[(start[side] + step) % len(others)]


def _cross(start: FloatArray, end: FloatArray, sides: FloatArray) -> BoolArray:
    """Return whether lines meet sides: arrays of x, y and of x, y, x, y in the first axis, broadcast beyond.

    Touching is meeting. A side lies across the line of sight where its ends lie on different hands of it, and
    the ends of the line on different hands of the side.
    """
    a, b = sides[:2], sides[2:]
    found: BoolArray = _turn(a, b, start) * _turn(a, b, end) <= 0.0
    found &= _turn(start, end, a) * _turn(start, end, b) <= 0.0
    return found


def _turn(a: FloatArray, b: FloatArray, c: FloatArray) -> FloatArray:
    """Return twice the area of a → b → c: above 0 where it turns to the left, x and y in the first axis."""
    turn: FloatArray = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return turn


def _metres(offset: FloatArray) -> FloatArray:
    metres: FloatArray = np.sqrt((offset**2).sum(axis=-1))
    return metres


def build_waters(
    shapes: Sequence[shapely.Geometry], crossings: ArrayLike = (), *, longest_m: float = 60_000.0
) -> Waters:
    """Return waters from their polygons, and the crossings (x, y, x, y, metres) that pass them.

    ``metres`` is what a crossing counts for, at least its length. Stretches of open land longer than
    ``longest_m`` between two corners are not looked for. Coordinates in metres of ``ALBERS``.
    """
    whole = shapely.union_all(np.asarray(shapes, dtype=object)) if len(shapes) else shapely.MultiPolygon()
    polygons = tuple(
        one for one in shapely.get_parts(shapely.normalize(whole)) if isinstance(one, shapely.Polygon)
    )
    gates = np.asarray(crossings, dtype=np.float64).reshape(-1, 5)
    inner = [one for shape in polygons for one in _rings(shapely.buffer(shape, -RIM_M, join_style="mitre"))]
    edges = [np.hstack([ring[:-1], ring[1:]]) for ring in inner]
    corners = [_corners(ring) for shape in polygons for ring in _rings(shape)]
    nodes = np.concatenate([np.zeros((0, 2)), *corners, gates[:, :2], gates[:, 2:4]])
    bare = Waters(polygons, np.concatenate([np.zeros((0, 4)), *edges]), nodes, np.zeros((0, 0)))
    return Waters(polygons, bare.edges, nodes, _ways(bare, gates, longest_m))


def _rings(shape: shapely.Geometry) -> Iterator[FloatArray]:
    """Yield the rings of polygons, each with the water on its left."""
    for polygon in shapely.get_parts(shape):
        if isinstance(polygon, shapely.Polygon) and not polygon.is_empty:
            turned = shapely.geometry.polygon.orient(polygon)
            yield shapely.get_coordinates(turned.exterior)
            for ring in turned.interiors:
                yield shapely.get_coordinates(ring)


def _corners(ring: FloatArray) -> FloatArray:
    """Return the vertices of a ring round which a way may turn: those that point away from the water."""
    points = ring[:-1]
    before, after = np.roll(points, 1, axis=0), np.roll(points, -1, axis=0)
    kept: FloatArray = points[_turn(before.T, points.T, after.T) > 0.0]
    return kept


def _ways(waters: Waters, gates: FloatArray, longest_m: float) -> FloatArray:
    """Return the metres between all nodes: over open land, then by any number of corners and crossings."""
    nodes, count = waters.nodes, len(waters.nodes)
    if count == 0:
        return np.zeros((0, 0))
    pairs = build_tree(nodes).query_pairs(longest_m, output_type="ndarray").astype(np.int64)
    start, end = waters.shores[pairs[:, 0]], waters.shores[pairs[:, 1]]
    pairs = pairs[waters.clear(start, end)]
    first = count - 2 * len(gates) + np.arange(len(gates))
    over = np.column_stack([first, first + len(gates)])
    joined = np.concatenate([pairs, over])
    metres = np.concatenate(
        [
            _metres(nodes[pairs[:, 0]] - nodes[pairs[:, 1]]),
            np.maximum(gates[:, 4], _metres(gates[:, :2] - gates[:, 2:4])),
        ]
    )
    # Of two ways between the same nodes the shorter counts; a sparse matrix would add them up.
    order = np.lexsort((metres, joined[:, 1], joined[:, 0]))
    joined, metres = joined[order], metres[order]
    fresh = np.ones(len(joined), dtype=bool)
    fresh[1:] = (joined[1:] != joined[:-1]).any(axis=1)
    joined, metres = joined[fresh], np.maximum(metres[fresh], np.finfo(np.float64).tiny)
    graph = csr_array((metres, (joined[:, 0], joined[:, 1])), shape=(count, count))
    found: FloatArray = dijkstra(graph, directed=False)
    # The same way counted from either end differs by rounding.
    return np.minimum(found, found.T)
