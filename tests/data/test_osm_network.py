"""The OpenStreetMap road network: which roads, how they join, who may use them, and how long they are."""

import math
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from data.faults import FaultReport
from data.ingest.osm_network import piece_lengths, read_osm_network, scan_network
from data.ingest.osm_tags import UNDIRECTED, parse_duration, parse_maxspeed, parse_oneway
from data.registry.osm_models import load_osm_mapping
from tests.data.osm_files import World, ring, square
from tests.oracles.osm_naive import naive_segments
from tests.real_data import real_path

MAPPING = load_osm_mapping()
LINE = {number: (118.0 + 0.001 * number, 32.0) for number in range(1, 10)}


def road(tmp_path: Path, tags: dict[str, str], nodes: tuple[int, ...] = (1, 2)) -> pd.Series:
    """Return the first edge of an extract with one way."""
    path = World(LINE, {7: (nodes, tags)}).write(tmp_path / "road.osm.pbf")
    return scan_network(path, MAPPING).edges.iloc[0]


def test_gusu_streets_are_all_there_with_their_lengths() -> None:
    path = real_path("osm/gusu_walk.osm.pbf")
    nodes, edges = read_osm_network(path)
    expected = naive_segments(path, set(MAPPING.roads.highways))

    assert len(nodes) == 5161
    assert list(zip(edges["from_node"], edges["to_node"], strict=True)) == [row[1:3] for row in expected]
    np.testing.assert_allclose(edges["length_m"], [row[3] for row in expected], rtol=1e-8, atol=1e-6)
    assert edges["length_m"].sum() == pytest.approx(250_600, rel=1e-3)
    graph = nx.Graph(zip(edges["from_node"], edges["to_node"], strict=True))
    assert sorted(len(part) for part in nx.connected_components(graph)) == [1407, 1670, 2084]
    # The extract's 5,904 pairs of neighbours count ten points that are written twice in a row.
    assert graph.number_of_edges() == 5904 - 10
    assert set(edges["highway"]) == {"road"}


def test_merging_keeps_lengths_junctions_and_shortest_paths() -> None:
    path = real_path("osm/gusu_walk.osm.pbf")
    whole, merged = scan_network(path, MAPPING), scan_network(path, MAPPING, merge_below_m=100.0)

    assert len(merged.nodes) < 0.8 * len(whole.nodes)
    assert merged.edges["length_m"].sum() == pytest.approx(whole.edges["length_m"].sum(), rel=1e-9)
    longest_piece = whole.edges["length_m"].max()
    assert merged.edges["length_m"].max() <= 100.0 + longest_piece
    start = int(merged.nodes["node_id"].iloc[0])
    distances = [
        nx.single_source_dijkstra_path_length(_graph(network.edges), start) for network in (whole, merged)
    ]
    for node, metres in distances[1].items():
        assert metres == pytest.approx(distances[0][node], abs=1e-6)


def _graph(edges: pd.DataFrame) -> nx.Graph:
    graph = nx.Graph()
    for a, b, metres in zip(edges["from_node"], edges["to_node"], edges["length_m"], strict=True):
        if not graph.has_edge(a, b) or graph[a][b]["weight"] > metres:
            graph.add_edge(a, b, weight=metres)
    return graph


def test_roads_meet_only_where_they_share_a_node(tmp_path: Path) -> None:
    # Node 5 is the bridge's own node exactly above node 2 of the street below.
    nodes = {1: (118.0, 32.0), 2: (118.001, 32.0), 3: (118.002, 32.0)}
    nodes |= {4: (118.001, 32.001), 5: (118.001, 32.0), 6: (118.001, 31.999)}
    ways = {
        1: ((1, 2, 3), {"highway": "primary"}),
        2: ((4, 5, 6), {"highway": "trunk", "bridge": "yes"}),
        3: ((2, 9), {"highway": "path"}),
    }
    found = scan_network(World(nodes, ways).write(tmp_path / "bridge.osm.pbf"), MAPPING)

    graph = nx.Graph(zip(found.edges["from_node"], found.edges["to_node"], strict=True))
    assert sorted(sorted(part) for part in nx.connected_components(graph)) == [[1, 2, 3], [4, 5, 6]]
    assert found.edges["bridge"].tolist() == [False, False, True, True]
    assert found.missing_nodes == 1


def test_a_road_with_a_node_outside_the_extract_ends_there(tmp_path: Path) -> None:
    path = World(LINE, {1: ((1, 2, 77, 3, 4), {"highway": "residential"})}).write(tmp_path / "gap.osm.pbf")
    for merge_below_m in (None, 1e6):
        found = scan_network(path, MAPPING, merge_below_m=merge_below_m)
        assert list(zip(found.edges["from_node"], found.edges["to_node"], strict=True)) == [(1, 2), (3, 4)]
        assert found.missing_nodes == 1


def test_merging_stops_at_junctions_and_at_the_length_given(tmp_path: Path) -> None:
    ways = {
        1: ((1, 2, 3, 4, 5, 6), {"highway": "residential"}),
        2: ((3, 9), {"highway": "path"}),
    }
    path = World(LINE, ways).write(tmp_path / "merge.osm.pbf")
    pairs = {}
    for metres in (1e6, 150.0):
        edges = scan_network(path, MAPPING, merge_below_m=metres).edges
        pairs[metres] = list(zip(edges["from_node"], edges["to_node"], strict=True))
    assert pairs[1e6] == [(1, 3), (3, 6), (3, 9)]
    # One piece is some 94 m: the second node of a stretch is the first beyond 150 m.
    assert pairs[150.0] == [(1, 3), (3, 5), (5, 6), (3, 9)]


def test_a_closed_street_loses_nothing_but_is_no_edge_to_itself(tmp_path: Path) -> None:
    nodes = square(1, 118.0, 32.0, 0.001) | {9: (117.999, 32.0)}
    ways = {1: (ring(1), {"highway": "residential"}), 2: ((9, 1), {"highway": "residential"})}
    path = World(nodes, ways).write(tmp_path / "ring.osm.pbf")
    whole, merged = scan_network(path, MAPPING), scan_network(path, MAPPING, merge_below_m=1e6)
    assert (len(whole.edges), whole.dropped_loops) == (5, 0)
    assert (len(merged.edges), merged.dropped_loops) == (1, 1)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"highway": "residential"}, 0),
        ({"highway": "residential", "oneway": "yes"}, 1),
        ({"highway": "residential", "oneway": "1"}, 1),
        ({"highway": "residential", "oneway": "-1"}, -1),
        ({"highway": "residential", "oneway": "reverse"}, -1),
        ({"highway": "motorway"}, 1),
        ({"highway": "motorway", "oneway": "no"}, 0),
        ({"highway": "motorway_link"}, 0),
        ({"highway": "tertiary", "junction": "roundabout"}, 1),
        ({"highway": "tertiary", "junction": "circular", "oneway": "-1"}, -1),
        ({"highway": "primary", "oneway": "reversible"}, 0),
        ({"highway": "motorway", "oneway": "perhaps"}, 1),
    ],
)
def test_oneway(tmp_path: Path, tags: dict[str, str], expected: int) -> None:
    assert road(tmp_path, tags)["oneway"] == expected


@pytest.mark.parametrize(
    ("tags", "walk", "ebike", "drive"),
    [
        ({}, None, None, None),
        ({"access": "private"}, False, False, False),
        ({"access": "private", "foot": "yes"}, True, False, False),
        ({"access": "no", "vehicle": "destination"}, False, True, True),
        ({"motor_vehicle": "no"}, None, None, False),
        ({"motor_vehicle": "no", "motorcar": "permissive"}, None, None, True),
        ({"bicycle": "use_sidepath"}, None, False, None),
        ({"motorroad": "yes"}, False, False, None),
        ({"motorroad": "yes", "bicycle": "designated"}, False, True, None),
        ({"motorroad": "yes", "access": "yes"}, False, False, True),
        ({"access": "unheard_of"}, None, None, None),
        ({"access": "no;yes"}, False, False, False),
    ],
)
def test_access(
    tmp_path: Path, tags: dict[str, str], walk: bool | None, ebike: bool | None, drive: bool | None
) -> None:
    edge = road(tmp_path, {"highway": "secondary", **tags})
    stated = [None if pd.isna(edge[mode]) else bool(edge[mode]) for mode in ("walk", "ebike", "drive")]
    assert stated == [walk, ebike, drive]


@pytest.mark.parametrize("value", ["construction", "proposed", "bus_stop", "raceway", "elevator"])
def test_what_is_no_road_is_not_read(tmp_path: Path, value: str) -> None:
    ways = {
        1: ((1, 2), {"highway": value}),
        2: ((2, 3), {"railway": "rail"}),
        3: ((3, 4), {"highway": "road"}),
    }
    found = scan_network(World(LINE, ways).write(tmp_path / "no.osm.pbf"), MAPPING)
    assert found.edges["from_node"].tolist() == [3]
    assert found.nodes["node_id"].tolist() == [3, 4]


def test_bridge_and_tunnel_count_unless_they_say_no(tmp_path: Path) -> None:
    edge = road(tmp_path, {"highway": "primary", "bridge": "viaduct", "tunnel": "no"})
    assert (bool(edge["bridge"]), bool(edge["tunnel"]), bool(edge["ferry"])) == (True, False, False)


def test_a_ferry_shares_its_duration_over_its_pieces(tmp_path: Path) -> None:
    ways = {
        1: ((1, 2, 4), {"route": "ferry", "duration": "00:30", "motor_vehicle": "no", "name": "轮渡"}),
        2: ((4, 5), {"highway": "primary", "duration": "00:30"}),
    }
    edges = scan_network(World(LINE, ways).write(tmp_path / "ferry.osm.pbf"), MAPPING).edges
    assert edges["highway"].tolist() == ["ferry", "ferry", "primary"]
    assert edges["ferry"].tolist() == [True, True, False]
    np.testing.assert_allclose(edges["duration_minutes"], [10.0, 20.0, np.nan], rtol=1e-5)
    assert edges["drive"].tolist() == [False, False, pd.NA]
    assert edges["walk"].isna().all()


def test_a_ferry_that_is_also_called_a_road_is_a_ferry(tmp_path: Path) -> None:
    edge = road(tmp_path, {"route": "ferry", "highway": "primary", "maxspeed": "20"})
    assert (edge["highway"], bool(edge["ferry"]), edge["maxspeed_kmh"]) == ("ferry", True, 20.0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("60", 60.0),
        ("60 km/h", 60.0),
        ("50 mph", 80.4672),
        ("80;60", 60.0),
        ("none", math.nan),
        ("CN:urban", math.nan),
        ("0", math.nan),
        ("-30", math.nan),
        ("900", math.nan),
        ("", math.nan),
        ("1e9", math.nan),
    ],
)
def test_maxspeed(text: str, expected: float) -> None:
    assert parse_maxspeed(text) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1:20", 80.0),
        ("00:08", 8.0),
        ("00:01:30", 1.5),
        ("PT45M", 45.0),
        ("PT1H30M", 90.0),
        ("15", 15.0),
        ("20 min", 20.0),
        ("0", math.nan),
        ("PT", math.nan),
        ("1:75", math.nan),
        ("soon", math.nan),
    ],
)
def test_duration(text: str, expected: float) -> None:
    assert parse_duration(text) == pytest.approx(expected, nan_ok=True)


@given(st.text(max_size=20))
def test_any_text_in_a_tag_is_read_without_an_error(text: str) -> None:
    assert math.isnan(parse_maxspeed(text)) or 0 < parse_maxspeed(text) <= 160
    assert math.isnan(parse_duration(text)) or parse_duration(text) > 0
    assert parse_oneway(text) in {1, 0, -1, UNDIRECTED}


def test_maxspeed_with_a_space_survives_the_way_through_text(tmp_path: Path) -> None:
    edge = road(tmp_path, {"highway": "primary", "maxspeed": "40 mph", "name": "a,b=c %20% 长江路"})
    assert edge["maxspeed_kmh"] == pytest.approx(64.37376, rel=1e-6)


@given(st.lists(st.tuples(st.floats(116.0, 122.0), st.floats(30.0, 36.0)), min_size=2, max_size=6))
def test_lengths_are_geodesic_lengths(points: list[tuple[float, float]]) -> None:
    lon = np.array([116.0 + (point[0] - 116.0) * 0.05 for point in points])
    lat = np.array([point[1] * 0.02 + 32.0 for point in points])
    x, y = np.rint(lon * 1e7).astype(np.int32), np.rint(lat * 1e7).astype(np.int32)
    expected = Geod(ellps="GRS80").inv(x[:-1] / 1e7, y[:-1] / 1e7, x[1:] / 1e7, y[1:] / 1e7)[2]
    np.testing.assert_allclose(piece_lengths(x, y), expected, rtol=1e-6, atol=1e-6)


@given(st.integers(0, 10_000), st.sampled_from([None, 40.0, 120.0, 1e6]))
def test_random_networks_keep_their_length_and_their_joints(tmp_path_factory, seed, merge_below_m) -> None:
    rng = np.random.default_rng(seed)
    nodes = {number: (118 + rng.uniform(0, 0.004), 32 + rng.uniform(0, 0.004)) for number in range(1, 30)}
    ways = {
        number: (rng.integers(1, 33, rng.integers(2, 8)).tolist(), {"highway": "residential"})
        for number in range(1, 8)
    }
    path = World(nodes, ways).write(tmp_path_factory.mktemp("net") / "random.osm.pbf")
    found = scan_network(path, MAPPING, merge_below_m=merge_below_m)
    segments = naive_segments(path, {"residential"})

    kept = found.edges["length_m"].sum()
    total = sum(row[3] for row in segments)
    if merge_below_m is None:
        assert kept == pytest.approx(total, rel=1e-6)
        assert sorted(zip(found.edges["from_node"], found.edges["to_node"], strict=True)) == sorted(
            row[1:3] for row in segments
        )
    else:
        assert kept <= total * (1 + 1e-6)
        assert found.dropped_loops or kept == pytest.approx(total, rel=1e-6)
    assert set(found.nodes["node_id"]) == set(found.edges["from_node"]) | set(found.edges["to_node"])
    assert found.nodes["node_id"].is_monotonic_increasing


def test_an_extract_without_roads_is_reported() -> None:
    with pytest.raises(FaultReport, match="没有可通行的道路"):
        read_osm_network(real_path("osm/xuzhou_facilities.osm.pbf"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "文件是空的"),
        (b"this is no extract at all, only text " * 40, "不是 OpenStreetMap 的 PBF 文件"),
        (b"\0" * 4096, "不是 OpenStreetMap 的 PBF 文件"),
        (b"PK\x03\x04" + b"\x01" * 200, "不是 OpenStreetMap 的 PBF 文件"),
    ],
)
def test_what_is_no_extract_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "broken.osm.pbf"
    path.write_bytes(content)
    with pytest.raises(FaultReport, match=message):
        read_osm_network(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_an_extract_cut_short_is_refused(tmp_path: Path, share: float) -> None:
    content = real_path("osm/gusu_walk.osm.pbf").read_bytes()
    path = tmp_path / "half.osm.pbf"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(FaultReport, match="文件不完整"):
        read_osm_network(path)


def test_a_flipped_byte_is_noticed(tmp_path: Path) -> None:
    content = bytearray(real_path("osm/gusu_walk.osm.pbf").read_bytes())
    content[20_000] ^= 0xFF
    path = tmp_path / "flipped.osm.pbf"
    path.write_bytes(content)
    with pytest.raises(FaultReport, match="已损坏"):
        read_osm_network(path)


def test_a_missing_file_and_a_file_too_large_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FaultReport, match="没有这个文件"):
        read_osm_network(tmp_path / "nothing.osm.pbf")
    small = MAPPING.model_copy(update={"extract": MAPPING.extract.model_copy(update={"max_bytes": 100})})
    with pytest.raises(FaultReport, match="超过上限"):
        read_osm_network(real_path("osm/gusu_walk.osm.pbf"), small)
