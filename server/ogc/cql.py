"""A CQL filter looked over before it is answered: that it can be read, and how much it asks for."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from lark import Lark
from lark.exceptions import LarkError, UnexpectedInput
from pygeofilter import ast, values
from pygeofilter.parsers.ecql import parser as library

from server.ogc.config import MAX_BRACKETS, MAX_CONDITIONS, MAX_LIKE, MAX_SPATIAL, MAX_WILDCARDS
from server.ogc.refusals import RefusedError, shown

_CAN = "只支持比较、BETWEEN、IN、LIKE、IS NULL、AND、OR、NOT、BBOX 和 INTERSECTS"
_SPATIAL = (ast.BBox, ast.GeometryIntersects)
_CONDITIONS = (
    ast.Equal,
    ast.NotEqual,
    ast.LessThan,
    ast.LessEqual,
    ast.GreaterThan,
    ast.GreaterEqual,
    ast.Between,
    ast.In,
    ast.Like,
    ast.IsNull,
    *_SPATIAL,
)
_MOST: dict[tuple[type, ...], tuple[int, str]] = {
    _CONDITIONS: (MAX_CONDITIONS, "条件"),
    _SPATIAL: (MAX_SPATIAL, " BBOX 和 INTERSECTS "),
    (ast.Like,): (MAX_LIKE, " LIKE "),
}
"""How many of a kind one filter may have; each may have to look at every row."""
_JOINING = (ast.And, ast.Or, ast.Not)
_VALUES = (ast.Attribute, values.Geometry, str, int, float, bool)


def checked_filter(text: str, *, moved: bool) -> None:
    """Raise `RefusedError` for a filter that is none, that cannot be answered, or that asks for too much.

    ``moved``: its geometries are in another CRS than CRS84, which boxes of a filter cannot be.
    """
    _few_brackets(text)
    counts = dict.fromkeys(_MOST, 0)
    for node in _nodes(_parsed(text)):
        for kinds, (most, words) in _MOST.items():
            counts[kinds] += isinstance(node, kinds)
            if counts[kinds] > most:
                raise RefusedError(f"filter 中的{words}超过 {most} 个")
        if not isinstance(node, (*_CONDITIONS, *_JOINING, *_VALUES)):
            raise RefusedError(f"filter {_CAN}")
        _answerable(node, moved=moved)


def _answerable(node: Any, *, moved: bool) -> None:
    if isinstance(node, ast.Like) and str(node.pattern).count(node.wildcard or "%") > MAX_WILDCARDS:
        raise RefusedError(f"filter 的 LIKE 中的 % 超过 {MAX_WILDCARDS} 个")
    if isinstance(node, ast.BBox):
        if moved:
            raise RefusedError("filter 的 BBOX 只能用 CRS84；其他坐标系请用参数 bbox 和 bbox-crs")
        if node.crs is not None:
            raise RefusedError("filter 的 BBOX 不能另写坐标系；请用参数 bbox 和 bbox-crs")
    if isinstance(node, values.Geometry):
        if node.geometry.get("crs"):
            raise RefusedError("filter 的图形不能写 SRID；请用参数 filter-crs")
        if not all(map(math.isfinite, _numbers(node.geometry))):
            raise RefusedError("filter 的图形中有太大的坐标")


def _few_brackets(text: str) -> None:
    """Refuse brackets too deep, before anything follows them."""
    depth, quote = 0, ""
    for char in text:
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == "(":
            depth += 1
            if depth > MAX_BRACKETS:
                raise RefusedError(f"filter 的括号嵌套超过 {MAX_BRACKETS} 层")
        elif char == ")":
            depth -= 1


class _Quiet(library.ECQLTransformer):  # type: ignore[misc]  # the library has no types
    """Makes the same nodes; times stay text, as nothing that speaks of one is answered."""

    def DATETIME(self, text: str) -> str:  # noqa: N802 - the grammar's name
        """Return a time as it was written."""
        return str(text)

    DURATION = DATETIME

    def wkt__geometry_with_srid(self, srid: int, geometry: dict[str, Any]) -> dict[str, Any]:
        """Return a geometry with the CRS that was written before it."""
        return {**geometry, "crs": srid}


@functools.cache
def _parser() -> Lark:
    """Return the library's parser without its talk: hundreds of lines for a filter it cannot read."""
    folder = Path(library.__file__).parent
    return Lark.open(
        str(folder / "grammar.lark"),
        parser="lalr",
        maybe_placeholders=False,
        transformer=_Quiet(),
        import_paths=[str(folder.parent)],
    )


def _parsed(text: str) -> Any:
    try:
        return _parser().parse(text)
    except UnexpectedInput as fault:
        token = getattr(fault, "token", None)
        if token is not None and token.type == "$END":
            raise RefusedError(f"filter 没有写完：{shown(text)}") from fault
        raise RefusedError(f"filter 写得不对，从这里起：{shown(text[fault.pos_in_stream or 0 :])}") from fault
    except (LarkError, ValueError, TypeError, ArithmeticError, RecursionError) as fault:
        raise RefusedError(f"filter 写得不对：{shown(text)}") from fault


def _nodes(root: Any) -> Iterator[Any]:
    """Give every node of a filter and every value in it, however deep, without going down itself."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.Node) and not isinstance(node, ast.Attribute):
            waiting += _below(node)


def _below(node: Any) -> Iterable[Any]:
    if isinstance(node, ast.BBox):
        return (node.lhs, node.minx, node.miny, node.maxx, node.maxy)
    if isinstance(node, ast.In):
        return (node.lhs, *node.sub_nodes)
    return node.get_sub_nodes() or ()


def _numbers(geometry: dict[str, Any]) -> Iterator[float]:
    waiting: list[Any] = [geometry]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += [one.get("coordinates", ()), *one.get("geometries", ())]
        elif isinstance(one, (list, tuple)):
            waiting += one
        else:
            yield float(one)
