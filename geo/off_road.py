"""Travel that uses no road: the walk between near neighbours, and straight lines where there are no roads.

A network covers what lies within ``TravelMode.snap_limit_m`` of its edges. Between two places that it covers
people go by road or on foot straight from door to door, whichever is sooner. They walk so up to that limit,
and up to ``WALK_PER_LEG`` times of what both would walk to a road: open land is crossed by those who live off
the road, not the canal between two streets. Nor does a walk join two pieces of the network that no road
joins, for what parts them is mostly water. Where either place is not covered the trip is a straight line at
the mode's speed over its detour factor, as without a network. Neither crosses the waters of the mode: see
``geo.waters``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo.land_lines import OnLand, nearest_on_land
from geo.modes import TICK, TravelMode, pack, quantise_minutes
from geo.network import Network
from geo.points import build_tree
from geo.snapping import Snap

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


WALK_PER_LEG: float = 4.0
"""How far neighbours walk straight to each other, over the length of both their ways to a road."""


class Walks(NamedTuple):
    """Pairs of a site and a cell that are neighbours: rows of both (int64), quantised minutes on foot."""

    site: IntArray
    cell: IntArray
    minutes: FloatArray


def direct_walks(network: Network, sites_at: Snap, cells_at: Snap) -> Walks:
    """Return the walks from door to door between covered sites and covered cells, by site and cell.

    All pairs no farther apart than ``snap_limit_m`` and ``WALK_PER_LEG`` times their access legs together,
    whose roads belong to one piece of the network and that no water parts, and every site with a cell in its
    place, whichever roads the two were put on; the minutes are those of the straight distance at the walking
    speed of the access leg.
    """
    limit = network.mode.snap_limit_m
    site, cell, metres = near_pairs(sites_at.xy, cells_at.xy, sites_at.found, cells_at.found, limit_m=limit)
    joined = network.piece[sites_at.a[site]] == network.piece[cells_at.a[cell]]
    joined &= metres <= WALK_PER_LEG * (sites_at.distance_m[site] + cells_at.distance_m[cell])
    if network.mode.waters is not None:
        waters, pairs = network.mode.waters, np.flatnonzero(joined)
        ends = waters.ashore(sites_at.xy)[site[pairs]], waters.ashore(cells_at.xy)[cell[pairs]]
        joined[pairs] = waters.clear(*ends)
    joined |= metres == 0.0
    minutes = quantise_minutes(metres[joined] / network.mode.access_m_per_minute)
    return Walks(site[joined], cell[joined], minutes)


def near_pairs(
    sites: FloatArray,
    cells: FloatArray,
    sites_in: NDArray[np.bool_],
    cells_in: NDArray[np.bool_],
    *,
    limit_m: float,
) -> tuple[IntArray, IntArray, FloatArray]:
    """Return (site, cell, metres) of the pairs at most ``limit_m`` apart, in the order of site and cell.

    Only rows marked in ``sites_in`` and ``cells_in`` count. Coordinates in metres, shape (n, 2).
    """
    site_rows = np.flatnonzero(sites_in)
    cell_rows = _around(sites[site_rows], cells, np.flatnonzero(cells_in), limit_m)
    if len(site_rows) == 0 or len(cell_rows) == 0:
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing, np.zeros(0)
    # A hair more than the limit, so that what rounds down to it is found; the distance below decides.
    near = build_tree(cells[cell_rows]).query_ball_point(sites[site_rows], limit_m * (1.0 + 1e-9))
    site = np.repeat(site_rows, [len(found) for found in near])
    cell = cell_rows[np.concatenate([np.sort(np.asarray(found, dtype=np.int64)) for found in near])]
    metres = _metres(sites[site] - cells[cell])
    kept = metres <= limit_m
    return site[kept], cell[kept], metres[kept]


def _metres(offset: FloatArray) -> FloatArray:
    """Return lengths, computed as a KD-tree computes them: one trip has one time whoever asks."""
    metres: FloatArray = np.sqrt((offset**2).sum(axis=1))
    return metres


def _around(sites: FloatArray, cells: FloatArray, rows: IntArray, limit_m: float) -> IntArray:
    """Return those of the cells ``rows`` in a square of ``limit_m`` that holds a site, or beside one."""
    if len(sites) == 0 or len(rows) == 0:
        return rows[:0]
    corner = sites.min(axis=0) - 2.0 * limit_m
    squares = np.floor((sites - corner) / limit_m).astype(np.int64)
    size = squares.max(axis=0) + 3
    if size.prod() > _MOST_SQUARES:
        return rows
    taken = np.zeros(tuple(size), dtype=bool)
    for across in (-1, 0, 1):
        for up in (-1, 0, 1):
            taken[squares[:, 0] + across, squares[:, 1] + up] = True
    place = np.floor((cells[rows] - corner) / limit_m)
    inside = ((place >= 0) & (place < size)).all(axis=1)
    rows, place = rows[inside], place[inside].astype(np.int64)
    near: IntArray = rows[taken[place[:, 0], place[:, 1]]]
    return near


_MOST_SQUARES = 20_000_000
"""Squares that are marked to leave cells out early; over a wider country every cell is looked at."""


class PackedLines(NamedTuple):
    """Per cell: packed minutes of the straight line, and whether it leads round water or over a crossing."""

    packed: FloatArray
    around: BoolArray


def packed_lines(
    sites: FloatArray, cells: FloatArray, rank: IntArray, mode: TravelMode, max_minutes: float
) -> PackedLines:
    """Return the packed straight-line minutes of every cell to its nearest site, labelled with its ``rank``.

    inf beyond ``max_minutes``. Of equally near sites the lowest rank. No line crosses the mode's waters.
    """
    packed, around = np.full(len(cells), np.inf), np.zeros(len(cells), dtype=bool)
    if len(sites) == 0 or len(cells) == 0:
        return PackedLines(packed, around)
    order = np.argsort(rank)
    # One tick more than the radius, so that what rounds down to it is found.
    limit = (max_minutes + TICK) * mode.straight_m_per_minute
    nearest = nearest_on_land(sites[order], cells, limit_m=limit, waters=mode.waters)
    found = nearest.point >= 0
    minutes = quantise_minutes(nearest.metres[found] / mode.straight_m_per_minute)
    packed[found] = pack(minutes, rank[order][nearest.point[found]])
    return PackedLines(packed, nearest.around)


def uncovered_lines(
    network: Network, sites_at: Snap, cells_at: Snap, rank: IntArray, max_minutes: float
) -> PackedLines:
    """Return the packed minutes of every cell to the nearest site to which only a straight line leads.

    For cells that the network covers these are the sites that it does not; for other cells all sites.
    """
    packed, around = np.full(len(cells_at), np.inf), np.zeros(len(cells_at), dtype=bool)
    near, far = cells_at.found, ~cells_at.found
    off = ~sites_at.found
    for cells, sites in ((near, off), (far, np.ones_like(off))):
        lines = packed_lines(sites_at.xy[sites], cells_at.xy[cells], rank[sites], network.mode, max_minutes)
        packed[cells], around[cells] = lines
    return PackedLines(packed, around)


class Lines:
    """The cells that sites reach in a straight line because the network does not cover one of the two."""

    def __init__(self, network: Network, cells_at: Snap, max_minutes: float) -> None:
        """Take cells on a network, and how many minutes count."""
        self._speed = network.mode.straight_m_per_minute
        self._most = float(quantise_minutes(max_minutes))
        self._limit = float(np.nextafter((max_minutes + TICK) * self._speed, np.inf))
        self._far = np.flatnonzero(~cells_at.found)
        self._places = {True: cells_at.xy[self._far], False: cells_at.xy}
        self._waters = network.mode.waters
        self._trees: dict[bool, cKDTree] = {}
        self._on_land: dict[bool, OnLand] = {}

    def of(self, site: FloatArray, *, covered: bool) -> tuple[NDArray[np.int32], FloatArray]:
        """Return the cells (rows, ascending) and minutes of a site of shape (2,).

        Of a ``covered`` site these are cells that the network does not cover, of another all cells.
        """
        places = self._places[covered]
        if len(places) == 0:
            return np.zeros(0, dtype=np.int32), np.zeros(0)
        near = self._tree(covered=covered).query_ball_point(site, self._limit)
        found = np.sort(np.asarray(near, dtype=np.int64))
        metres = _metres(places[found] - site)
        if self._waters is not None:
            if covered not in self._on_land:
                self._on_land[covered] = OnLand(self._waters, places, self._limit)
            metres = self._on_land[covered].metres(site, found, metres)
        rows = self._far[found] if covered else found
        minutes = quantise_minutes(metres / self._speed)
        kept = minutes <= self._most
        return rows[kept].astype(np.int32), minutes[kept]

    def _tree(self, *, covered: bool) -> cKDTree:
        if covered not in self._trees:
            self._trees[covered] = build_tree(self._places[covered])
        return self._trees[covered]
