"""Cells of the population grid as the rows of a collection: squares are made only of what is sent."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from data.layers_grid import squares
from geo.crs import ALBERS, STORE_CRS

Box = tuple[float, float, float, float]
Hits = Callable[[Box], NDArray[np.intp]]
Shapes = Callable[[NDArray[np.intp]], NDArray[np.object_]]
_KEPT_BOXES = 8
"""Boxes whose cells are remembered: pages of one answer follow each other. A large one holds some 3 MB."""
_AROUND = (110.0, 25.0, 130.0, 40.0)
"""Far around the province: beyond it the measuring projection says nothing useful, and there are no cells."""
_DEGREES_PER_M = 1.2e-5
"""A degree of longitude at 35°N is some 91 km: a metre is never more degrees than this."""


def grid_of(cells: pd.DataFrame, size: float) -> tuple[Hits, Shapes]:
    """Return which cells a box (degrees) meets, and the squares (EPSG:4490) of some of them.

    ``cells`` has the centres ``x``, ``y`` (metres of ``ALBERS``); ``size`` is the side of a cell. Which cells
    a box meets follows from the centres, but for those near the edge of the box.
    """
    centres = cells[["x", "y"]]
    xs, ys = centres["x"].to_numpy(), centres["y"].to_numpy()
    measure = Transformer.from_crs(STORE_CRS, ALBERS, always_xy=True)
    back = Transformer.from_crs(ALBERS, STORE_CRS, always_xy=True)

    def shapes(rows: NDArray[np.intp]) -> NDArray[np.object_]:
        return squares(centres.iloc[rows], size).geometry.to_numpy()

    @functools.lru_cache(_KEPT_BOXES)
    def within(box: Box) -> NDArray[np.intp]:
        west, south, east, north = measure.transform_bounds(*box, densify_pts=21)
        near = (xs >= west - size) & (xs <= east + size) & (ys >= south - size) & (ys <= north + size)
        found = np.flatnonzero(near)
        lon, lat = back.transform(xs[found], ys[found])
        margin = size * _DEGREES_PER_M
        west, south, east, north = box[0] + margin, box[1] + margin, box[2] - margin, box[3] - margin
        certain = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
        # Only cells near the edge of the box need a look at their corners.
        doubtful = np.flatnonzero(~certain)
        certain[doubtful] = shapely.intersects(shapes(found[doubtful]), shapely.box(*box))
        return found[certain]

    def hits(box: Box) -> NDArray[np.intp]:
        west, south = max(box[0], _AROUND[0]), max(box[1], _AROUND[1])
        east, north = min(box[2], _AROUND[2]), min(box[3], _AROUND[3])
        if west > east or south > north:
            return np.empty(0, dtype=np.intp)
        return within((west, south, east, north))

    return hits, shapes
