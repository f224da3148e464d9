"""Every method of ``geo`` beside the oracle, on one world."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np

from geo import disparity
from geo.catchment import CatchmentResult, access_table, floating_catchment
from geo.circles import ServiceReach, build_circles, cell_missing, cell_scores, circle_table, service_table
from geo.coverage import coverage_table
from geo.modes import TravelMode
from geo.partition import nearest_facility_partitioned
from geo.reach import PairReach, Reach, grid_reach, network_reach
from geo.reach_parts import partitioned_reach
from geo.region_tree import Level, prefectures_of
from geo.site_reach import Reach as Table
from geo.site_reach import reach_network, reach_straight
from geo.siting import (
    GUARANTEE,
    SitingProblem,
    covered_cells,
    covering_problem,
    median_problem,
    solve_exact,
    solve_greedy,
)
from geo.snapping import snap_points
from geo.travel import TravelResult, nearest_facility_network, nearest_facility_straight
from tests.geo.decays import decay_of
from tests.oracles import catchment_naive, circles_naive, coverage_naive, disparity_naive, siting_naive
from tests.worlds import oracle
from tests.worlds.case import Case, joined_at, oracle_at
from tests.worlds.oracle import Pairs
from tests.worlds.tally import STEPS, Tally, objects
from tests.worlds.world import CELL_M, World

METHODS = ("straight", "network")
LEVELS: tuple[Level, ...] = ("county", "prefecture", "province")
FIELDS = ("minutes", "facility", "reachable", "straight", "around", "unplaced")


def absent(minutes: np.ndarray) -> list[float | None]:
    """Return minutes as a list, None where there are none."""
    return [None if math.isnan(one) else one for one in minutes.tolist()]


def table_of(case: Case, mode: TravelMode, method: str) -> Table:
    """Return the product's table of all pairs of facilities, then candidates, and cells."""
    if (mode.id, method) not in case.tables:
        case.tables[mode.id, method] = _table_of(case, mode, method)
    return case.tables[mode.id, method]


def _table_of(case: Case, mode: TravelMode, method: str) -> Table:
    world, limit = case.world, case.search(mode)
    if method == "straight":
        return reach_straight(case.sites, world.places, mode=mode, max_minutes=limit)
    return reach_network(case.network(mode), case.sites, world.places, max_minutes=limit)


def dense(table: Table) -> np.ndarray:
    """Return a table of pairs as minutes (sites, cells), inf where there is no pair."""
    minutes = np.full((table.sites, table.cells), np.inf)
    minutes[table.site, table.cell] = table.minutes
    return minutes


# Travel -------------------------------------------------------------------------------------------------


def check_ways_in(case: Case, tally: Tally) -> None:
    """Compare where sites and cells join the roads."""
    for mode in case.world.modes:
        network, roads = case.network(mode), case.roads(mode)
        for what, places, exact in (("site", case.sites, True), ("cell", case.world.places, False)):
            at = snap_points(network, places, exact=exact)
            wanted = oracle_at(roads.join(places, exact=exact))
            tally.same(f"{mode.id}: {what} has a road", at.found, ~np.isnan(wanted[:, 0]))
            tally.near(f"{mode.id}: {what} walks", at.distance_m, wanted[:, 2], rel=0.0, within=1e-5)
            tally.near(
                f"{mode.id}: {what} joins", joined_at(network, at), wanted[:, :2], rel=0.0, within=1e-5
            )


def compare_nearest(case: Case, tally: Tally, what: str, found: TravelResult, pairs: Pairs) -> None:
    """Compare travel to the nearest facility with the trips to all facilities."""
    world = case.world
    mode = next(one for one in world.modes if one.id == found.mode)
    limit, count = case.limit(mode), len(world.sites)
    minutes = pairs.minutes[:count]
    tally.minutes(
        f"{what} minutes", np.where(found.reachable, found.minutes, np.inf), minutes.min(axis=0), limit
    )
    tally.same(f"{what} reachable", found.reachable, ~np.isnan(found.minutes))
    tally.same(f"{what} facility there", found.facility >= 0, found.reachable)
    some = np.flatnonzero(found.reachable)
    chosen = found.facility[some]
    tally.near(f"{what} of the facility", found.minutes[some], minutes[chosen, some], rel=0.0, within=STEPS)
    # Which of two kinds of way is the shorter is open where both take the same time to the last roundings.
    tied = (np.abs(minutes[:, some] - minutes[chosen, some]) <= STEPS).sum(axis=0) > 1
    for name, product, plain in (
        ("straight", found.straight, pairs.line[:count]),
        ("around", found.around, pairs.around[:count]),
    ):
        tally.holds(f"{what} {name}", (product[some] == plain[chosen, some]) | tied)
    tally.holds(f"{what} around only where there is an answer", ~found.around[~found.reachable])
    for cell, facility in zip(some.tolist(), chosen.tolist(), strict=True):
        twins = (world.sites == world.sites[facility]).all(axis=1)
        tally.same(f"{what} twin of cell {cell}", world.ids[facility], world.ids[twins].min())


def check_nearest_straight(case: Case, tally: Tally) -> None:
    """Compare straight lines to the nearest facility."""
    for mode in case.world.modes:
        compare_nearest(case, tally, mode.id, case.travel(mode, "straight"), case.pairs(mode, "straight"))


def check_nearest_network(case: Case, tally: Tally) -> None:
    """Compare ways over the network to the nearest facility, there and back."""
    world = case.world
    for mode in world.modes:
        found = case.travel(mode, "network")
        compare_nearest(case, tally, mode.id, found, case.pairs(mode, "network"))
        uncovered = [one is None for one in case.roads(mode).join(world.sites, exact=True)]
        tally.same(f"{mode.id} unplaced", found.unplaced, np.flatnonzero(uncovered))
        lonely = np.array(
            [one is None for one in case.roads(mode).join(world.places, exact=False)], dtype=bool
        )
        # Where there is no answer it is a straight line that leads nowhere, or roads that do.
        tally.same(f"{mode.id} no answer", found.straight[~found.reachable], lonely[~found.reachable])
    drive = world.modes[1]
    back = nearest_facility_network(
        case.network(drive),
        world.sites,
        world.places,
        max_minutes=world.radius[drive.id],
        facility_ids=world.ids,
        direction="from_facility",
    )
    compare_nearest(case, tally, "drive back", back, case.pairs(drive, "network", forth=False))


def check_all_pairs(case: Case, tally: Tally) -> None:
    """Compare tables of all pairs with the oracle's, and their least with travel to the nearest."""
    world, count = case.world, len(case.world.sites)
    for mode, method in itertools.product(world.modes, METHODS):
        what, limit = f"{mode.id} {method}", case.search(mode)
        table = table_of(case, mode, method)
        tally.minutes(what, dense(table), case.pairs(mode, method).minutes, limit)
        tally.holds(
            f"{what} ascending", [(np.diff(table.of(site)[0]) > 0).all() for site in range(table.sites)]
        )
        options = {"max_minutes": limit, "facility_ids": world.ids}
        nearest = (
            nearest_facility_straight(world.sites, world.places, mode=mode, **options)
            if method == "straight"
            else nearest_facility_network(case.network(mode), world.sites, world.places, **options)
        )
        minutes = dense(table)[:count]
        least = minutes.min(axis=0)
        tally.same(
            f"{what} nearest is the least of all", nearest.minutes, np.where(np.isinf(least), np.nan, least)
        )
        # By road the smallest number of equally near ones, in a straight line the nearest of them.
        first = np.where(minutes == least, world.ids[:, None], np.iinfo(np.int64).max).argmin(axis=0)
        road = nearest.reachable & ~nearest.straight
        road &= ~((minutes == least) & case.pairs(mode, method).line[:count]).any(axis=0)
        tally.same(f"{what} nearest is the first of equals", nearest.facility[road], first[road])


# Coverage and circles -----------------------------------------------------------------------------------


def check_coverage(case: Case, tally: Tally) -> None:
    """Compare tables of coverage with loops over the cells, given the product's minutes."""
    world = case.world
    belongs = coverage_naive.ancestors(world.regions)
    for mode, method in itertools.product(world.modes, METHODS):
        group = "population" if method == "straight" else "age_65_plus"
        travel, threshold = case.travel(mode, method), world.thresholds[mode.id]
        profile = case.profile(mode, method, group)
        limit = oracle.quantised(threshold)
        for level in LEVELS:
            table = coverage_table(profile, threshold, level=level).set_index("adcode")
            plain = coverage_naive.coverage(
                world.cells, absent(travel.minutes), world.regions, threshold=limit, level=level, group=group
            )
            what = f"{mode.id} {method} {group} {level}"
            tally.same(f"{what} regions", objects(list(table.index)), objects(list(plain)))
            some = [adcode for adcode, figures in plain.items() if figures["cells"]]
            tally.same(f"{what} empty", table["population"].isna().sum(), len(plain) - len(some))
            for name in ("population", "covered_population", "population_coverage", "area_coverage"):
                tally.near(
                    f"{what} {name}", table.loc[some, name], [plain[one][name] for one in some], rel=1e-12
                )
            for name in ("mean_minutes", "median_minutes", "unreachable_population"):
                tally.near(
                    f"{what} {name}", table.loc[some, name], [plain[one][name] for one in some], rel=1e-12
                )
            by_line = [
                sum(
                    people
                    for county, people, line in zip(
                        world.cells["adcode"], world.cells[group], travel.straight, strict=True
                    )
                    if line and belongs[county].get(level) == one
                )
                for one in some
            ]
            tally.same(f"{what} straight", table.loc[some, "straight_population"], by_line)


def check_circles(case: Case, tally: Tally) -> None:
    """Compare circles of some services with loops over cells and services."""
    world = case.world
    half = world.ids % 2 == world.ids[0] % 2
    rules: list[dict[str, object]] = []
    reaches: list[ServiceReach] = []
    lines = {}
    for tier, mode in zip(("urban", "rural"), world.modes, strict=True):
        network, limit = case.network(mode), world.radius[mode.id]
        lines[tier] = case.travel(mode, "network").straight
        some = nearest_facility_network(network, world.sites[half], world.places, max_minutes=limit)
        for service, travel, weight in (
            ("a", case.travel(mode, "network"), 1.0),
            ("b", some, 2.0),
            ("c", None, 0.5),
        ):
            if service == "b" and tier == "rural":
                continue
            threshold = world.thresholds[mode.id]
            minutes = None if travel is None else travel.minutes
            by_line = None if travel is None else lines[tier]
            why = None if travel else "没有"
            reaches.append(ServiceReach(service, tier, threshold, minutes, weight, why, by_line))  # type: ignore[arg-type]
            rules.append(
                {
                    "service": service,
                    "tier": tier,
                    "threshold": oracle.quantised(threshold),
                    "minutes": None if minutes is None else absent(minutes),
                    "weight": weight,
                }
            )
    scores = [
        math.nan if one is None else float(one) for one in circles_naive.naive_scores(world.cells, rules)
    ]
    tally.near("scores", cell_scores(world.cells, reaches), scores, rel=1e-12)
    missing = circles_naive.naive_missing(world.cells, rules)
    tally.same("missing", cell_missing(world.cells, reaches), objects(missing))
    profile = build_circles(world.cells, reaches, world.regions)
    belongs = coverage_naive.ancestors(world.regions)
    for level in LEVELS:
        services = service_table(profile, level=level).set_index(["adcode", "service"])
        for row in circle_table(profile, level=level).itertuples():
            counties = {code for code, above in belongs.items() if above.get(level) == row.adcode}
            score, complete, lacking = circles_naive.naive_region(world.cells, rules, counties)
            own = world.cells[world.cells["adcode"].isin(counties)]
            what = f"{level} {row.adcode}"
            tally.near(f"{what} score", row.score, math.nan if score is None else float(score), rel=1e-12)
            tally.same(f"{what} people", row.population, own["urban"].sum() + own["rural"].sum())
            tally.same(f"{what} complete", row.complete_population, complete)
            tally.same(f"{what} lack", row.missing_population, max(lacking.values(), default=0))
            by_line = oracle.straight_people(world.cells, rules, lines, counties)
            tally.same(f"{what} straight", row.straight_population, by_line)
            for service in "abc":
                asked, reached, measured = oracle.service_people(world.cells, rules, service, counties)
                figures = services.loc[(row.adcode, service)]
                wanted = (asked, reached) if measured else (math.nan, math.nan)
                tally.same(
                    f"{what} {service}", figures[["population", "covered_population"]].astype(float), wanted
                )
                share = reached / asked if asked else math.nan
                tally.near(f"{what} {service} share", figures["coverage"], share, rel=1e-12)


# Catchments ---------------------------------------------------------------------------------------------


def check_catchments(case: Case, tally: Tally) -> None:
    """Compare floating catchments with loops over all pairs, given the product's minutes of the pairs."""
    world, count = case.world, len(case.world.sites)
    demand = world.cells["population"].to_numpy()
    supply = world.facilities["capacity"].to_numpy()
    for mode, method, kind in itertools.product(world.modes, METHODS, world.decays):
        decay = decay_of(kind, world.thresholds[mode.id])
        reach: Reach = (
            grid_reach(world.sites, world.places, cell_size_m=CELL_M, mode=mode, decay=decay)
            if method == "straight"
            else network_reach(case.network(mode), world.sites, world.places, decay=decay)
        )
        minutes = dense(table_of(case, mode, method))[:count].T
        steps = [(oracle.quantised(limit), weight) for limit, weight in decay.steps]
        weights = [
            [
                catchment_naive.weight(kind, one, oracle.quantised(decay.minutes), steps, decay.width)
                if math.isfinite(one)
                else 0.0
                for one in row
            ]
            for row in minutes.tolist()
        ]
        for name in ("2sfca", "3sfca"):
            what = f"{mode.id} {method} {kind} {name}"
            found = floating_catchment(reach, demand, supply, method=name)
            three = name == "3sfca"
            plain = np.array(catchment_naive.access(weights, demand, supply, three_steps=three))
            tally.near(what, found.access, plain, within=1e-11 * plain.max())
            tally.same(f"{what} served", found.served, plain > 0.0)
            tally.near(f"{what} given", found.access_given, found.supply_used, within=1e-9)
            tally.same(f"{what} all supply", found.supply_used + found.supply_lost, supply.sum())
            if kind == world.decays[0]:
                compare_access(case.world, tally, what, found, case.travel(mode, method).straight)


def compare_access(
    world: World, tally: Tally, what: str, found: CatchmentResult, straight: np.ndarray
) -> None:
    """Compare the table of access by region with loops."""
    cells, belongs = world.cells, coverage_naive.ancestors(world.regions)
    for level, group in (("county", "population"), ("province", "age_65_plus")):
        table = access_table(found, cells, world.regions, level=level, group=group, straight=straight)
        for row in table.itertuples():
            inside = np.array([belongs[county].get(level) == row.adcode for county in cells["adcode"]])
            people, access = cells[group].to_numpy()[inside], found.access[inside]
            label, total = f"{what} {row.adcode}", float(people.sum())
            tally.same(f"{label} people", row.population, total)
            if total == 0.0:
                tally.holds(f"{label} undefined", [math.isnan(row.access), row.reason is not None])
                continue
            mean = math.fsum(access * people) / total
            tally.near(f"{label} access", row.access, mean, within=1e-18)
            tally.same(f"{label} unserved", row.unserved_population, people[access == 0.0].sum())
            tally.same(f"{label} straight", row.straight_population, people[straight[inside]].sum())
            for name, part in (("lowest_access", Fraction(1, 10)), ("median_access", Fraction(1, 2))):
                tally.same(
                    f"{label} {name}",
                    getattr(row, name),
                    oracle.lowest(access.tolist(), people.tolist(), part),
                )
            wanted = catchment_naive.gini(access.tolist(), people.tolist()) if mean > 0.0 else math.nan
            tally.near(f"{label} gini", row.gini, wanted, within=1e-9)


# Siting -------------------------------------------------------------------------------------------------


def check_siting(case: Case, tally: Tally) -> None:
    """Compare both kinds of siting with plain greedy choice and with trying every set of sites."""
    world, first = case.world, len(case.world.sites)
    demand = world.cells["population"].to_numpy()
    for mode, method in itertools.product(world.modes, METHODS):
        limit, threshold = case.search(mode), world.thresholds[mode.id]
        table = (
            reach_straight(world.candidates, world.places, mode=mode, max_minutes=limit)
            if method == "straight"
            else reach_network(case.network(mode), world.candidates, world.places, max_minutes=limit)
        )
        tally.same(f"{mode.id} {method} alone", dense(table), dense(table_of(case, mode, method))[first:])
        minutes = [
            dict(zip(*(side.tolist() for side in table.of(site)), strict=True)) for site in range(table.sites)
        ]
        # What exists is the first facility only, so that there is something to gain.
        now = (
            nearest_facility_straight(world.sites[:1], world.places, mode=mode)
            if method == "straight"
            else nearest_facility_network(case.network(mode), world.sites[:1], world.places)
        ).minutes
        done = covered_cells(now, threshold)
        tally.same(f"{mode.id} {method} done", done, [one <= oracle.quantised(threshold) for one in now])
        far = np.where(np.isnan(now), 1e9, now)

        def covers(sites: list[int], minutes=minutes, done=done, threshold=threshold) -> float:
            return siting_naive.covered(minutes, demand, oracle.quantised(threshold), done, sites)

        def saves(sites: list[int], minutes=minutes, far=far, limit=limit) -> float:
            return siting_naive.saved(minutes, demand, limit, far, sites)

        what = f"{mode.id} {method}"
        covering = covering_problem(table, demand, threshold, covered=done)
        compare_siting(world, tally, f"{what} covering", covering, covers)
        compare_siting(
            world, tally, f"{what} median", median_problem(table, demand, limit, minutes=now), saves
        )


def compare_siting(world: World, tally: Tally, what: str, problem: SitingProblem, value) -> None:
    """Compare the greedy and the exact answer of a problem."""
    count = problem.sites
    greedy, exact = solve_greedy(problem, world.add), solve_exact(problem, world.add)
    sites, gains = oracle.plain_greedy(value, count, world.add)
    # Gains beside which nothing is left are rounding; people and minutes are whole numbers of their units.
    tally.same(f"{what} greedy sites", objects(greedy.sites.tolist()), objects(sites))
    tally.near(f"{what} greedy gains", greedy.gains, gains, within=1e-6)
    best = siting_naive.best_of_all(value, count, world.add)
    tally.near(f"{what} exact", exact.value, best, within=1e-6)
    tally.near(f"{what} value of the sites", value(exact.sites.tolist()), exact.value, within=1e-6)
    room = 1e-9 * max(best, 1.0)
    tally.holds(f"{what} bounds", [greedy.bound >= best - room, exact.bound >= best - room])
    tally.holds(f"{what} guarantee", greedy.value >= GUARANTEE * best - room)
    tally.holds(f"{what} proven", exact.gap <= 1e-6)


# Inequality ---------------------------------------------------------------------------------------------


def check_disparity(case: Case, tally: Tally) -> None:
    """Compare the inequality of counties with fractions and decimals."""
    world = case.world
    parent = world.regions.set_index("adcode")["parent"]
    for mode, method in itertools.product(world.modes, METHODS):
        table = coverage_table(case.profile(mode, method), world.thresholds[mode.id])
        for column in ("population_coverage", "mean_minutes"):
            values = table[column].to_numpy()
            people = table["population"].fillna(0.0).to_numpy()
            for weights in (None, people):
                some = ~np.isnan(values) & ((weights if weights is not None else np.ones(len(values))) > 0.0)
                own = values[some].tolist()
                held = [1.0] * len(own) if weights is None else weights[some].tolist()
                what = f"{mode.id} {method} {column} {'plain' if weights is None else 'weighed'}"
                found = {
                    "gini": disparity.gini(values, weights),
                    "variation": disparity.coefficient_of_variation(values, weights),
                    "theil": disparity.theil(values, weights),
                }
                if len(own) < 2 or sum(own) == 0.0:
                    tally.holds(f"{what} undefined", [one.reason is not None for one in found.values()])
                    continue
                groups = parent.loc[table["adcode"]].to_numpy()
                whole, within, between = disparity_naive.theil_parts_exact(own, groups[some].tolist(), held)
                tally.near(f"{what} gini", found["gini"].value, oracle.gini(own, held), within=1e-12)
                tally.near(
                    f"{what} variation", found["variation"].value, oracle.variation(own, held), within=1e-12
                )
                tally.near(f"{what} theil", found["theil"].value, whole, within=1e-13)
                parts = disparity.decompose_theil(values, groups, weights)
                tally.near(f"{what} within", parts.within, within, within=1e-12)
                tally.near(f"{what} between", parts.between, between, within=1e-12)
                tally.near(f"{what} both parts", parts.within + parts.between, parts.total, within=1e-12)


# Partitions ---------------------------------------------------------------------------------------------


def check_partitions(case: Case, tally: Tally) -> None:
    """Compare answers worked out by prefecture with those of the whole."""
    world = case.world
    keys = prefectures_of(world.cells["adcode"])
    demand, supply = world.cells["population"].to_numpy(), world.facilities["capacity"].to_numpy()
    for mode, method in itertools.product(world.modes, METHODS):
        network = None if method == "straight" else case.network(mode)
        what, limit = f"{mode.id} {method}", case.search(mode)
        options = {"max_minutes": limit, "facility_ids": world.ids}
        whole = (
            nearest_facility_straight(world.sites, world.places, mode=mode, **options)
            if network is None
            else nearest_facility_network(network, world.sites, world.places, **options)
        )
        pieces = nearest_facility_partitioned(
            world.places, keys, world.sites, mode=mode, network=network, **options
        )
        for name in FIELDS:
            tally.same(f"{what} {name}", getattr(pieces, name), getattr(whole, name))
        decay = decay_of(world.decays[0], world.thresholds[mode.id])
        parts = partitioned_reach(
            world.sites, world.places, keys, cell_size_m=CELL_M, mode=mode, decay=decay, network=network
        )
        if network is not None:
            listed = network_reach(network, world.sites, world.places, decay=decay)
            assert isinstance(parts, PairReach)
            for name in ("cell", "facility", "weight"):
                tally.same(f"{what} {name}", getattr(parts, name), getattr(listed, name))
            continue
        grid = grid_reach(world.sites, world.places, cell_size_m=CELL_M, mode=mode, decay=decay)
        # Three steps ask for all the sums that two do, and more.
        one, two = (floating_catchment(reach, demand, supply, method="3sfca") for reach in (grid, parts))
        tally.near(f"{what} access", two.access, one.access, rel=1e-12, within=1e-12 * one.access.max())
        tally.same(f"{what} served", two.served, one.served)
