"""Corridors as geometry: axes through ordered places, smoothed lines, kilometres, strips, people beside them.

An axis is the way from place to place, straight between them: everything is measured on it. What a map draws
is the smoothed line, which passes every place of the axis and bows out between two places that several
corridors share, so that they can be told apart. Both are schematic unless the places follow a real track.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import Geod

from geo.crs import ALBERS, STORE_CRS, require_metric
from geo.errors import CorridorError
from geo.points import metric_points
from geo.regions import assign_regions

FloatArray = NDArray[np.float64]

GEOD = Geod(ellps="GRS80")
"""The ellipsoid of CGCS2000 (its flattening differs from GRS 80 in the eleventh digit)."""

BOW_M = 2_600.0
"""How far apart two corridors bow that share a stretch, at its middle."""
MAX_SPREAD_M = 18_000.0
"""From the first to the last of the corridors that share a stretch."""
MAX_BOW_SHARE = 0.14
"""Of the stretch's length: short stretches bow less."""
STEP_M = 9_000.0
MAX_STEPS, MIN_STEPS = 14, 3
_BOUNDS = (110.0, 25.0, 128.0, 40.0)
_SAME_M = 50.0


def make_axis(lonlat: ArrayLike) -> FloatArray:
    """Return the axis through places: shape (n, 2), degrees, n ≥ 2, no place twice in a row.

    Raises ``CorridorError`` when a coordinate is missing or lies outside eastern China, or when fewer than
    two different places are left.
    """
    points = np.asarray(lonlat, dtype="float64").reshape(-1, 2)
    west, south, east, north = _BOUNDS
    inside = (
        (points[:, 0] >= west) & (points[:, 0] <= east) & (points[:, 1] >= south) & (points[:, 1] <= north)
    )
    if not inside.all():
        row = int(np.flatnonzero(~inside)[0])
        raise CorridorError(
            f"第 {row + 1} 个地点的坐标 {points[row, 0]:.6g}，{points[row, 1]:.6g} 不在华东范围内或缺失。"
            "请检查经度与纬度是否颠倒。"
        )
    kept = np.ones(len(points), dtype=bool)
    if len(points) > 1:
        *_, gaps = GEOD.inv(points[:-1, 0], points[:-1, 1], points[1:, 0], points[1:, 1])
        kept[1:] = np.asarray(gaps) > _SAME_M
    if kept.sum() < 2:
        raise CorridorError("可定位的地点不到两个，画不成线。")
    axis: FloatArray = points[kept]
    return axis


def chainage_km(axis: ArrayLike) -> FloatArray:
    """Return the kilometres from the start at each place of an axis: sums of geodesics on the ellipsoid."""
    points = make_axis(axis)
    *_, lengths = GEOD.inv(points[:-1, 0], points[:-1, 1], points[1:, 0], points[1:, 1])
    total: FloatArray = np.append(0.0, np.cumsum(lengths)) / 1000.0
    return total


def bows(axes: Mapping[str, ArrayLike]) -> dict[str, list[float]]:
    """Return, per corridor, how far (metres, signed) each stretch of its axis bows out at its middle.

    Corridors that share a stretch (the same two places, in either direction) are spread evenly about the
    straight way, in the order of their ids; the sign is to the left of the direction from the lower place to
    the higher, so that lines running opposite ways do not fall on each other. A stretch of one corridor alone
    stays straight.
    """
    users: dict[tuple[tuple[float, float], tuple[float, float]], list[tuple[str, int, float]]] = defaultdict(
        list
    )
    found = {key: [0.0] * (len(make_axis(axis)) - 1) for key, axis in axes.items()}
    for key in sorted(axes):
        points = make_axis(axes[key])
        for number, (start, end) in enumerate(itertools.pairwise(points)):
            one, other = _key(start), _key(end)
            users[(min(one, other), max(one, other))].append((key, number, 1.0 if one < other else -1.0))
    for (one, other), sharing in users.items():
        *_, length = GEOD.inv(*one, *other)
        spread = min(MAX_SPREAD_M, MAX_BOW_SHARE * float(length) * 2.0)
        step = min(BOW_M, spread / max(len(sharing) - 1, 1))
        for place, (key, number, direction) in enumerate(sharing):
            found[key][number] = direction * step * (place - (len(sharing) - 1) / 2.0)
    return found


def _key(point: FloatArray) -> tuple[float, float]:
    return round(float(point[0]), 4), round(float(point[1]), 4)


def smooth_line(xy: ArrayLike, bow_m: Sequence[float] | None = None) -> FloatArray:
    """Return a smooth line through all points of an axis, shape (m, 2), metres of ``ALBERS``.

    A cubic Hermite curve whose tangents are those of Catmull and Rom (1974), shortened to the shorter
    neighbouring stretch so that it does not overshoot; ``bow_m`` (one per stretch, to the left where
    positive) is added as a parabola that vanishes at both ends.
    """
    points = metric_points(xy, "通道")
    if len(points) < 2:
        raise CorridorError("可定位的地点不到两个，画不成线。")
    bow = [0.0] * (len(points) - 1) if bow_m is None else list(bow_m)
    if len(bow) != len(points) - 1:
        raise CorridorError(f"弓度有 {len(bow)} 个，路段有 {len(points) - 1} 段，应一一对应。")
    tangents = _tangents(points)
    parts = []
    for number, (start, end) in enumerate(itertools.pairwise(points)):
        way = end - start
        length = float(np.hypot(*way))
        steps = int(np.clip(round(length / STEP_M), MIN_STEPS, MAX_STEPS))
        t = np.arange(steps) / steps
        curve = _hermite(t, start, end, tangents[number] * length, tangents[number + 1] * length)
        left = np.array([-way[1], way[0]]) / max(length, 1e-9)
        parts.append(curve + (4.0 * t * (1.0 - t) * bow[number])[:, None] * left)
    return np.vstack([*parts, points[-1:]])


def _tangents(points: FloatArray) -> FloatArray:
    """Return the direction at each point: along the chord of its neighbours, at most one in length."""
    ways = np.diff(points, axis=0)
    lengths = np.maximum(np.hypot(ways[:, 0], ways[:, 1]), 1e-9)
    units = ways / lengths[:, None]
    inner = (units[:-1] + units[1:]) / 2.0
    return np.vstack([units[:1], inner, units[-1:]])


def _hermite(t: FloatArray, p0: FloatArray, p1: FloatArray, m0: FloatArray, m1: FloatArray) -> FloatArray:
    t2, t3 = t**2, t**3
    curve: FloatArray = (
        (2 * t3 - 3 * t2 + 1)[:, None] * p0
        + (t3 - 2 * t2 + t)[:, None] * m0
        + (-2 * t3 + 3 * t2)[:, None] * p1
        + (t3 - t2)[:, None] * m1
    )
    return curve


def fan_out(count: int, *, ring_m: float = 2_400.0) -> FloatArray:
    """Return offsets (metres, shape (count, 2)) that set marks of one place apart: the first stays in place,
    the others stand on rings of eight around it.
    """
    if count <= 1:
        return np.zeros((count, 2))
    number = np.arange(count - 1)
    ring = number // 8 + 1
    angle = np.pi / 2 - (number % 8) * (np.pi / 4) - (ring - 1) * (np.pi / 8)
    marks = np.column_stack([np.cos(angle), np.sin(angle)]) * (ring * ring_m)[:, None]
    return np.vstack([np.zeros((1, 2)), marks])


def strip(axis: ArrayLike, counties: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return which county the axis runs through, from kilometre to kilometre.

    Columns ``from_km``, ``to_km`` (float64), ``adcode`` (None outside all counties), in order; the pieces
    tile the axis, whose length is ``chainage_km(axis)[-1]``. ``counties``: index or column adcode, in
    ``ALBERS`` (``CrsError`` otherwise). Where the axis runs along a border the lower code has it.
    """
    return strips({"": axis}, counties).drop(columns="corridor")


def strips(axes: Mapping[str, ArrayLike], counties: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the strips of several axes, in their order: the columns of ``strip`` after ``corridor``.

    All ways from place to place are cut and placed together: one by one they would take ten times as long.
    """
    require_metric(counties)
    lonlat = {key: make_axis(axis) for key, axis in axes.items()}
    if not lonlat:
        return _joined([])
    # Each way is from a point to the next one of its axis.
    first = np.concatenate([np.arange(len(one)) < len(one) - 1 for one in lonlat.values()])
    start = np.flatnonzero(first)
    xy = _to_metric(np.vstack(list(lonlat.values())))
    chain = np.concatenate([chainage_km(one) for one in lonlat.values()])
    owner = np.repeat(np.arange(len(lonlat)), [len(one) for one in lonlat.values()])[start]
    way, cut = _cuts(xy[start], xy[start + 1], counties)
    same = way[1:] == way[:-1]
    way, low, high = way[:-1][same], cut[:-1][same], cut[1:][same]
    begin, step = xy[start[way]], xy[start[way] + 1] - xy[start[way]]
    middles = begin + ((low + high) / 2.0)[:, None] * step
    codes = assign_regions(gpd.GeoDataFrame(geometry=shapely.points(middles), crs=ALBERS), counties)
    base, length = chain[start[way]], chain[start[way] + 1] - chain[start[way]]
    keys = np.array(list(lonlat), dtype=object)[owner[way]]
    return _joined(zip(keys, base + low * length, base + high * length, codes, strict=True))


def _cuts(
    start: FloatArray, end: FloatArray, counties: gpd.GeoDataFrame
) -> tuple[NDArray[np.int64], FloatArray]:
    """Return where (0 … 1) each straight way from start to end meets a county border, with both ends.

    The number of the way and the place on it, in order.
    """
    ways = shapely.linestrings(np.stack([start, end], axis=1))
    shapes = counties.geometry.to_numpy()
    met, county = shapely.STRtree(shapes).query(ways, predicate="intersects")
    corners, piece = shapely.get_coordinates(
        shapely.intersection(shapes[county], ways[met]), return_index=True
    )
    on = met[piece]
    length = np.maximum(shapely.length(ways), 1e-9)
    along = shapely.line_locate_point(ways[on], shapely.points(corners)) / length[on]
    each = np.arange(len(ways))
    number = np.concatenate([each, each, on])
    place = np.concatenate([np.zeros(len(ways)), np.ones(len(ways)), along]).clip(0.0, 1.0).round(9)
    found = np.unique(np.column_stack([number, place]), axis=0)
    return found[:, 0].astype(np.int64), found[:, 1]


def _joined(rows: Iterable[tuple[str, float, float, str | None]]) -> pd.DataFrame:
    """Return the pieces as a frame, neighbours of one axis in the same county as one."""
    joined: list[list[object]] = []
    for key, start, end, code in rows:
        if joined and joined[-1][0] == key and joined[-1][3] == code:
            joined[-1][2] = end
        else:
            joined.append([key, start, end, code])
    frame = pd.DataFrame(joined, columns=["corridor", "from_km", "to_km", "adcode"])
    return frame.astype({"from_km": "float64", "to_km": "float64", "adcode": object})


def _to_metric(lonlat: FloatArray) -> FloatArray:
    series = gpd.GeoSeries(shapely.points(lonlat), crs=STORE_CRS).to_crs(ALBERS)
    return np.column_stack([series.x, series.y])


class CellPeople:
    """The people of a grid, ready to be asked how many live within a distance of a geometry."""

    def __init__(self, cells_xy: ArrayLike, people: ArrayLike) -> None:
        """``cells_xy``: centres, (n, 2), metres of ``ALBERS`` (``CrsError`` otherwise); ``people``: n."""
        self._xy = metric_points(cells_xy, "人口格网")
        self._people = np.asarray(people, dtype="float64")
        self._points = shapely.points(self._xy)

    def within(self, geometry: shapely.Geometry, distances_km: Sequence[float]) -> dict[float, float]:
        """Return the people of the cells whose centre lies within each distance of a geometry in ``ALBERS``.

        Plane distance in the measuring CRS; inside an area it is 0; exactly the distance counts. Raises
        ``CorridorError`` for an empty geometry or a negative distance.
        """
        if geometry is None or geometry.is_empty:
            raise CorridorError("通道没有几何，无法量距离。")
        if any(not distance >= 0.0 for distance in distances_km):
            raise CorridorError("距离应为不小于零的公里数。")
        reach = max(distances_km, default=0.0) * 1000.0
        west, south, east, north = geometry.bounds
        x, y = self._xy.T
        near = np.flatnonzero(
            (x >= west - reach) & (x <= east + reach) & (y >= south - reach) & (y <= north + reach)
        )
        shapely.prepare(geometry)
        found: dict[float, float] = {}
        # From the farthest to the nearest: whoever is not within the one is not within the next.
        for distance in sorted(set(distances_km), reverse=True):
            near = near[shapely.dwithin(geometry, self._points[near], distance * 1000.0)]
            found[float(distance)] = float(self._people[near].sum())
        return {float(distance): found[float(distance)] for distance in distances_km}
