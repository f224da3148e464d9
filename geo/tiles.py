"""Tiles of web maps: the part of the world a tile is, and the squares of the grid gathered for it.

The tile matrix set is WebMercatorQuad of OGC's Two Dimensional Tile Matrix Set standard (17-083r4, annex D):
EPSG:3857, at zoom z a square of 2^z by 2^z tiles, columns from the west and rows from the north. A tile is
for drawing: nothing is measured in it.

A square of ``factor`` by ``factor`` cells starts at the origin of ``ALBERS``, as cells do, so a square of 8
holds exactly four squares of 4. It stands for the cells of land in it, however few they are.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from pyproj.enums import TransformDirection

from geo.crs import ALBERS, STORE_CRS
from geo.land_cells import cell_ids

Box = tuple[float, float, float, float]

MERCATOR = "EPSG:3857"
MATRIX_SET = "WebMercatorQuad"
HALF_WORLD_M = math.pi * 6_378_137.0
"""Half the side of the world in metres of ``MERCATOR``."""

MIN_ZOOM, MAX_ZOOM = 5, 12
"""Zooms that have tiles. At 5 the province is two tiles; at 12 a step of a tile's grid is two metres."""

ACROSS = 72
"""A tile is no wider than so many squares."""

_SOUTH_LATITUDE = 30.7
"""The southern end of the province, where a tile is widest on the ground."""


@functools.cache
def _to_map() -> Transformer:
    return Transformer.from_crs(STORE_CRS, MERCATOR, always_xy=True)


def tile_box(zoom: int, column: int, row: int) -> Box:
    """Return west, south, east, north of a tile in metres of ``MERCATOR``.

    Raises ``ValueError`` for a tile that the zoom does not have.
    """
    count = 2**zoom
    if not (0 <= column < count and 0 <= row < count):
        raise ValueError(f"zoom {zoom} has no tile in column {column}, row {row}")
    side = 2.0 * HALF_WORLD_M / count
    west, north = column * side - HALF_WORLD_M, HALF_WORLD_M - row * side
    return west, north - side, west + side, north


def tile_range(box: Box, zoom: int) -> tuple[int, int, int, int]:
    """Return first column, first row, last column and last row of the tiles that hold a box of degrees."""
    (west, east), (south, north) = _to_map().transform(box[0::2], box[1::2])
    side = 2.0 * HALF_WORLD_M / 2**zoom
    steps = (west + HALF_WORLD_M, HALF_WORLD_M - north, east + HALF_WORLD_M, HALF_WORLD_M - south)
    first_column, first_row, last_column, last_row = (
        min(max(math.floor(step / side), 0), 2**zoom - 1) for step in steps
    )
    return first_column, first_row, last_column, last_row


def gathering(zoom: int, cell_size_m: float) -> int:
    """Return how many cells, in each direction, make one square at a zoom: 1, 2, 4, 8 …

    The fewest with which no more than ``ACROSS`` squares lie side by side on a tile; cells of 500 m stay
    what they are from zoom 10.
    """
    ground = 2.0 * HALF_WORLD_M / 2**zoom * math.cos(math.radians(_SOUTH_LATITUDE))
    wanted = ground / ACROSS / cell_size_m
    return int(2 ** max(0, math.ceil(math.log2(wanted))))


FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_CORNERS = np.array([[0, 1], [1, 1], [1, 0], [0, 0]])
"""From the north-western corner clockwise, in steps of a square to the east and to the north."""


@functools.cache
def _grid_to_map() -> Transformer:
    # Each thread makes its transformers anew: from its steps that takes no time, from two CRS a tenth of a
    # second.
    return Transformer.from_pipeline(Transformer.from_crs(ALBERS, MERCATOR, always_xy=True).definition)


@dataclass(frozen=True, eq=False)
class Squares:
    """Squares of one size.

    ``side_m``: their side in metres of ``ALBERS``. ``column``, ``row`` (int64, one per square): counted in
    sides from the origin of ``ALBERS``, a pair occurs once. ``frame``: a row for each, of any columns.
    """

    side_m: float
    column: IntArray
    row: IntArray
    frame: pd.DataFrame

    @property
    def ids(self) -> IntArray:
        """The id of each square (int64, > 0 in the province), unique among squares of one size."""
        return cell_ids(self.column, self.row)

    def within(self, box: Box) -> NDArray[np.intp]:
        """Return which squares a box of ``MERCATOR`` (metres) meets, ascending."""
        west, south, east, north = _grid_to_map().transform_bounds(
            *box, densify_pts=21, direction=TransformDirection.INVERSE
        )
        side = self.side_m
        near = np.flatnonzero(
            (self.column >= np.floor(west / side) - 1)
            & (self.column <= np.floor(east / side) + 1)
            & (self.row >= np.floor(south / side) - 1)
            & (self.row <= np.floor(north / side) + 1)
        )
        found: NDArray[np.intp] = near[
            shapely.intersects(shapely.polygons(self.rings(near)), shapely.box(*box))
        ]
        return found

    def rings(self, rows: NDArray[np.intp]) -> FloatArray:
        """Return the corners of some squares in metres of ``MERCATOR``: shape (squares, 4, 2).

        From the north-western corner clockwise. Corners that squares share are the same numbers.
        """
        steps = np.column_stack([self.column[rows], self.row[rows]])[:, None, :] + _CORNERS
        places = steps * self.side_m
        return np.stack(_grid_to_map().transform(places[..., 0], places[..., 1]), axis=-1)


def gathered(
    squares: Squares,
    factor: int,
    *,
    sums: Sequence[str],
    lowest: Sequence[str] = (),
    highest: Sequence[str] = (),
) -> Squares:
    """Return squares of ``factor`` by ``factor`` others, ascending by id.

    Of the frame, columns ``sums`` are added (whole numbers stay whole), of ``lowest`` the least and of
    ``highest`` the greatest is kept, undefined values left out; other columns are gone, for they have no
    value of a whole square. ``factor`` 1 gives the squares with all their columns. Raises ``ValueError``
    for a factor below 1.
    """
    if factor < 1:
        raise ValueError(f"{factor} squares do not make one")
    if factor == 1:
        return squares
    column, row = squares.column // factor, squares.row // factor
    groups = squares.frame.groupby(cell_ids(column, row), sort=True)
    parts = [groups[list(sums)].sum()]
    if lowest:
        parts.append(groups[list(lowest)].min())
    if highest:
        parts.append(groups[list(highest)].max())
    ids, first = np.unique(cell_ids(column, row), return_index=True)
    frame = pd.concat(parts, axis=1).reindex(ids).reset_index(drop=True)
    return Squares(squares.side_m * factor, column[first], row[first], frame)
