"""Very many areas as one picture: each pixel has the colour of the area over its centre.

Hundreds of thousands of cells are too many for a drawing of outlines, on paper as in a browser. Neighbours
leave no gap and cover nothing twice, as a pixel's centre lies in one of them only.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image
from rasterio import Affine
from rasterio.features import rasterize

from exports.style import Symbols
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
