"""Squares as a Mapbox Vector Tile (version 2.1 of its specification), encoded by ``mapbox-vector-tile``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import mapbox_vector_tile
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

MIME_TYPE = "application/vnd.mapbox-vector-tile"
EXTENT = 4_096
"""Steps of a tile's side; positions are rounded to whole ones."""


def vector_tile(
    name: str,
    ids: NDArray[np.int64],
    rings: NDArray[np.float64],
    values: Mapping[str, Sequence[Any]],
    box: tuple[float, float, float, float],
) -> bytes:
    """Return a tile with one layer, ``name``: a polygon for each ring, whole also where it leaves the tile.

    ``rings``: shape (polygons, corners, 2), clockwise as seen on a map, in the CRS of ``box``, which is west,
    south, east and north of the tile. ``ids``: whole numbers ≥ 0. ``values``: the attributes by name, a value
    for each polygon: text, truth, whole or other number; where it is missing (None, NaN) the polygon has no
    such attribute. The encoder keeps one value for all that are equal in a tile, so a whole number may come
    as another number of the same value. A client draws what lies inside the tile; neighbouring tiles both
    hold what crosses their edge, under the same id.
    """
    west, south, east, north = box
    # Rows count from the north: y goes down.
    scale = np.array([EXTENT / (east - west), -EXTENT / (north - south)])
    shapes = shapely.polygons(np.rint((rings - (west, north)) * scale))
    columns = {key: [None if pd.isna(one) else one for one in column] for key, column in values.items()}
    features = [
        {
            "geometry": shape,
            "id": number,
            "properties": {key: column[at] for key, column in columns.items() if column[at] is not None},
        }
        for at, (shape, number) in enumerate(zip(shapes, ids.tolist(), strict=True))
    ]
    # The rings turn the right way already: to check each again would take twice the time.
    options = {"y_coord_down": True, "extents": EXTENT, "check_winding_order": False}
    tile: bytes = mapbox_vector_tile.encode([{"name": name, "features": features}], default_options=options)
    return tile
