"""Siting beside trying every set: the exact answer is the best, the greedy one keeps its promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import siting
from geo.errors import CoverageError, SitingError
from geo.network import build_network
from geo.site_reach import Reach, reach_network, reach_straight
from geo.siting import (
    GUARANTEE,
    NO_DEMAND,
    NOTHING_TO_GAIN,
    budget_curve,
    covered_cells,
    covering_problem,
    median_problem,
    solve_exact,
    solve_greedy,
)
from geo.travel import nearest_facility_network, nearest_facility_straight
from tests.geo.road_worlds import DRIVE, WALK, edges_between, nodes_at, places, road_worlds
from tests.oracles.siting_naive import best_of_all, covered, saved

WORLDS = 200
THRESHOLD, CAP = 15.0, 40.0


class World:
    """Random people in cells, some covered already, and sites with the minutes to the cells they reach."""

    def __init__(self, seed):
        random = np.random.default_rng(seed)
        self.cells, self.sites = int(random.integers(3, 18)), int(random.integers(2, 10))
        self.add = int(random.integers(1, min(self.sites, 4) + 1))
        self.demand = random.integers(0, 500, self.cells).astype(float)
        self.now = np.where(random.random(self.cells) < 0.2, random.integers(0, 30, self.cells), np.nan)
        self.minutes = [
            {
                int(cell): float(random.integers(0, 80)) / 2
                for cell in np.flatnonzero(random.random(self.cells) < 0.7)
            }
            for _ in range(self.sites)
        ]
        self.done = covered_cells(self.now, THRESHOLD)

    @property
    def reach(self):
        counts = [len(one) for one in self.minutes]
        pairs = [pair for one in self.minutes for pair in sorted(one.items())]
        return Reach(
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            np.array([cell for cell, _ in pairs], dtype=np.int32),
            np.array([minutes for _, minutes in pairs], dtype=float),
            self.cells,
        )

    def covering(self):
        problem = covering_problem(self.reach, self.demand, THRESHOLD, covered=self.done)
        return problem, lambda sites: covered(self.minutes, self.demand, THRESHOLD, self.done, sites)

    def median(self):
        problem = median_problem(self.reach, self.demand, CAP, minutes=self.now)
        now = np.where(np.isnan(self.now), 1e9, self.now)
        return problem, lambda sites: saved(self.minutes, self.demand, CAP, now, sites)


@pytest.mark.parametrize("objective", ["covering", "median"])
def test_exact_equals_trying_every_set_and_greedy_keeps_its_guarantee(objective):
    equal = short = 0
    for seed in range(WORLDS):
        world = World(seed)
        problem, value = getattr(world, objective)()
        best = best_of_all(value, world.sites, world.add)
        greedy, exact = solve_greedy(problem, world.add), solve_exact(problem, world.add)
        assert exact.value == pytest.approx(best, rel=1e-9, abs=1e-9), seed
        assert exact.gap <= 1e-6
        for result in (greedy, exact):
            assert result.value == pytest.approx(value(result.sites.tolist()), rel=1e-12)
            assert result.value == pytest.approx(result.gains.sum(), rel=1e-12)
            assert len(set(result.sites.tolist())) == len(result.sites) <= world.add
            assert result.bound >= best * (1 - 1e-12)
        assert greedy.value >= GUARANTEE * best * (1 - 1e-12)
        assert (np.diff(greedy.gains) <= 1e-9).all()
        equal += greedy.value >= best * (1 - 1e-12)
        short += greedy.value < best * (1 - 1e-12)
    # The worlds do tell the two apart: greedy is mostly best, and not always.
    assert equal > 100
    assert short > 0


@settings(max_examples=40)
@given(st.integers(0, 10_000))
def test_the_budget_curve_grows_ever_more_slowly_and_ends_with_the_greedy_value(seed):
    world = World(seed)
    problem, value = world.covering()
    curve = budget_curve(problem, world.sites)
    assert curve[0] == 0.0
    assert (np.diff(curve) >= 0.0).all()
    assert (np.diff(curve, 2) <= 1e-9).all()
    assert curve[-1] == pytest.approx(value(range(world.sites)))
    assert problem.value(range(world.sites)) == pytest.approx(curve[-1])


def test_of_equal_sites_the_first_and_the_order_of_opening_is_by_gain():
    reach = Reach(np.array([0, 1, 2, 4]), np.array([0, 0, 1, 2], dtype=np.int32), np.zeros(4), 3)
    problem = covering_problem(reach, [5.0, 4.0, 4.0], 10.0)
    assert solve_greedy(problem, 2).sites.tolist() == [2, 0]
    assert solve_exact(problem, 2).sites.tolist() == [2, 0]
    assert solve_greedy(problem, 2).gains.tolist() == [8.0, 5.0]


# What reaches what ------------------------------------------------------------------------------------------

points = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda p: (p[0] * 100.0, p[1] * 100.0))


@settings(max_examples=40)
@given(
    st.lists(points, min_size=1, max_size=6),
    st.lists(points, min_size=1, max_size=12),
    st.sampled_from([2.0, 13.0, 26.0]),
)
def test_straight_reach_is_that_of_each_site_alone(sites, cells, radius):
    reach = reach_straight(places(*sites), places(*cells), mode=WALK, max_minutes=radius)
    for number, site in enumerate(sites):
        alone = nearest_facility_straight(places(site), places(*cells), mode=WALK, max_minutes=radius)
        cell, minutes = reach.of(number)
        assert cell.tolist() == np.flatnonzero(alone.reachable).tolist()
        assert minutes.tolist() == alone.minutes[alone.reachable].tolist()


@settings(max_examples=40)
@given(road_worlds(mode=DRIVE))
def test_reach_over_roads_is_that_of_each_site_alone(world):
    nodes, edges, facilities, cells = world
    network = build_network(nodes, edges, DRIVE)
    sites = np.tile(facilities, (9, 1))  # more than are searched at once
    alone = [nearest_facility_network(network, [site], cells, max_minutes=20.0) for site in facilities]
    reach = reach_network(network, sites, cells, max_minutes=20.0)
    for number in range(len(sites)):
        expected = alone[number % len(facilities)]
        cell, minutes = reach.of(number)
        assert cell.tolist() == np.flatnonzero(expected.reachable).tolist()
        assert minutes.tolist() == expected.minutes[expected.reachable].tolist()


def test_a_site_joins_the_road_that_is_truly_nearest():
    """A road passes at 2 m, but the points that stand for another one lie nearer than its own."""
    nodes = nodes_at([(0, 0), (1000, 0), (125, 30), (125, 330), (1000, 330)])
    network = build_network(nodes, edges_between(nodes, [(0, 1), (2, 3), (3, 4), (4, 1)]), WALK)
    site, cells = places((125, 2)), places((0, 0), (1000, 0), (1000, 330))
    alone = nearest_facility_network(network, site, cells, max_minutes=60.0)
    cell, minutes = reach_network(network, site, cells, max_minutes=60.0).of(0)
    assert cell.tolist() == [0, 1, 2]
    assert minutes.tolist() == alone.minutes.tolist()
    assert minutes == pytest.approx([127 / 80, 877 / 80, 1207 / 80], abs=1e-4)


def test_the_guarantee_is_what_ever_more_greedy_steps_come_down_to():
    """k steps reach 1 − (1 − 1/k)^k of the best: less with every step more, and never below the limit."""
    steps = np.arange(1, 2000)
    least = 1.0 - (1.0 - 1.0 / steps) ** steps
    assert (np.diff(least) < 0.0).all()
    assert least[-1] > GUARANTEE == pytest.approx(least[-1], abs=1e-3)


# What cannot be asked ---------------------------------------------------------------------------------------


def small():
    return Reach(np.array([0, 1, 2]), np.array([0, 1], dtype=np.int32), np.array([5.0, 5.0]), 2)


def test_more_sites_than_candidates_and_no_candidates_are_refused():
    problem = covering_problem(small(), [1.0, 1.0], 10.0)
    for solve in (solve_greedy, solve_exact, budget_curve):
        with pytest.raises(SitingError, match="要新增 3 处，候选点只有 2 个"):
            solve(problem, 3)
        with pytest.raises(SitingError, match="不小于 1"):
            solve(problem, 0)
    none = Reach(np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.int32), np.zeros(0), 2)
    with pytest.raises(SitingError, match="没有候选点"):
        solve_greedy(covering_problem(none, [1.0, 1.0], 10.0), 1)


def test_no_demand_and_nothing_to_gain_have_a_reason_and_no_sites():
    empty = solve_exact(covering_problem(small(), [0.0, 0.0], 10.0), 1)
    assert (len(empty.sites), empty.value, empty.gap, empty.reason) == (0, 0.0, 0.0, NO_DEMAND)
    done = covering_problem(small(), [7.0, 0.0], 10.0, covered=[True, False])
    full = solve_greedy(done, 2)
    assert (len(full.sites), full.reason) == (0, NOTHING_TO_GAIN)
    assert done.base == 7.0
    assert budget_curve(done, 2).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("demand", [[1.0], [-1.0, 1.0], [np.nan, 1.0]])
def test_demand_of_another_length_or_below_zero_is_refused(demand):
    for make in (covering_problem, median_problem):
        with pytest.raises(SitingError, match="需求"):
            make(small(), demand, 10.0)


def test_a_program_too_large_gives_the_greedy_answer_and_says_so(monkeypatch):
    world = next(
        world for world in map(World, range(200)) if solve_greedy(world.covering()[0], world.add).gap > 0.0
    )
    monkeypatch.setattr(siting, "MAX_TERMS", 1)
    for problem in (world.covering()[0], world.median()[0]):
        result = solve_exact(problem, world.add)
        if result.method == "greedy":
            assert "规模过大" in result.status
            assert result.bound >= solve_greedy(problem, world.add).value
    assert solve_exact(world.covering()[0], world.add).method == "greedy"


def test_too_many_pairs_are_refused_before_memory_runs_out(monkeypatch):
    monkeypatch.setattr("geo.site_reach.MAX_PAIRS", 3)
    with pytest.raises(CoverageError, match="候选点与格网的组合"):
        reach_straight(places((0, 0), (1, 1)), places((0, 0), (1, 1)), mode=WALK, max_minutes=5.0)


def test_a_threshold_met_exactly_covers():
    assert covered_cells([15.0, np.nan, 15.0001], 15.0).tolist() == [True, False, False]
