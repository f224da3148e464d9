"""The same computation in pieces: a prefecture's cells, with as much around them as can matter."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from geo.errors import CoverageError
from geo.modes import TravelMode
from geo.network import Network
from geo.snapping import SAMPLE_SPACING_M, snap_points
from geo.travel import Direction, TravelResult, solve_network, solve_straight

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Box = tuple[float, float, float, float]

_MARGIN_M = 1.0
"""Rounding of times and lengths stays far below a metre."""


@dataclass(frozen=True, eq=False)
class Partition:
    """One piece of the work, complete in itself: it can be sent to another machine.

    ``rows``: which of the caller's cells these are; ``cells``, ``facilities``: float64 (n, 2) in metres of
    ``ALBERS``; ``facility_rows``: which of the caller's facilities; ``rank``: their order of ties among
    themselves. ``network`` None: straight lines at ``mode``'s speed.
    """

    key: str
    rows: IntArray
    cells: FloatArray
    facilities: FloatArray
    facility_rows: IntArray
    rank: IntArray
    mode: TravelMode
    network: Network | None
    max_minutes: float
    direction: Direction


@dataclass(frozen=True, eq=False)
class PartitionResult:
    """Travel times of one piece, with rows of the caller's tables. ``cells_placed``: how many met the
    network.
    """

    key: str
    rows: IntArray
    travel: TravelResult
    cells_placed: int


def halo_m(mode: TravelMode, max_minutes: float, network: Network | None = None) -> float:
    """Return how far around its cells a piece must look, in metres, so that nothing within reach is missing.

    No trip of ``max_minutes`` leads farther as the crow flies than that many minutes at the fastest progress
    that any edge (or the walk to the network, or the straight line) allows.
    """
    speed = mode.straight_m_per_minute if network is None else network.max_speed
    return max_minutes * speed + _MARGIN_M


def partition_cells(
    cells: FloatArray,
    keys: ArrayLike,
    facilities: FloatArray,
    rank: IntArray,
    *,
    mode: TravelMode,
    max_minutes: float,
    network: Network | None = None,
    direction: Direction = "to_facility",
) -> Iterator[Partition]:
    """Yield one piece per distinct key (the cells' prefecture), in ascending order of keys, one at a time.

    The halo holds every facility that a trip of ``max_minutes`` could reach, every edge such a trip could
    use, and every edge that could be the nearest of a cell or facility; so the pieces together give exactly
    what the whole would. ``keys``: one per cell. Raises ``CoverageError`` for another number of keys,
    missing keys, or an infinite search radius.
    """
    labels = pd.Series(np.asarray(keys, dtype=object))
    if len(labels) != len(cells) or labels.isna().any():
        raise CoverageError(
            f"分区代码应每格一个且不缺：格网 {len(cells)} 格，代码 {int(labels.notna().sum())} 个。"
        )
    if not np.isfinite(max_minutes):
        raise CoverageError("分区计算需要给定搜索半径（分钟）。")
    halo = halo_m(mode, max_minutes, network)
    code, names = pd.factorize(labels, sort=True)
    for number, key in enumerate(names):
        rows = np.flatnonzero(code == number)
        own = cells[rows]
        box = _grown(_box(own), halo)
        inside = np.flatnonzero(_within(facilities[:, 0], facilities[:, 1], box))
        part = None if network is None else subnetwork(network, _snap_box(box, network))
        yield Partition(
            key=str(key),
            rows=rows,
            cells=own,
            facilities=facilities[inside],
            facility_rows=inside,
            rank=np.argsort(np.argsort(rank[inside])),
            mode=mode,
            network=part,
            max_minutes=max_minutes,
            direction=direction,
        )


def solve_partition(partition: Partition) -> PartitionResult:
    """Return the travel times of one piece; ``facility`` and ``unplaced`` are rows of the caller's table."""
    network = partition.network
    if network is None:
        travel = solve_straight(
            partition.facilities, partition.cells, partition.mode, partition.max_minutes, partition.rank
        )
        placed = len(partition.rows)
    else:
        cells_at = snap_points(network, partition.cells)
        placed = int(cells_at.found.sum())
        travel = solve_network(
            network,
            snap_points(network, partition.facilities, exact=True),
            cells_at,
            partition.rank,
            max_minutes=partition.max_minutes,
            direction=partition.direction,
        )
    rows = np.append(partition.facility_rows, -1).astype(np.int32)
    named = replace(travel, facility=rows[travel.facility], unplaced=rows[travel.unplaced])
    return PartitionResult(partition.key, partition.rows, named, placed)


def subnetwork(network: Network, box: Box) -> Network:
    """Return the part of a network whose edges touch a box (west, south, east, north; metres of ``ALBERS``).

    Nodes keep their order and everything that was found out about the whole, so that ties and isolated parts
    come out as they would there. Shares no memory that can change. May be empty.
    """
    start, end = network.edge_starts(), network.indices
    x, y = network.x, network.y
    touch = (np.maximum(x[start], x[end]) >= box[0]) & (np.minimum(x[start], x[end]) <= box[2])
    touch &= (np.maximum(y[start], y[end]) >= box[1]) & (np.minimum(y[start], y[end]) <= box[3])
    edge = np.flatnonzero(touch)
    is_kept = np.zeros(network.node_count, dtype=bool)
    is_kept[start[edge]] = True
    is_kept[end[edge]] = True
    kept = np.flatnonzero(is_kept)
    number = np.cumsum(is_kept, dtype=np.int32) - np.int32(1)
    count = np.bincount(number[start[edge]], minlength=len(kept))
    return Network(
        mode=network.mode,
        x=x[kept],
        y=y[kept],
        node_id=network.node_id[kept],
        indptr=np.concatenate([[0], np.cumsum(count)]).astype(np.int32),
        indices=number[end[edge]],
        minutes=network.minutes[edge],
        snappable=network.snappable[edge],
        major=network.major[kept],
        symmetric=network.symmetric,
    )


def _snap_box(box: Box, network: Network) -> Box:
    """Return the box grown by all that putting a place onto the network may look at."""
    return _grown(box, network.mode.snap_limit_m + 2.0 * SAMPLE_SPACING_M)


def _box(points: FloatArray) -> Box:
    """Return the bounding box of points."""
    west, south = points.min(axis=0)
    east, north = points.max(axis=0)
    return float(west), float(south), float(east), float(north)


def _grown(box: Box, by: float) -> Box:
    """Return a box grown on all sides."""
    return box[0] - by, box[1] - by, box[2] + by, box[3] + by


def _within(x: FloatArray, y: FloatArray, box: Box) -> BoolArray:
    """Return which points lie in a box, its sides included."""
    return (x >= box[0]) & (x <= box[2]) & (y >= box[1]) & (y <= box[3])
