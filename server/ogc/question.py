"""What a question asks for, read strictly before pygeoapi sees it: its form, its parameters, its years."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlencode

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pygeoapi.provider.base import ProviderInvalidQueryError
from pygeofilter import ast
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Scope

from server.ogc.config import CRS, MAX_ACCEPT, MAX_ITEMS, MAX_PARAMETERS, MAX_SORTS
from server.ogc.cql import checked_filter
from server.ogc.refusals import RefusedError, shown
from server.ogc.source import Source

YEAR = "year"
_INSTANT = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]"
    r"(?::[0-5][0-9](?:[.,][0-9]{1,9})?)?"
    # In an address a plus is a space.
    r"(?:[Zz]|[+\- ](?:[01][0-9]|2[0-3]):?[0-5][0-9])?)?)?)?"
)
_OPEN = ("", "..")


def of_years(source: Source, asked: dict[str, Any]) -> NDArray[np.bool_] | None:
    """Return the rows of the years asked for, None when every row is meant.

    Rows without years (``source.newest`` is None) are all meant: a time says nothing of them. A row of a year
    is met by any time within that year. Where nothing speaks of a year, neither ``datetime`` nor a value or
    filter of ``year``, the newest is meant. Raises ``ProviderInvalidQueryError`` for a time that is none.
    """
    if source.newest is None:
        return None
    time = asked.get("datetime_")
    years = source.rows[YEAR].to_numpy()
    if time:
        first, last = years_of(str(time))
        return np.asarray((years >= first) & (years <= last))
    named = {name for name, _ in asked.get("properties") or []} | names_in(asked.get("filterq"))
    return None if YEAR in named else np.asarray(years == source.newest)


def years_of(time: str) -> tuple[int, int]:
    """Return the first and last year of an instant or interval (RFC 3339, or ``2010``; ``..`` is open)."""
    first, slash, last = time.partition("/")
    if not slash:
        year = _year(first)
        return year, year
    if first in _OPEN and last in _OPEN:
        return 0, 9999
    span = (0 if first in _OPEN else _year(first)), (9999 if last in _OPEN else _year(last))
    if span[0] > span[1]:
        raise ProviderInvalidQueryError(user_msg=f"datetime 的起点晚于终点：{shown(time)}")
    return span


def _year(text: str) -> int:
    found = _INSTANT.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        # The calendar has no year 0, which was a leap year.
        date(int(found[1]) or 4, int(found[2] or 1), int(found[3] or 1))
        return int(found[1])
    except ValueError as fault:
        raise ProviderInvalidQueryError(
            user_msg=f"datetime 应为年份或日期，如 2010、2010-11-01、2000/2020，收到：{shown(text)}"
        ) from fault


def names_in(node: Any) -> set[str]:
    """Return the names of all columns that a filter speaks of."""
    if isinstance(node, ast.Attribute):
        return {str(node.name)}
    if not isinstance(node, ast.Node):
        return set()
    return set().union(*(names_in(one) for one in node.get_sub_nodes() or ()))


FORMS = ("json", "html", "jsonld")
"""The forms of answers that are asked for by ``f``, everywhere but for tiles."""

_MIMES = {
    "text/html": "html",
    "application/ld+json": "jsonld",
    "application/json": "json",
    "application/geo+json": "json",
}
_ACCEPTED = re.compile(r"([a-z0-9.+*-]{1,40}/[a-z0-9.+*-]{1,60})(?:[^,]*;\s*q=([01](?:\.[0-9]{0,3})?))?[^,]*")


@dataclass(frozen=True)
class Question:
    """One question: its ``parameters``, each once, and the ``form`` wanted (None: none was named)."""

    parameters: dict[str, str]
    form: str | None

    def asking(self, parameters: dict[str, str]) -> Question:
        """Return the question with other parameters."""
        return Question(parameters, self.form)

    def put(self, scope: Scope) -> Request:
        """Return the same question as a request that says nothing but this."""
        headers = [] if self.form is None else [(b"accept", _mime(self.form).encode())]
        query = urlencode(self.parameters).encode()
        return Request({**scope, "query_string": query, "headers": headers})


def form_wanted(scope: Scope) -> str | None:
    """Return the form wanted by the ``f`` of the address, else by the header Accept; None for neither."""
    for name, value in _pairs(scope):
        if name == "f":
            return value.strip() or None
    return _accepted(Headers(scope=scope).get("accept", ""))


def question_of(
    scope: Scope, forms: tuple[str, ...] = FORMS, taken: tuple[str, ...] | None = None
) -> Question:
    """Return the question. Raises `RefusedError` for one that is garbled or asks for an unknown form.

    ``taken``: the parameters that mean something here, None for all; what means nothing is left out.
    """
    pairs = _pairs(scope)
    if len(pairs) > MAX_PARAMETERS:
        raise RefusedError(f"参数超过 {MAX_PARAMETERS} 个")
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if not _clean(name) or not _clean(value):
            raise RefusedError(f"参数“{shown(name)}”含有控制字符，或不是 UTF-8 编码")
        if name in parameters:
            raise RefusedError(f"参数“{shown(name)}”写了不止一次")
        parameters[name] = value
    form = form_wanted(scope)
    if parameters.get("f", "").strip() and form not in forms:
        raise RefusedError(f"没有“{shown(form or '')}”这种格式，可用：{'、'.join(forms)}")
    kept = {name: value for name, value in parameters.items() if taken is None or name in taken}
    return Question(kept, form)


def _pairs(scope: Scope) -> list[tuple[str, str]]:
    text = scope["query_string"].decode("latin-1")
    # Bytes above 127 are UTF-8 that a client did not encode.
    text = text.encode("latin-1").decode("utf-8", errors="replace")
    return parse_qsl(text, keep_blank_values=True)


def _clean(text: str) -> bool:
    return "�" not in text and all(char >= " " and not "\x7f" <= char <= "\x9f" for char in text)


def _accepted(header: str) -> str | None:
    """Return the form of the media type wanted most among those we have."""
    found: list[tuple[float, int, str]] = []
    for place, part in enumerate(header[:MAX_ACCEPT].lower().split(",")):
        told = _ACCEPTED.fullmatch(part.strip())
        if told is not None and told[1] in _MIMES and float(told[2] or 1) > 0:
            found.append((-float(told[2] or 1), place, _MIMES[told[1]]))
    return min(found)[2] if found else None


def _mime(form: str) -> str:
    return next((mime for mime, one in _MIMES.items() if one == form), "application/json")


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
