"""Places put onto the network: the nearest point of a nearby edge, and the walk to it."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from geo.modes import quantise_minutes
from geo.network import Network
from geo.points import build_tree, metric_points, nearest_points

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]
BoolArray = NDArray[np.bool_]

SAMPLE_SPACING_M: float = 250.0
"""Edges longer than this are searched by points along them, not only by their ends."""

BRIDGED_M: float = 250.0
"""How much farther a road of the network proper may be than one of an isolated part and still be taken: such
parts are mostly drives whose junction nobody drew. Farther off they are roads of their own, as on an island,
and a walk past them to the network would lead across what parts them.
"""

_CHUNK = 200_000


@dataclass(frozen=True, eq=False)
class Snap:
    """Where each of n places joins the network; arrays of length n.

    ``xy``: the places, (n, 2) in metres of ``ALBERS``. A place walks ``access_minutes`` (``distance_m`` at
    the mode's walking speed) to the point at ``fraction`` of the edge between nodes ``a`` and ``b`` (int32,
    ``a`` < ``b``; -1: not within the limit). From that point ``leave_a`` / ``leave_b`` minutes lead to either
    node, and ``arrive_a`` / ``arrive_b`` minutes lead from either node to the point; infinite where a one-way
    road forbids it. All minutes are quantised.
    """

    xy: FloatArray
    a: IntArray
    b: IntArray
    fraction: FloatArray
    distance_m: FloatArray
    access_minutes: FloatArray
    leave_a: FloatArray
    leave_b: FloatArray
    arrive_a: FloatArray
    arrive_b: FloatArray

    def __len__(self) -> int:
        """Return the number of places."""
        return len(self.a)

    @property
    def found(self) -> BoolArray:
        """Which places lie within the limit of the network."""
        return self.a >= 0


class _Locator(NamedTuple):
    """Points of the network that can be searched: nodes, and samples along long edges."""

    tree: cKDTree | None
    points: FloatArray
    node: IntArray
    other: IntArray
    """-1 for a node; else the point lies on the edge between ``node`` and ``other``."""
    bridged_m: float
    """By how much these must be nearer than what was found before to be taken instead; inf: never."""
    major: bool
    """Whether both ends of the edges belong to major parts: at one node edges of either kind may meet."""


def snap_points(
    network: Network, xy: ArrayLike, *, limit_m: float | None = None, exact: bool = False
) -> Snap:
    """Return where places (shape (n, 2), metres of ``ALBERS``) join the network.

    The nearest point of any edge that meets the nearest node, or that the nearest sample point lies on
    (samples stand every ``SAMPLE_SPACING_M`` on longer edges). Its distance exceeds that of the truly
    nearest point d by at most sqrt(d² + (spacing/2)²) - d; with ``exact`` it is the truly nearest, at
    several times the cost: meant for facilities, which are few. Only edges that trips may start on count,
    and isolated parts of the network only where the rest is out of ``limit_m`` (default: the mode's) or more
    than ``BRIDGED_M`` farther. A place whose nearest road lies beyond water of the mode joins none. Ties go
    to the lower node numbers. Raises ``CrsError`` for points that are not in the measuring CRS.
    """
    points = metric_points(xy, "待接入路网的点")
    limit = network.mode.snap_limit_m if limit_m is None else float(limit_m)
    a = np.full(len(points), -1, dtype=np.int32)
    b = np.full(len(points), -1, dtype=np.int32)
    fraction = np.zeros(len(points))
    distance = np.full(len(points), np.inf)
    for locator in _locators(network):
        bound = np.full(len(points), np.inf)
        bound[a >= 0] = distance[a >= 0] - locator.bridged_m
        for rows in np.array_split(np.flatnonzero(bound > 0.0), max(1, -(-len(points) // _CHUNK))):
            joined = _nearest_on_edges(network, locator, points[rows], limit)
            if exact:
                joined = _nearest_of_all(network, locator, points[rows], joined)
            near = (joined.distance <= limit) & (joined.distance < bound[rows[joined.place]])
            at = rows[joined.place[near]]
            a[at], b[at] = joined.low[near], joined.high[near]
            fraction[at], distance[at] = joined.fraction[near], joined.distance[near]
    parted = _over_water(network, points, a, b, fraction)
    a[parted] = b[parted] = -1
    distance[parted], fraction[parted] = np.inf, 0.0
    return _timed(network, points, a, b, fraction=fraction, distance=distance)


def _over_water(
    network: Network, points: FloatArray, a: IntArray, b: IntArray, fraction: FloatArray
) -> NDArray[np.intp]:
    """Return the rows of the places that water parts from the point of the network where they would join."""
    rows = np.flatnonzero(a >= 0)
    waters = network.mode.waters
    if waters is None or len(rows) == 0:
        return rows[:0]
    low, high = (np.column_stack([network.x[node], network.y[node]]) for node in (a[rows], b[rows]))
    joined = low + fraction[rows, None] * (high - low)
    return rows[~waters.clear(waters.ashore(points[rows]), waters.ashore(joined))]


def _locators(network: Network) -> list[_Locator]:
    """Return what to search in turn: the major parts of the network, what hangs on them one way only, and the
    isolated parts; built once.
    """
    cached: list[_Locator] | None = network.__dict__.get("_locators")
    if cached is None:
        start, end = _snappable_pairs(network)
        major, isolated = network.major[start] & network.major[end], network.isolated[start]
        cached = [
            _build_locator(network, start[at], end[at], bridged_m, major=of_major)
            for at, bridged_m, of_major in (
                (_picked(major), np.inf, True),
                (_picked(~major & ~isolated), np.inf, False),
                (_picked(isolated & ~major), BRIDGED_M, False),
            )
        ]
        network.__dict__["_locators"] = cached
    return cached


class _Joined(NamedTuple):
    """Places (rows) that join an edge: its lower and higher node, the fraction from the lower, the
    distance.
    """

    place: NDArray[np.int64]
    low: IntArray
    high: IntArray
    fraction: FloatArray
    distance: FloatArray


def _snappable_pairs(network: Network) -> tuple[IntArray, IntArray]:
    """Return the ends of the edges that trips may start on."""
    start, end, wanted = network.edge_starts(), network.indices, network.snappable
    if network.symmetric:  # each pair of nodes once is enough
        wanted = wanted & (start < end)
    return start[wanted], end[wanted]


def _picked(wanted: BoolArray) -> BoolArray | slice:
    """Return what picks the wanted; a plain slice, which copies nothing, where it is all or none."""
    if wanted.all():
        return slice(None)
    return wanted if wanted.any() else slice(0)


def _build_locator(
    network: Network, start: IntArray, end: IntArray, bridged_m: float, *, major: bool
) -> _Locator:
    """Return the search points of some edges: their ends, and samples along the long ones."""
    if len(start) == 0:
        nothing = np.zeros(0, dtype=np.int32)
        return _Locator(None, np.zeros((0, 2)), nothing, nothing, bridged_m, major)
    is_end = np.zeros(network.node_count, dtype=bool)
    is_end[start] = True
    is_end[end] = True
    node = np.flatnonzero(is_end).astype(np.int32)
    points = np.column_stack([network.x[node], network.y[node]])
    other = np.full(len(node), -1, dtype=np.int32)
    sampled, low, high = _samples(network, start, end)
    if len(low):
        points = np.concatenate([points, sampled])
        node, other = np.concatenate([node, low]), np.concatenate([other, high])
    return _Locator(build_tree(points), points, node, other, bridged_m, major)


def _samples(network: Network, start: IntArray, end: IntArray) -> tuple[FloatArray, IntArray, IntArray]:
    """Return points along the edges longer than the spacing, each edge once, and its lower and higher
    node.
    """
    x, y = network.x, network.y
    dx, dy = x[end] - x[start], y[end] - y[start]
    long = np.flatnonzero(dx * dx + dy * dy > SAMPLE_SPACING_M**2)
    low, high = np.minimum(start[long], end[long]), np.maximum(start[long], end[long])
    if not network.symmetric:
        key = np.unique(low.astype(np.int64) * network.node_count + high)
        low, high = (key // network.node_count).astype(np.int32), (key % network.node_count).astype(np.int32)
    length = np.hypot(x[high] - x[low], y[high] - y[low])
    pieces = np.ceil(length / SAMPLE_SPACING_M).astype(np.int64)
    edge = np.repeat(np.arange(len(low)), pieces - 1)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(pieces - 1) - (pieces - 1), pieces - 1) + 1
    t = step / pieces[edge]
    px = x[low[edge]] + t * (x[high[edge]] - x[low[edge]])
    py = y[low[edge]] + t * (y[high[edge]] - y[low[edge]])
    return np.column_stack([px, py]), low[edge], high[edge]


def _nearest_on_edges(network: Network, locator: _Locator, points: FloatArray, limit: float) -> _Joined:
    """Return the places that have an edge of this locator within the limit: the nearest at their nearest
    node.
    """
    if locator.tree is None or len(points) == 0:
        none = np.zeros(0, dtype=np.int32)
        return _Joined(np.zeros(0, dtype=np.int64), none, none, np.zeros(0), np.zeros(0))
    # An edge within the limit has a search point within this reach.
    reach = float(np.hypot(limit, SAMPLE_SPACING_M / 2.0))
    _, index = nearest_points(locator.tree, locator.points, points, limit_m=reach)
    place = np.flatnonzero(index >= 0)
    return _best_edges(network, locator, points, place, index[place])


def _nearest_of_all(network: Network, locator: _Locator, points: FloatArray, joined: _Joined) -> _Joined:
    """Return the truly nearest edge: every edge that could be nearer has a search point in this circle."""
    if len(joined.place) == 0 or locator.tree is None:
        return joined
    radius = np.hypot(joined.distance, SAMPLE_SPACING_M / 2.0) * (1.0 + 1e-9)
    within = locator.tree.query_ball_point(points[joined.place], radius)
    place = np.repeat(joined.place, [len(indices) for indices in within])
    index = np.concatenate([np.asarray(indices, dtype=np.int64) for indices in within])
    return _best_edges(network, locator, points, place, index)


def _best_edges(
    network: Network,
    locator: _Locator,
    points: FloatArray,
    place: NDArray[np.int64],
    index: NDArray[np.int64],
) -> _Joined:
    """Return for every place the nearest of the edges at its search points; ``place`` repeats, one per
    point.
    """
    candidate, low, high = _candidate_edges(network, locator.node[index], locator.other[index])
    if not network.symmetric:  # else what meets is of one kind
        own = np.flatnonzero((network.major[low] & network.major[high]) == locator.major)
        candidate, low, high = candidate[own], low[own], high[own]
    owner = place[candidate]
    fraction, distance = _project(network, points[owner], low, high)
    least = np.full(len(points), np.inf)
    np.minimum.at(least, owner, distance)
    nearest = np.flatnonzero(distance == least[owner])
    order = nearest[np.lexsort((high[nearest], low[nearest], owner[nearest]))]
    first = np.ones(len(order), dtype=bool)
    first[1:] = owner[order][1:] != owner[order][:-1]
    best = order[first]
    return _Joined(owner[best], low[best], high[best], fraction[best], distance[best])


def _candidate_edges(
    network: Network, node: IntArray, other: IntArray
) -> tuple[NDArray[np.int64], IntArray, IntArray]:
    """Return (place, lower node, higher node) of the snappable edges at each place's node, or of its
    sample.
    """
    start, end = [], []
    place = []
    tables = [(network.indptr, network.indices, network.snappable)]
    if not network.symmetric:
        tables.append(_incoming(network))
    at_node = np.flatnonzero(other < 0)
    for indptr, indices, snappable in tables:
        count = indptr[node[at_node] + 1] - indptr[node[at_node]]
        owner = np.repeat(np.arange(len(at_node)), count)
        offset = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
        position = indptr[node[at_node]][owner] + offset
        usable = snappable[position]
        place.append(at_node[owner[usable]])
        start.append(node[at_node][owner[usable]])
        end.append(indices[position[usable]])
    on_edge = np.flatnonzero(other >= 0)
    place.append(on_edge)
    start.append(node[on_edge])
    end.append(other[on_edge])
    one, two = np.concatenate(start), np.concatenate(end)
    return np.concatenate(place), np.minimum(one, two), np.maximum(one, two)


def _incoming(network: Network) -> tuple[IntArray, IntArray, BoolArray]:
    """Return (indptr, indices, snappable) of the edges that end at each node; built once."""
    cached: tuple[IntArray, IntArray, BoolArray] | None = network.__dict__.get("_incoming")
    if cached is None:
        start = network.edge_starts()
        order = np.lexsort((start, network.indices))
        count = np.bincount(network.indices, minlength=network.node_count)
        indptr = np.concatenate([[0], np.cumsum(count)]).astype(np.int32)
        cached = (indptr, start[order], network.snappable[order])
        network.__dict__["_incoming"] = cached
    return cached


def _project(
    network: Network, points: FloatArray, low: IntArray, high: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Return (fraction from the lower node, distance in metres) of the nearest point of each edge."""
    x, y = network.x, network.y
    dx, dy = x[high] - x[low], y[high] - y[low]
    px, py = points[:, 0] - x[low], points[:, 1] - y[low]
    square = dx * dx + dy * dy
    along = np.divide(px * dx + py * dy, square, out=np.zeros_like(square), where=square > 0.0)
    fraction = np.clip(along, 0.0, 1.0)
    return fraction, np.hypot(px - fraction * dx, py - fraction * dy)


def _timed(
    network: Network, xy: FloatArray, a: IntArray, b: IntArray, *, fraction: FloatArray, distance: FloatArray
) -> Snap:
    """Return the snap with its minutes along the edge and on foot."""
    ahead, back = edge_minutes(network, a, b), edge_minutes(network, b, a)
    return Snap(
        xy=xy,
        a=a,
        b=b,
        fraction=fraction,
        distance_m=np.where(a >= 0, distance, np.nan),
        access_minutes=quantise_minutes(distance / network.mode.access_m_per_minute),
        leave_a=_part(back, fraction),
        leave_b=_part(ahead, 1.0 - fraction),
        arrive_a=_part(ahead, fraction),
        arrive_b=_part(back, 1.0 - fraction),
    )


def _part(minutes: FloatArray, share: FloatArray) -> FloatArray:
    """Return the quantised minutes of a share of an edge; no share takes no time even against a one-way
    road.
    """
    finite = np.isfinite(minutes)
    product = np.multiply(minutes, share, out=np.full(len(minutes), np.inf), where=finite)
    return np.where(share > 0.0, quantise_minutes(product), 0.0)


def edge_minutes(network: Network, start: IntArray, end: IntArray) -> FloatArray:
    """Return the minutes of the directed edges from ``start`` to ``end``; inf where there is none."""
    result = np.full(len(start), np.inf)
    rows = np.flatnonzero(start >= 0)
    count = network.indptr[start[rows] + 1] - network.indptr[start[rows]]
    owner = np.repeat(np.arange(len(rows)), count)
    offset = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    position = network.indptr[start[rows]][owner] + offset
    hit = network.indices[position] == end[rows][owner]
    result[rows[owner[hit]]] = network.minutes[position[hit]]
    return result
