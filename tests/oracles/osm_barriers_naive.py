"""Shortest ways past barriers, the slow way: whoever is stopped at a node cannot pass through that node."""

import networkx as nx


def lengths_between(segments, stopping, starts):
    """Return {(start, end): metres} of the shortest ways; ``segments``: (way, from, to, metres)."""
    graph = nx.Graph()
    for _, start, end, metres in segments:
        if start in stopping or end in stopping:
            continue
        if not graph.has_edge(start, end) or graph[start][end]["metres"] > metres:
            graph.add_edge(start, end, metres=metres)
    found = {}
    for start in starts:
        if start in graph:
            reach = nx.single_source_dijkstra_path_length(graph, start, weight="metres")
            found |= {(start, end): metres for end, metres in reach.items()}
    return found
