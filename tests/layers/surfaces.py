"""Small grids of cells and travel times for the tests of surfaces and of what lies over a map."""

import io

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from PIL import Image

from geo.modes import quantise_minutes
from geo.travel import TravelResult

SIZE = 500.0
ORIGIN = (100_000.0, 3_600_000.0)


def cells_at(places, origin=ORIGIN, size=SIZE):
    """Return cells at (column, line) places of the grid whose south-west corner is ``origin``."""
    columns, lines = (np.array([place[axis] for place in places], dtype=float) for axis in (0, 1))
    return pd.DataFrame(
        {"x": origin[0] + (columns + 0.5) * size, "y": origin[1] + (lines + 0.5) * size, "area_km2": 0.25}
    )


def travel_of(minutes, max_minutes=120.0):
    """Return travel times; None is unreachable."""
    values = quantise_minutes([np.nan if one is None else one for one in minutes])
    reachable = ~np.isnan(values)
    return TravelResult(
        minutes=values,
        facility=np.where(reachable, 0, -1).astype(np.int32),
        reachable=reachable,
        straight=np.ones(len(values), dtype=bool),
        around=np.zeros(len(values), dtype=bool),
        method="straight",
        mode="drive",
        max_minutes=max_minutes,
        unplaced=np.zeros(0, dtype=np.int32),
    )


def opened(content):
    """Return a PNG's palette indices, and its colours with opacity (n, 4)."""
    image = Image.open(io.BytesIO(content))
    assert image.mode == "P"
    return np.array(image), np.array(image.convert("RGBA"))


places = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=40, unique=True)
minutes = st.one_of(st.none(), st.integers(0, 480).map(lambda quarter: quarter / 4))
