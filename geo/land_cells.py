"""Square cells of land: which cells a county has, and how much of its land each holds, exactly.

Cells are aligned to the origin of ``ALBERS``, so grids of one resolution always match. A cell belongs to
the county that covers its centre. Land of a county in a cell it does not own (at its rim) is counted to its
nearest own cell: the areas of a county's cells add up to its land.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo.crs import ALBERS, require_metric
from geo.errors import PopulationError
from geo.regions import adcodes, assign_regions

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_ID_ROW = 1_000_000
_ID_SHIFT = 500_000
_DUST = 1e-9
_PIECE_FIELDS = ("column", "row", "county", "area")


@dataclass(frozen=True)
class _Pieces:
    """Land of one county in one cell, one entry each: cell column and row, county number, area in m²."""

    column: IntArray
    row: IntArray
    county: IntArray
    area: FloatArray


def cell_ids(column: IntArray, row: IntArray) -> IntArray:
    """Return the id of cells (int64): row × 1,000,000 + column + 500,000, both counted from the origin of
    ``ALBERS``.

    Ids of one resolution are comparable between grids; those of different resolutions are not.
    """
    return row * _ID_ROW + column + _ID_SHIFT


def cell_position(ids: IntArray) -> tuple[IntArray, IntArray]:
    """Return column and row of cell ids: the inverse of ``cell_ids``."""
    return ids % _ID_ROW - _ID_SHIFT, ids // _ID_ROW


def land_cells(
    counties: gpd.GeoDataFrame, water: gpd.GeoDataFrame | None, resolution_m: float
) -> pd.DataFrame:
    """Return the cells of ``counties`` that hold land.

    Both frames are in ``ALBERS``; ``water`` (polygons, may be None or empty) is no land. Columns: cell_id
    (int64, unique, ascending), x, y (centre, metres), adcode, area_km2 (> 0). ``PopulationError`` when a
    county has no cell of its own: the resolution is too coarse for it, or it is all water.
    """
    require_metric(counties)
    codes = adcodes(counties).to_numpy()
    pieces = _cut(_land(counties, water), float(resolution_m))
    cells = _owned(pieces, counties, codes, float(resolution_m))
    missing = sorted(set(codes) - set(cells["adcode"].unique()))
    if missing:
        named = "、".join(missing[:10])
        raise PopulationError(
            f"格网边长 {resolution_m:g} 米时，{len(missing)} 个县（市、区）没有一个格：{named}。"
            "请改用更小的边长。"
        )
    return cells


def counties_of_cells(counties: gpd.GeoDataFrame, resolution_m: float) -> tuple[IntArray, IntArray]:
    """Return the cells that any county has a part of, water or not, and the county each lies in alone.

    ``counties`` are in ``ALBERS``. The first are cell ids, ascending; the second the number of the county in
    the order of the frame, -1 for a cell that is not wholly in one.
    """
    require_metric(counties)
    pieces = _cut(counties.geometry.to_numpy(), float(resolution_m))
    whole = pieces.area >= float(resolution_m) ** 2
    ids, first = np.unique(cell_ids(pieces.column, pieces.row), return_index=True)
    return ids, np.where(whole, pieces.county, -1)[first]


def _land(counties: gpd.GeoDataFrame, water: gpd.GeoDataFrame | None) -> NDArray[np.object_]:
    shapes: NDArray[np.object_] = counties.geometry.to_numpy()
    if water is None or water.empty:
        return shapes
    require_metric(water)
    return np.asarray(shapely.difference(shapes, shapely.union_all(water.geometry.to_numpy())))


def _cut(shapes: NDArray[np.object_], resolution: float) -> _Pieces:
    """Return the land of every shape in every cell, in the order of shapes, then rows, then columns."""
    found = [_shares(shape, number, resolution) for number, shape in enumerate(shapes)]
    return _Pieces(*(np.concatenate([getattr(piece, name) for piece in found]) for name in _PIECE_FIELDS))


def _shares(shape: shapely.Geometry, number: int, resolution: float) -> _Pieces:
    """Return the exact area of one shape in each cell.

    Green's theorem cell by cell, as in anti-aliased font rendering: every edge, cut at the grid lines, adds
    the area between itself and the right side of its cell, and its height to all cells further right in the
    row.
    """
    x0, y0, x1, y1 = _grid_segments(shape, resolution)
    if len(x0) == 0:
        none = np.empty(0, dtype=np.int64)
        return _Pieces(none, none, none, np.empty(0))
    column = np.floor((x0 + x1) / 2).astype(np.int64)
    row = np.floor((y0 + y1) / 2).astype(np.int64)
    west, south = column.min(), row.min()
    extent = (row.max() - south + 1, column.max() - west + 1)
    at = (row - south, column - west)
    rise = y1 - y0
    right = np.zeros(extent)
    np.add.at(right, at, rise)
    inside = np.cumsum(right, axis=1) - right
    np.add.at(inside, at, rise * (column + 1 - (x0 + x1) / 2))
    # Sums of rises leave dust of 1e-12 where the share is none or all.
    share = np.where(inside > 1 - _DUST, 1.0, inside)
    rows, columns = np.nonzero(share > _DUST)
    area = share[rows, columns] * resolution * resolution
    return _Pieces(columns + west, rows + south, np.full(len(rows), number), area)


def _grid_segments(shape: shapely.Geometry, resolution: float) -> tuple[FloatArray, ...]:
    """Return the edges of a shape in units of cells, land on their right going up (x0, y0, x1, y1), cut at
    the grid.
    """
    # Exteriors clockwise, holes the other way: what lies to the right of an edge going up is inside.
    rings = shapely.get_rings(shapely.orient_polygons(shapely.get_parts(shape), exterior_cw=True))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    xy = xy / resolution
    same = ring[1:] == ring[:-1]
    start, end = xy[:-1][same], xy[1:][same]
    owner, t = _crossings(start, end)
    step = end - start
    cut = start[owner] + t[:, None] * step[owner]
    joined = owner[1:] == owner[:-1]
    a, b = cut[:-1][joined], cut[1:][joined]
    return a[:, 0], a[:, 1], b[:, 0], b[:, 1]


def _crossings(start: FloatArray, end: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return segment number and parameter, ascending, of both ends and of every crossing with a grid line."""
    segments = np.arange(len(start))
    owners, params = [segments, segments], [np.zeros(len(start)), np.ones(len(start))]
    for axis in (0, 1):
        low = np.minimum(start[:, axis], end[:, axis])
        high = np.maximum(start[:, axis], end[:, axis])
        first = np.floor(low).astype(np.int64) + 1
        count = np.maximum(np.ceil(high).astype(np.int64) - first, 0)
        owner = np.repeat(segments, count)
        line = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count) + first[owner]
        owners.append(owner)
        params.append((line - start[owner, axis]) / (end[owner, axis] - start[owner, axis]))
    owner, param = np.concatenate(owners), np.concatenate(params)
    order = np.lexsort((param, owner))
    return owner[order], param[order]


def _owned(
    pieces: _Pieces, counties: gpd.GeoDataFrame, codes: NDArray[np.object_], resolution: float
) -> pd.DataFrame:
    """Return one row per cell that its owner has land in; land in other counties' cells goes to the nearest
    own.
    """
    ids = cell_ids(pieces.column, pieces.row)
    whole = pieces.area >= resolution * resolution
    owner = np.where(whole, pieces.county, -1)
    centres = (np.column_stack([pieces.column, pieces.row])[~whole] + 0.5) * resolution
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*centres.T), crs=ALBERS)
    number = {code: n for n, code in enumerate(codes)}
    owner[~whole] = assign_regions(points, counties).map(number).fillna(-1).to_numpy(dtype=np.int64)
    own = owner == pieces.county
    order = np.argsort(ids[own], kind="stable")
    cell_id, county, area = ids[own][order], pieces.county[own][order], pieces.area[own][order]
    column, row = cell_position(cell_id)
    centre = (np.column_stack([column, row]) + 0.5) * resolution
    stray = np.flatnonzero(~own)
    stray_centre = (np.column_stack([pieces.column, pieces.row])[stray] + 0.5) * resolution
    for number_ in np.unique(pieces.county[stray]):
        mine = np.flatnonzero(county == number_)
        if len(mine) == 0:
            continue
        lost = pieces.county[stray] == number_
        nearest = cKDTree(centre[mine]).query(stray_centre[lost])[1]
        np.add.at(area, mine[nearest], pieces.area[stray[lost]])
    return pd.DataFrame(
        {
            "cell_id": cell_id,
            "x": centre[:, 0],
            "y": centre[:, 1],
            "adcode": codes[county],
            "area_km2": area / 1e6,
        }
    )
