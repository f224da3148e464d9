"""Floating catchments against pysal's `access`, against a loop, and by their laws."""

import warnings

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from access import fca, weights
from hypothesis import given, settings
from hypothesis import strategies as st
from inequality.gini import Gini

from benchmarks.straight_pairs import straight_reach
from data.ingest.osm_network import read_osm_network
from data.registry.mode_models import load_modes
from geo.catchment import (
    COLUMNS,
    NO_SUPPLY,
    NOBODY_SERVED,
    REACHES_NOBODY,
    access_table,
    floating_catchment,
    lorenz_curve,
    weighted_gini,
)
from geo.decay import DECAY_NAMES, equal_zones, make_decay
from geo.errors import CatchmentError, CoverageError, UnknownRegionError
from geo.modes import TravelMode
from geo.network import build_network
from geo.reach import grid_reach, network_reach
from geo.snapping import snap_points
from geo.travel import nearest_facility_network
from tests.geo.decays import decay_of
from tests.geo.road_worlds import ORIGIN, WALK, edges_between, nodes_at
from tests.oracles import catchment_naive as naive
from tests.oracles.travel_naive import road_graph
from tests.real_data import real_path

SIZE = 500.0
MODE = TravelMode(id="straight", name="直线", straight_kmh=30.0, detour_factor=1.25, classes={})
KINDS = tuple(DECAY_NAMES)


def grid(columns, rows, missing=0.0, seed=0):
    """Return the centres of a grid with some cells missing."""
    x, y = np.meshgrid(np.arange(columns) * SIZE, np.arange(rows) * SIZE)
    xy = np.column_stack([x.ravel(), y.ravel()]) + ORIGIN + SIZE / 2
    rng = np.random.default_rng(seed)
    kept = rng.random(len(xy)) >= missing
    kept[0] = True
    return xy[kept]


def minutes_between(cells, facilities):
    distance = np.hypot(*(cells[:, None, :] - facilities[None, :, :]).transpose(2, 0, 1))
    return distance / MODE.straight_m_per_minute


@st.composite
def worlds(draw):
    """A small grid with people and facilities anywhere, some of them off the grid or on a cell's centre."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    cells = grid(draw(st.integers(1, 9)), draw(st.integers(1, 9)), missing=0.3, seed=seed)
    count = draw(st.integers(1, 6))
    facilities = cells[rng.integers(0, len(cells), count)] + rng.uniform(-3000, 3000, (count, 2))
    on_centre = rng.random(count) < 0.3
    facilities[on_centre] = cells[rng.integers(0, len(cells), int(on_centre.sum()))]
    demand = rng.integers(0, 50, len(cells)).astype(float)
    demand[0] += 1.0
    supply = rng.integers(0, 20, count).astype(float)
    supply[0] += 1.0
    return cells, facilities, demand, supply, draw(st.sampled_from([1.0, 3.0, 5.0, 8.5, 40.0]))


def dense_weights(reach):
    found = np.zeros((reach.cells, reach.facilities))
    found[reach.cell, reach.facility] = reach.weight
    return found


@settings(max_examples=60)
@given(worlds(), st.sampled_from(KINDS), st.sampled_from(["2sfca", "3sfca"]))
def test_window_sums_equal_the_pairs_and_the_pairs_equal_a_loop(world, kind, method):
    cells, facilities, demand, supply, catchment = world
    decay = decay_of(kind, catchment)
    pairs = straight_reach(facilities, cells, mode=MODE, decay=decay)
    windows = grid_reach(facilities, cells, cell_size_m=SIZE, mode=MODE, decay=decay)
    found = floating_catchment(pairs, demand, supply, method=method)
    fast = floating_catchment(windows, demand, supply, method=method)
    np.testing.assert_allclose(fast.access, found.access, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(fast.served, found.served)
    np.testing.assert_array_equal(fast.access > 0, fast.served)
    expected = naive.access(dense_weights(pairs).tolist(), demand, supply, three_steps=method == "3sfca")
    np.testing.assert_allclose(found.access, expected, rtol=1e-9, atol=1e-12)
    assert found.access_given == pytest.approx(found.supply_used, rel=1e-9)
    assert fast.access_given == pytest.approx(found.supply_used, rel=1e-9)


@settings(max_examples=25)
@given(worlds(), st.sampled_from(KINDS))
def test_the_weights_are_those_of_the_papers(world, kind):
    cells, facilities, _, _, catchment = world
    decay = decay_of(kind, catchment)
    reach = straight_reach(facilities, cells, mode=MODE, decay=decay)
    minutes = minutes_between(cells, facilities)
    limits = [limit for limit, _ in decay.steps] or [catchment]
    # Where a rounding of the minutes would change the zone, both answers are right.
    clear = (np.abs(minutes[..., None] - limits) > 1e-4).all(axis=-1)
    expected = [
        [naive.weight(kind, one, catchment, decay.steps, decay.width) for one in row] for row in minutes
    ]
    np.testing.assert_allclose(dense_weights(reach)[clear], np.array(expected)[clear], atol=1e-5)


def pysal(kind, minutes, demand, supply, *, method, catchment=12.0):
    """Return the access that `access` gives, unserved cells as 0."""
    cell, facility = (side.ravel() for side in np.indices(minutes.shape))
    costs = pd.DataFrame({"origin": cell, "dest": facility, "cost": minutes.ravel()})
    costs = costs[costs["cost"] <= catchment]
    decay = decay_of(kind, catchment)
    functions = {
        "none": None,
        "step": weights.step_fn(dict(decay.steps)),
        "gaussian": weights.gaussian(decay.width),
        "exponential": lambda minutes: np.exp(-minutes / decay.width),
    }
    frames = (
        pd.DataFrame({"demand": demand}, index=pd.Index(range(len(demand)), name="geoid")),
        pd.DataFrame({"supply": supply}, index=pd.Index(range(len(supply)), name="geoid")),
    )
    solve = fca.three_stage_fca if method == "3sfca" else fca.two_stage_fca
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = solve(*frames, costs.copy(), catchment, demand_index=True, weight_fn=functions[kind])
    return found.reindex(range(len(demand))).fillna(0.0).to_numpy()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["2sfca", "3sfca"])
def test_equal_to_pysal_access(kind, method):
    if kind == "none" and method == "3sfca":
        kind = "step"  # `access` has no three stages without a weight
    rng = np.random.default_rng(7)
    cells = grid(40, 30, missing=0.1, seed=3)
    facilities = ORIGIN + rng.uniform(0, 20_000, (25, 2)) * (1, 0.75)
    demand = rng.integers(1, 400, len(cells)).astype(float)
    supply = rng.integers(10, 900, 25).astype(float)
    decay = decay_of(kind, 12.0)
    pairs = straight_reach(facilities, cells, mode=MODE, decay=decay)
    quantised = np.full((len(cells), 25), np.inf)
    wide = straight_reach(facilities, cells, mode=MODE, decay=make_decay("exponential", 1000.0, width=1.0))
    quantised[wide.cell, wide.facility] = -np.log(wide.weight)
    expected = pysal(kind, quantised, demand, supply, method=method)
    for reach in (pairs, grid_reach(facilities, cells, cell_size_m=SIZE, mode=MODE, decay=decay)):
        found = floating_catchment(reach, demand, supply, method=method)
        np.testing.assert_allclose(found.access, expected, rtol=1e-9, atol=1e-15)
        assert found.access_given == pytest.approx(found.supply_used, rel=1e-9)


def street():
    """Five junctions 400 m apart along a street."""
    nodes = nodes_at([(400.0 * number, 0.0) for number in range(5)])
    return build_network(nodes, edges_between(nodes, [(0, 1), (1, 2), (2, 3), (3, 4)]), WALK)


def test_over_a_network_the_pairs_hold_the_nearest_minutes():
    network = street()
    cells = ORIGIN + np.array([(0.0, 10.0), (500.0, 0.0), (1000.0, 5.0), (1600.0, 0.0), (5000.0, 0.0)])
    facilities = ORIGIN + np.array([(100.0, 0.0), (1500.0, 0.0), (9000.0, 0.0)])
    decay = make_decay("gaussian", 15.0)
    reach = network_reach(network, facilities, cells, decay=decay)
    nearest = nearest_facility_network(network, facilities, cells, max_minutes=15.0)
    found = dense_weights(reach)
    np.testing.assert_allclose(found.max(axis=1)[:4], decay.weight(nearest.minutes)[:4], rtol=1e-12)
    assert found[4].sum() == 0.0
    result = floating_catchment(reach, [10, 10, 10, 10, 10], [5, 5, 5])
    assert result.access[4] == 0.0 and not result.served[4]
    assert result.reason[2] == REACHES_NOBODY
    assert result.access_given == pytest.approx(result.supply_used) == pytest.approx(10.0)


def test_real_streets_of_gusu_equal_networkx_pair_by_pair():
    nodes, edges = read_osm_network(real_path("osm/gusu_walk.osm.pbf"))
    network = build_network(nodes, edges, load_modes()["walk"])
    xy = np.column_stack([network.x, network.y])
    snap = snap_points(network, xy)
    at_node = np.where(snap.fraction == 0.0, snap.a, snap.b)
    places = np.flatnonzero(snap.found & (snap.distance_m == 0.0) & (at_node == np.arange(len(xy))))
    rng = np.random.default_rng(5)
    cells, facilities = rng.choice(places, 300, replace=False), rng.choice(places, 12, replace=False)
    graph = road_graph(nodes.rename(columns={"lon": "x", "lat": "y"}), edges, network.mode).reverse()
    decay = make_decay("gaussian", 20.0)
    reach = network_reach(network, xy[facilities], xy[cells], decay=decay)
    expected = np.zeros((300, 12))
    for column, facility in enumerate(facilities):
        source = int(network.node_id[facility])
        times = nx.single_source_dijkstra_path_length(graph, source, weight="minutes")
        minutes = np.array([times.get(int(node), np.nan) for node in network.node_id[cells]])
        expected[:, column] = decay.weight(minutes)
    np.testing.assert_allclose(dense_weights(reach), expected, atol=1e-5)
    demand, supply = rng.integers(1, 90, 300).astype(float), rng.integers(1, 9, 12).astype(float)
    found = floating_catchment(reach, demand, supply)
    np.testing.assert_allclose(found.access, naive.access(expected.tolist(), demand, supply), rtol=1e-4)
    assert found.access_given == pytest.approx(found.supply_used, rel=1e-9)


def test_worked_by_hand():
    """Two cells, two facilities: the first in reach of both, the second of cell two only."""
    cells = ORIGIN + np.array([(0.0, 0.0), (1000.0, 0.0)])
    facilities = ORIGIN + np.array([(500.0, 0.0), (1500.0, 0.0)])
    decay = make_decay("none", 2.0)  # 800 m at 400 m a minute
    reach = straight_reach(facilities, cells, mode=MODE, decay=decay)
    result = floating_catchment(reach, [100.0, 300.0], [40.0, 60.0])
    # 40 / 400 = 0.1 and 60 / 300 = 0.2
    np.testing.assert_allclose(result.ratio, [0.1, 0.2])
    np.testing.assert_allclose(result.access, [0.1, 0.3])
    assert result.supply_used == 100.0 and result.access_given == pytest.approx(100.0)


def test_zero_supply_and_zero_demand_are_answers_with_a_reason():
    cells = ORIGIN + np.array([(0.0, 0.0), (20_000.0, 0.0), (40_000.0, 0.0)])
    facilities = cells + 10.0
    reach = straight_reach(facilities, cells, mode=MODE, decay=decay_of("step", 5.0))
    result = floating_catchment(reach, [100.0, 0.0, 50.0], [10.0, 10.0, 0.0])
    assert list(result.reason) == [None, REACHES_NOBODY, NO_SUPPLY]
    assert result.access[1] == 0.0 and result.access[2] == 0.0
    assert result.supply_used == 10.0 and result.access_given == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("demand", "supply", "words"),
    [
        ([0, 0], [1], "需求全部为零"),
        ([1, 1], [0], "供给全部为零"),
        ([1, np.nan], [1], "需求有 1 个值缺失或为负（首例在第 2 行：nan）"),
        ([-4, -5], [1], "需求有 2 个值缺失或为负（首例在第 1 行：-4）"),
        ([1, 1], [-2], "供给有 1 个值缺失或为负"),
        ([1], [1], "需求有 1 个值，应为 2 个"),
    ],
)
def test_bad_supply_and_demand_are_refused(demand, supply, words):
    cells = ORIGIN + np.array([(0.0, 0.0), (1000.0, 0.0)])
    reach = straight_reach(cells[:1], cells, mode=MODE, decay=make_decay("none", 5.0))
    with pytest.raises(CatchmentError, match=words):
        floating_catchment(reach, demand, supply)


def test_no_facility_and_cells_off_the_grid_are_refused():
    cells = grid(3, 3)
    decay = make_decay("none", 5.0)
    with pytest.raises(CoverageError, match="没有该类型的设施"):
        grid_reach(np.zeros((0, 2)), cells, cell_size_m=SIZE, mode=MODE, decay=decay)
    with pytest.raises(CatchmentError, match="不在 500 米的规则网格上"):
        grid_reach(cells[:1], cells + np.arange(9)[:, None], cell_size_m=SIZE, mode=MODE, decay=decay)
    with pytest.raises(CatchmentError, match="同一位置"):
        grid_reach(cells[:1], np.vstack([cells, cells[:1]]), cell_size_m=SIZE, mode=MODE, decay=decay)


def test_a_grid_with_more_places_than_there_is_room_for_is_refused(monkeypatch):
    monkeypatch.setattr("geo.reach.MAX_PLACES", 12)
    decay = make_decay("none", 5.0)
    assert grid_reach(ORIGIN[None], grid(3, 4), cell_size_m=SIZE, mode=MODE, decay=decay).cells == 12
    for columns, rows in ((13, 1), (1, 13), (4, 4), (5, 5)):
        ends = grid(columns, rows)[[0, -1]]
        with pytest.raises(CatchmentError, match=f"{columns} × {rows} 格过大，最多 12 格"):
            grid_reach(ORIGIN[None], ends, cell_size_m=SIZE, mode=MODE, decay=decay)


@pytest.mark.parametrize(
    ("kind", "minutes", "options", "words"),
    [
        ("linear", 10, {}, "没有“linear”"),
        ("none", 0, {}, "应为正数"),
        ("gaussian", 10, {"width": -1.0}, "衰减宽度应为正数"),
        ("step", 10, {}, "没有写明各级"),
        ("step", 10, {"steps": ((5.0, 0.5), (10.0, 0.9))}, "由近到远不增"),
        ("step", 10, {"steps": ((5.0, 1.0), (9.0, 0.5))}, "止于服务范围 10 分钟"),
        ("step", 12, {"steps": ((4.0, 1.0), (7.0, 0.5), (11.0, 0.2))}, "止于服务范围 12 分钟，收到 11。"),
        ("step", 10, {"steps": ((5.0, 1.0), (5.0, 0.5), (10.0, 0.0))}, "依次增大；权重应大于 0"),
    ],
)
def test_bad_decays_are_refused(kind, minutes, options, words):
    with pytest.raises(CatchmentError, match=words):
        make_decay(kind, minutes, **options)


def test_equal_zones_end_where_the_catchment_does() -> None:
    for tenths in range(1, 2_000):
        minutes = tenths / 10.0
        for shares in ((1.0,), (1.0, 0.5), (1.0, 0.68, 0.22), (1.0, 0.8, 0.6, 0.4, 0.3, 0.2, 0.1)):
            assert make_decay("step", minutes, steps=equal_zones(minutes, shares)).minutes == minutes


def small_regions():
    rows = [("320000", "省", "province", None), ("320100", "市", "prefecture", "320S00")]
    rows += [("320S00", "南", "economic_region", "320000")]
    rows += [(f"32010{n}", f"县{n}", "county", "320100") for n in (1, 2, 3)]
    return pd.DataFrame(rows, columns=["adcode", "name", "level", "parent"])


def test_regions_weigh_access_by_people():
    cells = pd.DataFrame(
        {"adcode": ["320101", "320101", "320102"], "population": [100, 300, 0], "age_60_plus": [10, 0, 0]}
    )
    where = ORIGIN + np.array([(0.0, 0.0), (20_000.0, 0.0), (40_000.0, 0.0)])
    reach = straight_reach(where[:1], where, mode=MODE, decay=make_decay("none", 5.0))
    result = floating_catchment(reach, cells["population"], [50.0])
    table = access_table(result, cells, small_regions())
    assert tuple(table.columns) == COLUMNS
    table = table.set_index("adcode")
    one = table.loc["320101"]
    assert one["access"] == pytest.approx(50 / 400) and one["unserved_population"] == 300
    assert one["unserved_share"] == 0.75 and one["gini"] == pytest.approx(0.75) and one["lowest_access"] == 0
    assert table.loc["320102", "reason"] == "该人群人数为零" and np.isnan(table.loc["320102", "access"])
    assert table.loc["320103", "reason"] == "没有人口格网"
    old = access_table(result, cells, small_regions(), group="age_60_plus", level="prefecture")
    assert old["access"].tolist() == [0.5] and old["gini"].tolist() == [0.0]
    with pytest.raises(UnknownRegionError, match="320999"):
        access_table(result, cells.assign(adcode="320999"), small_regions())


def test_a_county_nobody_serves_has_access_zero_and_no_gini():
    cells = pd.DataFrame({"adcode": ["320101", "320102"], "population": [100, 300]})
    where = ORIGIN + np.array([(0.0, 0.0), (20_000.0, 0.0)])
    reach = straight_reach(where[:1], where, mode=MODE, decay=make_decay("none", 5.0))
    table = access_table(floating_catchment(reach, [100, 300], [1.0]), cells, small_regions())
    row = table.set_index("adcode").loc["320102"]
    assert row["access"] == 0.0 and row["unserved_share"] == 1.0
    assert np.isnan(row["gini"]) and row["reason"] == NOBODY_SERVED


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.floats(0, 1e4, allow_subnormal=False), st.integers(1, 50)), min_size=1, max_size=12
    ).filter(lambda rows: sum(value for value, _ in rows) > 1e-6)
)
def test_gini_is_the_mean_difference_and_that_of_pysal(rows):
    values, people = (np.array(side, dtype=float) for side in zip(*rows, strict=True))
    found = weighted_gini(values, people)
    assert found == pytest.approx(naive.gini(values, people), abs=1e-9)
    each = np.repeat(values, people.astype(int))
    if len(each) > 1:
        assert found == pytest.approx(Gini(each).g, abs=1e-9)
    curve = lorenz_curve(values, people)
    assert (np.diff(curve["access_share"]) >= -1e-12).all()
    assert (curve["access_share"] <= curve["people_share"] + 1e-12).all()


def test_gini_of_nothing_is_undefined():
    assert np.isnan(weighted_gini([0.0, 0.0], [1.0, 2.0]))
    assert lorenz_curve([0.0], [1.0]).empty
