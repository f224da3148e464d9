"""A small picture of a layer, drawn fast, for choosing what to export."""

from __future__ import annotations

import io

import geopandas as gpd
import numpy as np
import shapely
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.path import Path as Outline

from geo.crs import to_albers
from geo.export_table import ExportTable
from layers.export_style import symbols_of

MAX_ROWS = 60_000
_SIZE_INCHES, _DPI = 4.2, 110
_BORDER, _LAND = "#8796A3", "#EEF0F2"


def preview_png(table: ExportTable, background: gpd.GeoDataFrame) -> bytes | None:
    """Return a picture of the layer without words, None when it has more than ``MAX_ROWS`` rows.

    ``background`` (EPSG:4490) are areas drawn pale below it.
    """
    if table.rows > MAX_ROWS:
        return None
    frame = table.frame()
    frame = to_albers(frame[frame.geometry.notna()])
    symbols = symbols_of(table)
    column = symbols.shading.column
    values = frame[column].tolist() if column in frame else [None] * len(frame)
    colours = np.array([symbols.colour_of(value) for value in values], dtype=object)
    figure = Figure(figsize=(_SIZE_INCHES, _SIZE_INCHES), facecolor="white")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_aspect("equal")
    pale = to_albers(background)
    _areas(axes, pale.geometry.to_numpy(), [_LAND] * len(pale), "#C9D0D6")
    shapes = frame.geometry.to_numpy()
    if table.geometry == "point":
        axes.scatter(
            shapely.get_x(shapes), shapely.get_y(shapes), s=7, c=list(colours), linewidths=0, zorder=3
        )
    elif table.geometry == "line":
        for shape, colour in zip(shapes, colours, strict=True):
            for part in getattr(shape, "geoms", [shape]):
                axes.plot(*shapely.get_coordinates(part).T, color=colour, linewidth=1.4, zorder=3)
    else:
        _areas(axes, shapes, list(colours), _BORDER if len(shapes) < 3_000 else "none")
    whole = (
        np.array([frame.total_bounds, pale.total_bounds]) if len(frame) else np.array([pale.total_bounds] * 2)
    )
    west, south, east, north = whole[0] if np.isfinite(whole[0]).all() else whole[1]
    pad = 0.05 * max(east - west, north - south, 2_000.0)
    axes.set_xlim(west - pad, east + pad)
    axes.set_ylim(south - pad, north + pad)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=_DPI)
    return out.getvalue()


def _areas(axes: object, shapes: np.ndarray, colours: list[str], border: str) -> None:
    """Draw areas simplified to what the picture can show."""
    small = shapely.simplify(shapes, 250.0) if len(shapes) < 3_000 else shapes
    outlines = [_outline(shape) for shape in small]
    drawn = PathCollection(outlines, facecolors=colours, edgecolors=border, linewidths=0.3, zorder=2)
    axes.add_collection(drawn)  # type: ignore[attr-defined]


def _outline(shape: shapely.Geometry) -> Outline:
    rings = [
        Outline(shapely.get_coordinates(ring), closed=True)
        for part in getattr(shape, "geoms", [shape])
        for ring in (part.exterior, *part.interiors)
        if not ring.is_empty
    ]
    return Outline.make_compound_path(*rings) if rings else Outline(np.zeros((1, 2)))
