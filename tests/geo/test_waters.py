"""Straight lines stop at water: every way beside one found plainly, and what a way must always hold to."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import shapely

from data.registry.mode_models import load_modes
from geo.decay import Decay, make_decay
from geo.land_lines import OnLand, nearest_on_land
from geo.modes import quantise_minutes
from geo.reach import grid_reach, weighed
from geo.site_reach import reach_straight
from geo.travel import nearest_facility_straight
from geo.waters import build_waters
from tests.geo.water_worlds import CORNER, WaterWorld, plain_metres, water_world

SEEDS = range(40)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_nearest_site_is_that_of_a_plain_search(seed: int) -> None:
    world = water_world(seed)
    plain = plain_metres(world)
    for limit in (3_000.0, 40_000.0):
        within = np.where(plain <= limit, plain, np.inf)
        found = nearest_on_land(world.sites, world.places, limit_m=limit, waters=world.waters)
        assert np.allclose(found.metres, within.min(axis=0), rtol=1e-12, atol=1e-6)
        some = np.isfinite(found.metres)
        chosen = within[found.point[some], np.flatnonzero(some)]
        assert np.allclose(chosen, found.metres[some], rtol=1e-12, atol=1e-6)
        assert (found.point[~some] == -1).all() and not found.around[~some].any()


@pytest.mark.parametrize("seed", SEEDS)
def test_all_pairs_are_those_of_a_plain_search(seed: int) -> None:
    world = water_world(seed)
    plain = plain_metres(world)
    mode = dataclasses.replace(load_modes()["ebike"], waters=world.waters)
    reach = reach_straight(world.sites, world.places, mode=mode, max_minutes=25.0)
    minutes = np.full(plain.shape, np.inf)
    minutes[reach.site, reach.cell] = reach.minutes
    wanted = quantise_minutes(plain / mode.straight_m_per_minute)
    wanted[wanted > 25.0] = np.inf
    assert np.allclose(minutes, wanted, rtol=0.0, atol=1e-5)


def dry(world: WaterWorld) -> np.ndarray:
    """Return which pairs of site and place stand on land and have none but land between them."""
    water = shapely.union_all(world.shapes)
    lines = [[shapely.LineString([site, place]) for place in world.places] for site in world.sites]
    return np.array([[not line.intersects(water) for line in row] for row in lines])


@pytest.mark.parametrize("seed", SEEDS)
def test_no_way_is_shorter_than_the_line_and_none_longer_without_water_between(seed: int) -> None:
    world = water_world(seed)
    land = OnLand(world.waters, world.places, 1e6)
    open_land = dry(world)
    rows = np.arange(len(world.places))
    for number, site in enumerate(world.sites):
        lines = np.hypot(*(world.places - site).T)
        found = land.metres(site, rows, lines)
        assert (found >= lines).all()
        assert (found[open_land[number]] == lines[open_land[number]]).all()
    self_distance = land.metres(world.places[0], rows, np.hypot(*(world.places - world.places[0]).T))[0]
    assert self_distance == 0.0


@pytest.mark.parametrize("seed", SEEDS)
def test_there_and_back_are_as_far_and_a_crossing_more_makes_nobody_slower(seed: int) -> None:
    world = water_world(seed, sites=6, places=6)
    places = world.places
    rows = np.arange(len(places))

    def table(waters: object) -> np.ndarray:
        land = OnLand(waters, places, 1e6)  # type: ignore[arg-type]
        return np.array([land.metres(one, rows, np.hypot(*(places - one).T)) for one in places])

    found = table(world.waters)
    assert np.allclose(found, found.T, rtol=1e-12)
    ends = np.concatenate([CORNER + 100.0, CORNER + 9_900.0])
    more = np.vstack([world.gates, [*ends, np.hypot(9_800.0, 9_800.0)]])
    assert (table(build_waters(world.shapes, more)) <= found * (1.0 + 1e-12)).all()
    no_water = table(build_waters([], world.gates))
    assert (no_water == np.hypot(*(places[:, None] - places[None]).T).T).all()


def test_without_water_nothing_changes_by_a_bit() -> None:
    world = water_world(1)
    modes = [dataclasses.replace(load_modes()["drive"], waters=waters) for waters in (None, build_waters([]))]
    one, two = (nearest_facility_straight(world.sites, world.places, mode=mode) for mode in modes)
    assert (one.minutes == two.minutes).all() and (one.facility == two.facility).all()
    assert not two.around.any()


def banks() -> WaterWorld:
    """Return two banks of a river from north to south that nobody can go round, and one ferry."""
    river = shapely.box(4_980.0, -90_000.0, 5_020.0, 100_000.0)
    gate = np.array([[4_900.0, 1_000.0, 5_100.0, 1_000.0, 900.0]]) + np.array([*CORNER, *CORNER, 0.0])
    sites = CORNER + np.array([[4_500.0, 5_000.0]])
    places = CORNER + np.array(
        [[4_600.0, 5_000.0], [5_400.0, 5_000.0], [4_990.0, 5_000.0], [5_010.0, 5_000.0]]
    )
    return WaterWorld([shapely.affinity.translate(river, *CORNER)], gate, sites, places)


def test_the_other_bank_is_reached_by_the_ferry_and_who_stands_in_the_river_by_his_own_bank() -> None:
    world = banks()
    found = nearest_on_land(world.sites, world.places, limit_m=50_000.0, waters=world.waters)
    by_ferry = np.hypot(400.0, 4_000.0) + 900.0 + np.hypot(300.0, 4_000.0)
    # West of the middle the western shore is the nearest, east of it the other.
    wet = np.hypot(400.0, 4_000.0) + 900.0 + np.hypot(90.0, 4_000.0)
    assert found.metres == pytest.approx([100.0, by_ferry, 490.0, wet])
    assert found.around.tolist() == [False, True, False, True]
    shut = nearest_on_land(world.sites, world.places, limit_m=50_000.0, waters=build_waters(world.shapes))
    assert np.isinf(shut.metres[[1, 3]]).all() and shut.point[[1, 3]].tolist() == [-1, -1]


def test_of_equally_near_sites_in_sight_the_first_counts_though_a_nearer_one_is_across() -> None:
    world = banks()
    places = CORNER + np.array([[4_900.0, 5_000.0]])
    ring = 500.0 * np.array([[0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]) + places
    across = CORNER + np.array([[5_050.0, 5_000.0 + step] for step in range(40)])
    sites = np.vstack([across, ring])
    found = nearest_on_land(sites, places, limit_m=2_000.0, waters=world.waters)
    assert found.point.tolist() == [40] and found.metres.tolist() == [500.0]


@pytest.mark.parametrize("decay", [make_decay("none", 30.0), make_decay("gaussian", 30.0)])
def test_sums_over_a_grid_are_those_of_all_pairs(decay: Decay) -> None:
    world = banks()
    mode = dataclasses.replace(load_modes()["ebike"], waters=world.waters)
    steps = np.arange(0.0, 30_000.0, 500.0)
    cells = CORNER + np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    rng = np.random.default_rng(3)
    sites = CORNER + rng.uniform(0.0, 30_000.0, (25, 2))
    grid = grid_reach(sites, cells, cell_size_m=500.0, mode=mode, decay=decay)
    pairs = weighed(reach_straight(sites, cells, mode=mode, max_minutes=decay.minutes), decay)
    no_water = dataclasses.replace(mode, waters=None)
    without = grid_reach(sites, cells, cell_size_m=500.0, mode=no_water, decay=decay)
    people, beds = rng.uniform(0.0, 9.0, len(cells)), rng.uniform(0.0, 9.0, len(sites))
    assert np.allclose(grid.gather(people), pairs.gather(people), rtol=1e-12)
    assert np.allclose(grid.scatter(beds), pairs.scatter(beds), rtol=1e-9, atol=1e-9)
    some = beds > 4.0
    assert (grid.touched(some) == pairs.touched(some)).all()
    assert not np.allclose(grid.gather(people), without.gather(people), rtol=1e-3)


def test_waters_are_told_apart_by_what_they_are() -> None:
    world = banks()
    assert repr(world.waters) == repr(banks().waters)
    assert repr(world.waters) != repr(build_waters(world.shapes)) != repr(build_waters([]))


@pytest.mark.parametrize("seed", SEEDS)
def test_who_stands_in_water_belongs_to_the_nearest_shore_whichever_ring_it_is_of(seed: int) -> None:
    """Also where that is the first corner of an island: as far along as the end of the ring before."""
    world = water_world(seed)
    rings = [ring for shape in world.shapes for ring in (shape.exterior, *shape.interiors)]
    if not rings:
        assert (world.waters.ashore(world.places) == world.places).all()
        return
    corners = np.concatenate([np.array(ring.coords) for ring in rings])
    turns = np.linspace(0.0, 2.0 * np.pi, 12, endpoint=False)
    around = 3.0 * np.column_stack([np.cos(turns), np.sin(turns)])
    places = (corners[:, None] + around[None]).reshape(-1, 2)
    moved = np.hypot(*(world.waters.ashore(places) - places).T)
    water = shapely.union_all(world.shapes)
    points = shapely.points(places)
    wet = shapely.contains(water, points)
    shores = shapely.MultiLineString(rings)
    assert np.allclose(moved, np.where(wet, shapely.distance(shores, points), 0.0), atol=1e-6)
    assert wet.any()
