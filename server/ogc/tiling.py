"""The tiles of a collection that is cells of the population grid, as Mapbox Vector Tiles (version 2.1).

At small scales cells are gathered into squares: people and land are added, and of travel times only what
stays true of a square is told: how many people are covered, the shortest and the longest time.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import mapbox_vector_tile
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from data.registry.export_models import export_field
from geo.export_table import Field
from geo.land_cells import cell_position
from geo.population import CENSUS_COLUMNS
from geo.tiles import MAX_ZOOM, MIN_ZOOM, Squares, gathered, gathering, tile_box
from server.ogc.source import Source, source_of

LAYER = "cells"
"""The name of the one layer of every tile."""

_PEOPLE = ("side_m", "cells", "land_km2", "population", "people_per_km2")
_REACH = ("covered_population", "population_coverage", "unreachable_population", "minutes_min", "minutes_max")
_COUNTS = tuple(name for name in CENSUS_COLUMNS if name != "population")
_GRID_CELL = ("adcode",)
_REACH_CELL = ("adcode", "minutes", "straight", "reachable", "covered", "facility")
_ADDED = frozenset({"cells", "land_km2", *CENSUS_COLUMNS, "covered_population", "unreachable_population"})
_RATIOS = {
    "people_per_km2": ("population", "land_km2"),
    "population_coverage": ("covered_population", "population"),
}
_DIGITS = {"land_km2": 6, "people_per_km2": 1, "population_coverage": 4}


@dataclass(frozen=True, eq=False)
class Tiling:
    """The squares of one collection.

    ``cells``: its cells with what is told of each. ``always`` are the attributes at every zoom, ``single``
    those of single cells, which gathered squares do not have.
    """

    cells: Squares
    always: tuple[str, ...]
    single: tuple[str, ...]
    _levels: dict[int, Squares] = field(default_factory=dict)

    def fields(self) -> tuple[Field, ...]:
        """Return what the attributes are called and mean."""
        return tuple(export_field(name) for name in (*self.always, *self.single))

    def squares(self, zoom: int) -> Squares:
        """Return the squares that are drawn at a zoom, gathered once."""
        factor = gathering(zoom, self.cells.side_m)
        if factor not in self._levels:
            self._levels[factor] = gathered(
                self.cells,
                factor,
                sums=[name for name in self.always if name in _ADDED],
                lowest=[name for name in self.always if name == "minutes_min"],
                highest=[name for name in self.always if name == "minutes_max"],
            )
        return self._levels[factor]

    def tile(self, zoom: int, column: int, row: int) -> bytes:
        """Return a tile; where there is no square it is empty."""
        squares, box = self.squares(zoom), tile_box(zoom, column, row)
        rows = squares.within(box)
        if not len(rows):
            return b""
        part = squares.frame.iloc[rows].assign(side_m=round(squares.side_m))
        part = _with_ratios(part, self.always)
        names = [name for name in (*self.always, *self.single) if name in part]
        values = {name: part[name].tolist() for name in names}
        return vector_tile(LAYER, squares.ids[rows], squares.rings(rows), values, box)


def _with_ratios(part: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    """Add each ratio as Σ numerator / Σ denominator of the square; it is undefined where that is 0."""
    ratios = {}
    for name, (above, below) in _RATIOS.items():
        if name in names:
            whole = part[below].to_numpy(dtype=np.float64)
            ratios[name] = part[above].to_numpy() / np.where(whole > 0, whole, np.nan)
    return part.assign(**ratios).round(_DIGITS)


def tiling_made(rows: pd.DataFrame, size_m: float) -> Tiling:
    """Return the tiling of cells ``size_m`` wide: of people, and where ``rows`` tell minutes, of reach."""
    column, row = cell_position(rows["cell_id"].to_numpy())
    values = rows.assign(cells=1)
    if "minutes" not in rows:
        return Tiling(Squares(size_m, column, row, values), (*_PEOPLE, *_COUNTS), _GRID_CELL)
    reached = rows["minutes"].where(rows["reachable"])
    values = values.assign(
        covered_population=rows["population"].where(rows["covered"], 0),
        unreachable_population=rows["population"].where(~rows["reachable"], 0),
        minutes=reached,
        minutes_min=reached,
        minutes_max=reached,
    )
    return Tiling(Squares(size_m, column, row, values), (*_PEOPLE, *_REACH), _REACH_CELL)


KEPT_BYTES = 64 * 2**20
"""So many bytes of tiles are kept in memory; those not asked for longest go first."""

_tilings: weakref.WeakKeyDictionary[Source, tuple[int, Tiling]] = weakref.WeakKeyDictionary()
_numbers = itertools.count()
_kept: OrderedDict[tuple[int, int, int, int], bytes] = OrderedDict()
_lock = threading.Lock()


def tile_of(collection: str, zoom: int, column: int, row: int) -> bytes:
    """Return a tile of a collection of the current version of the data; empty where it has nothing.

    Raises ``KeyError`` for a collection that has no tiles and ``ValueError`` for a tile that there is not.
    """
    if not MIN_ZOOM <= zoom <= MAX_ZOOM:
        raise ValueError(f"no tiles at zoom {zoom}")
    number, tiling = _numbered(source_of(collection))
    key = (number, zoom, column, row)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    made = tiling.tile(zoom, column, row)
    # What is empty is soon found out again, and there is no end of it.
    if made:
        with _lock:
            _kept[key] = made
            while sum(map(len, _kept.values())) > KEPT_BYTES:
                _kept.popitem(last=False)
    return made


def tiling_of(collection: str) -> Tiling:
    """Return the tiling of a collection. Raises ``KeyError`` for one that has no tiles."""
    return _numbered(source_of(collection))[1]


def _numbered(source: Source) -> tuple[int, Tiling]:
    """Return the tiling of a source and its number: another version of the data has other tiles."""
    if source.cells is None:
        raise KeyError("not cells of the grid")
    with _lock:
        if source not in _tilings:
            _tilings[source] = (next(_numbers), tiling_made(source.rows, source.cells.size_m))
        return _tilings[source]


MIME_TYPE = "application/vnd.mapbox-vector-tile"
EXTENT = 4_096
"""Steps of a tile's side; positions are rounded to whole ones."""


def vector_tile(
    name: str,
    ids: NDArray[np.int64],
    rings: NDArray[np.float64],
    values: Mapping[str, Sequence[Any]],
    box: tuple[float, float, float, float],
) -> bytes:
    """Return a tile with one layer, ``name``: a polygon for each ring, whole also where it leaves the tile.

    ``rings``: shape (polygons, corners, 2), clockwise as seen on a map, in the CRS of ``box``, which is west,
    south, east and north of the tile. ``ids``: whole numbers ≥ 0. ``values``: the attributes by name, a value
    for each polygon: text, truth, whole or other number; where it is missing (None, NaN) the polygon has no
    such attribute. The encoder keeps one value for all that are equal in a tile, so a whole number may come
    as another number of the same value. A client draws what lies inside the tile; neighbouring tiles both
    hold what crosses their edge, under the same id.
    """
    west, south, east, north = box
    # Rows count from the north: y goes down.
    scale = np.array([EXTENT / (east - west), -EXTENT / (north - south)])
    shapes = shapely.polygons(np.rint((rings - (west, north)) * scale))
    columns = {key: [None if pd.isna(one) else one for one in column] for key, column in values.items()}
    features = [
        {
            "geometry": shape,
            "id": number,
            "properties": {key: column[at] for key, column in columns.items() if column[at] is not None},
        }
        for at, (shape, number) in enumerate(zip(shapes, ids.tolist(), strict=True))
    ]
    # The rings turn the right way already: to check each again would take twice the time.
    options = {"y_coord_down": True, "extents": EXTENT, "check_winding_order": False}
    tile: bytes = mapbox_vector_tile.encode([{"name": name, "features": features}], default_options=options)
    return tile
