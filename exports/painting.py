"""A layer on axes: shapes one by one, very many areas as one picture, and a small preview.

Hundreds of thousands of cells are too many for a drawing of outlines, on paper as in a browser. Neighbours
leave no gap and cover nothing twice, as a pixel's centre lies in one of them only.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.path import Path as Outline
from numpy.typing import NDArray
from PIL import Image
from rasterio import Affine
from rasterio.features import rasterize

from data.registry.limit_models import limit
from exports.arrow import Seen, frames, too_many
from exports.style import Symbols, symbols_of
from geo.crs import STORE_CRS, TARGETS, to_albers
from geo.errors import ExportError
from geo.export_table import ExportTable

PAINTED_FROM = 20_000
"""Layers of more areas are painted."""

_POLYGON, _SQUARE = 3, 5
# A side that is a whole number of pixels must not get one more by the last digit of a division.
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class Painting:
    """A picture of areas.

    ``codes`` (rows × columns, north first): for each pixel the number of its colour in ``colours``, counted
    from 1; 0 where there is no area. ``bounds``: west, south, east, north of the picture, in the
    coordinates of the areas.
    """

    codes: NDArray[np.uint8]
    colours: tuple[str, ...]
    bounds: tuple[float, float, float, float]

    def rgba(self) -> NDArray[np.uint8]:
        """Return the picture as red, green, blue and opacity (rows × columns × 4)."""
        return self._palette()[self.codes]

    def png(self) -> bytes:
        """Return the picture as a PNG, transparent where there is no area."""
        image = Image.fromarray(self.codes, mode="P")
        image.putpalette(self._palette()[:, :3].ravel().tolist())
        out = io.BytesIO()
        image.save(out, format="PNG", optimize=True, transparency=0)
        return out.getvalue()

    def _palette(self) -> NDArray[np.uint8]:
        rows = [[0, 0, 0, 0]]
        rows += [[*(int(one[at : at + 2], 16) for at in (1, 3, 5)), 255] for one in self.colours]
        return np.array(rows, dtype=np.uint8)


def is_painted(table: ExportTable) -> bool:
    """Return whether a layer has more areas than are drawn one by one."""
    return table.geometry == "polygon" and table.rows > PAINTED_FROM


def paint(
    chunks: Callable[[], Iterable[gpd.GeoDataFrame]], symbols: Symbols, *, pixels: int
) -> Painting | None:
    """Return a picture of areas, its longer side ``pixels`` long; None when none of them has a place.

    ``chunks`` gives the same frames each time it is called, all in one projected CRS: once to see how far
    they reach, once to paint.
    """
    reach = np.array([chunk.total_bounds for chunk in chunks()])
    reach = reach[np.isfinite(reach).all(axis=1)] if len(reach) else reach
    if not len(reach):
        return None
    west, south = reach[:, :2].min(axis=0)
    east, north = reach[:, 2:].max(axis=0)
    size = max(east - west, north - south) / pixels
    columns, rows = (max(1, math.ceil(length / size - _ROUNDING)) for length in (east - west, north - south))
    codes = np.zeros((rows, columns), dtype=np.uint8)
    colours = tuple(dict.fromkeys([*(one.colour for one in symbols.entries), symbols.nothing]))
    numbers = {colour: number for number, colour in enumerate(colours, start=1)}
    transform = Affine(size, 0.0, west, 0.0, -size, north)
    for chunk in chunks():
        areas = list(_areas(chunk, symbols, numbers))
        if areas:
            rasterize(areas, out=codes, transform=transform)
    bounds = (float(west), float(north - rows * size), float(west + columns * size), float(north))
    return Painting(codes, colours, bounds)


def _areas(
    chunk: gpd.GeoDataFrame, symbols: Symbols, numbers: dict[str, int]
) -> Iterator[tuple[dict[str, Any], int]]:
    """Give each area as GeoJSON has it, and the number of its colour."""
    shapes, column = chunk.geometry.to_numpy(), symbols.shading.column
    values = chunk[column].tolist() if column in chunk else [None] * len(chunk)
    codes = np.array([numbers[symbols.colour_of(value)] for value in values], dtype=np.uint8)
    # Squares all at once: asked one by one they take twice as long.
    square = (shapely.get_type_id(shapes) == _POLYGON) & (shapely.get_num_coordinates(shapes) == _SQUARE)
    rings = shapely.get_coordinates(shapes[square]).reshape(-1, _SQUARE, 2).tolist()
    for ring, code in zip(rings, codes[square].tolist(), strict=True):
        yield {"type": "Polygon", "coordinates": [ring]}, code
    other = ~square & ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    for shape, code in zip(shapes[other], codes[other].tolist(), strict=True):
        yield shapely.geometry.mapping(shape), code


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

    What passed is noted in ``seen``. Raises ``ExportError`` for more places or lines than the limit
    ``export.picture_rows``, and when no row has a place.
    """
    target = TARGETS[STORE_CRS]
    found: SheetRows | None
    if is_painted(table):
        noted = iter((seen, Seen()))
        picture = paint(lambda: map(to_albers, frames(table, target, next(noted))), symbols, pixels=pixels)
        found = None if picture is None else Painted(picture)
    else:
        if table.rows > limit("export.picture_rows"):
            raise too_many("export.picture_rows", table.rows, f"图层 {table.title}")
        parts = list(frames(table, target, seen))
        frame = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="geometry", crs=STORE_CRS)
        frame = frame[frame.geometry.notna()]
        found = None if frame.empty else Shapes(to_albers(frame))
    if found is None:
        raise ExportError(f"图层 {table.title} 没有一行有位置，不能出图。")
    return found


_SIZE_INCHES, _DPI = 4.2, 110
_PALE_BORDER, _LAND = "#8796A3", "#EEF0F2"


def preview_png(table: ExportTable, background: gpd.GeoDataFrame) -> bytes | None:
    """Return a picture of the layer without words, None for more places or lines than the limit
    ``export.picture_rows``.

    ``background`` (EPSG:4490) are areas drawn pale below it.
    """
    symbols, pale = symbols_of(table), to_albers(background)
    picture = None
    if is_painted(table):
        picture = paint(lambda: map(to_albers, table.chunks()), symbols, pixels=int(_SIZE_INCHES * _DPI * 2))
    elif table.rows > limit("export.picture_rows"):
        return None
    figure = Figure(figsize=(_SIZE_INCHES, _SIZE_INCHES), facecolor="white")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_aspect("equal")
    _draw_areas(axes, pale.geometry.to_numpy(), [_LAND] * len(pale), "#C9D0D6")
    if picture is not None:
        bounds = Painted(picture).bounds
        Painted(picture).draw(axes, symbols)
    else:
        bounds = _draw(axes, table, symbols)
    west, south, east, north = bounds if np.isfinite(bounds).all() else pale.total_bounds
    pad = 0.05 * max(east - west, north - south, 2_000.0)
    axes.set_xlim(west - pad, east + pad)
    axes.set_ylim(south - pad, north + pad)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=_DPI)
    return out.getvalue()


def _draw(axes: Axes, table: ExportTable, symbols: Symbols) -> NDArray[np.float64]:
    """Draw the rows one by one and return how far they reach (m), NaN where none has a place."""
    frame = table.frame()
    frame = to_albers(frame[frame.geometry.notna()])
    column = symbols.shading.column
    values = frame[column].tolist() if column in frame else [None] * len(frame)
    colours = [symbols.colour_of(value) for value in values]
    shapes = frame.geometry.to_numpy()
    if table.geometry == "point":
        axes.scatter(shapely.get_x(shapes), shapely.get_y(shapes), s=7, c=colours, linewidths=0, zorder=3)
    elif table.geometry == "line":
        for shape, colour in zip(shapes, colours, strict=True):
            for part in getattr(shape, "geoms", [shape]):
                axes.plot(*shapely.get_coordinates(part).T, color=colour, linewidth=1.4, zorder=3)
    else:
        _draw_areas(axes, shapes, colours, _PALE_BORDER if len(shapes) < 3_000 else "none")
    bounds: NDArray[np.float64] = frame.total_bounds
    return bounds


def _draw_areas(axes: Axes, shapes: np.ndarray, colours: list[str], border: str) -> None:
    """Draw areas simplified to what the picture can show."""
    small = shapely.simplify(shapes, 250.0) if len(shapes) < 3_000 else shapes
    outlines = [_outline(shape) for shape in small]
    drawn = PathCollection(outlines, facecolors=colours, edgecolors=border, linewidths=0.3, zorder=2)
    axes.add_collection(drawn)


def _outline(shape: shapely.Geometry) -> Outline:
    rings = [
        Outline(shapely.get_coordinates(ring), closed=True)
        for part in getattr(shape, "geoms", [shape])
        for ring in (part.exterior, *part.interiors)
        if not ring.is_empty
    ]
    return Outline.make_compound_path(*rings) if rings else Outline(np.zeros((1, 2)))
