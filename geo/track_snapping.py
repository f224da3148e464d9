"""A corridor laid onto real tracks: the shortest way along rails, rivers or roads of the right names.

Stretch by stretch: both places must lie near tracks whose name is one of the corridor's, and the way along
them must not be much longer than the straight way. What does not match is reported and stays schematic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from geo.corridors import FloatArray
from geo.crs import require_metric
from geo.points import metric_points

BRIDGE_M = 60.0
"""Ends of tracks this near to each other are joined: parallel tracks, cuts at the extract's border."""
_GRID_M = 1.0


@dataclass(frozen=True)
class Stretch:
    """One stretch between two places: ``metres`` along the track, or None and the ``reason`` (Chinese)."""

    start: int
    end: int
    metres: float | None
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Snapped:
    """A corridor on tracks: the line (metric CRS), whether every stretch matched, and the stretches.

    Unmatched stretches of ``xy`` (shape (n, 2)) run straight from place to place.
    """

    xy: FloatArray
    complete: bool
    stretches: tuple[Stretch, ...]
    names_found: tuple[str, ...]


class Tracks:
    """Imported lines as a graph: nodes where vertices fall on one metre, edges as long as the way."""

    def __init__(self, lines: gpd.GeoDataFrame) -> None:
        """``lines``: LineStrings in ``ALBERS`` (``CrsError`` otherwise); ``name`` may be missing in a row."""
        require_metric(lines)
        self.names: NDArray[np.object_] = lines["name"].fillna("").astype(str).to_numpy(dtype=object)
        self._lines = lines.geometry.to_numpy()

    @cached_property
    def every_name(self) -> tuple[str, ...]:
        """The names of the lines, each once."""
        return tuple(sorted({name for name in self.names if name}))

    def named(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """Return the lines' names that contain one of the wanted names."""
        return tuple(name for name in self.every_name if any(word in name for word in wanted))

    def graph(self, names: Sequence[str]) -> TrackGraph:
        """Return the graph of the lines of these names."""
        return TrackGraph(self._lines[np.isin(self.names, list(names))])


class TrackGraph:
    """Nodes (metres) and the undirected edges between them."""

    def __init__(self, lines: NDArray[np.object_]) -> None:
        """``lines``: LineStrings in metres."""
        xy, line = shapely.get_coordinates(lines, return_index=True)
        cells, node = np.unique(np.round(xy / _GRID_M).astype(np.int64), axis=0, return_inverse=True)
        self.xy: FloatArray = cells * _GRID_M
        inner = np.flatnonzero(line[1:] == line[:-1])
        a, b = node[inner], node[inner + 1]
        ends = np.unique(
            np.concatenate([node[np.r_[0, inner_breaks(line)]], node[np.r_[inner_breaks(line) - 1, -1]]])
        )
        pairs = cKDTree(self.xy[ends]).query_pairs(BRIDGE_M, output_type="ndarray")
        a = np.concatenate([a, ends[pairs[:, 0]]])
        b = np.concatenate([b, ends[pairs[:, 1]]])
        length = np.hypot(*(self.xy[a] - self.xy[b]).T)
        kept = length > 0
        rows, columns = np.concatenate([a, b])[np.tile(kept, 2)], np.concatenate([b, a])[np.tile(kept, 2)]
        order = np.lexsort((columns, rows))
        first = np.ones(len(order), dtype=bool)
        first[1:] = (np.diff(rows[order]) != 0) | (np.diff(columns[order]) != 0)
        chosen = order[first]
        weight = np.tile(length[kept], 2)[chosen]
        count = len(self.xy)
        self.edges = csr_array((weight, (rows[chosen], columns[chosen])), shape=(count, count))
        self._tree = cKDTree(self.xy)

    def nearest(self, point: FloatArray) -> tuple[float, int]:
        """Return distance (metres) and number of the node nearest to a point."""
        distance, node = self._tree.query(point)
        return float(distance), int(node)

    def way(self, start: int, end: int, limit_m: float) -> NDArray[np.int64] | None:
        """Return the nodes of the shortest way, None when there is none within ``limit_m``."""
        far, before = dijkstra(self.edges, indices=start, return_predecessors=True, limit=limit_m)
        if not np.isfinite(far[end]):
            return None
        nodes = [end]
        while nodes[-1] != start:
            nodes.append(int(before[nodes[-1]]))
        return np.array(nodes[::-1], dtype=np.int64)


def inner_breaks(line: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where in the list of vertices a new line begins, the first line aside."""
    return np.flatnonzero(np.diff(line) != 0) + 1


def snap_to_tracks(
    places_xy: ArrayLike,
    tracks: Tracks,
    names: Sequence[str],
    *,
    max_offset_m: float,
    max_detour: float,
) -> Snapped:
    """Return the corridor through ``places_xy`` (shape (n, 2), metres of ``ALBERS``) along named tracks.

    ``names``: what the tracks may be called (a track matches when its name contains one). Each stretch takes
    the shortest way (Dijkstra) between the nodes nearest to its places. A stretch is unmatched when a place
    lies farther than ``max_offset_m`` from every such track (stations stand outside the towns), when no way
    leads along them, or when it is longer than ``max_detour`` times the straight way.
    """
    points = metric_points(places_xy, "通道")
    found = tracks.named(names)
    if not found:
        said = f"导入的线路里没有名称含“{'、'.join(names) or '（无）'}”的"
        empty = tuple(Stretch(n, n + 1, None, said) for n in range(len(points) - 1))
        return Snapped(points, False, empty, ())
    graph = tracks.graph(found)
    parts: list[FloatArray] = []
    stretches = []
    for number in range(len(points) - 1):
        ends = points[number : number + 2]
        part, stretch = _stretch(graph, ends, number, max_offset_m=max_offset_m, max_detour=max_detour)
        parts.append(part)
        stretches.append(stretch)
    complete = all(stretch.metres is not None for stretch in stretches)
    return Snapped(np.vstack(parts), complete, tuple(stretches), found)


def _stretch(
    graph: TrackGraph, straight: FloatArray, number: int, *, max_offset_m: float, max_detour: float
) -> tuple[FloatArray, Stretch]:
    near = [graph.nearest(straight[0]), graph.nearest(straight[1])]
    for offset, _ in near:
        if offset > max_offset_m:
            said = f"离最近的同名线路 {offset / 1000:.1f} 公里，超过 {max_offset_m / 1000:g} 公里"
            return straight, Stretch(number, number + 1, None, said)
    chord = float(np.hypot(*(graph.xy[near[1][1]] - graph.xy[near[0][1]])))
    limit = max_detour * chord
    nodes = graph.way(near[0][1], near[1][1], max(limit, 1.0))
    if nodes is None or len(nodes) < 2:
        said = f"沿线路走不通，或比直线长出 {max_detour:g} 倍以上"
        return straight, Stretch(number, number + 1, None, said)
    way = graph.xy[nodes]
    metres = float(np.hypot(*np.diff(way, axis=0).T).sum())
    return way, Stretch(number, number + 1, metres)
