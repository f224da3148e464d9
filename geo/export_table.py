"""The table that leaves the house: rows with geometry, what each column means, and where all of it is from.

Whoever makes a layer gives one `ExportTable`; every file format, map sheet and the OGC API is drawn from
it. Rows come in chunks, so that a layer of hundreds of thousands of areas is never in memory as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import geopandas as gpd
import pandas as pd
from numpy.typing import NDArray

from geo.crs import STORE_CRS

GeometryKind = Literal["point", "line", "polygon"]
ShadingKind = Literal["classes", "categories", "plain"]
SHORT_NAME_LENGTH = 10
"""What a shapefile's attribute table allows for a name, in bytes."""

PLACE_TITLES = (("图上经度", "图上纬度"), ("place_lon", "place_lat"))
"""How tables head the degrees of a row's place in the file's own coordinates, in Chinese and in English."""

_SHORT = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,9}")


@dataclass(frozen=True)
class Field:
    """One column: ``name`` in code, ``title`` as people read it, ``short`` for shapefiles (ASCII, ≤ 10)."""

    name: str
    title: str
    short: str = ""
    unit: str = ""
    definition: str = ""

    @property
    def label(self) -> str:
        """The title with its unit."""
        return f"{self.title}（{self.unit}）" if self.unit else self.title


@dataclass(frozen=True)
class Origin:
    """One source as the package names it: title, publisher, date and licence (text, may be empty)."""

    title: str
    publisher: str = ""
    date: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Shading:
    """How a layer is coloured by default.

    ``classes``: the numbers of ``column`` in classes of ``ramp`` (colours by number of classes, lowest
    first); ``categories``: each text of ``column`` in its colour of ``colours`` (text to colour; the texts
    are told as ``labels`` says); ``plain``: one colour, the first of ``colours``. ``undefined`` is what it
    means that a row has no number.
    """

    kind: ShadingKind = "plain"
    column: str = ""
    decimals: int = 1
    direction: str = "neutral"
    ramp_id: str = "neutral"
    ramp: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    colours: Mapping[str, str] = field(default_factory=lambda: {"": "#8c96c6"})
    labels: Mapping[str, str] = field(default_factory=dict)
    undefined: str = "无数据"
    scheme: str = "quantiles"
    k: int = 5


@dataclass(frozen=True, eq=False)
class ExportTable:
    """One layer ready to leave.

    ``chunks`` gives the rows as frames in EPSG:4490, each with the columns of ``fields`` in that order and
    ``geometry`` (missing where a row has no place); the types are the same in every chunk. ``rows`` is how
    many there are. ``values`` are the numbers of the shaded column of all rows, where there is one.
    ``every_row_placed`` says whether each row has a geometry. ``definition`` (口径), ``remarks`` and
    ``boundary`` are sentences the reader must get with the figures, and ``notice`` is what stands on it
    without a 审图号. ``undefined_colour`` is the colour of rows without a value. ``definition_form`` defines
    an indicator that a person brought along, as the import's form does: a head and its row.
    """

    id: str
    title: str
    geometry: GeometryKind
    rows: int
    fields: tuple[Field, ...]
    chunks: Callable[[], Iterable[gpd.GeoDataFrame]]
    definition: str
    sources: tuple[Origin, ...]
    boundary: str
    data_version: str
    notice: str
    undefined_colour: str
    year: str = ""
    unit: str = ""
    remarks: tuple[str, ...] = ()
    shading: Shading = field(default_factory=Shading)
    values: NDArray[Any] | None = None
    name_field: str = "name"
    every_row_placed: bool = True
    definition_form: tuple[tuple[str, ...], ...] = ()

    def frame(self) -> gpd.GeoDataFrame:
        """Return all rows as one frame (EPSG:4490)."""
        parts = [part for part in self.chunks() if len(part)]
        if not parts:
            names = [one.name for one in self.fields]
            return gpd.GeoDataFrame(pd.DataFrame(columns=names), geometry=[], crs=STORE_CRS)
        if len(parts) == 1:
            return parts[0].reset_index(drop=True)
        return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="geometry", crs=STORE_CRS)

    @property
    def source_text(self) -> str:
        """The titles of the sources as one text."""
        return "；".join(one.title for one in self.sources)


def with_short_names(fields: Iterable[Field]) -> tuple[Field, ...]:
    """Return the fields with a short name each: the given one where it is ASCII, short and free, else made.

    Names are compared without regard to case, as a shapefile's reader does.
    """
    taken: set[str] = set()
    out = []
    for one in fields:
        wanted = one.short if _SHORT.fullmatch(one.short) else re.sub(r"[^A-Za-z0-9_]", "", one.name)
        wanted = (wanted if _SHORT.match(wanted) else f"f_{wanted}")[:SHORT_NAME_LENGTH].rstrip(
            "_"
        ) or "field"
        short, number = wanted, 1
        while short.lower() in taken:
            number += 1
            mark = f"_{number}"
            short = wanted[: SHORT_NAME_LENGTH - len(mark)] + mark
        taken.add(short.lower())
        out.append(Field(one.name, one.title, short, one.unit, one.definition))
    return tuple(out)
