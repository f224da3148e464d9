from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.corridors import (
    BOW_M,
    MAX_BOW_SHARE,
    MAX_SPREAD_M,
    CellPeople,
    bows,
    chainage_km,
    fan_out,
    make_axis,
    smooth_line,
    strip,
)
from geo.crs import ALBERS, STORE_CRS
from geo.errors import CorridorError, CrsError
from tests.oracles import corridors_naive

NANJING, SUZHOU, XUZHOU = (118.78, 32.06), (120.58, 31.30), (117.18, 34.27)

lonlat = st.tuples(st.floats(116.5, 121.8), st.floats(31.0, 35.0))
axes = st.lists(lonlat, min_size=2, max_size=6, unique=True)


def metric(points: list[tuple[float, float]]) -> np.ndarray:
    series = gpd.GeoSeries(shapely.points(np.array(points)), crs=STORE_CRS).to_crs(ALBERS)
    return np.column_stack([series.x, series.y])


def squares(size: float = 40_000.0, count: int = 4) -> gpd.GeoDataFrame:
    """Counties of a chessboard around the middle of the province, with codes by row and column."""
    x0, y0 = metric([(118.5, 32.5)])[0]
    boxes = {
        f"32{row:02d}{column:02d}": shapely.box(
            x0 + column * size, y0 + row * size, x0 + (column + 1) * size, y0 + (row + 1) * size
        )
        for row in range(count)
        for column in range(count)
    }
    return gpd.GeoDataFrame(geometry=list(boxes.values()), index=list(boxes), crs=ALBERS)


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([NANJING], "不到两个"),
        ([NANJING, NANJING, NANJING], "不到两个"),
        ([], "不到两个"),
        ([NANJING, (31.3, 120.58)], "第 2 个地点"),
        ([NANJING, (float("nan"), 31.0)], "第 2 个地点"),
    ],
)
def test_an_axis_needs_two_places_in_reach(points: list[tuple[float, float]], said: str) -> None:
    with pytest.raises(CorridorError, match=said):
        make_axis(points)


def test_a_place_twice_in_a_row_counts_once() -> None:
    assert make_axis([NANJING, NANJING, SUZHOU]).tolist() == [list(NANJING), list(SUZHOU)]


@given(axes)
def test_kilometres_are_sums_of_geodesics(points: list[tuple[float, float]]) -> None:
    try:
        axis = make_axis(points)
    except CorridorError:
        return
    chain = chainage_km(axis)
    assert chain[0] == 0.0
    assert (np.diff(chain) > 0).all()
    assert chain[-1] == pytest.approx(corridors_naive.length_km([tuple(p) for p in axis]), rel=1e-12)


@given(axes)
@settings(max_examples=40)
def test_a_smooth_line_passes_every_place_in_order(points: list[tuple[float, float]]) -> None:
    xy = metric(points)
    line = smooth_line(xy, [1500.0 * (-1) ** n for n in range(len(xy) - 1)])
    at = -1
    for point in xy:
        hits = np.flatnonzero(np.hypot(*(line - point).T) < 1e-3)
        later = hits[hits > at]
        assert len(later)
        at = int(later[0])
    straight = np.hypot(*np.diff(xy, axis=0).T).sum()
    assert np.hypot(*np.diff(line, axis=0).T).sum() >= straight * (1 - 1e-9)


@given(axes)
@settings(max_examples=40)
def test_a_smooth_line_is_the_same_from_either_end(points: list[tuple[float, float]]) -> None:
    xy = metric(points)
    bow = [900.0 * (number + 1) for number in range(len(xy) - 1)]
    back = smooth_line(xy[::-1], [-metres for metres in reversed(bow)])
    np.testing.assert_allclose(smooth_line(xy, bow), back[::-1], atol=1e-3)


def test_a_straight_axis_stays_straight_and_never_turns_back_and_bows_to_the_left() -> None:
    start = np.array([100_000.0, 3_600_000.0])
    for way in (np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([-0.6, 0.8])):
        left = np.array([-way[1], way[0]])
        points = start + np.outer([0.0, 10_000.0, 14_000.0, 40_000.0], way)
        line = smooth_line(points) - start
        assert np.allclose(line @ left, 0.0, atol=1e-6)
        assert (np.diff(line @ way) > 0.0).all()
        bowed = smooth_line(points[[0, 3]], [700.0]) - start
        assert (bowed @ left).max() == pytest.approx(700.0)
        assert (bowed @ left).min() == pytest.approx(0.0, abs=1e-6)


def test_bows_must_match_the_stretches() -> None:
    with pytest.raises(CorridorError, match="一一对应"):
        smooth_line(metric([NANJING, SUZHOU]), [1.0, 2.0])
    with pytest.raises(CorridorError, match="不到两个"):
        smooth_line(metric([NANJING]))


def test_corridors_that_share_a_stretch_bow_apart_whichever_way_they_run() -> None:
    found = bows({"a": [NANJING, SUZHOU], "b": [SUZHOU, NANJING], "c": [NANJING, XUZHOU]})
    assert found["c"] == [0.0]
    # Opposite directions: bowing to opposite sides on the ground is the same sign to the left.
    assert found["a"][0] == pytest.approx(found["b"][0])
    assert found["a"][0] != 0.0
    one = smooth_line(metric([NANJING, SUZHOU]), found["a"])
    other = smooth_line(metric([SUZHOU, NANJING]), found["b"])
    middle = len(one) // 2
    assert np.hypot(*(one[middle] - other[::-1][middle])) > 1_000


@pytest.mark.parametrize("count", [2, 5, 40])
@pytest.mark.parametrize("east", [118.785, 118.82, 120.58])
def test_lines_of_one_stretch_lie_evenly_about_it_and_no_farther_than_its_length_allows(
    count: int, east: float
) -> None:
    axis = [NANJING, (east, 32.06)]
    found = [bow for (bow,) in bows({f"{number:02d}": axis for number in range(count)}).values()]
    steps = np.diff(found)
    assert sum(found) == pytest.approx(0.0, abs=1e-6)
    assert np.allclose(steps, steps[0]) and 0.0 < steps[0] <= BOW_M
    length = 1000.0 * chainage_km(make_axis(axis))[-1]
    most = min((count - 1) * BOW_M / 2, MAX_SPREAD_M / 2, MAX_BOW_SHARE * length)
    assert max(found) == pytest.approx(most)


@given(st.integers(0, 40))
def test_marks_of_one_place_are_apart(count: int) -> None:
    marks = fan_out(count)
    assert marks.shape == (count, 2)
    gaps = [np.hypot(*(marks[i] - marks[j])) for i in range(count) for j in range(i)]
    assert min(gaps, default=9e9) > 500


@given(
    st.lists(st.tuples(st.floats(118.3, 120.3), st.floats(32.3, 34.0)), min_size=2, max_size=4, unique=True)
)
@settings(max_examples=40)
def test_a_strip_tiles_the_axis_and_names_the_county_at_every_kilometre(
    points: list[tuple[float, float]],
) -> None:
    try:
        axis = make_axis(points)
    except CorridorError:
        return
    counties = squares()
    rows = strip(axis, counties)
    chain, xy = chainage_km(axis), metric([tuple(p) for p in axis])
    assert rows["from_km"].iloc[0] == 0.0
    assert rows["to_km"].iloc[-1] == pytest.approx(chain[-1], rel=1e-9)
    assert np.allclose(rows["from_km"][1:], rows["to_km"][:-1])
    for row in rows.itertuples():
        if row.to_km - row.from_km < 0.01:
            continue
        # Near its ends too: a strip ends where the axis crosses a border, or at a place of it.
        for share in (0.01, 0.5, 0.99):
            there = row.from_km + share * (row.to_km - row.from_km)
            number = min(int(np.searchsorted(chain, there, "right")) - 1, len(chain) - 2)
            t = (there - chain[number]) / (chain[number + 1] - chain[number])
            at = tuple(xy[number] + t * (xy[number + 1] - xy[number]))
            expected = corridors_naive.county_at(counties, at)
            assert (row.adcode if isinstance(row.adcode, str) else None) == expected


def test_a_strip_along_a_border_is_in_one_of_its_counties_and_wants_metres() -> None:
    counties = squares()
    x0, y0, *_ = counties.loc["320100"].geometry.bounds
    ends = gpd.GeoSeries([shapely.Point(x0, y0 + 40_000), shapely.Point(x0, y0 + 1)], crs=ALBERS).to_crs(
        STORE_CRS
    )
    codes = set(strip([(p.x, p.y) for p in ends], counties)["adcode"].dropna())
    assert codes
    assert codes <= {"320100", "320000"}
    with pytest.raises(CrsError):
        strip([NANJING, SUZHOU], counties.to_crs(STORE_CRS))


@given(axes, st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_people_beside_a_line_equal_a_sum_over_every_cell(
    points: list[tuple[float, float]], seed: int
) -> None:
    xy = metric(points)
    random = np.random.default_rng(seed)
    cells = random.uniform(xy.min(axis=0) - 40_000, xy.max(axis=0) + 40_000, size=(60, 2))
    people = random.uniform(0, 900, size=60)
    found = CellPeople(cells, people).within(shapely.LineString(xy), (5.0, 10.0, 20.0, 30.0))
    for distance, value in found.items():
        line = [tuple(p) for p in xy]
        expected = corridors_naive.people_within(line, [tuple(c) for c in cells], list(people), distance)
        assert value == pytest.approx(expected)
    assert list(found.values()) == sorted(found.values())


def test_inside_an_area_the_distance_is_zero_and_faults_are_told() -> None:
    area = squares().loc["320101"].geometry
    centre = np.array([[area.centroid.x, area.centroid.y]])
    assert CellPeople(centre, [7.0]).within(area, (0.0,)) == {0.0: 7.0}
    with pytest.raises(CorridorError, match="没有几何"):
        CellPeople(centre, [7.0]).within(shapely.LineString(), (5.0,))
    with pytest.raises(CorridorError, match="不小于零"):
        CellPeople(centre, [7.0]).within(area, (-1.0,))
    with pytest.raises(CrsError):
        CellPeople([NANJING], [7.0])


@pytest.mark.parametrize("side", [(1, 0), (-1, 0), (0, 1), (0, -1)])
def test_exactly_the_distance_counts_on_every_side(side: tuple[int, int]) -> None:
    start = np.array([100_000.0, 3_600_000.0])
    cells = np.array([start + np.array(side) * metres for metres in (5_000.0, 5_000.5)])
    found = CellPeople(cells, [3.0, 4.0]).within(shapely.Point(start), (5.0,))
    assert found == {5.0: 3.0}
