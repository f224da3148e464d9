"""Where the edge of the data may hide facilities: search radii, and counties too near the border."""

import geopandas as gpd
import pandas as pd
import shapely
from numpy.typing import ArrayLike
from shapely.geometry.base import BaseGeometry

from geo.crs import require_metric
from geo.modes import TravelMode
from geo.network import Network
from geo.points import metric_points


def search_radius_m(mode: TravelMode, minutes: float, network: Network | None = None) -> float:
    """Return how far as the crow flies ``minutes`` can lead, in metres.

    Over a network: at the fastest progress that any of its edges allows. Without one: at the mode's speed
    over its detour factor.
    """
    return minutes * (mode.straight_m_per_minute if network is None else network.max_speed)


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
    require_metric(counties)
    facilities = shapely.points(metric_points(facilities_xy, "设施"))
    province = shapely.union_all(counties.geometry.to_numpy())
    line = shapely.boundary(province) if border is None else border
    shapely.prepare(province)
    beyond = facilities[~shapely.covers(province, facilities)]
    near = shapely.distance(counties.geometry.to_numpy(), line) < radius_m
    known = [
        bool(len(beyond)) and bool((shapely.distance(area, beyond) <= radius_m).any())
        for area in counties.geometry
    ]
    return pd.Series(
        near & ~pd.Series(known, dtype=bool).to_numpy(), index=counties.index, name="edge", dtype=bool
    )
