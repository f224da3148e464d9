"""What must hold between the answers to two worlds of which one is the other, changed a little."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from geo import disparity
from geo.catchment import weighted_gini
from geo.circles import ServiceReach, build_circles, circle_table
from geo.coverage import build_profile, coverage_table
from geo.modes import TICK, TravelMode
from geo.network import Network, build_network
from geo.snapping import Snap, snap_points
from geo.travel import TravelResult, nearest_facility_network, nearest_facility_straight
from geo.waters import RIM_M
from tests.worlds.case import Case, joins
from tests.worlds.methods import METHODS
from tests.worlds.oracle import Joined, Roads
from tests.worlds.tally import STEPS, Tally

FAR_M = 100_000.0
"""How far off roads are that are none of the world's."""


def nearest(
    network: Network | None,
    mode: TravelMode,
    sites: np.ndarray,
    cells: np.ndarray,
    ids: np.ndarray,
    **options: object,
) -> TravelResult:
    """Return travel to the nearest facility, in a straight line without a network."""
    given: dict = {"facility_ids": ids, **options}
    if network is None:
        return nearest_facility_straight(sites, cells, mode=mode, **given)
    return nearest_facility_network(network, sites, cells, **given)


def network_of(case: Case, mode: TravelMode, method: str) -> Network | None:
    """Return the network of a method; None: straight lines."""
    return None if method == "straight" else case.network(mode)


def kept(before: Network, after: Network, one: Snap, two: Snap) -> np.ndarray:
    """Return which places join both networks alike."""
    same = np.array([a == b for a, b in zip(joins(before, one), joins(after, two), strict=True)], dtype=bool)
    walk = (one.distance_m == two.distance_m) | (np.isnan(one.distance_m) & np.isnan(two.distance_m))
    return same & walk


def check_no_way_to_oneself(case: Case, tally: Tally) -> None:
    """No place is any minutes from itself."""
    world = case.world
    for mode, method in itertools.product(world.modes, METHODS):
        found = nearest(network_of(case, mode, method), mode, world.sites, world.sites, world.ids)
        tally.same(f"{mode.id} {method}", found.minutes, np.zeros(len(world.sites)))


def check_a_road_more(case: Case, tally: Tally) -> None:
    """A road more makes nobody slower who keeps his way in, where the facilities keep theirs."""
    world = case.world
    rng = np.random.default_rng([world.seed, 1])
    for mode in world.modes:
        before = case.network(mode)
        ends = rng.choice(before.node_id, 2, replace=False)
        xy = world.nodes.set_index("node_id").loc[ends, ["x", "y"]].to_numpy()
        road = world.edges.iloc[[0]].assign(
            from_node=ends[0], to_node=ends[1], length_m=np.hypot(*(xy[0] - xy[1])), oneway=0, bridge=True
        )
        after = build_network(world.nodes, pd.concat([world.edges, road], ignore_index=True), mode)
        sites = [snap_points(one, world.sites, exact=True) for one in (before, after)]
        if not kept(before, after, *sites).all():
            continue
        cells = [snap_points(one, world.places) for one in (before, after)]
        same = kept(before, after, *cells)
        old, new = (
            nearest(one, mode, world.sites, world.places, world.ids, cells_snap=at)
            for one, at in zip((before, after), cells, strict=True)
        )
        tally.holds(f"{mode.id} reachable", new.reachable[same] >= old.reachable[same])
        both = same & old.reachable & new.reachable
        tally.holds(f"{mode.id} minutes", new.minutes[both] <= old.minutes[both])


def check_roads_elsewhere(case: Case, tally: Tally) -> None:
    """Without roads near, the answer is that of straight lines, bit for bit."""
    world = case.world
    for mode in world.modes:
        far = world.nodes.assign(x=world.nodes["x"] - FAR_M)
        found = nearest(
            build_network(far, world.edges, mode),
            mode,
            world.sites,
            world.places,
            world.ids,
            max_minutes=world.radius[mode.id],
        )
        wanted = case.travel(mode, "straight")
        for name in ("minutes", "facility", "reachable", "straight", "around"):
            tally.same(f"{mode.id} {name}", getattr(found, name), getattr(wanted, name))
        tally.same(f"{mode.id} unplaced", found.unplaced, np.arange(len(world.sites)))


def check_people_are_kept(case: Case, tally: Tally) -> None:
    """Whoever goes in comes out, covered or not, reached or not, by road or in a straight line."""
    world = case.world
    everybody = world.cells["population"].sum()
    for mode, method in itertools.product(world.modes, METHODS):
        travel = case.travel(mode, method)
        profile = case.profile(mode, method)
        previous = 0.0
        for threshold in (0.0, world.thresholds[mode.id] / 2.0, world.thresholds[mode.id]):
            what = f"{mode.id} {method} {threshold:g}"
            levels = [
                coverage_table(profile, threshold, level=level)[
                    ["population", "covered_population", "unreachable_population", "straight_population"]
                ].sum()
                for level in ("county", "prefecture", "province")
            ]
            for one in levels:
                tally.same(f"{what} levels", one.to_numpy(), levels[0].to_numpy())
            tally.same(f"{what} people", levels[0]["population"], everybody)
            people = world.cells["population"].to_numpy()
            uncovered = people[
                ~(travel.reachable & (np.nan_to_num(travel.minutes) <= threshold + TICK))
            ].sum()
            tally.same(f"{what} covered or not", levels[0]["covered_population"] + uncovered, everybody)
            by_road = people[~travel.straight].sum()
            tally.same(f"{what} by road or line", levels[0]["straight_population"] + by_road, everybody)
            reached = people[travel.reachable].sum()
            tally.same(f"{what} reached or not", levels[0]["unreachable_population"] + reached, everybody)
            tally.holds(f"{what} more time covers more", levels[0]["covered_population"] >= previous)
            previous = levels[0]["covered_population"]


def check_a_facility_more(case: Case, tally: Tally) -> None:
    """A copy of a facility changes nothing, another makes nobody worse."""
    world = case.world
    rng = np.random.default_rng([world.seed, 2])
    twin = int(rng.integers(0, len(world.sites)))
    anywhere = rng.uniform(world.places.min(axis=0), world.places.max(axis=0))
    ids = np.append(world.ids, world.ids.max() + 1)
    for mode, method in itertools.product(world.modes, METHODS):
        what, network = f"{mode.id} {method}", network_of(case, mode, method)
        radius, threshold = world.radius[mode.id], world.thresholds[mode.id]
        before = case.travel(mode, method)
        copied, more = (
            nearest(network, mode, np.vstack([world.sites, place]), world.places, ids, max_minutes=radius)
            for place in (world.sites[twin], anywhere)
        )
        for name in ("minutes", "facility", "reachable", "straight", "around"):
            tally.same(f"{what} copy: {name}", getattr(copied, name), getattr(before, name))
        tally.holds(f"{what} more: reachable", more.reachable >= before.reachable)
        some = before.reachable & more.reachable
        tally.holds(f"{what} more: minutes", more.minutes[some] <= before.minutes[some])
        profiles = [build_profile(world.cells, one, world.regions) for one in (copied, more)]
        old, same, new = (
            coverage_table(one, threshold)["covered_population"]
            for one in (case.profile(mode, method), *profiles)
        )
        tally.same(f"{what} copy: coverage", same, old)
        tally.holds(f"{what} more: coverage", (new >= old) | old.isna())


def check_order(case: Case, tally: Tally) -> None:
    """The order of every table, and which end of a road stands first, change nothing."""
    world = case.world
    rng = np.random.default_rng([world.seed, 3])
    sites, cells, nodes, edges = (
        rng.permutation(len(one)) for one in (world.sites, world.places, world.nodes, world.edges)
    )
    turned = world.edges.iloc[edges].reset_index(drop=True)
    other = rng.random(len(turned)) < 0.5
    begin, end = turned["from_node"].to_numpy().copy(), turned["to_node"].to_numpy().copy()
    turned = turned.assign(
        from_node=np.where(other, end, begin),
        to_node=np.where(other, begin, end),
        oneway=np.where(other, -turned["oneway"], turned["oneway"]).astype("int8"),
    )
    people = world.cells.iloc[cells].reset_index(drop=True)
    regions = world.regions.iloc[rng.permutation(len(world.regions))]
    for mode, method in itertools.product(world.modes, METHODS):
        what, one = f"{mode.id} {method}", case.travel(mode, method)
        network = None if method == "straight" else build_network(world.nodes.iloc[nodes], turned, mode)
        two = nearest(
            network,
            mode,
            world.sites[sites],
            world.places[cells],
            world.ids[sites],
            max_minutes=world.radius[mode.id],
        )
        for name in ("minutes", "reachable", "straight", "around"):
            tally.same(f"{what} {name}", getattr(two, name), getattr(one, name)[cells])
        named = [
            np.append(ids, -1)[found.facility] for ids, found in ((world.ids, one), (world.ids[sites], two))
        ]
        tally.same(f"{what} facility", named[1], named[0][cells])
        tables = [
            coverage_table(profile, world.thresholds[mode.id]).set_index("adcode").sort_index()
            for profile in (case.profile(mode, method), build_profile(people, two, regions))
        ]
        for name in ("population", "covered_population", "straight_population", "median_minutes"):
            tally.same(f"{what} {name}", tables[1][name], tables[0][name])
        tally.near(f"{what} mean", tables[1]["mean_minutes"], tables[0]["mean_minutes"], rel=1e-12)


def check_speed(case: Case, tally: Tally) -> None:
    """Twice all speeds is half the time, and covers the same in half the time."""
    world = case.world
    edges = world.edges.assign(
        maxspeed_kmh=world.edges["maxspeed_kmh"] * 2.0, duration_minutes=world.edges["duration_minutes"] / 2.0
    )
    for mode, method in itertools.product(world.modes, METHODS):
        what, threshold, radius = f"{mode.id} {method}", world.thresholds[mode.id], world.radius[mode.id]
        slow, quick = case.travel(mode, method), mode.scaled(2.0)
        network = None if method == "straight" else build_network(world.nodes, edges, quick)
        half = None if radius is None else radius / 2.0
        fast = nearest(network, quick, world.sites, world.places, world.ids, max_minutes=half)
        # Every edge on the way is rounded once more.
        within = len(world.nodes) * TICK
        twice = np.where(fast.reachable, 2.0 * fast.minutes, np.inf)
        tally.minutes(
            what, twice, np.where(slow.reachable, slow.minutes, np.inf), case.limit(mode), within=within
        )
        if np.nanmin(np.abs(slow.minutes - threshold), initial=np.inf) > within:
            tables = [
                coverage_table(profile, limit)
                for profile, limit in (
                    (case.profile(mode, method), threshold),
                    (build_profile(world.cells, fast, world.regions), threshold / 2.0),
                )
            ]
            tally.same(f"{what} coverage", tables[1]["covered_population"], tables[0]["covered_population"])
        profile = case.profile(mode, method)
        one, two = (coverage_table(profile, threshold / factor, speed_factor=factor) for factor in (1.0, 2.0))
        for name in ("covered_population", "straight_population", "unreachable_population"):
            tally.same(f"{what} factor {name}", two[name], one[name])
        tally.near(f"{what} factor mean", two["mean_minutes"] * 2.0, one["mean_minutes"], rel=1e-12)


def check_a_step_aside(case: Case, tally: Tally) -> None:
    """A facility that moves by a metre changes no minutes by more than a metre takes at the slowest.

    Left out is whoever has another way in, or goes on foot where he went by road or the other way round; and
    whoever stands in water, for what he sees is seen from the shore.
    """
    world = case.world
    rng = np.random.default_rng([world.seed, 4])
    row = int(rng.integers(0, len(world.sites)))
    turn = rng.uniform(0.0, 2.0 * np.pi)
    both = world.sites[row] + np.array([[0.0, 0.0], [np.cos(turn), np.sin(turn)]])
    if case.land.wet(both).any():
        return
    dry = ~case.land.wet(world.places)
    for mode, method in itertools.product(world.modes, METHODS):
        # A way that just passes a corner may cut the rim, or go round it.
        metre = (1.0 + 2.0 * RIM_M) / mode.straight_m_per_minute
        judged = dry.copy()
        network = network_of(case, mode, method)
        if network is not None:
            roads = case.roads(mode)
            at = roads.join(both, exact=True)
            cells_at = roads.join(world.places, exact=False)
            if (at[0] is None) != (at[1] is None):
                continue
            if at[0] is not None and at[1] is not None:
                if (at[0].a, at[0].b) != (at[1].a, at[1].b):
                    continue
                judged &= _same_walks(roads, both, (at[0], at[1]), world.places, cells_at)
                metre = max(metre, 1.0 / mode.access_m_per_minute + _slowest(roads, at[0]))
        old, new = (nearest(network, mode, place[None], world.places, np.arange(1)) for place in both)
        what = f"{mode.id} {method} facility {row}"
        tally.same(f"{what} reachable", new.reachable[judged], old.reachable[judged])
        some = judged & old.reachable & new.reachable
        tally.holds(f"{what} minutes", np.abs(new.minutes - old.minutes)[some] <= metre + STEPS)


def _same_walks(
    roads: Roads,
    both: np.ndarray,
    at: tuple[Joined, Joined],
    cells: np.ndarray,
    cells_at: list[Joined | None],
) -> np.ndarray:
    """Return which cells walk to a facility before and after or never, and are not on its edge."""
    one, two = (
        np.array(roads.walks(site, joined, cells, cells_at)) for site, joined in zip(both, at, strict=True)
    )
    edge = (at[0].a, at[0].b)
    before = np.array(
        [joined is not None and (joined.a, joined.b) == edge for joined in cells_at], dtype=bool
    )
    return (np.isinf(one) == np.isinf(two)) & ~before


def _slowest(roads: Roads, joined: Joined) -> float:
    """Return the minutes of a metre, as the crow flies, on the edge that is joined."""
    (ax, ay), (bx, by) = roads.position(joined.a), roads.position(joined.b)
    ways = (roads.edge(joined.a, joined.b), roads.edge(joined.b, joined.a))
    return max(one for one in ways if np.isfinite(one)) / float(np.hypot(ax - bx, ay - by))


def check_constants(case: Case, tally: Tally) -> None:
    """What all have alike is not unequal, and twice the amount is as unequal as before."""
    world = case.world
    people = world.cells["population"].to_numpy()
    for amount in (7.0, 0.1, 1.0 / 3.0):
        alike = np.full(len(people), amount)
        tally.same("people's gini", weighted_gini(alike, people), 0.0)
        for measure in (disparity.gini, disparity.coefficient_of_variation, disparity.theil):
            tally.same(f"{measure.__name__} plain", measure(alike).value, 0.0)
            tally.same(f"{measure.__name__} weighed", measure(alike, people).value, 0.0)
        parts = disparity.decompose_theil(alike, world.cells["adcode"].to_numpy(), people)
        tally.same("parts", [parts.total, parts.within, parts.between], [0.0, 0.0, 0.0])
    minutes = case.travel(world.modes[0], "network").minutes
    some = ~np.isnan(minutes)
    if (people[some] > 0.0).sum() > 1 and (minutes[some] * people[some]).sum() > 0.0:
        for measure in (disparity.gini, disparity.coefficient_of_variation, disparity.theil):
            one, two = (measure(factor * minutes, people).value for factor in (1.0, 3.0))
            tally.near(f"{measure.__name__} threefold", two, one, within=1e-12)


def check_tiers(case: Case, tally: Tally) -> None:
    """A score of all is that of both tiers weighed by their people, and more time spoils none."""
    world = case.world
    tables = []
    for more in (0.0, 2.0):
        reaches = [
            ServiceReach(
                "a",
                tier,
                world.thresholds[mode.id] + more,
                case.travel(mode, "straight").minutes,  # type: ignore[arg-type]
            )
            for tier, mode in zip(("urban", "rural"), world.modes, strict=True)
        ]
        profile = build_circles(world.cells, reaches, world.regions)
        tables.append([circle_table(profile, tier=tier) for tier in ("all", "urban", "rural")])
    whole, town, country = tables[0]
    weighed = sum(one["score"].fillna(0.0) * one["population"] for one in (town, country))
    tally.near("both tiers", whole["score"].fillna(0.0) * whole["population"], weighed, within=1e-9)
    for one, other in zip(*tables, strict=True):
        tally.holds("more time", other["score"].fillna(0.0) >= one["score"].fillna(0.0))
