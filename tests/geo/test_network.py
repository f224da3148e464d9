"""The network: what the mode may use, in which minutes, in which order, and what is refused."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from geo.errors import NetworkError
from geo.modes import TICK, pack, quantise_minutes, unpack
from geo.network import build_network
from geo.points import build_tree, metric_points, nearest_points
from geo.snapping import SAMPLE_SPACING_M, edge_minutes, snap_points
from tests.geo.road_worlds import DRIVE, ORIGIN, WALK, edges_between, grid_roads, nodes_at, places

LINE = nodes_at([(0, 0), (400, 0), (800, 0), (1200, 0)])
PAIRS = [(0, 1), (1, 2), (2, 3)]


def minutes_between(network, start_id, end_id):
    where = {int(node): number for number, node in enumerate(network.node_id)}
    pair = (np.array([where[start_id]], dtype=np.int32), np.array([where[end_id]], dtype=np.int32))
    return float(edge_minutes(network, *pair)[0])


def test_minutes_are_length_over_the_class_speed_both_ways():
    edges = edges_between(LINE, PAIRS, highway=["residential", "steps", "residential"])
    network = build_network(LINE, edges, WALK)
    assert network.symmetric
    assert (network.node_count, network.edge_count) == (4, 6)
    assert minutes_between(network, 10, 20) == minutes_between(network, 20, 10) == 5.0
    assert minutes_between(network, 20, 30) == 10.0
    assert network.minutes.dtype == np.float64
    assert network.indices.dtype == network.indptr.dtype == np.int32


def test_driving_heeds_one_way_and_posted_speed_and_walking_does_not():
    edges = edges_between(LINE, PAIRS, oneway=[1, -1, 0], maxspeed_kmh=[np.nan, np.nan, 10.0])
    driving = build_network(LINE, edges, DRIVE)
    assert not driving.symmetric
    assert minutes_between(driving, 10, 20) == quantise_minutes(1.2)
    assert minutes_between(driving, 20, 10) == np.inf
    assert minutes_between(driving, 20, 30) == np.inf
    assert minutes_between(driving, 30, 20) == quantise_minutes(1.2)
    assert minutes_between(driving, 30, 40) == quantise_minutes(2.4)
    walking = build_network(LINE, edges, WALK)
    assert minutes_between(walking, 20, 10) == 5.0
    assert walking.symmetric


def test_an_edge_may_forbid_or_allow_a_mode_against_its_class():
    said = pd.array([False, True, None], dtype="boolean")
    edges = edges_between(LINE, PAIRS, highway=["residential", "cycleway", "residential"], walk=said)
    network = build_network(LINE, edges, WALK)
    assert sorted(network.node_id) == [20, 30, 40]
    assert minutes_between(network, 20, 30) == 10.0  # the slowest speed the mode knows
    assert minutes_between(network, 30, 40) == 5.0


def test_a_ferry_takes_its_duration_or_its_speed_and_not_every_mode_may_board():
    edges = edges_between(
        LINE, PAIRS, highway=["residential", "ferry", "ferry"], duration_minutes=[np.nan, 20.0, np.nan]
    )
    network = build_network(LINE, edges, WALK)
    assert minutes_between(network, 20, 30) == 20.0
    assert minutes_between(network, 30, 40) == 2.0
    ashore = build_network(LINE, edges, replace(WALK, ferry_kmh=None))
    assert sorted(ashore.node_id) == [10, 20]


def test_of_parallel_edges_the_fastest_counts_and_loops_are_left_out():
    pairs = [(0, 1), (1, 0), (0, 1), (2, 2), (1, 2)]
    edges = edges_between(
        LINE, pairs, highway=["steps", "residential", "steps", "residential", "residential"]
    )
    network = build_network(LINE, edges, WALK)
    assert network.edge_count == 4
    assert minutes_between(network, 10, 20) == minutes_between(network, 20, 10) == 5.0


def test_a_road_of_unknown_class_is_walked_but_not_driven():
    from data.registry.mode_models import load_modes

    modes = load_modes()
    edges = edges_between(LINE, PAIRS, highway="road")
    assert build_network(LINE, edges, modes["walk"]).edge_count == 6
    with pytest.raises(NetworkError, match="没有“小汽车”可以通行的道路（道路等级：road）"):
        build_network(LINE, edges, modes["drive"])
    with pytest.raises(NetworkError, match="不使用路网"):
        build_network(LINE, edges, modes["straight"])


def test_a_missing_class_is_not_passable():
    edges = edges_between(LINE, PAIRS, highway=["residential", None, "residential"])
    network = build_network(LINE, edges, WALK)
    assert minutes_between(network, 20, 30) == np.inf


def test_longitude_and_latitude_are_projected_to_the_measuring_crs():
    nodes = pd.DataFrame({"node_id": [1, 2], "lon": [119.0, 119.0], "lat": [32.0, 32.01]})
    edges = pd.DataFrame({"from_node": [1], "to_node": [2], "length_m": [1109.0], "highway": ["residential"]})
    network = build_network(nodes, edges, WALK)
    assert np.allclose(network.x, 0.0, atol=1e-6)
    assert abs(float(np.ptp(network.y)) - 1109.0) < 2.0


def test_the_order_of_the_rows_changes_nothing():
    nodes, edges = grid_roads(7, 5, 130.0)
    network = build_network(nodes, edges, WALK)
    rng = np.random.default_rng(4)
    shuffled = build_network(
        nodes.iloc[rng.permutation(len(nodes))], edges.iloc[rng.permutation(len(edges))], WALK
    )
    assert network.fingerprint == shuffled.fingerprint
    assert np.array_equal(network.node_id, shuffled.node_id)


def test_nodes_stand_quarter_by_quarter_so_that_near_ones_are_near_in_memory():
    nodes = nodes_at(np.random.default_rng(4).uniform(0, 900, (300, 2)))
    network = build_network(nodes, edges_between(nodes, [(at, at + 1) for at in range(299)]), WALK)
    xy = np.column_stack([network.x, network.y])
    part = (xy - xy.min(axis=0)) / np.ptp(xy, axis=0)
    for halvings in (1, 2, 3):
        square = np.minimum(np.floor(part * 2**halvings), 2**halvings - 1)
        changes = int((square[1:] != square[:-1]).any(axis=1).sum())
        assert changes == len(np.unique(square, axis=0)) - 1, "each square is one run of nodes"


def test_the_fingerprint_tells_networks_apart():
    edges = edges_between(LINE, PAIRS)
    network = build_network(LINE, edges, WALK)
    assert network.fingerprint != build_network(LINE, edges, WALK.scaled(1.2)).fingerprint
    assert (
        network.fingerprint
        != build_network(LINE, edges.assign(bridge=[True, False, False]), WALK).fingerprint
    )


def test_parts_too_small_are_not_major_and_one_way_stubs_neither():
    points = [(0, 0), (200, 0), (200, 200), (0, 200), (400, 0), (900, 900), (1000, 900)]
    nodes = nodes_at(points)
    pairs = [(0, 1), (1, 2), (2, 3), (3, 0), (1, 4), (5, 6)]
    edges = edges_between(nodes, pairs, oneway=[1, 1, 1, 1, 1, 0])
    drive = replace(DRIVE, min_component_nodes=3)
    network = build_network(nodes, edges, drive)
    assert {int(node) for node in network.node_id[network.major]} == {10, 20, 30, 40}
    walk = replace(WALK, min_component_nodes=3)
    network = build_network(nodes, edges, walk)
    assert {int(node) for node in network.node_id[network.major]} == {10, 20, 30, 40, 50}
    matrix = csr_array((network.minutes, network.indices, network.indptr), shape=(7, 7))
    assert connected_components(matrix, directed=False)[0] == 2  # every component is kept all the same


def test_every_fault_of_the_tables_is_told_at_once():
    nodes = pd.concat([LINE, LINE.iloc[[0]]])
    edges = edges_between(LINE, PAIRS)
    edges["to_node"] = [20, 99, 40]
    edges["length_m"] = [-1.0, 5.0, np.nan]
    with pytest.raises(NetworkError) as caught:
        build_network(nodes, edges, WALK)
    text = str(caught.value)
    assert "1 个结点编号重复" in text
    assert "1 条路段的端点不在结点表中（首例在第 2 行）" in text
    assert "2 条路段的长度缺失、为负" in text


@pytest.mark.parametrize(
    ("nodes", "edges", "message"),
    [
        (LINE.drop(columns="x"), edges_between(LINE, PAIRS), "结点表缺少列"),
        (LINE, edges_between(LINE, PAIRS).drop(columns="length_m"), "路段表缺少列：length_m"),
        (LINE, edges_between(LINE, PAIRS).iloc[:0], "路网是空的：4 个结点，0 条路段"),
        (LINE.assign(x=119.0, y=32.0), edges_between(LINE, PAIRS), "看起来是经纬度"),
        (
            LINE.assign(x=[1.0, np.nan, 2.0, 3.0]),
            edges_between(LINE, PAIRS),
            "路网结点有 1 个点缺少坐标（第 2 行）",
        ),
    ],
)
def test_unusable_tables_are_refused_by_name(nodes, edges, message):
    with pytest.raises(NetworkError, match=message):
        build_network(nodes, edges, WALK)


def test_swapped_longitude_and_latitude_are_noticed():
    nodes = pd.DataFrame({"node_id": [1, 2], "lon": [32.0, 32.1], "lat": [89.0, 89.1]})
    edges = pd.DataFrame({"from_node": [1], "to_node": [2], "length_m": [100.0], "highway": ["residential"]})
    with pytest.raises(NetworkError, match="经度与纬度是否颠倒"):
        build_network(nodes, edges, WALK)


# Minutes on the grid ------------------------------------------------------------------------------------


def test_packed_minutes_sort_by_minutes_then_label_and_come_back():
    minutes = quantise_minutes([0.0, 15.0, 15.0, 15.0 + TICK, np.inf])
    packed = pack(minutes, [7, 3, 2, 0, 1])
    assert list(np.argsort(packed)) == [0, 2, 1, 3, 4]
    back, label = unpack(packed)
    assert list(back) == list(minutes)
    assert list(label) == [7, 3, 2, 0, -1]


# Points -------------------------------------------------------------------------------------------------


def test_of_equally_near_points_the_lowest_wins_whatever_the_tree():
    ring = [(3.0, 4.0), (5.0, 0.0), (-3.0, 4.0), (0.0, -5.0), (-5.0, 0.0), (4.0, -3.0)]
    points = np.array(ring) * 100.0
    for first in range(len(ring)):
        distance, index = nearest_points(build_tree(points[first:]), points[first:], np.zeros((1, 2)))
        assert (distance[0], index[0]) == (500.0, 0)


def test_the_limit_of_the_nearest_point_is_inclusive():
    points = np.array([[300.0, 0.0]])
    near = nearest_points(build_tree(points), points, np.zeros((1, 2)), limit_m=300.0)
    assert (near[0][0], near[1][0]) == (300.0, 0)
    far = nearest_points(build_tree(points), points, np.zeros((1, 2)), limit_m=299.0)
    assert (far[0][0], far[1][0]) == (np.inf, -1)


def test_points_that_are_no_metres_in_china_are_refused_with_their_rows():
    from geo.errors import CrsError

    good = ORIGIN[None, :]
    with pytest.raises(CrsError, match="设施有 1 个点缺少坐标（第 2 行）"):
        metric_points(np.vstack([good, [[np.nan, 1.0]]]), "设施")
    with pytest.raises(CrsError, match="看起来是经纬度"):
        metric_points([[118.8, 32.1], [32.1, 118.8]], "设施")
    with pytest.raises(CrsError, match=r"设施有 1 个点的坐标不对（第 2 行.*经度与纬度是否颠倒"):
        metric_points(np.vstack([good, [[9.0e6, 9.9e6]]]), "设施")
    with pytest.raises(CrsError, match="应为两列"):
        metric_points([[1.0, 2.0, 3.0]], "设施")


# Snapping -----------------------------------------------------------------------------------------------


def test_a_place_joins_the_nearest_point_of_the_edge_not_the_nearest_node():
    network = build_network(LINE, edges_between(LINE, PAIRS), WALK)
    snap = snap_points(network, places(*[[100.0, 80.0], [400.0, -40.0], [1300.0, 0.0]]))
    assert np.allclose(snap.distance_m, [80.0, 40.0, 100.0])
    assert list(snap.access_minutes) == [1.0, 0.5, 1.25]
    ends = {int(network.node_id[snap.a[0]]), int(network.node_id[snap.b[0]])}
    assert ends == {10, 20}
    assert {snap.leave_a[0], snap.leave_b[0]} == {1.25, 3.75}


def test_beyond_the_limit_a_place_joins_nothing_and_at_the_limit_it_does():
    network = build_network(LINE, edges_between(LINE, PAIRS), WALK)
    snap = snap_points(network, places(*[[600.0, 400.0], [600.0, 400.5]]))
    assert list(snap.found) == [True, False]
    assert np.isnan(snap.distance_m[1])
    assert (int(snap.a[1]), int(snap.b[1])) == (-1, -1)


def test_nobody_starts_on_a_bridge_a_tunnel_a_trunk_road_or_a_ferry():
    nodes = nodes_at([(0, 0), (400, 0), (800, 0), (1200, 0), (1600, 0), (2000, 0), (2000, 300)])
    pairs = [(i, i + 1) for i in range(6)]
    edges = edges_between(
        nodes,
        pairs,
        highway=["residential", "trunk", "residential", "ferry", "residential", "residential"],
        bridge=[False, False, True, False, False, False],
        tunnel=[False, False, False, False, True, False],
    )
    network = build_network(nodes, edges, WALK)
    snap = snap_points(
        network, places(*[[600.0, 0.0], [1000.0, 0.0], [1400.0, 0.0], [1800.0, 0.0]]), limit_m=3000
    )
    used = {
        frozenset((int(network.node_id[a]), int(network.node_id[b])))
        for a, b in zip(snap.a, snap.b, strict=True)
    }
    assert used <= {frozenset((10, 20)), frozenset((60, 70))}


def test_an_isolated_bit_of_road_is_used_only_where_nothing_better_is_near():
    nodes = nodes_at([(0, 0), (100, 0), (200, 0), (300, 0), (100, 50), (150, 50), (2000, 0), (2050, 0)])
    edges = edges_between(nodes, [(0, 1), (1, 2), (2, 3), (4, 5), (6, 7)])
    mode = replace(WALK, min_component_nodes=4)
    network = build_network(nodes, edges, mode)
    snap = snap_points(network, places(*[[125.0, 60.0], [2020.0, 10.0]]))
    assert list(snap.distance_m) == [60.0, 10.0]


def test_a_road_one_cannot_come_back_from_is_never_taken_before_the_network_proper():
    """However much nearer it is: only isolated parts may be bridged."""
    nodes = nodes_at([(0, 0), (800, 0), (800, 100), (0, 100), (400, 900), (400, 950)])
    pairs = [(0, 1), (1, 2), (2, 3), (3, 0), (3, 4), (4, 5)]
    edges = edges_between(nodes, pairs, oneway=[0, 0, 0, 0, 1, 1])
    network = build_network(nodes, edges, replace(DRIVE, min_component_nodes=3, snap_limit_m=2000.0))
    major = {int(node) for node in network.node_id[network.major]}
    assert major == {10, 20, 30, 40} and not network.isolated.any()
    snap = snap_points(network, places((410, 940)), exact=True)
    assert {int(network.node_id[snap.a[0]]), int(network.node_id[snap.b[0]])} == {30, 40}
    assert snap.distance_m[0] == pytest.approx(840.0)


def test_long_edges_are_found_from_their_middle():
    nodes = nodes_at([(0, 0), (3000, 0), (1500, 390), (1500, 700)])
    network = build_network(nodes, edges_between(nodes, [(0, 1), (2, 3)]), WALK)
    snap = snap_points(network, places(*[[1450.0, 30.0]]))
    assert abs(snap.distance_m[0] - 30.0) < 1e-6


@pytest.mark.parametrize("mode", [WALK, DRIVE])
def test_snapping_keeps_its_bound_and_is_exact_when_asked(mode):
    rng = np.random.default_rng(11)
    nodes = nodes_at(rng.uniform(0, 4000, (60, 2)))
    pairs = rng.integers(0, 60, (80, 2))
    edges = edges_between(nodes, pairs[pairs[:, 0] != pairs[:, 1]])
    edges["oneway"] = rng.integers(-1, 2, len(edges)).astype("int8")
    network = build_network(nodes, edges, mode)
    places = rng.uniform(0, 4000, (200, 2)) + ORIGIN
    near, best = snap_points(network, places), snap_points(network, places, exact=True)
    import shapely

    xy = dict(zip(nodes["node_id"], nodes[["x", "y"]].to_numpy(), strict=True))
    lines = shapely.linestrings([(xy[row.from_node], xy[row.to_node]) for row in edges.itertuples()])
    truth = shapely.distance(shapely.points(places)[:, None], lines[None, :]).min(axis=1)
    truth[truth > mode.snap_limit_m] = np.nan
    assert np.allclose(best.distance_m, truth, atol=1e-6, equal_nan=True)
    both = near.found & best.found
    bound = np.hypot(truth[both], SAMPLE_SPACING_M / 2)
    assert (near.distance_m[both] >= truth[both] - 1e-6).all()
    assert (near.distance_m[both] <= bound + 1e-6).all()
    assert both.mean() > 0.5
