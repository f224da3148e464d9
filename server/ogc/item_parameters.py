"""The parameters of a question for items: each is checked, and written as pygeoapi takes it right."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping

import pandas as pd
from pygeoapi.provider.base import ProviderInvalidQueryError

from server.ogc.config import CRS, MAX_ITEMS
from server.ogc.cql import checked_filter
from server.ogc.refusals import RefusedError, shown
from server.ogc.years import years_of

MAX_SORTS = 10
_KNOWN = frozenset({"f", "lang"})
_ANY_COUNT = re.compile(r"[0-9]{1,100}")
_COUNT = re.compile(r"[0-9]{1,15}")
_NUMBER = re.compile(r"[+-]?([0-9]{1,20}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,3})?")
_SIDES = {4: (0, 1, 2, 3), 6: (0, 1, 3, 4)}
"""Where the sides of a box are among its numbers: of six, the third and the last are heights."""


def checked_items(asked: Mapping[str, str], columns: pd.DataFrame) -> dict[str, str]:
    """Return the parameters as pygeoapi is asked with them.

    ``columns``: the rows of the collection, whose columns may be parameters, too. Raises `RefusedError` for a
    value that is none, and for a name that is neither a parameter nor a column.
    """
    out: dict[str, str] = {}
    for name, value in asked.items():
        if name in _CHECKS:
            out[name] = _CHECKS[name](name, value)
        elif name in _OF_COLUMNS:
            out[name] = _OF_COLUMNS[name](name, value, set(columns.columns))
        elif name in columns.columns:
            out[name] = _equal(name, value, columns[name])
        elif name not in _KNOWN:
            raise RefusedError(f"没有参数或字段“{shown(name)}”；字段见该图层的 queryables")
    if "bbox-crs" in out and "bbox" not in out:
        raise RefusedError("写了 bbox-crs，没有写 bbox")
    if "filter" in out:
        checked_filter(out["filter"], moved=out.get("filter-crs", CRS[0]) != CRS[0])
    return out


def checked_crs(name: str, value: str) -> str:
    """Return the address of a CRS. Raises `RefusedError` for one that is not offered."""
    if value not in CRS:
        raise RefusedError(f"{name} 没有“{shown(value)}”，可用：{'、'.join(CRS)}")
    return value


def _offset(name: str, value: str) -> str:
    if not _COUNT.fullmatch(value):
        raise RefusedError(f"{name} 应为 0 或更大的整数，最多 15 位，收到：{shown(value)}")
    return str(int(value))


def _limit(name: str, value: str) -> str:
    if not _ANY_COUNT.fullmatch(value) or int(value) == 0:
        raise RefusedError(f"{name} 应为 1 或更大的整数，收到：{shown(value)}")
    return str(min(int(value), MAX_ITEMS))


def _bbox(name: str, value: str) -> str:
    parts = [part.strip() for part in value.split(",", maxsplit=7)]
    if len(parts) not in _SIDES:
        raise RefusedError(f"{name} 应为四个数（西,南,东,北）或六个数，收到 {len(parts)} 个")
    if not all(_NUMBER.fullmatch(part) for part in parts):
        raise RefusedError(f"{name} 的每一项都应为数，收到：{shown(value)}")
    west, south, east, north = (float(parts[place]) for place in _SIDES[len(parts)])
    if not all(map(math.isfinite, (west, south, east, north))):
        raise RefusedError(f"{name} 的数太大，收到：{shown(value)}")
    if west > east or south > north:
        raise RefusedError(f"{name} 的前一个角应小于后一个角（西,南,东,北），收到：{shown(value)}")
    # Beyond the world there is nothing, and a projection knows nothing of it.
    return ",".join(repr(min(max(side, -180.0), 180.0)) for side in (west, south, east, north))


def _datetime(_name: str, value: str) -> str:
    try:
        first, last = years_of(value)
    except ProviderInvalidQueryError as fault:
        raise RefusedError(str(fault)) from fault
    # The library's calendar begins with the year 1, before any that we have.
    if "/" not in value:
        return f"{max(first, 1):04d}"
    begin = ".." if first == 0 else f"{first:04d}"
    return f"{begin}/{'..' if last == 9999 else f'{max(last, 1):04d}'}"


def _one_of(*words: str) -> Callable[[str, str], str]:
    def check(name: str, value: str) -> str:
        if value.lower() not in words:
            raise RefusedError(f"{name} 应为 {' 或 '.join(words)}，收到：{shown(value)}")
        return value.lower()

    return check


def _names(name: str, value: str, columns: Collection[str]) -> list[str]:
    parts = value.split(",")
    for part in parts:
        if part not in columns:
            raise RefusedError(f"{name} 中没有字段“{shown(part)}”；字段见该图层的 queryables")
    if len(set(parts)) < len(parts):
        raise RefusedError(f"{name} 中有字段写了不止一次")
    return parts


def _properties(name: str, value: str, columns: Collection[str]) -> str:
    return ",".join(_names(name, value, columns))


def _sortby(name: str, value: str, columns: Collection[str]) -> str:
    parts = value.split(",")
    if len(parts) > MAX_SORTS:
        raise RefusedError(f"{name} 最多写 {MAX_SORTS} 个字段")
    # In an address a plus is a space.
    _names(name, ",".join(re.sub(r"^[+\- ]", "", part) for part in parts), columns)
    return ",".join(part.lstrip(" +") for part in parts)


def _equal(name: str, value: str, column: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(column):
        if value.lower() not in {"true", "false", "1", "0"}:
            raise RefusedError(f"字段 {name} 应为 true 或 false，收到：{shown(value)}")
    elif pd.api.types.is_numeric_dtype(column) and not _NUMBER.fullmatch(value):
        raise RefusedError(f"字段 {name} 是数，收到：{shown(value)}")
    return value


def _text(_name: str, value: str) -> str:
    return value


_CHECKS: dict[str, Callable[[str, str], str]] = {
    "offset": _offset,
    "limit": _limit,
    "bbox": _bbox,
    "bbox-crs": checked_crs,
    "crs": checked_crs,
    "filter-crs": checked_crs,
    "datetime": _datetime,
    "resulttype": _one_of("results", "hits"),
    "skipGeometry": _one_of("true", "false"),
    "filter-lang": _one_of("cql-text"),
    "filter": _text,
}
_OF_COLUMNS: dict[str, Callable[[str, str, Collection[str]], str]] = {
    "properties": _properties,
    "sortby": _sortby,
}
