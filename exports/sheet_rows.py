"""What a map sheet is about, on its axes: shapes one by one, or very many areas as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import geopandas as gpd
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from exports.arrow import Seen, frames
from exports.painting import Painting, is_painted, paint
from exports.style import Symbols
from geo.crs import STORE_CRS, to_albers
from geo.errors import ExportError
from geo.export_crs import TARGETS
from geo.export_table import ExportTable

MAX_ROWS = 60_000
"""So many shapes at most are drawn one by one."""

_BORDER = "#8796A3"
_UNBORDERED_FROM = 3_000


class SheetRows(Protocol):
    """The rows of a layer as a sheet draws them."""

    @property
    def bounds(self) -> NDArray[np.float64]:
        """West, south, east and north in the measuring CRS (m)."""

    def draw(self, axes: Axes, symbols: Symbols) -> None:
        """Draw the rows on axes whose data coordinates are those of the measuring CRS."""


@dataclass(frozen=True, eq=False)
class Shapes:
    """Rows with a place, drawn one by one; ``frame`` is in the measuring CRS."""

    frame: gpd.GeoDataFrame

    @property
    def bounds(self) -> NDArray[np.float64]:
        """West, south, east and north (m)."""
        bounds: NDArray[np.float64] = self.frame.total_bounds
        return bounds

    def draw(self, axes: Axes, symbols: Symbols) -> None:
        """Draw areas, lines or places in the colours of their values."""
        column = symbols.shading.column
        values = self.frame[column].tolist() if column in self.frame else [None] * len(self.frame)
        colours = np.array([symbols.colour_of(value) for value in values])
        many = len(self.frame) > _UNBORDERED_FROM
        for colour in dict.fromkeys(colours):
            part = self.frame[colours == colour]
            if symbols.geometry == "polygon":
                part.plot(
                    ax=axes, color=colour, edgecolor="none" if many else _BORDER, linewidth=0.25, zorder=2
                )
            elif symbols.geometry == "line":
                part.plot(ax=axes, color=colour, linewidth=1.6, zorder=3)
            else:
                size = 9.0 if len(self.frame) > 600 else 18.0
                part.plot(ax=axes, color=colour, markersize=size, edgecolor="white", linewidth=0.3, zorder=3)


@dataclass(frozen=True, eq=False)
class Painted:
    """Very many areas as one picture in the measuring CRS."""

    picture: Painting

    @property
    def bounds(self) -> NDArray[np.float64]:
        """West, south, east and north of the picture (m)."""
        return np.array(self.picture.bounds)

    def draw(self, axes: Axes, symbols: Symbols) -> None:  # noqa: ARG002 - as other rows
        """Lay the picture on the map; its colours are those of ``symbols`` already."""
        west, south, east, north = self.picture.bounds
        # In PDF and SVG the picture is kept as it is, whatever their resolution.
        axes.imshow(self.picture.rgba(), extent=(west, east, south, north), interpolation="none", zorder=2)


def rows_of(table: ExportTable, symbols: Symbols, seen: Seen, *, pixels: int) -> SheetRows:
    """Return the rows of a layer for a sheet whose longer side has so many ``pixels``.

    What passed is noted in ``seen``. Raises ``ExportError`` for more than ``MAX_ROWS`` places or lines, and
    when no row has a place.
    """
    target = TARGETS[STORE_CRS]
    found: SheetRows | None
    if is_painted(table):
        noted = iter((seen, Seen()))
        picture = paint(lambda: map(to_albers, frames(table, target, next(noted))), symbols, pixels=pixels)
        found = None if picture is None else Painted(picture)
    else:
        if table.rows > MAX_ROWS:
            raise ExportError(
                f"图层 {table.title} 有 {table.rows:,} 个要素，图件最多 {MAX_ROWS:,} 个；请裁剪到一个地区。"
            )
        parts = list(frames(table, target, seen))
        frame = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="geometry", crs=STORE_CRS)
        frame = frame[frame.geometry.notna()]
        found = None if frame.empty else Shapes(to_albers(frame))
    if found is None:
        raise ExportError(f"图层 {table.title} 没有一行有位置，不能出图。")
    return found
