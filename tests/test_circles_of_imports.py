"""No module needs itself by way of others, not even to name a type."""

import grimp
import networkx as nx

from scripts.nearest_tests import ROOMS


def test_no_circle_of_imports() -> None:
    graph = grimp.build_graph(*ROOMS, cache_dir=None)
    arrows = nx.DiGraph()
    for module in graph.modules:
        arrows.add_edges_from((module, other) for other in graph.find_modules_directly_imported_by(module))
    assert arrows.number_of_edges() > 1_000
    assert [sorted(some) for some in nx.strongly_connected_components(arrows) if len(some) > 1] == []
