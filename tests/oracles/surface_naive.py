"""A surface the slow way: every pixel on its own, projected by pyproj, looked up in a dictionary."""

import math

from pyproj import Transformer

from geo.crs import ALBERS

EARTH_M = 6_378_137.0
TO_ALBERS = Transformer.from_crs("EPSG:4490", ALBERS, always_xy=True)


def mercator_y(latitude):
    return EARTH_M * math.asinh(math.tan(math.radians(latitude)))


def cell_at(cells, size, bounds, shape, pixel):
    """Return (row of the cell that a pixel shows, or -1; metres from its centre to the nearest cell edge).

    ``bounds``: degrees of the image's outer edges; ``shape``: its height and width; ``pixel``: row, column.
    """
    row, column = pixel
    west, south, east, north = bounds
    height, width = shape
    longitude = west + (east - west) * (column + 0.5) / width
    top, bottom = mercator_y(north), mercator_y(south)
    y_mercator = top - (top - bottom) * (row + 0.5) / height
    latitude = math.degrees(math.atan(math.sinh(y_mercator / EARTH_M)))
    x, y = TO_ALBERS.transform(longitude, latitude)
    places = {
        (math.floor(cx / size), math.floor(cy / size)): i
        for i, (cx, cy) in enumerate(zip(cells["x"], cells["y"], strict=True))
    }
    offset = min(x % size, size - x % size, y % size, size - y % size)
    return places.get((math.floor(x / size), math.floor(y / size)), -1), offset
