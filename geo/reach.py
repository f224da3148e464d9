"""Which cells a facility reaches and how strongly: the two sums that every floating catchment is made of.

`gather` adds up what the cells hold for every facility, `scatter` hands out what the facilities hold to every
cell. `PairReach` does both over a list of pairs (any travel time); ``geo.grid_reach`` over windows of a
regular grid, for straight lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.decay import Decay
from geo.errors import CatchmentError
from geo.minutes import quantise_minutes
from geo.modes import TravelMode
from geo.network import Network
from geo.points import build_tree, metric_points
from geo.snapping import Snap, snap_points
from geo.travel import require_facilities, require_overlap, solve_network

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]
BoolArray = NDArray[np.bool_]

MAX_PAIRS = 200_000_000
_CHUNK = 64


class Reach(Protocol):
    """What facilities reach, and how strongly."""

    @property
    def cells(self) -> int:
        """The number of cells."""
        ...

    @property
    def facilities(self) -> int:
        """The number of facilities."""
        ...

    def gather(self, values: FloatArray, power: int = 1) -> FloatArray:
        """Return, per facility, Σ over its cells of weight ** power × value (float64)."""
        ...

    def scatter(self, values: FloatArray, power: int = 1) -> FloatArray:
        """Return, per cell, Σ over the facilities in reach of weight ** power × value (float64)."""
        ...

    def touched(self, facilities: BoolArray) -> BoolArray:
        """Return which cells are in reach of any of the facilities marked."""
        ...


@dataclass(frozen=True, eq=False)
class PairReach:
    """A list of pairs: ``cell`` and ``facility`` (int32 rows), ``weight`` (float64, > 0)."""

    cells: int
    facilities: int
    cell: IntArray
    facility: IntArray
    weight: FloatArray

    def gather(self, values: FloatArray, power: int = 1) -> FloatArray:
        """As `Reach.gather`."""
        weights = self.weight**power * values[self.cell]
        return np.bincount(self.facility, weights=weights, minlength=self.facilities).astype(np.float64)

    def scatter(self, values: FloatArray, power: int = 1) -> FloatArray:
        """As `Reach.scatter`."""
        weights = self.weight**power * values[self.facility]
        return np.bincount(self.cell, weights=weights, minlength=self.cells).astype(np.float64)

    def touched(self, facilities: BoolArray) -> BoolArray:
        """As `Reach.touched`."""
        found = np.zeros(self.cells, dtype=bool)
        found[self.cell[facilities[self.facility]]] = True
        return found


def straight_reach(
    facilities_xy: ArrayLike, cells_xy: ArrayLike, *, mode: TravelMode, decay: Decay
) -> PairReach:
    """Return the pairs within the catchment in a straight line: distance × detour factor / speed of ``mode``.

    For cells in any places; a regular grid is served much faster by ``geo.grid_reach``. Coordinates of shape
    (n, 2), metres of ``ALBERS``. Raises ``CoverageError`` when there is no facility or no cell, ``CrsError``
    for coordinates that are no such metres, ``CatchmentError`` for more than ``MAX_PAIRS`` pairs.
    """
    facilities, cells = metric_points(facilities_xy, "设施"), metric_points(cells_xy, "人口格网")
    require_facilities(facilities, cells)
    speed = mode.straight_m_per_minute
    # A little wider than the catchment: the minutes decide.
    radius = quantise_minutes(decay.minutes) * speed * (1.0 + 1e-9) + 1e-3
    tree = build_tree(cells)
    parts: list[tuple[IntArray, IntArray, FloatArray]] = []
    total = 0
    for start in range(0, len(facilities), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(facilities)))
        found = tree.query_ball_point(facilities[rows], float(radius), workers=-1)
        counts = np.fromiter((len(one) for one in found), dtype=np.int64, count=len(found))
        total += int(counts.sum())
        require_room(total)
        cell = np.concatenate([np.asarray(one, dtype=np.int32) for one in found])
        facility = np.repeat(rows, counts).astype(np.int32)
        x, y = (cells[cell] - facilities[facility]).T
        parts.append((cell, facility, straight_minutes(x, y, speed)))
    return _pairs(parts, len(cells), len(facilities), decay)


def straight_minutes(x: FloatArray, y: FloatArray, m_per_minute: float) -> FloatArray:
    """Return the quantised minutes of offsets in metres; every path computes them alike."""
    return quantise_minutes(np.sqrt(x * x + y * y) / m_per_minute)


def network_reach(
    network: Network,
    facilities_xy: ArrayLike,
    cells_xy: ArrayLike,
    *,
    decay: Decay,
    cells_snap: Snap | None = None,
) -> PairReach:
    """Return the pairs within the catchment over the network, of the trip cell → facility.

    One bounded shortest-path run per facility, with the same legs and the same minutes as
    ``geo.travel.nearest_facility_network``. Facilities too far from the network reach nobody. Raises as that
    function does, and ``CatchmentError`` for more than ``MAX_PAIRS`` pairs.
    """
    facilities, cells = metric_points(facilities_xy, "设施"), metric_points(cells_xy, "人口格网")
    require_facilities(facilities, cells)
    cells_at = snap_points(network, cells) if cells_snap is None else cells_snap
    facilities_at = snap_points(network, facilities, exact=True)
    require_overlap(network, cells, placed=bool(cells_at.found.any()), what="人口格网")
    require_overlap(network, facilities, placed=bool(facilities_at.found.any()), what="设施")
    return snapped_reach(network, facilities_at, cells_at, decay=decay)


def snapped_reach(network: Network, facilities_at: Snap, cells_at: Snap, *, decay: Decay) -> PairReach:
    """Return `network_reach` of places that are put onto the network already, be there none that met it."""
    limit = float(quantise_minutes(decay.minutes))
    first = np.zeros(1, dtype=np.int64)
    parts: list[tuple[IntArray, IntArray, FloatArray]] = []
    total = 0
    for row in np.flatnonzero(facilities_at.found):
        travel = solve_network(network, _one(facilities_at, int(row)), cells_at, first, max_minutes=limit)
        cell = np.flatnonzero(travel.reachable).astype(np.int32)
        total += len(cell)
        require_room(total)
        parts.append((cell, np.full(len(cell), row, dtype=np.int32), travel.minutes[cell]))
    return _pairs(parts, len(cells_at.found), len(facilities_at.found), decay)


def require_room(pairs: int) -> None:
    """Raise ``CatchmentError`` for more than ``MAX_PAIRS`` pairs."""
    if pairs > MAX_PAIRS:
        raise CatchmentError(f"服务范围内的设施—格网对超过 {MAX_PAIRS:,} 对；请缩小服务范围或研究区域。")


def _one(snap: Snap, row: int) -> Snap:
    """Return one place of a snap."""
    part = slice(row, row + 1)
    return Snap(
        a=snap.a[part],
        b=snap.b[part],
        fraction=snap.fraction[part],
        distance_m=snap.distance_m[part],
        access_minutes=snap.access_minutes[part],
        leave_a=snap.leave_a[part],
        leave_b=snap.leave_b[part],
        arrive_a=snap.arrive_a[part],
        arrive_b=snap.arrive_b[part],
    )


def _pairs(
    parts: list[tuple[IntArray, IntArray, FloatArray]], cells: int, facilities: int, decay: Decay
) -> PairReach:
    """Return the pairs whose weight is above zero, in the order of facility and cell."""
    cell, facility, minutes = (
        (np.concatenate([part[side] for part in parts]) for side in range(3))
        if parts
        else (np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int32), np.zeros(0))
    )
    weight = decay.weight(minutes)
    kept = np.flatnonzero(weight > 0.0)
    order = kept[np.lexsort((cell[kept], facility[kept]))]
    return PairReach(cells, facilities, cell[order], facility[order], weight[order])
