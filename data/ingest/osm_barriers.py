"""Barriers on roads: at a node that stops a mode, a metre of road which that mode cannot use.

All roads but one that meet in the node are cut a metre from it (nearer on shorter pieces), and the piece in
between is closed to the modes that the barrier stops. So nobody stopped gets from one road to another
through it, all roads are reached up to it from their own side, no length is lost, and no two points
coincide: a place beside the road joins the side that it lies on.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.ingest.osm_access import AccessTable, most_frequent
from data.registry.osm_models import RoadRules

BARRIER_M = 1.0
"""How far from its node a barrier reaches along a road, in metres."""

_LARGEST_SHARE = 0.25


@dataclass(frozen=True)
class Barriers:
    """Barriers on roads that stop somebody: node ids (int64, ascending), and per mode which nodes stop it.

    ``unknown``: kinds that the table lacks, with the number of nodes.
    """

    nodes: NDArray[np.int64]
    stops: dict[str, NDArray[np.int64]]
    unknown: tuple[tuple[str, int], ...]

    def counts(self) -> tuple[tuple[str, int], ...]:
        """Return per mode how many barriers stop it."""
        return tuple((mode, len(nodes)) for mode, nodes in self.stops.items())


def barriers_on_roads(
    marked: Mapping[int, Mapping[str, str]], road_nodes: NDArray[np.int64], rules: RoadRules
) -> Barriers:
    """Return which of the nodes with a barrier tag lie on roads (ids, ascending), and whom they stop."""
    table = AccessTable(rules)
    ids = np.array(sorted(marked), dtype=np.int64)
    stops: dict[str, list[int]] = {rule.mode: [] for rule in rules.access}
    unknown: Counter[str] = Counter()
    for node in ids[np.isin(ids, road_nodes)].tolist():
        for mode in table.barrier_stops(marked[node]):
            stops[mode].append(node)
        if not table.knows_barrier(marked[node]):
            unknown[marked[node][rules.barriers.key_name]] += 1
    by_mode = {mode: np.array(nodes, dtype=np.int64) for mode, nodes in stops.items()}
    nodes = np.unique(np.concatenate(list(by_mode.values())))
    return Barriers(nodes, by_mode, most_frequent(unknown))


@dataclass(frozen=True)
class _Cuts:
    """Where edges are cut: edge number, whether at its end (else its start), the barrier, metres, share."""

    edge: NDArray[np.int64]
    at_end: NDArray[np.bool_]
    node: NDArray[np.int64]
    metres: NDArray[np.float64]
    share: NDArray[np.float64]


def _cuts(edges: pd.DataFrame, barriers: NDArray[np.int64]) -> _Cuts:
    """Return the cuts: every end of an edge in a barrier but the first."""
    start, end = edges["from_node"].to_numpy(), edges["to_node"].to_numpy()
    begins, ends = np.flatnonzero(np.isin(start, barriers)), np.flatnonzero(np.isin(end, barriers))
    edge = np.concatenate([begins, ends])
    at_end = np.arange(len(edge)) >= len(begins)
    node = np.concatenate([start[begins], end[ends]])
    order = np.lexsort((at_end, edge, node))
    later = np.zeros(len(order), dtype=np.bool_)
    later[1:] = node[order][1:] == node[order][:-1]
    at = order[later]
    length = edges["length_m"].to_numpy()[edge[at]]
    metres = np.minimum(BARRIER_M, _LARGEST_SHARE * length)
    share = np.divide(metres, length, out=np.zeros_like(metres), where=length > 0.0)
    return _Cuts(edge[at], at_end[at], node[at], metres, share)


def stop_at_barriers(
    nodes: pd.DataFrame, edges: pd.DataFrame, barriers: Barriers
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the network (frames as ``OsmNetwork`` has them) with the pieces of road that barriers close.

    New nodes have ids below all others, and below 0; the closed pieces stand after the edges given.
    """
    cuts = _cuts(edges, barriers.nodes)
    if len(cuts.edge) == 0:
        return nodes, edges
    count = len(cuts.edge)
    fresh = min(0, int(nodes["node_id"].iloc[0])) - count + np.arange(count, dtype=np.int64)
    points = _points(nodes, edges, cuts, fresh)
    closed = _closed_pieces(edges, cuts, fresh, barriers)
    kept = edges.copy()
    for column, at_end in (("from_node", False), ("to_node", True)):
        ends, mine = kept[column].to_numpy(copy=True), cuts.at_end == at_end
        ends[cuts.edge[mine]] = fresh[mine]
        kept[column] = ends
    cut_away = np.bincount(cuts.edge, weights=cuts.metres, minlength=len(edges))
    lost = np.bincount(cuts.edge, weights=cuts.share, minlength=len(edges))
    kept["length_m"] = kept["length_m"] - cut_away
    kept["duration_minutes"] = _times(kept["duration_minutes"], 1.0 - lost)
    return (
        pd.concat([points, nodes], ignore_index=True),
        pd.concat([kept, closed], ignore_index=True),
    )


def _times(minutes: pd.Series, share: NDArray[Any]) -> NDArray[np.float32]:
    product: NDArray[np.float32] = (minutes.to_numpy() * share).astype(np.float32)
    return product


def _points(nodes: pd.DataFrame, edges: pd.DataFrame, cuts: _Cuts, fresh: NDArray[np.int64]) -> pd.DataFrame:
    """Return the new nodes, each on its edge at its share of the way from the barrier."""
    start, end = (edges[column].to_numpy()[cuts.edge] for column in ("from_node", "to_node"))
    ids = nodes["node_id"].to_numpy()
    here = np.searchsorted(ids, cuts.node)
    there = np.searchsorted(ids, np.where(cuts.at_end, start, end))
    place: dict[str, Any] = {"node_id": fresh}
    for column in ("lon", "lat"):
        degrees = nodes[column].to_numpy()
        place[column] = degrees[here] + cuts.share * (degrees[there] - degrees[here])
    return pd.DataFrame(place)


def _closed_pieces(
    edges: pd.DataFrame, cuts: _Cuts, fresh: NDArray[np.int64], barriers: Barriers
) -> pd.DataFrame:
    """Return the pieces between barriers and new nodes, as their roads are but for the modes stopped."""
    pieces = edges.iloc[cuts.edge].copy()
    pieces["from_node"] = np.where(cuts.at_end, fresh, cuts.node)
    pieces["to_node"] = np.where(cuts.at_end, cuts.node, fresh)
    pieces["length_m"] = cuts.metres
    pieces["duration_minutes"] = _times(pieces["duration_minutes"], cuts.share)
    for mode, stopping in barriers.stops.items():
        said = pieces[mode].array.copy()
        said[np.isin(cuts.node, stopping)] = False
        pieces[mode] = said
    return pieces
