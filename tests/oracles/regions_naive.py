"""Point in region by the crossing-number rule in exact rational arithmetic; edges belong to the region."""

from fractions import Fraction
from itertools import pairwise

import shapely


def _on_segment(point, start, end) -> bool:
    (px, py), (ax, ay), (bx, by) = point, start, end
    cross = (bx - ax) * (py - ay) - (by - ay) * (px - ax)
    return cross == 0 and min(ax, bx) <= px <= max(ax, bx) and min(ay, by) <= py <= max(ay, by)


def _ring_state(px, py, ring) -> str:
    """Return "edge", "in" or "out"."""
    points = [(Fraction(x), Fraction(y)) for x, y in ring.coords]
    inside = False
    for (ax, ay), (bx, by) in pairwise(points):
        if _on_segment((px, py), (ax, ay), (bx, by)):
            return "edge"
        if (ay > py) != (by > py) and px < ax + (py - ay) * (bx - ax) / (by - ay):
            inside = not inside
    return "in" if inside else "out"


def covers(polygon: shapely.Polygon, x: float, y: float) -> bool:
    px, py = Fraction(x), Fraction(y)
    outer = _ring_state(px, py, polygon.exterior)
    if outer != "in":
        return outer == "edge"
    return all(_ring_state(px, py, hole) != "in" for hole in polygon.interiors)


def region_of(x: float, y: float, regions: list[tuple[str, shapely.Geometry]]) -> str | None:
    """Return the lowest code among all regions that cover the point, or None."""
    found = [
        code
        for code, shape in regions
        if any(covers(part, x, y) for part in (shape.geoms if hasattr(shape, "geoms") else [shape]))
    ]
    return min(found, default=None)
