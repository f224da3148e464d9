"""The made-up extract of the benchmark is the same every time, and is read as what it was made."""

from pathlib import Path

import networkx as nx

from benchmarks.osm_import import write_extract
from data.ingest.osm_facilities import scan_facilities
from data.ingest.osm_network import scan_network


def test_the_extract_is_one_connected_street_grid(tmp_path: Path) -> None:
    path = tmp_path / "made-up.osm.pbf"
    made = write_extract(path, 20_000)
    network = scan_network(path)
    assert 0.9 < made["nodes"] / 20_000 < 1.1
    assert network.ways == made["roads"]
    assert network.missing_nodes == 0
    edges = network.edges
    graph = nx.Graph(zip(edges["from_node"], edges["to_node"], strict=True))
    assert nx.is_connected(graph)
    assert edges["bridge"].any()
    assert set(edges.loc[edges["maxspeed_kmh"].notna(), "highway"]) <= {"motorway", "trunk"}


def test_the_same_seed_gives_the_same_extract(tmp_path: Path) -> None:
    frames = []
    for name in ("one", "two"):
        path = tmp_path / f"{name}.osm.pbf"
        made = write_extract(path, 5_000)
        frames.append(scan_facilities(path).frame.drop(columns="as_of"))
        assert len(frames[-1]) == made["facilities"] + -(-made["buildings"] // 50)
    assert frames[0].equals(frames[1])
