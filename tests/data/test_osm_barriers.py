"""Barriers on roads: whom each stops by its tags; nobody stopped gets past, and nobody else is held up."""

import itertools
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.ingest.osm_access import AccessTable
from data.ingest.osm_network import OsmNetwork, scan_network
from data.ingest.osm_notes import access_notes
from data.ingest.osm_source import WaySelection, read_ways
from data.registry.mode_models import load_modes
from data.registry.osm_models import load_osm_mapping
from geo.network import build_network
from geo.snapping import snap_points
from geo.travel import nearest_facility_network
from tests.data.osm_files import World
from tests.oracles.osm_access_naive import LADDERS, NAMED, says
from tests.oracles.osm_barriers_naive import lengths_between
from tests.oracles.osm_naive import naive_segments

MODES = ("walk", "ebike", "drive")
TABLE = AccessTable(load_osm_mapping().roads)
STREET = {number: (118.776 + 0.0004236 * number, 32.0454) for number in range(1, 122)}
MIDDLE = 61


def street(tmp_path: Path, barrier: dict[str, str] | None, **road: str) -> OsmNetwork:
    """Return the network of one street of 5 km, with a barrier at its node 61."""
    nodes = STREET | ({MIDDLE: (*STREET[MIDDLE], barrier)} if barrier else {})
    ways = {1: (tuple(STREET), {"highway": "residential"} | road)}
    return scan_network(World(nodes, ways).write(tmp_path / "street.osm.pbf"))


def passers(found: OsmNetwork) -> set[str]:
    """Return the modes that get from one end of the street to the other."""
    through = set()
    for mode in MODES:
        network = build_network(found.nodes, found.edges, load_modes()[mode])
        number = {int(node): place for place, node in enumerate(network.node_id)}
        xy = np.column_stack([network.x, network.y])[[number[1], number[121]]]
        if nearest_facility_network(network, xy[1:], xy[:1]).reachable[0]:
            through.add(mode)
    return through


EVERYBODY = {"walk", "ebike", "drive"}


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"barrier": "bollard"}, {"walk", "ebike"}),
        ({"barrier": "gate", "access": "private"}, set()),
        ({"barrier": "block", "access": "no"}, set()),
        ({"barrier": "block"}, {"walk", "ebike"}),
        ({"barrier": "gate"}, EVERYBODY),
        ({"barrier": "gate", "locked": "yes"}, set()),
        ({"barrier": "gate", "locked": "no"}, EVERYBODY),
        ({"barrier": "gate", "locked": "yes", "foot": "yes"}, {"walk"}),
        ({"barrier": "gate", "locked": "yes", "access": "yes"}, set()),
        ({"barrier": "gate", "access": "no", "foot": "yes", "bicycle": "permit"}, {"walk", "ebike"}),
        ({"barrier": "gate", "motor_vehicle": "private"}, {"walk", "ebike"}),
        ({"barrier": "bollard", "access": "yes"}, {"walk", "ebike"}),
        ({"barrier": "bollard", "motor_vehicle": "yes"}, EVERYBODY),
        ({"barrier": "bollard", "bicycle": "no"}, {"walk"}),
        ({"barrier": "bollard;gate"}, {"walk", "ebike"}),
        ({"barrier": "kissing_gate"}, {"walk"}),
        ({"barrier": "stile"}, {"walk"}),
        ({"barrier": "fence"}, set()),
        ({"barrier": "toll_booth"}, EVERYBODY),
        ({"barrier": "no"}, EVERYBODY),
        ({"barrier": "something new"}, EVERYBODY),
        ({"highway": "crossing", "access": "no"}, EVERYBODY),
        (None, EVERYBODY),
    ],
)
def test_who_gets_past(tmp_path: Path, tags: dict[str, str] | None, expected: set[str]) -> None:
    assert passers(street(tmp_path, tags)) == expected


def naive_stops(tags: dict[str, str], mode: str) -> bool:
    """Return whether a barrier stops a mode, with tables of the test's own."""
    drive = {"bollard", "block", "cycle_barrier"}
    for key in LADDERS[mode]:
        word = says(tags, key, "neither")
        if word == "no":
            return True
        if word == "yes" and key in NAMED[mode]:
            return False
        if word == "yes":
            break
    if tags.get("locked") == "yes":
        return True
    kind = tags["barrier"]
    return kind == "wall" or (kind == "stile" and mode != "walk") or (kind in drive and mode == "drive")


@pytest.mark.parametrize("kind", ["gate", "bollard", "block", "cycle_barrier", "stile", "wall", "new"])
def test_all_combinations_of_the_tags_of_a_barrier(kind: str) -> None:
    keys = ("foot", "bicycle", "motor_vehicle", "vehicle", "access", "locked")
    for values in itertools.product((None, "yes", "no", "odd"), repeat=len(keys)):
        tags = {"barrier": kind} | {key: value for key, value in zip(keys, values, strict=True) if value}
        assert set(TABLE.barrier_stops(tags)) == {mode for mode in MODES if naive_stops(tags, mode)}, tags


def test_a_barrier_is_a_metre_of_the_road_that_it_closes(tmp_path: Path) -> None:
    whole, cut = street(tmp_path, None), street(tmp_path, {"barrier": "bollard"}, oneway="yes", maxspeed="30")
    assert cut.edges["length_m"].sum() == pytest.approx(whole.edges["length_m"].sum(), rel=1e-12)
    assert (len(cut.nodes), len(cut.edges)) == (len(whole.nodes) + 1, len(whole.edges) + 1)
    assert cut.nodes["node_id"].tolist() == [-1, *range(1, 122)]
    piece = cut.edges.iloc[-1]
    assert (piece["from_node"], piece["to_node"], piece["length_m"]) == (MIDDLE, -1, 1.0)
    assert (piece["highway"], piece["oneway"], piece["maxspeed_kmh"]) == ("residential", 1, 30.0)
    assert not piece["drive"]
    assert pd.isna(piece["walk"])
    assert cut.edges["drive"].isna().sum() == len(cut.edges) - 1
    assert cut.edges.dtypes.equals(whole.edges.dtypes)
    assert cut.nodes.dtypes.equals(whole.nodes.dtypes)
    beside = cut.nodes.set_index("node_id").loc[[MIDDLE, -1, MIDDLE + 1]]
    assert beside["lon"].is_monotonic_increasing


def test_a_home_beside_a_barrier_belongs_to_its_own_side(tmp_path: Path) -> None:
    found = street(tmp_path, {"barrier": "bollard"})
    network = build_network(found.nodes, found.edges, load_modes()["drive"])
    middle = np.flatnonzero(network.node_id == MIDDLE)[0]
    ends = np.array(
        [[network.x[middle] - 3000.0, network.y[middle]], [network.x[middle] + 1500.0, network.y[middle]]]
    )
    homes = np.array(
        [
            [network.x[middle] + metres, network.y[middle] + 20.0]
            for metres in (-30.0, -15.0, -5.0, 5.0, 15.0, 30.0)
        ]
    )
    for exact in (False, True):
        snap = snap_points(network, homes, exact=exact)
        nearest = [nearest_facility_network(network, ends[[side]], homes) for side in (0, 1)]
        assert (snap.distance_m < 20.5).all()
        assert nearest[0].reachable.tolist() == [True, True, True, False, False, False]
        assert nearest[1].reachable.tolist() == [False, False, False, True, True, True]


def test_a_barrier_where_roads_meet_parts_them_all(tmp_path: Path) -> None:
    nodes = {
        1: (118.0, 32.0, {"barrier": "bollard"}),
        2: (118.001, 32.0),
        3: (118.0, 32.001),
        4: (117.999, 32.0),
    }
    ways = {number: ((1, number), {"highway": "residential"}) for number in (2, 3, 4)}
    found = scan_network(World(nodes, ways).write(tmp_path / "star.osm.pbf"))
    assert sorted(parts(found, "drive")) == [{2}, {3}, {4}]
    assert parts(found, "walk") == [{2, 3, 4}]


def parts(found: OsmNetwork, mode: str) -> list[set[int]]:
    """Return which of the nodes 2 and beyond hang together for a mode."""
    graph = nx.Graph()
    graph.add_nodes_from(found.nodes["node_id"])
    usable = found.edges[found.edges[mode].fillna(value=True).astype(bool)]
    graph.add_edges_from(zip(usable["from_node"], usable["to_node"], strict=True))
    groups = [{node for node in part if node > 1} for part in nx.connected_components(graph)]
    return sorted((group for group in groups if group), key=min)


def test_barriers_at_the_end_of_a_road_or_off_any_road_change_nothing(tmp_path: Path) -> None:
    nodes = STREET | {121: (*STREET[121], {"barrier": "block"}), 500: (118.0, 32.0, {"barrier": "wall"})}
    ways = {1: (tuple(STREET), {"highway": "residential"}), 2: ((500, 1), {"barrier": "fence"})}
    found = scan_network(World(nodes, ways).write(tmp_path / "end.osm.pbf"))
    pd.testing.assert_frame_equal(found.edges, street(tmp_path, None).edges)
    assert found.told.barriers == (("walk", 0), ("ebike", 0), ("drive", 1))


def test_an_extract_with_barriers_and_no_road(tmp_path: Path) -> None:
    nodes = {number: (118.0 + number * 1e-4, 32.0, {"barrier": "gate"}) for number in range(1, 50)}
    found = scan_network(World(nodes).write(tmp_path / "gates.osm.pbf"))
    assert found.edges.empty
    assert found.told.barriers == (("walk", 0), ("ebike", 0), ("drive", 0))


def test_tags_of_nodes_are_read_as_written(tmp_path: Path) -> None:
    tags = {"barrier": "gate", "name": "东 门,=%@ 甲", "note": ""}
    nodes = {
        1: (118.0, 32.0, tags),
        2: (118.1, 32.0, {"amenity": "bench"}),
        3: (118.2, 32.0, {"barrier": "x"}),
    }
    path = World(nodes, {1: ((1, 2, 3), {"highway": "road"})}).write(tmp_path / "tags.osm.pbf")
    found = read_ways(path, WaySelection({"highway": ("road",)}, "barrier"), ["highway"])
    assert found.marked == {1: tags, 3: {"barrier": "x"}}
    assert found.node_id.tolist() == [1, 2, 3]
    assert read_ways(path, WaySelection({"highway": ("road",)}), ["highway"]).marked == {}


def test_barriers_are_told(tmp_path: Path) -> None:
    nodes = STREET | {
        10: (*STREET[10], {"barrier": "bollard"}),
        20: (*STREET[20], {"barrier": "stile"}),
        30: (*STREET[30], {"barrier": "new kind"}),
        40: (*STREET[40], {"barrier": "gate"}),
    }
    ways = {1: (tuple(STREET), {"highway": "residential"})}
    told = scan_network(World(nodes, ways).write(tmp_path / "told.osm.pbf")).told
    assert told.barriers == (("walk", 0), ("ebike", 1), ("drive", 2))
    assert told.unknown_barriers == (("new kind", 1),)
    assert access_notes(told) == [
        "道路上的路障：挡住电动自行车 1 处、挡住小汽车 2 处。",
        "对照表里没有的路障种类不挡任何人：new kind 1 处。",
    ]


@given(st.integers(0, 10_000), st.sampled_from([None, 60.0, 1e6]))
def test_random_networks_part_at_their_barriers(
    tmp_path_factory, seed: int, merge_below_m: float | None
) -> None:
    rng = np.random.default_rng(seed)
    kinds = [None, None, None, {"barrier": "bollard"}, {"barrier": "stile"}, {"barrier": "wall"}]
    nodes = {}
    for number in range(1, 20):
        kind = kinds[rng.integers(len(kinds))]
        nodes[number] = (118 + rng.uniform(0, 0.004), 32 + rng.uniform(0, 0.004), *([kind] if kind else []))
    ways = {
        number: (rng.integers(1, 20, rng.integers(2, 6)).tolist(), {"highway": "residential"})
        for number in range(1, 9)
    }
    path = World(nodes, ways).write(tmp_path_factory.mktemp("barriers") / "random.osm.pbf")
    found = scan_network(path, merge_below_m=merge_below_m)
    segments = naive_segments(path, {"residential"})
    if found.dropped_loops == 0:
        assert found.edges["length_m"].sum() == pytest.approx(sum(row[3] for row in segments), rel=1e-6)
    assert found.nodes["node_id"].is_monotonic_increasing
    assert found.nodes["node_id"].is_unique
    for mode in MODES:
        stopping = {number for number, place in nodes.items() if place[2:] and naive_stops(place[2], mode)}
        free = set(found.nodes.loc[found.nodes["node_id"] > 0, "node_id"]) - stopping
        expected = lengths_between(segments, stopping, free)
        actual = _lengths(found.edges, mode, free)
        pairs = {pair for pair in expected if pair[1] in free and pair[0] != pair[1]}
        assert {pair for pair in actual if pair[0] != pair[1]} == pairs
        for pair in pairs:
            assert actual[pair] == pytest.approx(expected[pair], rel=1e-6, abs=1e-6)


def _lengths(edges: pd.DataFrame, mode: str, ends: set[int]) -> dict[tuple[int, int], float]:
    """Return the shortest lengths between some nodes over the edges that a mode may use."""
    graph = nx.Graph()
    usable = edges[edges[mode].fillna(value=True).astype(bool)]
    for start, end, metres in zip(usable["from_node"], usable["to_node"], usable["length_m"], strict=True):
        if not graph.has_edge(start, end) or graph[start][end]["weight"] > metres:
            graph.add_edge(start, end, weight=metres)
    found = {}
    for start in ends & set(graph):
        reach = nx.single_source_dijkstra_path_length(graph, start)
        found |= {(start, end): metres for end, metres in reach.items() if end in ends}
    return found
