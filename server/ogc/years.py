"""Which years a question means: OGC's ``datetime`` as years, and the newest where no year is spoken of."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pygeoapi.provider.base import ProviderInvalidQueryError
from pygeofilter import ast

from server.ogc.refusals import shown
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
