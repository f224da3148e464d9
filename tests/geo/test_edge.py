"""Edge flags: the distances measured once against plain distances, and the flags of any radius from them."""

import geopandas as gpd
import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.crs import ALBERS
from geo.edge import Border, edge_cells, edge_counties, edge_distances, flag_edge

WEST, SOUTH = 0.0, 3_500_000.0
SIDE_M = 10_000.0


def squares(columns, rows):
    """Return counties of 10 km side; each left of its right neighbour, rows from the south."""
    shapes = [
        shapely.box(x * SIDE_M, SOUTH + y * SIDE_M, (x + 1) * SIDE_M, SOUTH + (y + 1) * SIDE_M)
        for x in range(columns)
        for y in range(rows)
    ]
    return gpd.GeoDataFrame(geometry=shapes, index=[f"3201{n:02}" for n in range(len(shapes))], crs=ALBERS)


places = st.tuples(st.integers(-40, 90), st.integers(-40, 90)).map(
    lambda km: (WEST + km[0] * 1000.0 + 1.0, SOUTH + km[1] * 1000.0 + 1.0)
)


def facility_array(facilities):
    return np.array(facilities, dtype=np.float64).reshape(-1, 2)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 5), st.integers(1, 5), st.lists(places, max_size=8))
def test_distances_equal_those_measured_shape_by_shape(columns, rows, facilities):
    counties = squares(columns, rows)
    found = edge_distances(counties, facility_array(facilities))
    whole = shapely.union_all(counties.geometry.to_numpy())
    beyond = [point for point in map(shapely.Point, facilities) if not whole.covers(point)]
    for adcode, county in counties.geometry.items():
        assert found.loc[adcode, "border_m"] == county.distance(whole.boundary)
        truth = min((county.distance(point) for point in beyond), default=np.inf)
        assert found.loc[adcode, "beyond_m"] == truth


@settings(deadline=None, max_examples=40)
@given(st.lists(places, max_size=6), st.integers(0, 60_000))
def test_flags_of_any_radius_come_from_one_measurement(facilities, radius_m):
    counties = squares(5, 5)
    border = shapely.LineString([(0.0, SOUTH), (0.0, SOUTH + 5 * SIDE_M)])
    once = edge_distances(counties, facility_array(facilities), border=border)
    flags = flag_edge(once, float(radius_m))
    again = edge_counties(counties, facility_array(facilities), float(radius_m), border=border)
    assert flags.equals(again)
    assert flags.name == "edge" and flags.dtype == bool
    # The second column of counties is exactly 10 km from the border: nearer than the radius means nearer.
    assert not flag_edge(once, SIDE_M).iloc[5:].any()


@settings(deadline=None, max_examples=40)
@given(st.lists(places, min_size=1, max_size=12), st.lists(places, max_size=4), st.integers(1, 40_000))
def test_cells_at_the_edge_equal_those_measured_one_by_one(cells, facilities, radius_m):
    whole = shapely.union_all(squares(3, 3).geometry.to_numpy())
    line, border = whole.boundary, Border(whole.boundary)
    beyond = [one for one in facilities if not whole.covers(shapely.Point(one))]
    alone = edge_cells(facility_array(cells), border, float(radius_m))
    found = edge_cells(facility_array(cells), border, float(radius_m), beyond_xy=facility_array(beyond))
    for number, cell in enumerate(map(shapely.Point, cells)):
        near = cell.distance(line) < radius_m
        known = any(cell.distance(shapely.Point(one)) <= radius_m for one in beyond)
        assert alone[number] == near
        of_two = edge_cells(facility_array(cells), border, [float(radius_m), *[1.0] * (len(cells) - 1)])
        assert of_two[0] == alone[0]
        assert found[number] == (near and not known)
