"""Tiles of web maps: the part of the world a tile is, the tiles of an area, and how coarse a tile is drawn.

The tile matrix set is WebMercatorQuad of OGC's Two Dimensional Tile Matrix Set standard (17-083r4, annex D):
EPSG:3857, at zoom z a square of 2^z by 2^z tiles, columns from the west and rows from the north. A tile is
for drawing: nothing is measured in it.
"""

import functools
import math

from pyproj import Transformer

from geo.crs import STORE_CRS

Box = tuple[float, float, float, float]

MERCATOR = "EPSG:3857"
MATRIX_SET = "WebMercatorQuad"
HALF_WORLD_M = math.pi * 6_378_137.0
"""Half the side of the world in metres of ``MERCATOR``."""

MIN_ZOOM, MAX_ZOOM = 5, 12
"""Zooms that have tiles. At 5 the province is two tiles; at 12 a step of a tile's grid is two metres."""

ACROSS = 72
"""A tile is no wider than so many squares."""

_SOUTH_LATITUDE = 30.7
"""The southern end of the province, where a tile is widest on the ground."""


@functools.cache
def _to_map() -> Transformer:
    return Transformer.from_crs(STORE_CRS, MERCATOR, always_xy=True)


def tile_box(zoom: int, column: int, row: int) -> Box:
    """Return west, south, east, north of a tile in metres of ``MERCATOR``.

    Raises ``ValueError`` for a tile that the zoom does not have.
    """
    count = 2**zoom
    if not (0 <= column < count and 0 <= row < count):
        raise ValueError(f"zoom {zoom} has no tile in column {column}, row {row}")
    side = 2.0 * HALF_WORLD_M / count
    west, north = column * side - HALF_WORLD_M, HALF_WORLD_M - row * side
    return west, north - side, west + side, north


def tile_range(box: Box, zoom: int) -> tuple[int, int, int, int]:
    """Return first column, first row, last column and last row of the tiles that hold a box of degrees."""
    (west, east), (south, north) = _to_map().transform(box[0::2], box[1::2])
    side = 2.0 * HALF_WORLD_M / 2**zoom
    steps = (west + HALF_WORLD_M, HALF_WORLD_M - north, east + HALF_WORLD_M, HALF_WORLD_M - south)
    first_column, first_row, last_column, last_row = (
        min(max(math.floor(step / side), 0), 2**zoom - 1) for step in steps
    )
    return first_column, first_row, last_column, last_row


def gathering(zoom: int, cell_size_m: float) -> int:
    """Return how many cells, in each direction, make one square at a zoom: 1, 2, 4, 8 …

    The fewest with which no more than ``ACROSS`` squares lie side by side on a tile; cells of 500 m stay
    what they are from zoom 10.
    """
    ground = 2.0 * HALF_WORLD_M / 2**zoom * math.cos(math.radians(_SOUTH_LATITUDE))
    wanted = ground / ACROSS / cell_size_m
    return int(2 ** max(0, math.ceil(math.log2(wanted))))
