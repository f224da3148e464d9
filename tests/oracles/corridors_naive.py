"""Corridors again, one thing at a time: distances by formula, kilometres stretch by stretch, sums by loop."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import geopandas as gpd
import shapely
from pyproj import Geod

Point = tuple[float, float]


def segment_distance(point: Point, start: Point, end: Point) -> float:
    """Return the plane distance from a point to a stretch."""
    (px, py), (ax, ay), (bx, by) = point, start, end
    dx, dy = bx - ax, by - ay
    square = dx * dx + dy * dy
    t = 0.0 if square == 0.0 else max(0.0, min(1.0, ((px - ax) * dx + (py - ay) * dy) / square))
    return math.hypot(px - ax - t * dx, py - ay - t * dy)


def people_within(
    line: Sequence[Point], cells: Sequence[Point], people: Sequence[float], distance_km: float
) -> float:
    """Return the people of the cells within a distance of a line, by a sum over every cell."""
    total = 0.0
    for cell, weight in zip(cells, people, strict=True):
        nearest = min(segment_distance(cell, a, b) for a, b in itertools.pairwise(line))
        if nearest <= distance_km * 1000.0:
            total += weight
    return total


def length_km(axis: Sequence[Point]) -> float:
    """Return the length of an axis: each stretch by the inverse geodesic problem, added up."""
    geod = Geod(a=6378137.0, rf=298.257222101)
    total = 0.0
    for (lon1, lat1), (lon2, lat2) in itertools.pairwise(axis):
        total += geod.inv(lon1, lat1, lon2, lat2)[2]
    return total / 1000.0


def county_at(counties: gpd.GeoDataFrame, point: Point) -> str | None:
    """Return the lowest code of the counties that cover a point of their CRS."""
    found = [str(code) for code, shape in counties.geometry.items() if shape.covers(shapely.Point(point))]
    return min(found, default=None)
