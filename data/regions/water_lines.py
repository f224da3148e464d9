"""What stops a straight line: the Yangtze, its islands' shores, the large lakes; and what leads over them.

The river's line is the border between the counties of its banks, which is drawn along its middle: whoever
lives in a county of one bank is on that bank. Lakes are the outlines of ``waters.csv``. All is schematic.
"""

from __future__ import annotations

from importlib import resources

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from data.regions.population import load_islands, load_waters
from geo.crs import STORE_CRS, to_albers

RIVER = "长江"
NORTH, SOUTH, MIDDLE = "北岸", "南岸", "江中"
KINDS = ("foot", "bicycle", "motorcar")
"""Who may use a crossing: columns of ``crossings.csv``, and what a mode of travel counts as."""

_HALF_WIDTH_M = 20.0
"""The river's line as water that has an inside; how wide it is does not matter to what it parts."""

_SIMPLER_M = 100.0
_SEAM_M = 100.0
"""How far apart the borders of two banks may be drawn: those of an office need not meet to the metre."""


def load_banks() -> gpd.GeoDataFrame:
    """Return on which bank of the Yangtze counties lie: columns adcode, name, bank, source, geometry.

    ``geometry`` (EPSG:4490) where only the part within it is meant, or the river beyond the province
    (LineString, no adcode); else None.
    """
    with (resources.files("data.facts") / "banks.csv").open(encoding="utf-8") as handle:
        rows = pd.read_csv(handle, dtype=str)
    return gpd.GeoDataFrame(rows, geometry=gpd.GeoSeries.from_wkt(rows.pop("wkt"), crs=STORE_CRS))


def load_crossings() -> pd.DataFrame:
    """Return the bridges, tunnels and ferries over the Yangtze and the lakes: the columns of the table.

    ``lon_a`` … ``lat_b``: both landfalls (float64); ``KINDS``: bool.
    """
    with (resources.files("data.facts") / "crossings.csv").open(encoding="utf-8") as handle:
        rows = pd.read_csv(handle, dtype=str, keep_default_na=False)
    ends = ["lon_a", "lat_a", "lon_b", "lat_b"]
    return rows.assign(**{name: rows[name].astype(np.float64) for name in ends}).assign(
        **{name: rows[name] == "yes" for name in KINDS}
    )


def water_shapes(counties: gpd.GeoDataFrame) -> list[shapely.Polygon]:
    """Return the water that straight lines do not cross: polygons in ``ALBERS``.

    ``counties``: in ``ALBERS``, column ``adcode``. Counties whose bank is not known part nothing.
    """
    waters = to_albers(load_waters())
    lakes = waters.geometry[waters["name"] != RIVER].to_numpy()
    river = shapely.buffer(river_line(counties), _HALF_WIDTH_M, cap_style="square", join_style="mitre")
    whole = shapely.union_all([*lakes, river])
    return [one for one in shapely.get_parts(whole) if isinstance(one, shapely.Polygon)]


def river_line(counties: gpd.GeoDataFrame) -> shapely.Geometry:
    """Return the line of the Yangtze and the shores of its inhabited islands, in ``ALBERS``.

    Empty where the counties of both banks do not meet, or there are none of a bank.
    """
    north, south, middle, beyond = _banks(counties)
    if north.is_empty or south.is_empty:
        return shapely.MultiLineString()
    facing = shapely.buffer(shapely.union(south, middle), _SEAM_M)
    between = shapely.line_merge(_lines(shapely.intersection(north.boundary, facing)))
    if between.is_empty:
        return shapely.MultiLineString()
    outer = _to_the_sea(north, between)
    ends = [_joined(line, shapely.union(between, outer)) for line in beyond]
    line = shapely.union_all([between, outer, middle.boundary, *ends])
    islands = to_albers(load_islands())
    for island in islands.geometry[(islands["water"] == RIVER) & islands["kind"].isin(["洲", "岛"])]:
        if not shapely.intersects(island, middle):
            line = shapely.union(shapely.difference(line, island), island.boundary)
    return _lines(shapely.simplify(shapely.line_merge(_lines(line)), _SIMPLER_M))


def _banks(
    counties: gpd.GeoDataFrame,
) -> tuple[shapely.Geometry, shapely.Geometry, shapely.Geometry, list[shapely.LineString]]:
    """Return the counties of the north bank, of the south bank, those in the river, and its line beyond."""
    rows = load_banks()
    shapes = counties.set_index("adcode").geometry
    parts = to_albers(rows[rows.geometry.notna()])
    whole = rows[rows.geometry.isna() & rows["adcode"].isin(shapes.index)]
    found = {
        bank: shapely.union_all(shapes[whole["adcode"][whole["bank"] == bank]].to_numpy())
        for bank in (NORTH, SOUTH, MIDDLE)
    }
    pieces = parts[parts["adcode"].isin(shapes.index)]
    for code, bank, shape in zip(pieces["adcode"], pieces["bank"], pieces.geometry, strict=True):
        own = shapely.intersection(shapes[code], shape)
        found = {
            name: shapely.union(one, own) if name == bank else shapely.difference(one, own)
            for name, one in found.items()
        }
    beyond = list(parts.geometry[parts["adcode"].isna()])
    return found[NORTH], found[SOUTH], found[MIDDLE], beyond


def _to_the_sea(north: shapely.Geometry, between: shapely.Geometry) -> shapely.Geometry:
    """Return the outline of the north bank from the eastern end of the border between both to its tip."""
    ring = max(shapely.get_parts(north), key=lambda part: part.area).exterior
    xy = shapely.get_coordinates(ring)
    ends = shapely.get_coordinates(shapely.boundary(between))
    start = ring.project(shapely.Point(ends[ends[:, 0].argmax()]))
    tip = ring.project(shapely.Point(xy[xy[:, 0].argmax()]))
    ways = [_stretch(ring, start, tip), _stretch(ring, tip, start)]
    return min(ways, key=lambda way: way.length)


def _stretch(ring: shapely.LinearRing, start: float, stop: float) -> shapely.Geometry:
    """Return a ring from one distance along it to another, over its beginning where need be."""
    line = shapely.LineString(ring.coords)
    if start <= stop:
        return shapely.ops.substring(line, start, stop)
    parts = shapely.ops.substring(line, start, line.length), shapely.ops.substring(line, 0.0, stop)
    return shapely.line_merge(shapely.MultiLineString([part for part in parts if part.length > 0.0]))


def _joined(line: shapely.LineString, river: shapely.Geometry) -> shapely.LineString:
    """Return the river beyond the province, its first point moved to the nearest end of the known river."""
    ends = shapely.get_coordinates(shapely.boundary(shapely.line_merge(_lines(river))))
    xy = shapely.get_coordinates(line)
    xy[0] = ends[((ends - xy[0]) ** 2).sum(axis=1).argmin()]
    return shapely.LineString(xy)


def _lines(shape: shapely.Geometry) -> shapely.MultiLineString:
    """Return the lines of what an overlay gave: points where outlines only touch are none."""
    parts = shapely.get_parts(shape)
    return shapely.MultiLineString(
        [one for one in parts if isinstance(one, shapely.LineString) and not one.is_empty]
    )


def crossing_gates(kind: str, slower: float = 1.0) -> NDArray[np.float64]:
    """Return the crossings for a traveller: float64 (n, 5), x, y of both landfalls in ``ALBERS``, metres.

    A ferry counts ``slower`` (at least 1) times its length.
    """
    rows = load_crossings()
    rows = rows[rows[kind]]
    ends = [
        to_albers(gpd.GeoDataFrame(geometry=gpd.points_from_xy(rows[lon], rows[lat], crs=STORE_CRS))).geometry
        for lon, lat in (("lon_a", "lat_a"), ("lon_b", "lat_b"))
    ]
    xy = np.column_stack([end_xy for one in ends for end_xy in (one.x, one.y)]).astype(np.float64)
    metres = np.hypot(*(xy[:, 2:] - xy[:, :2]).T) * np.where(rows["kind"] == "渡口", max(slower, 1.0), 1.0)
    return np.column_stack([xy, metres])
