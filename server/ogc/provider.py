"""The provider pygeoapi asks for items: our layers, nothing written or executed; rows as GeoJSON.

pygeoapi turns dictionaries into text at the end. For JSON that would parse the text of every geometry only to
write it again, so the text of the features goes around it: whoever answers opens ``text_wanted``, the
provider leaves the text there and an empty list with pygeoapi, and ``spliced`` puts the one into the other.
"""

from __future__ import annotations

import contextlib
import contextvars
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pygeoapi.provider.base import BaseProvider, ProviderInvalidQueryError, ProviderItemNotFoundError
from pygeoapi.util import json_serial

from server.ogc.filters import FilterError, matching
from server.ogc.question import of_years
from server.ogc.refusals import shown
from server.ogc.source import Source, source_of

_ID = re.compile(r"[0-9]{1,12}")
_TYPES = {"b": "boolean", "i": "integer", "f": "number"}


class LayerProvider(BaseProvider):  # type: ignore[misc]  # the library has no types
    """Items of one layer; ``data`` in the definition is the collection's id."""

    def __init__(self, provider_def: dict[str, Any]) -> None:
        """Make a provider for one request."""
        self._fields: dict[str, Any] = {}
        super().__init__(provider_def)
        self.get_fields()

    @property
    def source(self) -> Source:
        """The rows of the collection, of the current version of the data."""
        return source_of(self.data)

    def get_fields(self) -> dict[str, Any]:
        """Return the columns by English name: JSON type and Chinese title."""
        if not self._fields:
            source = self.source
            self._fields = {
                one.name: {
                    "type": _TYPES.get(source.rows[one.name].dtype.kind, "string"),
                    "title": one.label,
                    "description": one.definition,
                }
                for one in source.fields
            }
        return self._fields

    def query(self, **asked: Any) -> dict[str, Any]:
        """Return the items asked for as a GeoJSON collection, with how many there are in all."""
        source = self.source
        rows = self._rows(source, asked)
        if asked.get("resulttype") == "hits":
            return {"type": "FeatureCollection", "features": [], "numberMatched": len(rows)}
        rows = _sorted(source, rows, asked.get("sortby") or [])
        offset, limit = int(asked.get("offset", 0)), int(asked.get("limit", 10))
        page = rows[offset : offset + limit]
        features = page_of(
            source,
            page,
            asked.get("select_properties") or [],
            plain=bool(asked.get("skip_geometry")),
            swapped=_swapped(asked),
        )
        return {
            "type": "FeatureCollection",
            "features": features,
            "numberMatched": len(rows),
            "numberReturned": len(page),
        }

    def _rows(self, source: Source, asked: dict[str, Any]) -> np.ndarray:
        keep = np.ones(len(source.rows), dtype=bool)
        years = of_years(source, asked)
        if years is not None:
            keep &= years
        box = asked.get("bbox") or []
        if box:
            inside = np.zeros(len(keep), dtype=bool)
            inside[source.hits((box[0], box[1], box[-2], box[-1]))] = True
            keep &= inside
        for name, value in asked.get("properties") or []:
            keep &= _equal(source.rows[name], value)
        if asked.get("filterq") is not None:
            try:
                keep &= matching(asked["filterq"], source.rows, source.hits, source.shapes)
            except FilterError as fault:
                raise ProviderInvalidQueryError(user_msg=str(fault)) from fault
        return np.flatnonzero(keep)

    def get(self, identifier: str, **asked: Any) -> dict[str, Any]:
        """Return one item; raises ``ProviderItemNotFoundError``."""
        source = self.source
        if not _ID.fullmatch(str(identifier)) or int(identifier) >= len(source.rows):
            raise ProviderItemNotFoundError(user_msg=f"没有编号为“{shown(str(identifier))}”的要素")
        row = np.array([int(identifier)])
        return page_of(source, row, [], plain=False, swapped=_swapped(asked))[0]


def _swapped(asked: dict[str, Any]) -> bool:
    """Return whether latitude comes first, as EPSG:4490 and EPSG:4326 have it; else they are as CRS84."""
    spec = asked.get("crs_transform_spec")
    return spec is not None and "/EPSG/" in str(spec.target_crs_uri)


def _equal(column: pd.Series, value: str) -> np.ndarray:
    if pd.api.types.is_bool_dtype(column):
        return (column == (value.lower() in {"true", "1"})).to_numpy()
    if pd.api.types.is_numeric_dtype(column):
        number = pd.to_numeric(value, errors="coerce")
        return (column == number).to_numpy()
    return (column.astype(object) == value).to_numpy(dtype=bool)


def _sorted(source: Source, rows: np.ndarray, sortby: list[dict[str, str]]) -> np.ndarray:
    if not sortby:
        return rows
    names = [one["property"] for one in sortby]
    rising = [one["order"] != "-" for one in sortby]
    part = source.rows[names].iloc[rows].reset_index(drop=True)
    found: np.ndarray = rows[part.sort_values(names, ascending=rising, kind="stable").index.to_numpy()]
    return found


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
