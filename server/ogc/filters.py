"""CQL filters as pygeoapi parses them, answered on the columns of a frame."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pygeofilter import ast
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from geo.errors import SutuError
from server.ogc.config import MAX_DEPTH
from server.ogc.refusals import shown

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


def wildcard(pattern: str, any_text: str, one: str, *, nocase: bool) -> Callable[[str], bool]:
    """Return the test of a text against a LIKE pattern.

    The parts between wildcards are looked for one after the other, the leftmost first, which never goes
    back: a pattern of many wildcards takes no longer than a short one.
    """
    flags = re.DOTALL | (re.IGNORECASE if nocase else 0)
    parts = [
        re.compile("".join("." if char == one else re.escape(char) for char in part), flags)
        for part in pattern.split(any_text)
    ]
    lengths = [len(part) for part in pattern.split(any_text)]

    def keeps(text: str) -> bool:
        if len(parts) == 1:
            return parts[0].fullmatch(text) is not None
        if parts[0].match(text) is None:
            return False
        at, end = lengths[0], len(text) - lengths[-1]
        for part in parts[1:-1]:
            found = part.search(text, at)
            if found is None:
                return False
            at = found.end()
        return at <= end and parts[-1].fullmatch(text, end) is not None

    return keeps


Mask = NDArray[np.bool_]
Hits = Callable[[tuple[float, float, float, float]], NDArray[np.intp]]
Shapes = Callable[[NDArray[np.intp]], NDArray[np.object_]]
_COMPARE: dict[Any, Callable[[Any, Any], Any]] = {
    ast.Equal: operator.eq,
    ast.NotEqual: operator.ne,
    ast.LessThan: operator.lt,
    ast.LessEqual: operator.le,
    ast.GreaterThan: operator.gt,
    ast.GreaterEqual: operator.ge,
}


def matching(node: Any, rows: pd.DataFrame, hits: Hits, shapes: Shapes) -> Mask:
    """Return which rows a filter keeps.

    Understood: comparisons of a column with a value, BETWEEN, IN, LIKE, IS NULL, AND, OR, NOT, BBOX and
    INTERSECTS. A missing value satisfies no comparison. Raises ``FilterError`` for anything else.
    """
    return _Filter(rows, hits, shapes).of(node, 0)


class _Filter:
    def __init__(self, rows: pd.DataFrame, hits: Hits, shapes: Shapes) -> None:
        self.rows, self.hits, self.shapes = rows, hits, shapes
        self._made: dict[str, NDArray[Any]] = {}

    def of(self, node: Any, depth: int) -> Mask:
        """Return the rows that satisfy a condition which stands this deep in the filter."""
        if depth > MAX_DEPTH:
            raise FilterError(f"过滤条件嵌套超过 {MAX_DEPTH} 层。")
        if isinstance(node, (ast.And, ast.Or)):
            return self._joined(node, depth)
        if isinstance(node, ast.Not):
            return ~self.of(node.sub_node, depth + 1)
        answer = self._ANSWERS.get(type(node), _Filter._spatial)
        return answer(self, node)

    def _joined(self, node: Any, depth: int) -> Mask:
        """Return the rows that satisfy a chain: ``a AND b OR c`` stands to the left, and is one level."""
        chain = []
        while isinstance(node, (ast.And, ast.Or)):
            chain.append(node)
            node = node.lhs
        found = self.of(node, depth + 1)
        for one in reversed(chain):
            right = self.of(one.rhs, depth + 1)
            found = found & right if isinstance(one, ast.And) else found | right
        return found

    def _comparison(self, node: Any) -> Mask:
        return self._compared(node.lhs, node.rhs, _COMPARE[type(node)])

    def _between(self, node: Any) -> Mask:
        found = self._compared(node.lhs, node.low, operator.ge)
        found &= self._compared(node.lhs, node.high, operator.le)
        result: Mask = found ^ (node.not_ & self._there(node.lhs))
        return result

    def _in(self, node: Any) -> Mask:
        column = self._column(node.lhs)
        named = [one for one in node.sub_nodes if isinstance(one, ast.Attribute)]
        found = column.isin([_value(column, one) for one in node.sub_nodes if one not in named]).to_numpy()
        found = found & self._there(node.lhs)
        for one in named:
            found |= self._compared(node.lhs, one, operator.eq)
        result: Mask = found ^ (node.not_ & self._there(node.lhs))
        return result

    def _is_null(self, node: Any) -> Mask:
        return self._there(node.lhs) ^ (not node.not_)

    def _column(self, node: Any) -> pd.Series:
        if not isinstance(node, ast.Attribute):
            raise FilterError("比较的左边应是字段名。")
        if node.name not in self.rows.columns:
            raise FilterError(
                f"没有字段“{shown(node.name)}”；可用：{'、'.join(map(str, self.rows.columns))}。"
            )
        found: pd.Series = self.rows[node.name]
        return found

    def _there(self, node: Any) -> Mask:
        return self._column(node).notna().to_numpy()

    def _compared(self, left: Any, right: Any, compare: Callable[[Any, Any], Any]) -> Mask:
        column = self._column(left)
        if isinstance(right, ast.Attribute):
            other: Any = self._column(right)
            there = column.notna() & other.notna()
        else:
            other, there = _value(column, right), column.notna()
        out = np.zeros(len(column), dtype=bool)
        try:
            values = column[there]
            out[there.to_numpy()] = compare(values, other[there] if isinstance(other, pd.Series) else other)
        except TypeError as fault:
            raise FilterError(f"字段“{column.name}”不能这样比较。") from fault
        return out

    def _like(self, node: Any) -> Mask:
        column = self._column(node.lhs)
        there = column.notna().to_numpy()
        keeps = wildcard(
            str(node.pattern), node.wildcard or "%", node.singlechar or "_", nocase=bool(node.nocase)
        )
        # Many rows say the same: each text is looked at once.
        codes, texts = pd.factorize(column[there])
        found = np.zeros(len(column), dtype=bool)
        if len(texts):
            found[there] = np.array([keeps(str(text)) for text in texts], dtype=bool)[codes]
        result: Mask = found ^ (node.not_ & there)
        return result

    def _spatial(self, node: Any) -> Mask:
        out = np.zeros(len(self.rows), dtype=bool)
        if isinstance(node, ast.BBox):
            out[self.hits(box_of(node))] = True
            return out
        if isinstance(node, ast.GeometryIntersects):
            wanted = shape_of(node)
            shapely.prepare(wanted)
            found = self.hits(wanted.bounds)
            out[found[shapely.intersects(self._shapes(found), wanted)]] = True
            return out
        raise FilterError("只支持比较、BETWEEN、IN、LIKE、IS NULL、AND、OR、NOT、BBOX 和 INTERSECTS。")

    def _shapes(self, rows: NDArray[np.intp]) -> NDArray[np.object_]:
        """Return the geometries of some rows; one filter has each made once."""
        if not self._made:
            count = len(self.rows)
            self._made = {"shape": np.full(count, None, dtype=object), "there": np.zeros(count, dtype=bool)}
        shape, there = self._made["shape"], self._made["there"]
        missing = rows[~there[rows]]
        shape[missing], there[missing] = self.shapes(missing), True
        return shape[rows]

    _ANSWERS: ClassVar[dict[type, Callable[[_Filter, Any], Mask]]] = {
        **dict.fromkeys(_COMPARE, _comparison),
        ast.Between: _between,
        ast.In: _in,
        ast.Like: _like,
        ast.IsNull: _is_null,
    }


def _value(column: pd.Series, value: Any) -> Any:
    """Return a value of a filter as a column of numbers or of text is compared with it."""
    if not isinstance(value, (str, int, float, bool)):
        raise FilterError(f"字段“{column.name}”不能与这种值比较：应是数、文字或另一个字段。")
    if not pd.api.types.is_numeric_dtype(column):
        return str(value)
    if isinstance(value, str):
        raise FilterError(f"字段“{column.name}”是数，不能与文字“{shown(value)}”比较。")
    try:
        # What no column holds is as good as infinite.
        return value if abs(value) < 2**53 else float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
