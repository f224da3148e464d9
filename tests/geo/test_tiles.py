"""Tiles of web maps and gathered squares: where they lie, what they hold, nothing lost or counted twice."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.crs import ALBERS
from geo.land_cells import cell_position
from geo.tiles import (
    ACROSS,
    HALF_WORLD_M,
    MAX_ZOOM,
    MERCATOR,
    MIN_ZOOM,
    Squares,
    gathered,
    gathering,
    tile_box,
    tile_range,
)

places = st.tuples(st.integers(-300, 300), st.integers(6_600, 7_900))
sizes = st.sampled_from([100.0, 250.0, 500.0, 1000.0])


def corner(zoom: int, column: int, row: int) -> tuple[float, float]:
    """Longitude and latitude of a tile's north-western corner by the formula of slippy maps."""
    lat = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / 2**zoom))))
    return column / 2**zoom * 360 - 180, lat


def world(cells: dict[tuple[int, int], tuple[int, float | None]], size: float = 500.0) -> Squares:
    column, row = (np.array([place[axis] for place in cells], dtype=np.int64) for axis in (0, 1))
    people = np.array([people for people, _ in cells.values()], dtype=np.int64)
    minutes = np.array([np.nan if one is None else one for _, one in cells.values()], dtype=np.float64)
    values = pd.DataFrame({"people": people, "low": minutes, "high": minutes, "adcode": "320500"})
    return Squares(size, column, row, values)


def together(squares: Squares, factor: int) -> Squares:
    return gathered(squares, factor, sums=["people"], lowest=["low"], highest=["high"])


@given(zoom=st.integers(0, 20), data=st.data())
def test_a_tile_lies_where_slippy_maps_have_it(zoom: int, data: st.DataObject) -> None:
    column, row = data.draw(st.integers(0, 2**zoom - 1)), data.draw(st.integers(0, 2**zoom - 1))
    box = tile_box(zoom, column, row)
    corners = [corner(zoom, column, row + 1), corner(zoom, column + 1, row)]
    expected = gpd.GeoSeries.from_xy(*np.transpose(corners), crs="EPSG:4326").to_crs(MERCATOR)
    found = [expected[0].x, expected[0].y, expected[1].x, expected[1].y]
    assert box == pytest.approx(found, abs=1e-3)


def test_tiles_of_a_zoom_cover_the_world_once() -> None:
    boxes = [tile_box(2, column, row) for row in range(4) for column in range(4)]
    shapes = shapely.box(*np.transpose(boxes))
    assert shapely.area(shapes).sum() == pytest.approx((2 * HALF_WORLD_M) ** 2)
    assert shapely.union_all(shapes).area == pytest.approx((2 * HALF_WORLD_M) ** 2)


@pytest.mark.parametrize("tile", [(3, 8, 0), (3, 0, 8), (3, -1, 0), (0, 0, 1)])
def test_a_tile_that_a_zoom_has_not_is_refused(tile: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="no tile"):
        tile_box(*tile)


@given(lon=st.floats(116.4, 121.9), lat=st.floats(30.8, 35.1), zoom=st.integers(0, 14))
def test_the_tiles_of_a_place_hold_it(lon: float, lat: float, zoom: int) -> None:
    column, row, last_column, last_row = tile_range((lon, lat, lon, lat), zoom)
    assert (column, row) == (last_column, last_row)
    west, north = corner(zoom, column, row)
    east, south = corner(zoom, column + 1, row + 1)
    assert west - 1e-9 <= lon <= east + 1e-9
    assert south - 1e-9 <= lat <= north + 1e-9


def test_the_tiles_of_more_than_the_world_are_those_of_the_world() -> None:
    assert tile_range((-180, -89, 180, 89), 3) == (0, 0, 7, 7)


@given(zoom=st.integers(MIN_ZOOM, MAX_ZOOM), size=sizes)
def test_as_few_cells_are_gathered_as_keep_a_tile_small(zoom: int, size: float) -> None:
    factor = gathering(zoom, size)
    ground = 2 * HALF_WORLD_M / 2**zoom * math.cos(math.radians(30.7))
    assert factor == 2 ** int(math.log2(factor))
    assert ground / (factor * size) <= ACROSS
    assert factor == 1 or ground / (factor / 2 * size) > ACROSS


@given(
    cells=st.dictionaries(
        places, st.tuples(st.integers(0, 9_000), st.none() | st.floats(0, 300)), min_size=1, max_size=40
    ),
    factor=st.sampled_from([1, 2, 4, 8, 32]),
)
def test_gathered_squares_are_those_of_a_plain_loop(
    cells: dict[tuple[int, int], tuple[int, float | None]], factor: int
) -> None:
    found = together(world(cells), factor)
    naive: dict[tuple[int, int], list[tuple[int, float | None]]] = {}
    for (column, row), value in cells.items():
        naive.setdefault((math.floor(column / factor), math.floor(row / factor)), []).append(value)
    assert len(found.column) == len(naive)
    for column, row, one in zip(
        found.column.tolist(), found.row.tolist(), found.frame.itertuples(), strict=True
    ):
        own = naive[column, row]
        known = [minutes for _, minutes in own if minutes is not None]
        assert one.people == sum(people for people, _ in own)
        assert (one.low == min(known) and one.high == max(known)) if known else math.isnan(one.low)
    assert found.frame["people"].sum() == sum(people for people, _ in cells.values())
    assert found.frame["people"].dtype == np.int64
    assert len(set(found.ids.tolist())) == len(naive)
    assert factor == 1 or "adcode" not in found.frame
    column, row = cell_position(found.ids)
    assert (column == found.column).all()
    assert (row == found.row).all()


@given(cells=st.dictionaries(places, st.tuples(st.integers(0, 9), st.floats(0, 9)), min_size=1, max_size=20))
def test_squares_of_squares_are_squares_of_cells(cells: dict[tuple[int, int], tuple[int, float]]) -> None:
    once, twice = together(world(cells), 8), together(together(world(cells), 4), 2)
    assert once.ids.tolist() == twice.ids.tolist()
    assert once.side_m == twice.side_m
    pd.testing.assert_frame_equal(once.frame, twice.frame)


def test_no_squares_make_no_square() -> None:
    with pytest.raises(ValueError, match="0 squares"):
        gathered(world({(0, 7_000): (1, 1.0)}), 0, sums=["people"])


def test_corners_are_those_of_geopandas_and_shared_ones_are_equal() -> None:
    squares = world({(column, row): (1, 1.0) for column in range(-280, 280, 80) for row in (6_801, 6_802)})
    rings = squares.rings(np.arange(len(squares.column)))
    boxes = shapely.box(
        squares.column * 500.0, squares.row * 500.0, (squares.column + 1) * 500.0, (squares.row + 1) * 500.0
    )
    expected = gpd.GeoSeries(boxes, crs=ALBERS).to_crs(MERCATOR)
    assert shapely.equals_exact(
        shapely.normalize(shapely.polygons(rings)), shapely.normalize(expected.to_numpy()), 1e-6
    ).all()
    # Clockwise from the north-western corner, so the lower square's first corner is the upper one's last.
    assert (rings[1::2, 3] == rings[0::2, 0]).all()
    assert (rings[1::2, 2] == rings[0::2, 1]).all()


@given(
    cells=st.sets(places, min_size=1, max_size=60),
    zoom=st.integers(MIN_ZOOM, MAX_ZOOM),
    factor=st.sampled_from([1, 4, 16]),
    data=st.data(),
)
@settings(max_examples=40)
def test_squares_in_a_box_are_those_geopandas_finds(
    cells: set[tuple[int, int]], zoom: int, factor: int, data: st.DataObject
) -> None:
    squares = together(world(dict.fromkeys(cells, (1, 1.0))), factor)
    shapes = shapely.polygons(squares.rings(np.arange(len(squares.column))))
    # A tile that a square is near, for most of them are far from any.
    near = shapely.centroid(shapes[data.draw(st.integers(0, len(shapes) - 1))])
    side = 2 * HALF_WORLD_M / 2**zoom
    column = int((near.x + HALF_WORLD_M) // side) + data.draw(st.integers(-1, 1))
    row = int((HALF_WORLD_M - near.y) // side) + data.draw(st.integers(-1, 1))
    box = tile_box(zoom, column, row)
    expected = gpd.GeoSeries(shapes, crs=MERCATOR).sindex.query(shapely.box(*box), predicate="intersects")
    assert squares.within(box).tolist() == sorted(expected.tolist())
