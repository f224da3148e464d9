"""Where people of points are counted: the county that holds the point decides, then the nearest of its cells.

A cell belongs to the county that covers its centre (`geo.land_cells`), so at a county's rim, and on schematic
water, a point may lie on a cell of a neighbour or on none. Its people stay in its county: they are counted on
the cell whose centre is nearest to the point. A point beyond all counties, but on a cell at their rim, goes
with the cell, so that what was counted on cells comes back as it was. Nobody else is lost.
"""

from dataclasses import dataclass
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo.crs import ALBERS
from geo.land_cells import cell_position, counties_of_cells
from geo.regions import locate

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_NONE = -1
_UNSURE = -2


@dataclass(frozen=True)
class Placed:
    """``people`` by row of the cells (float64), and sums of people: on the cell that they lie on (``own``),
    ``moved`` to the nearest cell of their county, and ``outside`` of counties and cells, who are left out.
    """

    people: FloatArray
    own: float
    moved: float
    outside: float

    def __add__(self, other: "Placed") -> "Placed":
        """Return both counted together, on the same cells."""
        return Placed(
            self.people + other.people,
            self.own + other.own,
            self.moved + other.moved,
            self.outside + other.outside,
        )


class CellPlacer:
    """Counts people of points on the cells of a grid.

    ``counties``: polygons in ``ALBERS`` with the column adcode. ``cells``: their `geo.land_cells.land_cells`
    at ``resolution_m`` (metres), where every county has one.
    """

    def __init__(self, counties: gpd.GeoDataFrame, cells: pd.DataFrame, resolution_m: float) -> None:
        """Make the tables that points are looked up in; they cover the extent of the counties."""
        self._counties = counties.sort_values("adcode", ignore_index=True)
        self._resolution = resolution_m
        self._count = len(cells)
        ids, county = counties_of_cells(self._counties, resolution_m)
        column, row = cell_position(ids)
        self._west, self._south = int(column.min()), int(row.min())
        shape = (int(row.max()) - self._south + 1, int(column.max()) - self._west + 1)
        self._county = np.full(shape, _NONE, dtype=np.int16)
        self._county[row - self._south, column - self._west] = np.where(county >= 0, county, _UNSURE)
        column, row = cell_position(cells["cell_id"].to_numpy())
        self._row_of_cell = np.full(shape, _NONE, dtype=np.int32)
        self._row_of_cell[row - self._south, column - self._west] = np.arange(len(cells))
        self._owner = pd.factorize(cells["adcode"], sort=True)[0].astype(np.int64)
        self._nearest = _NearestOwn(cells[["x", "y"]].to_numpy(), self._owner)

    def county_at(self, x: FloatArray, y: FloatArray) -> IntArray:
        """Return the number of the county (in the order of codes) that covers each point, -1 where none.

        Points are in ``ALBERS``. Only points in cells that a border crosses are compared with polygons: on a
        shared edge the lowest code has them, as in ``geo.regions``, but where the edge runs along a line of
        the grid they go with the cell that begins there.
        """
        found = self._looked_up(self._county, x, y)
        unsure = np.flatnonzero(found == _UNSURE)
        if len(unsure):
            code = locate(x[unsure], y[unsure], self._counties, crs=ALBERS)
            found[unsure] = pd.Index(self._counties["adcode"]).get_indexer(pd.Index(code))
        return found

    def home_at(self, x: FloatArray, y: FloatArray) -> IntArray:
        """Return the number of the county that has the people of each point, -1 where none.

        It is the county that covers the point or, where none does, the one whose cell the point lies on.
        """
        found = self.county_at(x, y)
        beyond = np.flatnonzero(found == _NONE)
        cell = self._looked_up(self._row_of_cell, x[beyond], y[beyond])
        found[beyond] = np.where(cell >= 0, self._owner[cell], _NONE)
        return found

    def place(self, x: FloatArray, y: FloatArray, people: FloatArray) -> Placed:
        """Count ``people`` (≥ 0) of points (metres, ``ALBERS``) on the cells."""
        home = self.home_at(x, y)
        cell = self._looked_up(self._row_of_cell, x, y)
        inside = home >= 0
        own = inside & (cell >= 0) & (self._owner[cell] == home)
        moved = np.flatnonzero(inside & ~own)
        cell[moved] = self._nearest.rows(x[moved], y[moved], home[moved])
        counted = np.bincount(cell[inside], weights=people[inside], minlength=self._count)
        return Placed(
            counted.astype(np.float64),
            float(people[own].sum()),
            float(people[moved].sum()),
            float(people[~inside].sum()),
        )

    def nobody(self) -> Placed:
        """Return the cells without people: what sums begin with."""
        return Placed(np.zeros(self._count), 0.0, 0.0, 0.0)

    def _looked_up(self, table: NDArray[np.integer], x: FloatArray, y: FloatArray) -> IntArray:
        """Return the entry of the cell that each point lies in, -1 beyond the table."""
        column = np.floor(x / self._resolution) - self._west
        row = np.floor(y / self._resolution) - self._south
        there = (column >= 0) & (column < table.shape[1]) & (row >= 0) & (row < table.shape[0])
        found = np.full(len(x), _NONE, dtype=np.int64)
        found[there] = table[row[there].astype(np.int64), column[there].astype(np.int64)]
        return found


class _NearestOwn:
    """The cells of each county as a tree: ``xy`` are centres, ``owner`` the numbers of the counties."""

    def __init__(self, xy: FloatArray, owner: IntArray) -> None:
        order = np.argsort(owner, kind="stable")
        bounds = np.searchsorted(owner[order], np.arange(int(owner.max(initial=_NONE)) + 2))
        self._xy = xy
        self._rows = [order[first:last] for first, last in pairwise(bounds)]
        self._trees: dict[int, cKDTree] = {}

    def rows(self, x: FloatArray, y: FloatArray, county: IntArray) -> IntArray:
        """Return the row of the cell nearest to each point among those of its county."""
        found = np.empty(len(x), dtype=np.int64)
        points = np.column_stack([x, y])
        for number in np.unique(county).tolist():
            if number not in self._trees:
                self._trees[number] = cKDTree(self._xy[self._rows[number]])
            here = county == number
            found[here] = self._rows[number][self._trees[number].query(points[here])[1]]
        return found


def pattern_on_cells(
    pattern: pd.Series, counties: gpd.GeoDataFrame, cells: pd.DataFrame, resolution_m: float
) -> Placed:
    """Return the people of ``pattern`` (≥ 0, by cell_id of this resolution) on ``cells``.

    Cells of the pattern that the grid lacks, because waters or boundaries were others when it was counted,
    lie in the county (polygons in ``ALBERS``) that covers their centre: their people go to its nearest cell.
    """
    ids = cells["cell_id"].to_numpy()
    people = pattern.reindex(ids).fillna(0.0).to_numpy(dtype=np.float64)
    kept = Placed(people, float(people.sum()), 0.0, 0.0)
    lost = pattern[~pattern.index.isin(ids)]
    if lost.empty:
        return kept
    column, row = (place.astype(np.float64) for place in cell_position(lost.index.to_numpy()))
    x, y = (column + 0.5) * resolution_m, (row + 0.5) * resolution_m
    placer = CellPlacer(counties, cells, resolution_m)
    return kept + placer.place(x, y, lost.to_numpy(dtype=np.float64))
