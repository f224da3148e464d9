"""Surfaces: the right cell in every pixel, the right class in every cell, and nothing where there is none."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import CrsError
from layers.surface import (
    UNREACHABLE_COLOURS,
    VEIL,
    class_colours,
    minute_classes,
    minute_legend,
    minutes_image,
    surface_grid,
    threshold_image,
)
from tests.layers.surfaces import SIZE, cells_at, minutes, opened, places, travel_of
from tests.layers.worlds import ramp
from tests.oracles.surface_naive import cell_at

RAMP = ramp("sequential_reversed")
LIMITS = (5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0)
origins = st.sampled_from([(-230_000.0, 3_250_000.0), (100_000.0, 3_600_000.0), (240_000.0, 3_900_000.0)])


def rgb(colour):
    return tuple(int(colour[start : start + 2], 16) for start in (1, 3, 5))


@settings(deadline=None, max_examples=25)
@given(places, origins, st.randoms(use_true_random=False))
def test_every_pixel_shows_the_cell_that_a_projection_of_its_own_finds(spots, origin, random):
    cells = cells_at(spots, origin)
    grid = surface_grid(cells, cell_size_m=SIZE)
    height, width = grid.cell.shape
    for _ in range(40):
        row, column = random.randrange(height), random.randrange(width)
        shown, from_edge = cell_at(cells, SIZE, grid.bounds, (height, width), (row, column))
        assert grid.cell[row, column] == shown or from_edge < 0.2


@settings(deadline=None, max_examples=40)
@given(places, origins)
def test_no_cell_is_lost(spots, origin):
    grid = surface_grid(cells_at(spots, origin), cell_size_m=SIZE)
    assert set(np.unique(grid.cell)) - {-1} == set(range(len(spots)))


def test_the_image_is_as_large_as_allowed_and_no_larger():
    cells = cells_at([(column, line) for column in range(60) for line in range(60)])
    fine = surface_grid(cells, cell_size_m=SIZE)
    assert min(fine.cell.shape) >= 120 and max(fine.cell.shape) <= 124
    coarse = surface_grid(cells, cell_size_m=SIZE, max_pixels=900)
    assert coarse.cell.size <= 31 * 31
    assert np.allclose(fine.bounds, coarse.bounds, atol=0.02)


def test_bounds_hold_the_cells_and_little_more():
    grid = surface_grid(cells_at([(0, 0), (99, 99)]), cell_size_m=SIZE)
    west, south, east, north = grid.bounds
    # 50 km in the measuring CRS, near 120°E and 32.5°N.
    assert 0.52 < east - west < 0.56 and 0.44 < north - south < 0.47
    assert grid.cell[:2].max() == 1 and grid.cell[-3:].max() == 0


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="cells"):
        surface_grid(cells_at([]), cell_size_m=SIZE)
    with pytest.raises(ValueError, match="size"):
        surface_grid(cells_at([(0, 0)]), cell_size_m=0.0)
    degrees = cells_at([(0, 0)]).assign(x=118.8, y=32.0)
    with pytest.raises(CrsError, match="经纬度"):
        surface_grid(degrees, cell_size_m=SIZE)


def test_limits_belong_to_the_class_below_them():
    travel = travel_of([0.0, 5.0, 5.01, 90.0, 90.5, None])
    assert minute_classes(travel, LIMITS).tolist() == [0, 0, 1, 7, 8, 9]


def test_minutes_have_the_colours_of_their_classes_and_emptiness_none():
    spots = [(0, 0), (1, 0), (2, 0), (3, 0), (5, 0)]
    times = [3.0, 12.0, 30.0, 119.0, None]
    travel = travel_of(times)
    cells = cells_at(spots)
    grid = surface_grid(cells, cell_size_m=SIZE)
    _, colours = opened(minutes_image(grid, travel, ramp=RAMP, limits=LIMITS))
    ramp = class_colours(RAMP, LIMITS)
    for number, expected in enumerate((0, 2, 4, 8)):
        own = colours[grid.cell == number]
        assert {tuple(colour) for colour in own.tolist()} == {(*rgb(ramp[expected]), 255)}
    hatched = {tuple(colour[:3]) for colour in colours[grid.cell == 4].tolist()}
    assert hatched == {rgb(colour) for colour in UNREACHABLE_COLOURS}
    assert not hatched & {rgb(colour) for colour in ramp}
    assert (grid.cell == -1).any() and (colours[grid.cell == -1, 3] == 0).all()


@settings(deadline=None, max_examples=40)
@given(st.data(), places, st.integers(0, 240).map(lambda half: half / 2))
def test_the_veil_lies_on_what_a_threshold_leaves_out(data, spots, threshold):
    times = data.draw(st.lists(minutes, min_size=len(spots), max_size=len(spots)))
    grid = surface_grid(cells_at(spots), cell_size_m=SIZE)
    indices, _ = opened(threshold_image(grid, travel_of(times), threshold))
    for number, time in enumerate(times):
        own = indices[grid.cell == number]
        if time is not None and time <= threshold:
            assert (own == 0).all()
        else:
            assert (own > 0).all()
    assert (indices[grid.cell == -1] == 0).all()


def test_the_line_runs_inside_the_uncovered_beside_the_covered():
    grid = surface_grid(cells_at([(column, 0) for column in range(6)]), cell_size_m=SIZE)
    indices, colours = opened(threshold_image(grid, travel_of([5, 5, 5, 30, 30, 30]), 15.0))
    row = indices[indices.shape[0] // 2]
    shown = grid.cell[indices.shape[0] // 2]
    first = int(np.flatnonzero(shown == 3)[0])
    assert row[first] == 2 and (row[first + 1 : np.flatnonzero(shown == 5)[-1] + 1] == 1).all()
    assert tuple(colours[indices == 1][0]) == VEIL


def test_exactly_at_the_threshold_is_covered():
    grid = surface_grid(cells_at([(0, 0)]), cell_size_m=SIZE)
    travel = travel_of([15.0])
    assert not opened(threshold_image(grid, travel, 15.0))[0].any()
    assert opened(threshold_image(grid, travel, 14.9999))[0].any()


def test_equal_input_gives_equal_bytes_and_the_threshold_changes_only_its_own_image():
    grid = surface_grid(cells_at([(0, 0), (1, 0)]), cell_size_m=SIZE)
    travel = travel_of([3.0, 40.0])
    assert minutes_image(grid, travel, ramp=RAMP, limits=LIMITS) == minutes_image(
        grid, travel, ramp=RAMP, limits=LIMITS
    )
    assert threshold_image(grid, travel, 10.0) == threshold_image(grid, travel, 20.0)
    assert threshold_image(grid, travel, 10.0) != threshold_image(grid, travel, 50.0)


@settings(deadline=None)
@given(st.lists(st.tuples(minutes, st.integers(0, 5000)), min_size=1, max_size=60))
def test_the_legend_counts_everybody_once(rows):
    travel = travel_of([time for time, _ in rows])
    people = np.array([count for _, count in rows], dtype=float)
    entries = minute_legend(travel, people, ramp=RAMP, limits=LIMITS)
    assert sum(entry.count for entry in entries) == people.sum()
    unreachable = [entry for entry in entries if entry.class_index == -1]
    assert bool(unreachable) == bool((~travel.reachable).any())
    assert [entry.class_index for entry in entries if entry.class_index >= 0] == list(range(9))


def test_the_legend_ends_where_the_search_did():
    entries = minute_legend(
        travel_of([3.0, None], max_minutes=30.0), np.array([10.0, 4.0]), ramp=RAMP, limits=LIMITS
    )
    assert [entry.label for entry in entries] == [
        "≤ 5 分钟",
        "5–10 分钟",
        "10–15 分钟",
        "15–20 分钟",
        "20–30 分钟",
        "30 分钟内到不了",
    ]
    open_ended = minute_legend(
        travel_of([3.0], max_minutes=np.inf), np.array([1.0]), ramp=RAMP, limits=LIMITS
    )
    assert open_ended[-1].label == "> 90 分钟" and len(open_ended) == len(LIMITS) + 1


def test_colours_of_neighbouring_classes_differ_in_lightness_for_every_eye():
    lightness = [0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in map(rgb, class_colours(RAMP, LIMITS))]
    assert all(later - earlier > 8 for earlier, later in pairwise(lightness))
