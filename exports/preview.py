"""A small picture of a layer, drawn fast, for choosing what to export."""

from __future__ import annotations

import io

import geopandas as gpd
import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

from exports.painting import is_painted, paint
from exports.sheet_rows import MAX_ROWS, Painted
from exports.style import Symbols, symbols_of
from geo.crs import to_albers
from geo.export_table import ExportTable

_SIZE_INCHES, _DPI = 4.2, 110
_BORDER, _LAND = "#8796A3", "#EEF0F2"


def preview_png(table: ExportTable, background: gpd.GeoDataFrame) -> bytes | None:
    """Return a picture of the layer without words, None for more places or lines than ``MAX_ROWS``.

    ``background`` (EPSG:4490) are areas drawn pale below it.
    """
    symbols, pale = symbols_of(table), to_albers(background)
    picture = None
    if is_painted(table):
        picture = paint(lambda: map(to_albers, table.chunks()), symbols, pixels=int(_SIZE_INCHES * _DPI * 2))
    elif table.rows > MAX_ROWS:
        return None
    figure = Figure(figsize=(_SIZE_INCHES, _SIZE_INCHES), facecolor="white")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_aspect("equal")
    _areas(axes, pale.geometry.to_numpy(), [_LAND] * len(pale), "#C9D0D6")
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
        _areas(axes, shapes, colours, _BORDER if len(shapes) < 3_000 else "none")
    bounds: NDArray[np.float64] = frame.total_bounds
    return bounds


def _areas(axes: Axes, shapes: np.ndarray, colours: list[str], border: str) -> None:
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
