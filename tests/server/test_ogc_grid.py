"""Which cells of the grid a box meets: those that the squares themselves meet, looked at one by one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from exports.layers.grid import squares
from server.ogc.source import grid_of

SIZE = 500.0
X, Y = np.meshgrid(100_000.0 + SIZE * np.arange(14), 3_600_000.0 + SIZE * np.arange(11))
CELLS = pd.DataFrame({"x": X.ravel(), "y": Y.ravel()})
SQUARES = squares(CELLS, SIZE).geometry.to_numpy()
WEST, SOUTH, EAST, NORTH = shapely.total_bounds(SQUARES)
HITS, SHAPES = grid_of(CELLS, SIZE)

parts = st.floats(-0.3, 1.3)


@settings(max_examples=80)
@given(parts, parts, parts, parts)
def test_a_box_meets_the_cells_that_its_square_meets(
    one: float, two: float, three: float, four: float
) -> None:
    west, east = (WEST + part * (EAST - WEST) for part in sorted((one, two)))
    south, north = (SOUTH + part * (NORTH - SOUTH) for part in sorted((three, four)))
    found = HITS((west, south, east, north))
    assert (
        found.tolist()
        == np.flatnonzero(shapely.intersects(SQUARES, shapely.box(west, south, east, north))).tolist()
    )
    assert shapely.equals(SHAPES(found), SQUARES[found]).all()


def test_the_whole_world_meets_every_cell_and_another_land_none() -> None:
    assert HITS((-180.0, -90.0, 180.0, 90.0)).tolist() == list(range(len(CELLS)))
    for box in ((0.0, 40.0, 10.0, 50.0), (-180.0, -90.0, 180.0, 20.0), (100.0, 30.0, 105.0, 35.0)):
        assert HITS(box).tolist() == []
