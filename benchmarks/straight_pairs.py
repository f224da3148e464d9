"""Every pair of a facility and a cell in a straight line: what the windows of ``geo.reach`` replace."""

from numpy.typing import ArrayLike

from geo.decay import Decay
from geo.modes import TravelMode
from geo.points import metric_points
from geo.reach import PairReach, weighed
from geo.site_reach import reach_straight


def straight_reach(
    facilities_xy: ArrayLike, cells_xy: ArrayLike, *, mode: TravelMode, decay: Decay
) -> PairReach:
    """Return the pairs within the catchment: distance × detour factor / speed of ``mode``.

    Coordinates of shape (n, 2), metres of ``ALBERS``; the cells may lie anywhere.
    """
    facilities, cells = metric_points(facilities_xy, "设施"), metric_points(cells_xy, "人口格网")
    return weighed(reach_straight(facilities, cells, mode=mode, max_minutes=decay.minutes), decay)
