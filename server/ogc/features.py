"""Rows as GeoJSON features: as dictionaries for pages, and as text for the answer most clients want.

pygeoapi turns dictionaries into text at the end. For JSON that would parse the text of every geometry only to
write it again, so the text of the features goes around it: whoever answers opens ``text_wanted``, the
provider leaves the text there and an empty list with pygeoapi, and ``spliced`` puts the one into the other.
"""

from __future__ import annotations

import contextlib
import contextvars
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pygeoapi.util import json_serial

from server.ogc.source import Source

_DECIMALS = 7
_EMPTY = '"features":[]'
_wanted: contextvars.ContextVar[list[str] | None] = contextvars.ContextVar("features_text", default=None)


@contextlib.contextmanager
def text_wanted() -> Iterator[list[str]]:
    """Give the list in which the provider leaves the text of its features; it is empty if it had none."""
    left: list[str] = []
    token = _wanted.set(left)
    try:
        yield left
    finally:
        _wanted.reset(token)


def spliced(answer: str, left: Sequence[str]) -> str:
    """Return pygeoapi's answer with the text of the features in the place it kept for them."""
    if not left:
        return answer
    before, place, after = answer.partition(_EMPTY)
    if not place:
        return answer
    return f'{before}"features":[{left[0]}]{after}'


def page_of(
    source: Source, rows: NDArray[np.intp], names: list[str], *, plain: bool, swapped: bool
) -> list[dict[str, Any]]:
    """Return some rows as features, or an empty list when their text is wanted instead and was left.

    ``names``: the columns, all when empty. ``plain``: without geometry. ``swapped``: latitude first.
    """
    left = _wanted.get()
    shapes = [None] * len(rows) if plain else _shapes(source, rows, swapped=swapped)
    columns = names or [one.name for one in source.fields]
    records = _records(source.rows[columns].iloc[rows], columns)
    if left is not None:
        left.append(",".join(map(_text, rows.tolist(), records, shapes)))
        return []
    return [
        {
            "type": "Feature",
            "id": row,
            "properties": record,
            "geometry": None if shape is None else json.loads(shape),
        }
        for row, record, shape in zip(rows.tolist(), records, shapes, strict=True)
    ]


def _text(row: int, record: dict[str, Any], shape: str | None) -> str:
    told = json.dumps(record, default=json_serial, separators=(",", ":"))
    return f'{{"type":"Feature","id":{row},"properties":{told},"geometry":{shape or "null"}}}'


def _records(part: pd.DataFrame, columns: list[str]) -> list[dict[str, Any]]:
    """Return a dictionary for each row; a missing value is None."""
    cells = []
    for name in columns:
        column = part[name]
        values = column.tolist()
        for place in np.flatnonzero(column.isna().to_numpy()):
            values[place] = None
        cells.append(values)
    return [dict(zip(columns, row, strict=True)) for row in zip(*cells, strict=True)]


def _shapes(source: Source, rows: NDArray[np.intp], *, swapped: bool) -> list[str | None]:
    if not len(rows):
        return []
    order = [1, 0] if swapped else [0, 1]
    rounded = shapely.transform(source.shapes(rows), lambda points: np.round(points[:, order], _DECIMALS))
    found: list[str | None] = shapely.to_geojson(rounded).tolist()
    return found
