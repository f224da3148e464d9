"""Travel to the nearest facility beside independent searches: ties, one-way roads, shared edges, rivers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import CoverageError, CrsError
from geo.modes import quantise_minutes
from geo.network import build_network
from geo.off_road import near_pairs
from geo.site_reach import reach_network
from geo.snapping import snap_points
from geo.travel import nearest_facility_network, nearest_facility_straight
from tests.geo.road_worlds import (
    DRIVE,
    ORIGIN,
    WALK,
    edges_between,
    grid_roads,
    nodes_at,
    places,
    road_worlds,
)
from tests.oracles.travel_naive import door_to_door, nearest_straight, road_graph

ROUNDINGS = 40 * 2.0**-18
"""What the roundings of a short path may add up to, in minutes."""


def straight(facilities, cells, **options):
    return nearest_facility_straight(facilities, cells, mode=WALK, **options)


# Straight lines -----------------------------------------------------------------------------------------

coordinates = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda p: (p[0] * 100.0, p[1] * 100.0))


@given(st.lists(coordinates, min_size=1, max_size=12), st.lists(coordinates, min_size=1, max_size=12))
def test_straight_times_are_those_of_trying_every_facility(facilities, cells):
    found = straight(places(*facilities), places(*cells))
    expected = nearest_straight(facilities, cells, 80.0 / 1.3)
    assert np.allclose(found.minutes, [minutes for minutes, _ in expected], atol=1e-5)
    assert list(found.facility) == [row for _, row in expected]  # of equally near ones the first
    assert found.reachable.all()
    assert (found.method, found.method_name, found.mode) == ("straight", "直线距离", "walk")
    assert (found.minutes.dtype, found.facility.dtype) == (np.float64, np.int32)


@given(
    st.lists(coordinates, min_size=1, max_size=10, unique=True),
    st.lists(coordinates, min_size=1, max_size=10),
    st.randoms(use_true_random=False),
)
def test_ids_make_straight_ties_independent_of_the_order(facilities, cells, random):
    ids = [f"f{number:02d}" for number in range(len(facilities))]
    order = list(range(len(facilities)))
    random.shuffle(order)
    one = straight(places(*facilities), places(*cells), facility_ids=ids)
    two = straight(
        places(*[facilities[i] for i in order]), places(*cells), facility_ids=[ids[i] for i in order]
    )
    assert np.array_equal(one.minutes, two.minutes)
    assert [ids[row] for row in one.facility] == [ids[order[row]] for row in two.facility]


def test_a_straight_kilometre_takes_its_minutes_to_the_tick():
    speed = WALK.straight_m_per_minute
    found = straight(places((0, 0)), places((15 * speed, 0), (15 * speed + 0.1, 0)), max_minutes=15.0)
    assert found.minutes[0] == 15.0
    assert list(found.reachable) == [True, False]
    assert np.isnan(found.minutes[1])
    assert list(found.facility) == [0, -1]


@pytest.mark.parametrize("radius", [10.2, 14.7, 10.1, 10.3])
def test_what_takes_exactly_the_search_radius_is_found(radius: float) -> None:
    speed = WALK.straight_m_per_minute
    found = straight(places((0, 0)), places((radius * speed, 0)), max_minutes=radius)
    assert found.reachable[0] and found.minutes[0] == quantise_minutes(radius) == found.max_minutes


# Networks -----------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=150)
@given(road_worlds(mode=WALK))
def test_walking_times_equal_networkx(world):
    assert compare_with_networkx(world, WALK, "to_facility") == len(world[3])


@settings(deadline=None, max_examples=150)
@given(road_worlds(mode=DRIVE), st.sampled_from(["to_facility", "from_facility"]))
def test_driving_times_equal_networkx_in_either_direction(world, direction):
    assert compare_with_networkx(world, DRIVE, direction) == len(world[3])


def compare_with_networkx(world, mode, direction):
    """Assert that every cell's minutes equal networkx's, or that none is found; return the cells judged."""
    nodes, edges, facilities, cells = world
    network = build_network(nodes, edges, mode)
    graph = road_graph(nodes, edges, mode)
    cells_at = snap_points(network, cells, exact=True)
    found = nearest_facility_network(network, facilities, cells, cells_snap=cells_at, direction=direction)
    starts, ends = (cells, facilities) if direction == "to_facility" else (facilities, cells)
    trips = door_to_door(graph, mode, starts, ends)
    nowhere = (np.inf, False)
    for cell in range(len(cells)):
        times = {
            facility: trips.get((cell, facility) if direction == "to_facility" else (facility, cell), nowhere)
            for facility in range(len(facilities))
        }
        best, _ = min(times.values())
        assert found.reachable[cell] == np.isfinite(best)
        if np.isfinite(best):
            minutes, straight = times[int(found.facility[cell])]
            assert abs(found.minutes[cell] - best) < ROUNDINGS
            assert minutes - best < ROUNDINGS
            assert found.straight[cell] == straight
        else:
            assert found.facility[cell] == -1
            assert not found.straight[cell]
    return len(cells)


@settings(deadline=None)
@given(road_worlds(mode=DRIVE), st.randoms(use_true_random=False))
def test_the_order_of_every_input_changes_nothing(world, random):
    nodes, edges, facilities, cells = world
    shuffles = [list(range(len(table))) for table in world]
    for shuffle in shuffles:
        random.shuffle(shuffle)
    ids = np.arange(len(facilities))
    one = nearest_facility_network(build_network(nodes, edges, DRIVE), facilities, cells, facility_ids=ids)
    network = build_network(nodes.iloc[shuffles[0]], edges.iloc[shuffles[1]], DRIVE)
    two = nearest_facility_network(
        network, facilities[shuffles[2]], cells[shuffles[3]], facility_ids=ids[shuffles[2]]
    )
    assert np.array_equal(one.minutes[shuffles[3]], two.minutes, equal_nan=True)
    named = np.append(ids[shuffles[2]], -1)[two.facility]
    assert np.array_equal(one.facility[shuffles[3]], named)


@settings(deadline=None)
@given(road_worlds(mode=WALK), st.floats(1, 30))
def test_a_search_radius_only_cuts_off(world, radius):
    nodes, edges, facilities, cells = world
    network = build_network(nodes, edges, WALK)
    whole = nearest_facility_network(network, facilities, cells)
    cut = nearest_facility_network(network, facilities, cells, max_minutes=radius)
    near = whole.reachable & (whole.minutes <= radius)
    assert np.array_equal(cut.reachable, near)
    assert np.array_equal(cut.minutes[near], whole.minutes[near])
    assert np.array_equal(cut.facility, np.where(near, whole.facility, -1))


def test_ties_go_to_the_first_facility_over_the_network():
    nodes, edges = grid_roads(5, 5, 200.0)
    network = build_network(nodes, edges, WALK)
    corners = places((0, 0), (800, 0), (0, 800), (800, 800))
    middle = places((400, 400))
    assert nearest_facility_network(network, corners, middle).facility[0] == 0
    assert nearest_facility_network(network, corners, middle, facility_ids=[4, 3, 1, 2]).facility[0] == 2
    assert nearest_facility_network(network, corners, middle).minutes[0] == 10.0


def test_two_facilities_at_one_place_and_a_cell_upon_it():
    nodes, edges = grid_roads(3, 3, 400.0)
    network = build_network(nodes, edges, WALK)
    found = nearest_facility_network(network, places((400, 400), (400, 400)), places((400, 400), (800, 400)))
    assert list(found.minutes) == [0.0, 5.0]
    assert list(found.facility) == [0, 0]


def test_a_cell_and_a_facility_on_one_edge_meet_along_it():
    nodes = nodes_at([(0, 0), (2000, 0)])
    network = build_network(nodes, edges_between(nodes, [(0, 1)]), WALK)
    found = nearest_facility_network(network, places((1100, 40)), places((700, 80), (1100, 0)))
    assert list(found.minutes) == [1.0 + 5.0 + 0.5, 0.5]


def test_on_a_one_way_edge_the_way_back_leads_round():
    nodes = nodes_at([(0, 0), (1000, 0), (500, 1000)])
    edges = edges_between(nodes, [(0, 1), (1, 2), (2, 0)], oneway=1)
    edges["length_m"] = 1000.0
    network = build_network(nodes, edges, DRIVE)
    ahead = nearest_facility_network(network, places((800, 0)), places((200, 0)))
    back = nearest_facility_network(network, places((200, 0)), places((800, 0)))
    assert abs(ahead.minutes[0] - 1.8) < 1e-4
    assert abs(back.minutes[0] - 7.2) < 1e-4
    answered = nearest_facility_network(
        network, places((800, 0)), places((200, 0)), direction="from_facility"
    )
    assert answered.minutes[0] == back.minutes[0]


def test_the_river_is_crossed_only_where_it_can_be():
    south = [(0, 0), (1000, 0), (2000, 0)]
    north = [(0, 600), (1000, 600), (2000, 600)]
    nodes = nodes_at(south + north)
    banks = [(0, 1), (1, 2), (3, 4), (4, 5)]
    cell, facility = places((0, 0)), places((0, 600))
    cut = nearest_facility_network(build_network(nodes, edges_between(nodes, banks), WALK), facility, cell)
    assert not cut.reachable[0]
    assert cut.facility[0] == -1
    crossing = edges_between(nodes, [*banks, (2, 5)], bridge=[False] * 4 + [True])
    bridge = nearest_facility_network(build_network(nodes, crossing, WALK), facility, cell)
    assert bridge.minutes[0] == (2000 + 600 + 2000) / 80
    ferry = crossing.assign(highway=["residential"] * 4 + ["ferry"], duration_minutes=[np.nan] * 4 + [12.0])
    boat = nearest_facility_network(build_network(nodes, ferry, WALK), facility, cell)
    assert boat.minutes[0] == 25 + 12 + 25


def test_what_the_network_does_not_cover_is_reached_in_a_straight_line_and_says_so():
    nodes, edges = grid_roads(3, 3, 200.0)
    network = build_network(nodes, edges, WALK)
    facilities, cells = places((5000, 5000), (0, 0)), places((400, 400), (3000, 0), (5000, 4900))
    found = nearest_facility_network(network, facilities, cells)
    line = WALK.straight_m_per_minute
    assert list(found.unplaced) == [0]
    assert list(found.facility) == [1, 1, 0]
    assert found.minutes == pytest.approx([10.0, 3000 / line, 100 / line], abs=1e-5)
    assert list(found.straight) == [False, True, True]


def test_a_network_in_another_place_is_no_network():
    nodes, edges = grid_roads(3, 3, 200.0)
    network = build_network(nodes, edges, WALK)
    facilities, cells = places((60_000, 0), (61_000, 0)), places((60_200, 0), (64_000, 700))
    found = nearest_facility_network(network, facilities, cells)
    without = nearest_facility_straight(facilities, cells, mode=WALK)
    assert np.array_equal(found.minutes, without.minutes)
    assert np.array_equal(found.facility, without.facility)
    assert found.straight.all() and list(found.unplaced) == [0, 1]


OFF = replace(WALK, snap_limit_m=1000.0)


def test_a_place_is_no_minutes_from_itself_however_far_the_road_is():
    nodes = nodes_at([(0, 0), (4000, 0)])
    network = build_network(nodes, edges_between(nodes, [(0, 1)]), OFF)
    facilities = places((2000, 800))
    near = places((2000, 800), (2000, 250), (2300, 800), (2300, -200), (2000, 1001))
    found = nearest_facility_network(network, facilities, near)
    by_hand = np.array([0, 550, 300, 300 + 800 + 200, 201 * 1.3]) / 80
    assert found.minutes == pytest.approx(by_hand, abs=1e-5)
    assert list(found.straight) == [False] * 4 + [True]


@settings(deadline=None)
@given(road_worlds(mode=OFF), st.sampled_from(["to_facility", "from_facility"]))
def test_no_place_is_any_minutes_from_itself(world, direction):
    nodes, edges, facilities, _ = world
    network = build_network(nodes, edges, OFF)
    found = nearest_facility_network(network, facilities, facilities, direction=direction)
    assert (found.minutes == 0.0).all()


def test_a_place_is_no_minutes_from_itself_though_another_road_is_nearer_to_the_search() -> None:
    nodes = nodes_at([(0, 0), (2_000, 0), (125, 30), (125, 1_000)])
    network = build_network(nodes, edges_between(nodes, [(0, 1), (2, 3)]), OFF)
    home = places((125, 0))
    at = [snap_points(network, home, exact=exact) for exact in (True, False)]
    assert network.piece[at[0].a[0]] != network.piece[at[1].a[0]]
    assert nearest_facility_network(network, home, home).minutes[0] == 0.0


def test_a_place_between_two_roads_that_nothing_joins_is_no_minutes_from_itself():
    """A long road passes at 30 m, but a node of the other is nearer than the points that stand for it."""
    nodes = nodes_at([(0, 0), (1000, 0), (125, 70), (125, 370)])
    network = build_network(nodes, edges_between(nodes, [(0, 1), (2, 3)]), OFF)
    spot = places((125, 30))
    pieces = [network.piece[snap_points(network, spot, exact=exact).a[0]] for exact in (True, False)]
    assert pieces[0] != pieces[1]
    facilities = places((0, 0), (125, 30), (125, 370))
    for direction in ("to_facility", "from_facility"):
        found = nearest_facility_network(network, facilities, spot, direction=direction)
        assert (found.minutes.tolist(), found.facility.tolist()) == ([0.0], [1])
    cell, minutes = reach_network(network, spot, spot, max_minutes=10.0).of(0)
    assert (cell.tolist(), minutes.tolist()) == ([0], [0.0])


def island_world(water_m):
    """Return a network of a town of 36 nodes and, so many metres off its last street, an island of three."""
    town, streets = grid_roads(6, 6, 100.0)
    shore = 500.0 + water_m
    island = nodes_at([(shore, 0), (shore + 60, 0), (shore + 120, 0)]).assign(node_id=[1001, 1002, 1003])
    paths = edges_between(island, [(0, 1), (1, 2)])
    mode = replace(OFF, min_component_nodes=20)
    return build_network(pd.concat([town, island]), pd.concat([streets, paths], ignore_index=True), mode)


def test_an_island_is_not_near_the_town_that_no_road_joins():
    network = island_world(700.0)
    facilities = places((1260, 30), (0, 0))
    cells = places((1200, 30), (500, 30), (850, 0))
    found = nearest_facility_network(network, facilities, cells)
    assert list(found.facility) == [0, 1, 1]
    assert list(found.reachable) == [True] * 3
    alone = nearest_facility_network(network, facilities[:1], cells)
    assert list(alone.reachable) == [True, False, False]


def test_a_drive_whose_junction_nobody_drew_belongs_to_the_town():
    network = island_world(120.0)
    found = nearest_facility_network(network, places((0, 0)), places((680, 20)))
    assert found.reachable[0]


@pytest.mark.parametrize("way", [1, -1])
def test_a_one_way_dead_end_is_no_way_in_where_a_street_is_near(way: int) -> None:
    town, streets = grid_roads(6, 6, 100.0)
    end = nodes_at([(700.0, 250.0)]).assign(node_id=1001)
    lane = edges_between(pd.concat([town, end], ignore_index=True), [(17, 36)]).assign(oneway=way)
    mode = replace(DRIVE, min_component_nodes=20)
    roads = pd.concat([streets.assign(oneway=0), lane], ignore_index=True)
    network = build_network(pd.concat([town, end]), roads, mode)
    places_there = places((650, 250), (0, 10))
    for exact in (True, False):
        at = snap_points(network, places_there, exact=exact)
        assert at.distance_m == pytest.approx([150.0, 0.0])
    for direction in ("to_facility", "from_facility"):
        found = nearest_facility_network(
            network, places_there[:1], places_there[1:], direction=direction, max_minutes=60.0
        )
        assert found.reachable[0] and not found.straight[0]
    far = places((1_000, 250))  # The lane is within the limit, no street is.
    assert snap_points(network, far, exact=True).distance_m[0] == pytest.approx(300.0)


@settings(deadline=None)
@given(road_worlds(mode=WALK), st.integers(0, 2**16))
def test_a_road_more_makes_nobody_slower_who_keeps_his_way_in(world, seed):
    nodes, edges, facilities, cells = world
    rng = np.random.default_rng(seed)
    pair = rng.choice(len(nodes), 2, replace=len(nodes) < 2)
    more = pd.concat([edges, edges_between(nodes, [pair]).assign(oneway=0)], ignore_index=True)
    before, after = build_network(nodes, edges, WALK), build_network(nodes, more, WALK)
    same = [
        joins(before, snap_points(before, xy, exact=True)) == joins(after, snap_points(after, xy, exact=True))
        for xy in (np.vstack([facilities, cells]),)
    ]
    if not same[0]:
        return  # Whoever lives nearer to the new road starts there.
    old = nearest_facility_network(
        before, facilities, cells, cells_snap=snap_points(before, cells, exact=True)
    )
    new = nearest_facility_network(after, facilities, cells, cells_snap=snap_points(after, cells, exact=True))
    assert (new.reachable >= old.reachable).all()
    at = old.reachable
    assert (new.minutes[at] <= old.minutes[at]).all()


def joins(network, snap):
    """Return where places join a network, by the caller's numbers of nodes."""
    ids = np.append(network.node_id, -1)
    ends = np.sort(np.stack([ids[snap.a], ids[snap.b]]), axis=0)
    return ends.tolist(), snap.distance_m.round(6).tolist()


def test_snapping_cells_beforehand_changes_nothing():
    nodes, edges = grid_roads(6, 6, 150.0)
    network = build_network(nodes, edges, WALK)
    cells = np.random.default_rng(2).uniform(0, 750, (40, 2)) + ORIGIN
    facilities = places((10, 10), (700, 300))
    one = nearest_facility_network(network, facilities, cells)
    two = nearest_facility_network(network, facilities, cells, cells_snap=snap_points(network, cells))
    assert np.array_equal(one.minutes, two.minutes)
    with pytest.raises(CoverageError, match="不是同一份格网"):
        nearest_facility_network(network, facilities, cells[:-1], cells_snap=snap_points(network, cells))


@settings(deadline=None)
@given(road_worlds(mode=WALK), st.integers(0, 2**16))
def test_another_facility_never_makes_the_way_longer(world, seed):
    nodes, edges, facilities, cells = world
    network = build_network(nodes, edges, WALK)
    more = np.vstack([facilities, np.random.default_rng(seed).uniform(0, 2000, (1, 2)) + ORIGIN])
    before = nearest_facility_network(network, facilities, cells)
    after = nearest_facility_network(network, more, cells)
    assert (after.reachable >= before.reachable).all()
    at = before.reachable
    assert (after.minutes[at] <= before.minutes[at]).all()


@settings(deadline=None)
@given(road_worlds(mode=DRIVE), st.sampled_from([0.5, 2.0]))
def test_twice_the_speed_is_half_the_time(world, factor):
    nodes, edges, facilities, cells = world
    edges = edges.assign(maxspeed_kmh=np.nan, duration_minutes=np.nan)
    one, other = (build_network(nodes, edges, mode) for mode in (DRIVE, DRIVE.scaled(factor)))
    slow = nearest_facility_network(one, facilities, cells)
    fast = nearest_facility_network(other, facilities, cells)
    assert np.array_equal(slow.reachable, fast.reachable)
    assert np.allclose(slow.minutes / factor, fast.minutes, atol=2 * ROUNDINGS, equal_nan=True)


# Bad input ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facilities", "cells", "options", "error", "message"),
    [
        (places(), places((0, 0)), {}, CoverageError, "没有该类型的设施"),
        (places((0, 0)), places(), {}, CoverageError, "人口格网是空的"),
        (
            places((900_000, 0)),
            places((0, 0)),
            {},
            CoverageError,
            "全部 1 个设施都在研究范围以外 200 公里之外",
        ),
        (places((0, 0)), places((0, 0)), {"max_minutes": -5}, CoverageError, "搜索半径应为正数"),
        (places((0, 0)), places((0, 0)), {"max_minutes": float("nan")}, CoverageError, "搜索半径应为正数"),
        (places((0, 0)), places((0, 0)), {"facility_ids": [1, 2]}, CoverageError, "应一一对应"),
        (np.array([[118.8, 32.0]]), places((0, 0)), {}, CrsError, "设施.*看起来是经纬度"),
        (places((0, 0)), np.array([[32.0, 118.8]]), {}, CrsError, "人口格网.*看起来是经纬度"),
        (places((0, np.nan)), places((0, 0)), {}, CrsError, "设施有 1 个点缺少坐标"),
    ],
)
def test_bad_input_is_refused_in_both_methods(facilities, cells, options, error, message):
    nodes, edges = grid_roads(2, 2, 200.0)
    network = build_network(nodes, edges, WALK)
    with pytest.raises(error, match=message):
        nearest_facility_straight(facilities, cells, mode=WALK, **options)
    with pytest.raises(error, match=message):
        nearest_facility_network(network, facilities, cells, **options)


def test_a_short_limit_in_a_wide_land_takes_no_room():
    sites = places((0, 0), (2_000_000, 3_000_000))
    cells = places((0, 0.03), (2_000_000, 3_000_000), (1_000_000, 0))
    everyone = np.ones(3, dtype=bool)
    site, cell, metres = near_pairs(sites, cells, everyone[:2], everyone, limit_m=0.05)
    assert list(zip(site.tolist(), cell.tolist(), strict=True)) == [(0, 0), (1, 1)]
    assert metres == pytest.approx([0.03, 0.0], abs=1e-6)


def test_quantised_minutes_add_up_exactly():
    stretches = quantise_minutes(np.full(30, 0.1))
    assert sum(stretches) == 30 * stretches[0]
    assert quantise_minutes([np.inf])[0] == np.inf
