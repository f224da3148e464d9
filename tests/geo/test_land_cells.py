"""Cells of land: areas cut exactly, each cell one county's, land conserved."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geo.crs import ALBERS, STORE_CRS, to_albers
from geo.errors import CrsError, PopulationError
from geo.land_cells import _cut, cell_ids, cell_position, land_cells
from geo.regions import assign_regions
from tests.geo.worlds import checkerboard, packaged_counties
from tests.oracles import population_naive


def _voronoi(seed: int, points: int, size: float = 4000.0) -> gpd.GeoDataFrame:
    """Odd polygons in ALBERS that tile a square off the grid lines."""
    rng = np.random.default_rng(seed)
    frame = shapely.box(-137.0, 3_500_211.0, -137.0 + size, 3_500_211.0 + size)
    xy = np.column_stack(
        [rng.uniform(-137, size - 137, points), rng.uniform(3_500_211, 3_500_211 + size, points)]
    )
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(xy), extend_to=frame))
    shapes = shapely.intersection(cells, frame)
    codes = [f"32{n + 1:04d}" for n in range(len(shapes))]
    return gpd.GeoDataFrame({"adcode": codes}, geometry=shapes, crs=ALBERS)


def _lake(seed: int) -> shapely.Geometry:
    rng = np.random.default_rng(seed + 1)
    lake = shapely.Point(rng.uniform(500, 3000), rng.uniform(3_501_000, 3_503_000)).buffer(
        rng.uniform(200, 900)
    )
    island = shapely.Point(lake.centroid.x, lake.centroid.y).buffer(120)
    return lake.difference(island)


@given(
    seed=st.integers(0, 100_000), points=st.integers(1, 6), resolution=st.sampled_from([250.0, 300.0, 500.0])
)
@example(seed=175, points=5, resolution=300.0)
@settings(max_examples=40, deadline=None)
def test_cells_equal_the_naive_cut(seed: int, points: int, resolution: float) -> None:
    counties, lake = _voronoi(seed, points), _lake(seed)
    listed = list(zip(counties["adcode"], counties.geometry, strict=True))
    naive = population_naive.cells(listed, lake, resolution)
    if {code for code, _ in naive.values()} != set(counties["adcode"]):
        with pytest.raises(PopulationError):
            land_cells(counties, gpd.GeoDataFrame(geometry=[lake], crs=ALBERS), resolution)
        return
    cells = land_cells(counties, gpd.GeoDataFrame(geometry=[lake], crs=ALBERS), resolution)
    column, row = cell_position(cells["cell_id"].to_numpy())
    found = dict(zip(zip(column.tolist(), row.tolist(), strict=True), cells["adcode"], strict=True))
    noise = {cell for cell, (_, area) in naive.items() if area < 1e-2}
    assert {cell: code for cell, code in found.items() if cell not in noise} == {
        cell: code for cell, (code, _) in naive.items() if cell not in noise
    }
    for code, shape in listed:
        total = cells.loc[cells["adcode"] == code, "area_km2"].sum()
        assert total == pytest.approx(shape.difference(lake).area / 1e6, rel=1e-7)
    areas = dict(zip(found, cells["area_km2"], strict=True))
    for code, shape in listed:
        for cell, area in population_naive.land_by_cell(shape.difference(lake), resolution).items():
            if found.get(cell) == code:
                assert areas[cell] >= area / 1e6 - 1e-9, "a cell holds at least its own land"


@given(seed=st.integers(0, 100_000))
@settings(max_examples=30, deadline=None)
def test_shares_equal_intersections_for_any_polygon(seed: int) -> None:
    rng = np.random.default_rng(seed)
    star = shapely.Polygon(
        [
            (1000 + r * np.cos(a), 3_501_000 + r * np.sin(a))
            for a, r in zip(np.sort(rng.uniform(0, 2 * np.pi, 12)), rng.uniform(300, 950, 12), strict=True)
        ]
    )
    shape = shapely.make_valid(star).difference(shapely.box(900, 3_500_900, 1010, 3_501_020))
    shape = shapely.MultiPolygon([part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"])
    pieces = _cut(np.array([shape], dtype=object), 100.0)
    naive = population_naive.land_by_cell(shape, 100.0)
    found = dict(zip(zip(pieces.column.tolist(), pieces.row.tolist(), strict=True), pieces.area, strict=True))
    assert pieces.area.sum() == pytest.approx(shape.area, rel=1e-9)
    for cell in set(found) | set(naive):
        assert found.get(cell, 0.0) == pytest.approx(naive.get(cell, 0.0), abs=1e-3)


def test_edges_on_grid_lines_are_cut_clean() -> None:
    board = checkerboard(2, 2, size=1000.0)
    cells = land_cells(board, None, 500)
    assert len(cells) == 16
    assert (cells["area_km2"] == 0.25).all()
    assert cells.groupby("adcode").size().tolist() == [4, 4, 4, 4]
    assert (
        assign_regions(
            gpd.GeoDataFrame(geometry=gpd.points_from_xy(cells["x"], cells["y"]), crs=ALBERS), board
        ).tolist()
        == cells["adcode"].tolist()
    )


def test_ids_are_positions_and_positions_are_aligned_to_the_origin() -> None:
    column, row = np.array([-520, 0, 1199]), np.array([6800, 0, 7999])
    back = cell_position(cell_ids(column, row))
    assert back[0].tolist() == column.tolist()
    assert back[1].tolist() == row.tolist()
    cells = land_cells(checkerboard(3, 1, size=700.0), None, 500)
    column, row = cell_position(cells["cell_id"].to_numpy())
    assert np.array_equal(cells["x"], (column + 0.5) * 500)
    assert np.array_equal(cells["y"], (row + 0.5) * 500)
    assert cells["cell_id"].is_monotonic_increasing
    assert cells["cell_id"].is_unique


def test_a_cell_whose_centre_is_water_goes_to_none_but_its_land_is_kept() -> None:
    board = checkerboard(1, 1, size=1500.0)
    pond = gpd.GeoDataFrame(geometry=[shapely.box(600, 3_500_600, 950, 3_500_950)], crs=ALBERS)
    cells = land_cells(board, pond, 500)
    assert len(cells) == 9
    assert cells["area_km2"].sum() == pytest.approx(2.25 - 0.1225)
    assert cells["area_km2"].min() == pytest.approx(0.25 - 0.1225)


def test_too_coarse_and_all_water_are_refused_by_name() -> None:
    board = checkerboard(2, 1, size=1000.0)
    with pytest.raises(PopulationError, match=r"320002"):
        land_cells(board, None, 1999)
    sea = gpd.GeoDataFrame(geometry=[shapely.box(-10, 3_499_990, 1000, 3_501_010)], crs=ALBERS)
    with pytest.raises(PopulationError, match=r"1 个县（市、区）没有一个格：320001"):
        land_cells(board, sea, 500)
    with pytest.raises(CrsError):
        land_cells(board.to_crs(STORE_CRS), None, 500)


def test_the_province_is_covered_to_the_square_metre() -> None:
    counties = to_albers(packaged_counties())
    cells = land_cells(counties, None, 500)
    assert 410_000 < len(cells) < 420_000
    area = cells.groupby("adcode")["area_km2"].sum()
    truth = counties.set_index("adcode").geometry.area / 1e6
    assert np.abs(area - truth).max() < 1e-6
    assert (cells["area_km2"] > 0).all()
    coarse = land_cells(counties, None, 2000)
    assert np.abs(coarse.groupby("adcode")["area_km2"].sum() - truth).max() < 1e-6
