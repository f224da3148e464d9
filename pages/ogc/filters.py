"""CQL filters as pygeoapi parses them, answered on the columns of a frame."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pygeofilter import ast
from shapely.geometry import shape

from geo.errors import SutuError
from pages.ogc.wildcards import wildcard

Mask = NDArray[np.bool_]
Hits = Callable[[tuple[float, float, float, float]], NDArray[np.intp]]
Shapes = Callable[[NDArray[np.intp]], NDArray[np.object_]]
MAX_DEPTH = 20
_COMPARE: dict[Any, Callable[[Any, Any], Any]] = {
    ast.Equal: operator.eq,
    ast.NotEqual: operator.ne,
    ast.LessThan: operator.lt,
    ast.LessEqual: operator.le,
    ast.GreaterThan: operator.gt,
    ast.GreaterEqual: operator.ge,
}


class FilterError(SutuError, ValueError):
    """A CQL filter asks for what these collections cannot answer."""


def matching(node: Any, rows: pd.DataFrame, hits: Hits, shapes: Shapes) -> Mask:
    """Return which rows a filter keeps.

    Understood: comparisons of a column with a value, BETWEEN, IN, LIKE, IS NULL, AND, OR, NOT, BBOX and
    INTERSECTS. A missing value satisfies no comparison. Raises ``FilterError`` for anything else.
    """
    return _Filter(rows, hits, shapes).of(node, 0)


class _Filter:
    def __init__(self, rows: pd.DataFrame, hits: Hits, shapes: Shapes) -> None:
        self.rows, self.hits, self.shapes = rows, hits, shapes

    def of(self, node: Any, depth: int) -> Mask:
        """Return the rows that satisfy a condition which stands this deep in the filter."""
        if depth > MAX_DEPTH:
            raise FilterError(f"过滤条件嵌套超过 {MAX_DEPTH} 层。")
        if isinstance(node, (ast.And, ast.Or)):
            left, right = self.of(node.lhs, depth + 1), self.of(node.rhs, depth + 1)
            return left & right if isinstance(node, ast.And) else left | right
        if isinstance(node, ast.Not):
            return ~self.of(node.sub_node, depth + 1)
        answer = self._ANSWERS.get(type(node), _Filter._spatial)
        return answer(self, node)

    def _comparison(self, node: Any) -> Mask:
        return self._compared(node.lhs, node.rhs, _COMPARE[type(node)])

    def _between(self, node: Any) -> Mask:
        found = self._compared(node.lhs, node.low, operator.ge)
        found &= self._compared(node.lhs, node.high, operator.le)
        return found ^ (node.not_ & self._there(node.lhs))

    def _in(self, node: Any) -> Mask:
        found = np.zeros(len(self.rows), dtype=bool)
        for value in node.sub_nodes:
            found |= self._compared(node.lhs, value, operator.eq)
        return found ^ (node.not_ & self._there(node.lhs))

    def _is_null(self, node: Any) -> Mask:
        return self._there(node.lhs) ^ (not node.not_)

    def _column(self, node: Any) -> pd.Series:
        if not isinstance(node, ast.Attribute):
            raise FilterError("比较的左边应是字段名。")
        if node.name not in self.rows.columns:
            raise FilterError(f"没有字段“{node.name[:40]}”；可用：{'、'.join(map(str, self.rows.columns))}。")
        return self.rows[node.name]

    def _there(self, node: Any) -> Mask:
        return self._column(node).notna().to_numpy()

    def _compared(self, left: Any, right: Any, compare: Callable[[Any, Any], Any]) -> Mask:
        column = self._column(left)
        if isinstance(right, ast.Attribute):
            other: Any = self._column(right)
            there = column.notna() & other.notna()
        else:
            other, there = right, column.notna()
        if not isinstance(other, (pd.Series, str, int, float, bool)):
            raise FilterError(f"不能与这种值比较：{str(other)[:40]}。")
        is_text = not pd.api.types.is_numeric_dtype(column)
        if is_text and not isinstance(other, pd.Series):
            other = str(other)
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
        pairs = zip(there, column, strict=True)
        found = np.array([bool(known) and keeps(str(text)) for known, text in pairs], dtype=bool)
        return found ^ (node.not_ & there)

    def _spatial(self, node: Any) -> Mask:
        out = np.zeros(len(self.rows), dtype=bool)
        if isinstance(node, ast.BBox):
            out[self.hits((node.minx, node.miny, node.maxx, node.maxy))] = True
            return out
        if isinstance(node, ast.GeometryIntersects):
            wanted = shape(getattr(node.rhs, "geometry", node.rhs))
            found = self.hits(wanted.bounds)
            out[found[shapely.intersects(self.shapes(found), wanted)]] = True
            return out
        raise FilterError("只支持比较、BETWEEN、IN、LIKE、IS NULL、AND、OR、NOT、BBOX 和 INTERSECTS。")

    _ANSWERS: ClassVar[dict[type, Callable[[_Filter, Any], Mask]]] = {
        **dict.fromkeys(_COMPARE, _comparison),
        ast.Between: _between,
        ast.In: _in,
        ast.Like: _like,
        ast.IsNull: _is_null,
    }
