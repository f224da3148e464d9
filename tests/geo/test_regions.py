"""Points belong to exactly one region, regions tile, and what does not tile is named."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.crs import ALBERS, STORE_CRS, to_albers
from geo.errors import CrsError, GeometryError
from geo.regions import adcodes, area_km2, assign_regions, coverage_problems, dissolve, simplify_coverage
from tests.geo.worlds import checkerboard, irregular_coverage, packaged_counties
from tests.oracles import regions_naive


def _points(xy, crs) -> gpd.GeoDataFrame:
    xy = np.asarray(xy, dtype=float).reshape(-1, 2)
    return gpd.GeoDataFrame(geometry=gpd.points_from_xy(xy[:, 0], xy[:, 1]), crs=crs)


def test_a_point_on_a_shared_edge_or_corner_goes_to_the_lowest_code() -> None:
    board = checkerboard(2, 2, west=0.0, south=0.0)
    points = _points([(500, 500), (1000, 500), (1000, 1000), (500, 1000), (1000, 1500), (1500, 1000)], ALBERS)
    expected = ["320001", "320001", "320001", "320001", "320003", "320002"]
    assert assign_regions(points, board).tolist() == expected
    shuffled = board.iloc[[3, 1, 0, 2]]
    assert assign_regions(points, shuffled).tolist() == expected, "order of the regions never matters"


def test_points_outside_empty_or_missing_belong_to_none() -> None:
    board = checkerboard(1, 1, west=0.0, south=0.0)
    points = gpd.GeoDataFrame(
        geometry=[shapely.Point(-1, 0), shapely.Point(), None, shapely.Point(0, 0)], crs=ALBERS
    )
    assert assign_regions(points, board).tolist() == [None, None, None, "320001"]


def test_the_result_follows_the_callers_index() -> None:
    board = checkerboard(2, 1, west=0.0, south=0.0).set_index("adcode")
    points = _points([(1500, 10), (500, 10)], ALBERS).set_axis(["b", "a"])
    found = assign_regions(points, board)
    assert found.to_dict() == {"b": "320002", "a": "320001"}
    assert found.dtype == object
    assert assign_regions(points.iloc[:0], board).empty


def test_frames_must_share_a_crs() -> None:
    board = checkerboard(1, 1)
    with pytest.raises(CrsError, match="坐标系不同"):
        assign_regions(_points([(119, 32)], STORE_CRS), board)
    with pytest.raises(CrsError, match="没有坐标系"):
        assign_regions(_points([(119, 32)], None), board)
    counties = packaged_counties()
    assert assign_regions(_points([(118.79, 32.06)], "EPSG:4326"), counties).tolist() == ["320102"]


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_assignment_equals_exact_arithmetic(seed: int) -> None:
    regions = irregular_coverage(seed, points=7)
    rng = np.random.default_rng(seed)
    corners = np.unique(shapely.get_coordinates(regions.geometry.to_numpy()), axis=0)
    anywhere = np.column_stack([rng.uniform(118.9, 120.1, 25), rng.uniform(31.9, 33.1, 25)])
    points = _points(np.vstack([anywhere, corners[:15]]), STORE_CRS)
    listed = list(zip(regions["adcode"], regions.geometry, strict=True))
    naive = [regions_naive.region_of(point.x, point.y, listed) for point in points.geometry]
    assert assign_regions(points, regions).tolist() == naive


def test_every_vertex_of_the_province_belongs_to_exactly_one_county() -> None:
    counties = packaged_counties()
    vertices = np.unique(shapely.get_coordinates(counties.geometry.to_numpy()), axis=0)[::7]
    points = _points(vertices, STORE_CRS)
    found = assign_regions(points, counties)
    assert found.notna().all()
    touching = gpd.sjoin(points, counties, predicate="intersects")
    lowest = touching.groupby(level=0)["adcode"].min()
    assert (found == lowest.reindex(found.index)).all()
    assert touching.index.duplicated().any(), "the sample holds shared vertices"


def test_dissolve_keeps_area_and_drops_inner_edges() -> None:
    board = checkerboard(4, 2)
    half = pd.Series(["b", "b", "a", "a"] * 2, index=board.index)
    merged = dissolve(board, half)
    assert merged["adcode"].tolist() == ["a", "b"]
    assert merged.geometry.area.tolist() == [4e6, 4e6]
    assert merged.crs == board.crs
    assert shapely.coverage_is_valid(merged.geometry.to_numpy())
    assert dissolve(board.iloc[::-1], half).geometry.geom_equals(merged.geometry).all()


@given(seed=st.integers(0, 10_000), parts=st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_dissolve_equals_a_plain_union(seed: int, parts: int) -> None:
    regions = irregular_coverage(seed)
    by = pd.Series(
        np.random.default_rng(seed).integers(0, parts, len(regions)).astype(str), index=regions.index
    )
    merged = dissolve(regions, by)
    for code, shape in zip(merged["adcode"], merged.geometry, strict=True):
        plain = shapely.union_all(regions.geometry[by == code].to_numpy())
        assert shape.symmetric_difference(plain).area < 1e-12


def test_a_county_without_a_parent_is_refused() -> None:
    board = checkerboard(2, 1)
    with pytest.raises(GeometryError, match="320002"):
        dissolve(board, pd.Series(["a"], index=[0]))


def test_area_is_albers_whatever_the_crs() -> None:
    board = checkerboard(2, 2)
    for crs in (ALBERS, STORE_CRS, "EPSG:4326", "EPSG:3857"):
        assert np.allclose(area_km2(board.to_crs(crs)), 1.0, atol=1e-6)
    with_none = gpd.GeoDataFrame(geometry=[board.geometry.iloc[0], None], crs=ALBERS)
    areas = area_km2(with_none)
    assert areas.iloc[0] == 1.0
    assert np.isnan(areas.iloc[1])


def test_a_clean_coverage_has_no_problem() -> None:
    assert coverage_problems(checkerboard(3, 3)) == []
    island = gpd.GeoDataFrame(
        {"adcode": ["320001"]},
        geometry=[shapely.Polygon([(0, 0), (9, 0), (9, 9), (0, 9)], [[(3, 3), (6, 3), (6, 6), (3, 6)]])],
        crs=ALBERS,
    )
    assert coverage_problems(island) == [], "a hole of one region alone is its own business"


def test_gaps_and_overlaps_are_named_with_their_area() -> None:
    board = checkerboard(3, 3)
    with_gap = board.drop(index=4)
    around = "、".join(code for code in board["adcode"] if code != "320005")
    assert coverage_problems(with_gap) == [f"{around} 之间有缝隙 1,000,000.0 m²"]
    wide = board.copy()
    wide.loc[0, "geometry"] = shapely.box(0, 3_500_000, 1010, 3_501_000)
    assert coverage_problems(wide) == ["320001 与 320002 重叠 10,000.0 m²"]


def test_noise_up_to_a_square_metre_is_let_pass() -> None:
    board = checkerboard(2, 1)
    for extra, expected in ((0.0009, 0), (0.0011, 1)):
        board.loc[0, "geometry"] = shapely.box(0, 3_500_000, 1000 + extra, 3_501_000)
        assert len(coverage_problems(board)) == expected


def test_broken_shapes_are_named_before_anything_is_measured() -> None:
    board = checkerboard(3, 1)
    board.loc[0, "geometry"] = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    board.loc[1, "geometry"] = None
    problems = coverage_problems(board)
    assert len(problems) == 2
    assert problems[0].startswith("320001 的图形无效：Self-intersection")
    assert problems[1] == "320002 没有图形"


@given(seed=st.integers(0, 10_000), shift=st.floats(-30, 30))
@settings(max_examples=20, deadline=None)
def test_overlaps_equal_the_pairwise_intersections(seed: int, shift: float) -> None:
    board = checkerboard(3, 2)
    moved = int(np.random.default_rng(seed).integers(0, len(board)))
    board.loc[moved, "geometry"] = shapely.transform(
        board.geometry[moved], lambda xy: np.add(xy, [shift, shift / 2])
    )
    shapes = board.geometry.to_numpy()
    naive = [
        (board["adcode"][i], board["adcode"][j])
        for i in range(len(shapes))
        for j in range(i + 1, len(shapes))
        if shapes[i].intersection(shapes[j]).area > 1.0
    ]
    named = [
        tuple(text.split(" 重叠")[0].split(" 与 ")) for text in coverage_problems(board) if "重叠" in text
    ]
    assert sorted(named) == sorted(naive)


@pytest.mark.parametrize("tolerance", [50, 400, 2000])
def test_simplified_regions_stay_a_coverage_and_keep_every_region(tolerance: float) -> None:
    counties = packaged_counties()
    simplified = simplify_coverage(counties, tolerance, decimals=5)
    assert simplified["adcode"].tolist() == counties["adcode"].tolist()
    assert shapely.coverage_is_valid(simplified.geometry.to_numpy())
    assert simplified.geometry.is_valid.all()
    assert not simplified.geometry.is_empty.any()
    assert coverage_problems(simplified) == []
    assert simplified.count_coordinates().sum() < counties.count_coordinates().sum() / 2


def test_simplification_moves_edges_by_no_more_than_its_scale() -> None:
    counties = packaged_counties().iloc[:12]
    simplified = simplify_coverage(counties, 200)
    before, after = to_albers(counties).geometry, to_albers(simplified).geometry
    moved = [shapely.hausdorff_distance(a.boundary, b.boundary) for a, b in zip(before, after, strict=True)]
    assert 0 < max(moved) < 2000
    assert np.allclose(area_km2(simplified) / area_km2(counties), 1, atol=0.02)


def test_rounding_keeps_more_decimals_where_fewer_would_break_the_coverage() -> None:
    # Two squares of a ten-thousandth of a degree cannot be drawn with two decimals.
    tiny = gpd.GeoDataFrame(
        {"adcode": ["320001", "320002"]},
        geometry=[shapely.box(119, 32, 119.0001, 32.0001), shapely.box(119.0001, 32, 119.0002, 32.0001)],
        crs=STORE_CRS,
    )
    rounded = simplify_coverage(tiny, 0.1, decimals=2)
    assert shapely.coverage_is_valid(rounded.geometry.to_numpy())
    assert np.allclose(area_km2(rounded), area_km2(tiny), rtol=1e-3)
    coordinates = shapely.get_coordinates(rounded.geometry.to_numpy())
    assert np.array_equal(coordinates, np.round(coordinates, 4))


def test_an_invalid_coverage_is_not_simplified_in_silence() -> None:
    board = checkerboard(2, 1)
    board.loc[0, "geometry"] = shapely.box(0, 3_500_000, 1500, 3_500_700)
    with pytest.raises(GeometryError, match="不再无缝"):
        simplify_coverage(board, 10)


def test_adcodes_come_from_the_column_or_the_index() -> None:
    board = checkerboard(2, 1)
    assert adcodes(board).tolist() == adcodes(board.set_index("adcode")).tolist() == ["320001", "320002"]
