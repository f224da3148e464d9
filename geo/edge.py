"""Where the edge of the data hides facilities: counties and cells from which people may go beyond it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from geo.crs import require_metric
from geo.modes import TravelMode
from geo.network import Network
from geo.points import build_tree, metric_points, nearest_points


def search_radius_m(mode: TravelMode, minutes: float, network: Network | None = None) -> float:
    """Return how far as the crow flies ``minutes`` can lead, in metres.

    Over a network: at the fastest progress that any of its edges allows. Without one: at the mode's speed
    over its detour factor.
    """
    return minutes * (mode.straight_m_per_minute if network is None else network.max_speed)


def search_radii_m(
    mode: TravelMode, minutes: float, network: Network | None, straight: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return `search_radius_m` for every cell: over the network where roads are near it, else without.

    ``straight``: bool per cell, its times are those of a straight line. From a road too, some places may be
    reached in a straight line only, so that radius is the least.
    """
    line = search_radius_m(mode, minutes)
    by_road = line if network is None else max(line, search_radius_m(mode, minutes, network))
    return np.where(straight, line, by_road)


def edge_counties(
    counties: gpd.GeoDataFrame,
    facilities_xy: ArrayLike,
    radius_m: float,
    *,
    border: BaseGeometry | None = None,
) -> pd.Series:
    """Return a bool per county (index of ``counties``): its result may lack facilities beyond the border.

    True where the county lies nearer to ``border`` than ``radius_m`` and the facilities (metres of
    ``ALBERS``) show none beyond the border within that distance of it. ``counties``: polygons in ``ALBERS``
    that make up the province. ``border``: the line to look across, by default the outline of all counties;
    give the land border alone where nobody lives beyond the rest. Raises ``CrsError`` for another CRS.
    """
    return flag_edge(edge_distances(counties, facilities_xy, border=border), radius_m)


def edge_distances(
    counties: gpd.GeoDataFrame, facilities_xy: ArrayLike, *, border: BaseGeometry | None = None
) -> pd.DataFrame:
    """Return what ``flag_edge`` needs for any radius, by county (index of ``counties``), in metres.

    ``border_m``: from the county to ``border``; ``beyond_m``: from the county to the nearest facility
    outside all counties, inf when there is none. Arguments and errors as ``edge_counties``.
    """
    require_metric(counties)
    facilities = shapely.points(metric_points(facilities_xy, "设施"))
    areas = counties.geometry.to_numpy()
    province = shapely.union_all(areas)
    line = shapely.boundary(province) if border is None else border
    shapely.prepare(province)
    beyond = facilities[~shapely.covers(province, facilities)]
    columns = {"border_m": _nearest_m(areas, _segments(line)), "beyond_m": _nearest_m(areas, beyond)}
    return pd.DataFrame(columns, index=counties.index)


def flag_edge(distances: pd.DataFrame, radius_m: float) -> pd.Series:
    """Return the flags of ``edge_counties`` for a radius, from ``edge_distances`` measured once."""
    near, known = distances["border_m"] < radius_m, distances["beyond_m"] <= radius_m
    return (near & ~known).rename("edge")


def _segments(line: BaseGeometry) -> NDArray[np.object_]:
    """Return the straight pieces of a line, so that a search tree need not measure all of it."""
    pieces = []
    for part in shapely.get_parts(line):
        vertices = shapely.get_coordinates(part)
        pieces.append(shapely.linestrings(np.stack([vertices[:-1], vertices[1:]], axis=1)))
    return np.concatenate([*pieces, np.zeros(0, dtype=object)])


def _nearest_m(areas: NDArray[np.object_], others: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return the distance from each area to the nearest of other shapes; inf where there are none."""
    nearest = np.full(len(areas), np.inf)
    if len(others):
        found, metres = shapely.STRtree(others).query_nearest(areas, return_distance=True, all_matches=False)
        nearest[found[0]] = metres
    return nearest


SAMPLE_M: float = 50.0
"""Points of the border that are searched first stand no farther apart than this."""

_KEPT = 4


@dataclass(frozen=True, eq=False)
class Border:
    """A border (a line in ``ALBERS``) to which many cells are near or not, for one radius after another."""

    line: BaseGeometry
    _known: dict[bytes, NDArray[np.float64]] = field(init=False, default_factory=dict, repr=False)

    def near(self, cells: NDArray[np.float64], radius_m: ArrayLike) -> NDArray[np.bool_]:
        """Return which cells (shape (n, 2), metres) are nearer than ``radius_m``, one for all or one each."""
        radius = np.broadcast_to(np.asarray(radius_m, dtype=np.float64), len(cells))
        if len(cells) == 0 or self.line.is_empty:
            return np.zeros(len(cells), dtype=bool)
        sampled = self._to_samples(cells)
        found = sampled < radius
        # A point of the border is at most half a gap from a sample: only these need a look at the line.
        unsure = np.flatnonzero(~found & (sampled - SAMPLE_M / 2.0 < radius))
        exact = _nearest_m(shapely.points(cells[unsure]), self._segments)
        found[unsure] = exact < radius[unsure]
        return found

    @cached_property
    def _segments(self) -> NDArray[np.object_]:
        return _segments(self.line)

    @cached_property
    def _samples(self) -> NDArray[np.float64]:
        return np.asarray(shapely.get_coordinates(shapely.segmentize(self.line, SAMPLE_M)))

    def _to_samples(self, cells: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the distance of every cell to the nearest sample, kept for the cells asked for last."""
        key = hashlib.blake2b(np.ascontiguousarray(cells).data, digest_size=16).digest()
        found = self._known.get(key)
        if found is None:
            found = nearest_points(build_tree(self._samples), self._samples, cells)[0]
            while len(self._known) >= _KEPT:
                self._known.pop(next(iter(self._known)))
            self._known[key] = found
        return found


def edge_cells(
    cells_xy: ArrayLike, border: Border, radius_m: ArrayLike, *, beyond_xy: ArrayLike | None = None
) -> NDArray[np.bool_]:
    """Return which cells may be answered wrongly because nothing is known beyond the border (bool per cell).

    Those nearer to the border than ``radius_m``, but for cells that have one of ``beyond_xy``, the facilities
    given beyond the border, within that distance: there the data do look across. None: whatever is given
    beyond is not enough, for the people there, who share it, are unknown. Coordinates of shape (n, 2),
    metres of ``ALBERS``; ``radius_m`` one for all cells or one for each.
    """
    cells = metric_points(cells_xy, "人口格网")
    found = border.near(cells, radius_m)
    if beyond_xy is not None and found.any():
        radius = np.broadcast_to(np.asarray(radius_m, dtype=np.float64), len(cells))
        beyond, row = metric_points(beyond_xy, "设施"), np.flatnonzero(found)
        away, _ = nearest_points(build_tree(beyond), beyond, cells[row], limit_m=float(radius.max()))
        found[row[away <= radius[row]]] = False
    return found
