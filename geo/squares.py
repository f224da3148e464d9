"""Squares of the population grid, gathered for small scales: counts add, nothing is averaged.

A square of ``factor`` by ``factor`` cells starts at the origin of ``ALBERS``, as cells do, so a square of 8
holds exactly four squares of 4. It stands for the cells of land in it, however few they are.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from pyproj.enums import TransformDirection

from geo.crs import ALBERS
from geo.land_cells import cell_ids
from geo.tiles import MERCATOR, Box

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_CORNERS = np.array([[0, 1], [1, 1], [1, 0], [0, 0]])
"""From the north-western corner clockwise, in steps of a square to the east and to the north."""


@functools.cache
def _to_map() -> Transformer:
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
        west, south, east, north = _to_map().transform_bounds(
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
        return np.stack(_to_map().transform(places[..., 0], places[..., 1]), axis=-1)


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
