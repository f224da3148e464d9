"""The provider pygeoapi asks for the items of a collection: our layers, nothing written, nothing executed."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from pygeoapi.provider.base import BaseProvider, ProviderInvalidQueryError, ProviderItemNotFoundError

from server.ogc.features import page_of
from server.ogc.filter_shapes import FilterError
from server.ogc.filters import matching
from server.ogc.refusals import shown
from server.ogc.source import Source, source_of
from server.ogc.years import of_years

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
