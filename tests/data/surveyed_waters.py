"""Great waters as a survey has them: outlines drawn again from where it sees the shores.

The table says, on every fiftieth of a degree, from where to where the water lies: lakes along parallels, the
river along meridians, which it crosses. It was measured on GSHHG (see `tests/real/README.md`), which is not
carried here; `tests/sources` measures again.
"""

import math
from itertools import pairwise

import pandas as pd
import shapely

from tests.real_data import real_path

STEP = 0.02
COLUMNS = ["water", "axis", "at", "begin", "end"]


def shores_of(shape: shapely.Geometry, water: str, axis: str, low: float, high: float) -> pd.DataFrame:
    """Return where lines of constant latitude (``axis`` lat) or longitude cross ``shape``, to about 100 m."""
    rows = []
    for step in range(math.ceil(low / STEP), math.floor(high / STEP) + 1):
        at = round(step * STEP, 2)
        ends = [(-180, at), (180, at)] if axis == "lat" else [(at, -90), (at, 90)]
        parts = shapely.get_parts(shapely.intersection(shape, shapely.LineString(ends)))
        for west, south, east, north in shapely.bounds(parts[shapely.length(parts) > 0]).tolist():
            begin, end = (west, east) if axis == "lat" else (south, north)
            rows.append((water, axis, at, round(begin, 3), round(end, 3)))
    return pd.DataFrame(rows, columns=COLUMNS)


def shores() -> pd.DataFrame:
    """Return the table: one stretch of water a row."""
    return pd.read_csv(real_path("waters/gshhg_shores.csv"))


def surveyed(water: str) -> shapely.Geometry:
    """Return the outline of a water: stretches on neighbouring lines that face each other are joined."""
    own = shores().query("water == @water")
    lines = [
        [(row.at, row.begin, row.end) for row in group.itertuples(index=False)]
        for _, group in own.groupby("at", sort=True)
    ]
    quads = [
        shapely.Polygon([(a, begin), (a, end), (b, end_), (b, begin_)])
        for one, other in pairwise(lines)
        for a, begin, end in one
        for b, begin_, end_ in other
        if begin <= end_ and begin_ <= end
    ]
    outline = shapely.union_all(quads)
    if own["axis"].iloc[0] == "lat":
        outline = shapely.transform(outline, lambda points: points[:, ::-1])
    return shapely.make_valid(outline)
