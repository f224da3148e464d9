"""People of points stay in the county that holds the point, and nobody is lost without a figure."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.crs import ALBERS
from geo.errors import PopulationError
from geo.land_cells import cell_ids, land_cells
from geo.placing import CellPlacer, pattern_on_cells
from geo.regions import assign_regions
from tests.geo.worlds import checkerboard
from tests.oracles import people_naive

SIZE = 4_000.0


def _world(seed: int, points: int) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Odd counties off the grid lines, in no order of codes, and a lake over the borders of some."""
    rng = np.random.default_rng(seed)
    west, south = -137.0, 3_500_211.0
    frame = shapely.box(west, south, west + SIZE, south + SIZE)
    xy = rng.uniform(0, SIZE, (points, 2)) + np.array([west, south])
    cut = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(xy), extend_to=frame))
    shapes = shapely.intersection(cut, frame)
    codes = rng.permutation([f"32{n + 1:04d}" for n in range(len(shapes))])
    counties = gpd.GeoDataFrame({"adcode": codes}, geometry=shapes, crs=ALBERS)
    lake = shapely.Point(*(rng.uniform(0, SIZE, 2) + np.array([west, south]))).buffer(rng.uniform(200, 1_200))
    return counties, gpd.GeoDataFrame(geometry=[lake], crs=ALBERS)


def _people(seed: int, many: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed + 1)
    x, y = rng.uniform(-1_500, SIZE + 1_500, many), rng.uniform(-1_500, SIZE + 1_500, many) + 3_500_000
    return x, y, rng.gamma(0.5, 40, many)


@given(seed=st.integers(0, 100_000), points=st.integers(1, 6), many=st.integers(0, 120))
@settings(max_examples=50, deadline=None)
def test_people_are_placed_as_point_by_point(seed: int, points: int, many: int) -> None:
    counties, lake = _world(seed, points)
    try:
        cells = land_cells(counties, lake, 500)
    except PopulationError:
        return
    x, y, people = _people(seed, many)
    placer = CellPlacer(counties, cells, 500)
    found = placer.place(x, y, people)
    listed = list(zip(counties["adcode"], counties.geometry, strict=True))
    known = list(cells[["cell_id", "x", "y", "adcode"]].itertuples(index=False, name=None))
    naive, sums = people_naive.placed(list(zip(x, y, people, strict=True)), listed, known, 500.0)
    assert found.people == pytest.approx([naive[cell] for cell in cells["cell_id"]])
    assert (found.own, found.moved, found.outside) == pytest.approx(
        (sums["own"], sums["moved"], sums["outside"])
    )
    # Nobody is lost: who came in was placed, moved or left out.
    assert found.own + found.moved + found.outside == pytest.approx(people.sum())
    assert found.people.sum() == pytest.approx(found.own + found.moved)


@given(seed=st.integers(0, 100_000), points=st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_each_county_keeps_the_people_of_its_own_ground(seed: int, points: int) -> None:
    counties, lake = _world(seed, points)
    try:
        cells = land_cells(counties, lake, 500)
    except PopulationError:
        return
    x, y, people = _people(seed, 400)
    home = assign_regions(gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y), crs=ALBERS), counties)
    codes = np.sort(counties["adcode"].to_numpy())
    placer = CellPlacer(counties, cells, 500)
    number = placer.county_at(x, y)
    assert [codes[n] if n >= 0 else None for n in number] == home.tolist()
    x, y, people, home = (values[home.notna().to_numpy()] for values in (x, y, people, home))
    found = placer.place(x, y, people)
    assert found.outside == 0.0
    by_county = pd.Series(found.people).groupby(cells["adcode"].to_numpy()).sum()
    own = pd.Series(people).groupby(home.to_numpy()).sum().reindex(by_county.index).fillna(0.0)
    assert by_county.to_numpy() == pytest.approx(own.to_numpy())


def test_strips_add_up_to_the_whole() -> None:
    counties, lake = _world(3, 5)
    placer = CellPlacer(counties, land_cells(counties, lake, 500), 500)
    x, y, people = _people(3, 500)
    whole = placer.place(x, y, people)
    parts = placer.nobody()
    for start in range(0, 500, 130):
        some = slice(start, start + 130)
        parts += placer.place(x[some], y[some], people[some])
    assert parts.people == pytest.approx(whole.people)
    assert (parts.own, parts.moved, parts.outside) == pytest.approx((whole.own, whole.moved, whole.outside))
    assert whole.moved > 0 and whole.outside > 0


@given(seed=st.integers(0, 100_000), points=st.integers(1, 6))
@settings(max_examples=20, deadline=None)
def test_people_of_the_cells_come_back_to_their_cells(seed: int, points: int) -> None:
    """At whatever point of a cell at the province's rim its people are written down."""
    counties, lake = _world(seed, points)
    try:
        cells = land_cells(counties, lake, 500)
    except PopulationError:
        return
    people = np.random.default_rng(seed).gamma(0.5, 40, len(cells))
    x, y = cells["x"].to_numpy(), cells["y"].to_numpy()
    found = CellPlacer(counties, cells, 500).place(x, y, people)
    assert found.people.tolist() == people.tolist()
    shifted = CellPlacer(counties, cells, 500).place(x + 249.0, y - 249.0, people)
    assert shifted.outside == 0.0
    assert shifted.people.sum() == pytest.approx(people.sum())


def test_what_is_not_a_place_is_outside() -> None:
    board = checkerboard(1, 1, size=1_000.0)
    placer = CellPlacer(board, land_cells(board, None, 500), 500)
    found = placer.place(np.array([np.nan, np.inf, 1e12]), np.array([0.0, -np.inf, 1e12]), np.ones(3))
    assert (found.own, found.moved, found.outside) == (0.0, 0.0, 3.0)


def test_people_on_an_edge_are_counted_once() -> None:
    board = checkerboard(2, 1, size=1_000.0)
    cells = land_cells(board, None, 500)
    along_the_grid = CellPlacer(board, cells, 500).place(
        np.array([1_000.0]), np.array([3_500_250.0]), np.array([7.0])
    )
    [row] = np.flatnonzero(along_the_grid.people)
    assert (cells.loc[row, "adcode"], along_the_grid.own) == ("320002", 7.0), "the cell they lie on"
    board = checkerboard(2, 1, size=1_200.0)
    cells = land_cells(board, None, 500)
    across = CellPlacer(board, cells, 500).place(
        np.array([1_200.0]), np.array([3_500_250.0]), np.array([7.0])
    )
    [row] = np.flatnonzero(across.people)
    assert cells.loc[row, "adcode"] == "320001", "the lowest code"


def test_a_pattern_counted_on_other_cells_loses_nobody_of_the_counties() -> None:
    board = checkerboard(2, 1, size=2_000.0)
    before = land_cells(board, None, 500)
    pond = gpd.GeoDataFrame(geometry=[shapely.box(400, 3_500_400, 1_600, 3_501_600)], crs=ALBERS)
    cells = land_cells(board, pond, 500)
    far = cell_ids(np.array([400]), np.array([7_000]))
    pattern = pd.Series(
        np.arange(len(before) + 1.0), index=np.concatenate([before["cell_id"].to_numpy(), far])
    )
    found = pattern_on_cells(pattern, board, cells, 500)
    assert len(cells) < len(before)
    assert found.outside == len(before)
    gone = ~before["cell_id"].isin(cells["cell_id"]).to_numpy()
    assert found.moved == pattern.iloc[:-1][gone].sum() > 0
    by_county = pd.Series(found.people).groupby(cells["adcode"].to_numpy()).sum()
    assert by_county.tolist() == pattern.iloc[:-1].groupby(before["adcode"].to_numpy()).sum().tolist()
