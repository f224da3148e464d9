"""Boxes and geometries of a filter: what can be made of them, and what is wrong with one that is none."""

from __future__ import annotations

import math
from typing import Any

import shapely
from pygeofilter import ast
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from geo.errors import SutuError

Box = tuple[float, float, float, float]


class FilterError(SutuError, ValueError):
    """A CQL filter asks for what these collections cannot answer."""


def box_of(node: Any) -> Box:
    """Return the box of a BBOX. Raises `FilterError` for one that is none or is not of the geometry."""
    _of_geometry(node, "BBOX")
    sides = (node.minx, node.miny, node.maxx, node.maxy)
    if not all(isinstance(side, (int, float)) and _finite(side) for side in sides):
        raise FilterError("BBOX 的四项都应为数（西,南,东,北）。")
    west, south, east, north = map(float, sides)
    if west > east or south > north:
        raise FilterError("BBOX 的前一个角应小于后一个角（西,南,东,北）。")
    return west, south, east, north


def shape_of(node: Any) -> BaseGeometry:
    """Return the geometry of an INTERSECTS. Raises `FilterError` for one that is none."""
    _of_geometry(node, "INTERSECTS")
    told = getattr(node.rhs, "geometry", None)
    if not isinstance(told, dict):
        raise FilterError("INTERSECTS 的右边应是图形，如 POINT(118.8 32.05)。")
    try:
        wanted = shape(told)
    except (ShapelyError, ValueError, TypeError, LookupError, OverflowError) as fault:
        raise FilterError("INTERSECTS 的图形不完整：多边形的每一环至少四个点，首尾相同。") from fault
    if wanted.is_empty or not all(map(math.isfinite, wanted.bounds)):
        raise FilterError("INTERSECTS 的图形是空的，或坐标太大。")
    if not wanted.is_valid:
        raise FilterError(f"INTERSECTS 的图形自己与自己相交：{_where(wanted)}。")
    return wanted


def _of_geometry(node: Any, word: str) -> None:
    if not isinstance(node.lhs, ast.Attribute) or node.lhs.name != "geometry":
        raise FilterError(f"{word} 的第一项应是 geometry。")


def _finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def _where(wanted: BaseGeometry) -> str:
    """Return where a geometry is invalid, without the library's words."""
    told = shapely.is_valid_reason(wanted)
    place = told[told.find("[") + 1 : told.rfind("]")].split() if "[" in told else []
    return f"在 {', '.join(place)} 附近" if place else "请检查各环"
