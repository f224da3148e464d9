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
from geo.minutes import quantise_minutes
from geo.network import Network
from geo.points import metric_points
from geo.site_reach import Reach as Table
from geo.site_reach import reach_snapped
from geo.snapping import Snap, snap_points
from geo.travel import require_facilities, require_overlap

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]
BoolArray = NDArray[np.bool_]


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

    The pairs and minutes of ``geo.site_reach.reach_network``, which are those of
    ``geo.travel.nearest_facility_network`` for each facility alone. Facilities too far from the network reach
    nobody. Raises as these do.
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
    return weighed(reach_snapped(network, facilities_at, cells_at, max_minutes=decay.minutes), decay)


def weighed(found: Table, decay: Decay) -> PairReach:
    """Return the pairs whose weight is above zero, in the order of facility and cell."""
    weight = decay.weight(found.minutes)
    kept = weight > 0.0
    return PairReach(found.cells, found.sites, found.cell[kept], found.site[kept], weight[kept])
