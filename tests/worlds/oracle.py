"""The answers of small worlds found plainly: shapely for sight, networkx for ways, loops for the rest.

Of the product this takes the quantisation of minutes (``quantise_minutes``, ``TICK``) and the numbers that
its rules are written with (``RIM_M``, ``SAMPLE_SPACING_M``, ``BRIDGED_M``, ``WALK_PER_LEG``), and no answer.
Of the oracles beside the tests of single methods it takes the reading of road tables and the loops.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import networkx as nx
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.modes import TICK, TravelMode, quantise_minutes
from geo.off_road import WALK_PER_LEG
from geo.snapping import BRIDGED_M, SAMPLE_SPACING_M
from geo.waters import RIM_M
from tests.geo.water_worlds import ashore, turning
from tests.oracles.travel_naive import road_graph

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def quantised(minutes: float) -> float:
    """Return minutes on the grid of all minutes."""
    return float(quantise_minutes(minutes))


# Land and water -----------------------------------------------------------------------------------------


class Land:
    """Who sees whom over the water, and how long the way round it is."""

    def __init__(self, shapes: list[shapely.Polygon], gates: FloatArray) -> None:
        """Take the outlines of the water and its crossings (x, y, x, y, metres)."""
        self._shapes = shapes
        self._inner = shapely.union_all([shapely.buffer(one, -RIM_M, join_style="mitre") for one in shapes])
        shapely.prepare(self._inner)
        ends = [tuple(end) for gate in gates for end in (gate[:2], gate[2:4])]
        corners = [corner for shape in shapes for corner in turning(shape)]
        nodes = list(dict.fromkeys([*corners, *ends]))
        self._nodes = np.array(nodes, dtype=np.float64).reshape(-1, 2)
        self._at = self.ashore(self._nodes)
        self._graph = nx.Graph()
        self._graph.add_nodes_from(range(len(nodes)))
        one, two = np.triu_indices(len(nodes), 1)
        seen = self.sees(self._at[one], self._at[two])
        for a, b in zip(one[seen].tolist(), two[seen].tolist(), strict=True):
            self._graph.add_edge(a, b, metres=_apart(self._nodes[a], self._nodes[b]))
        for gate in gates:
            a, b = nodes.index(tuple(gate[:2])), nodes.index(tuple(gate[2:4]))
            kept = self._graph.get_edge_data(a, b, {"metres": math.inf})["metres"]
            self._graph.add_edge(a, b, metres=min(kept, float(gate[4])))

    def wet(self, xy: FloatArray) -> BoolArray:
        """Return which places (n, 2) lie inside an outline."""
        return np.array(
            [any(one.contains(shapely.Point(place)) for one in self._shapes) for place in xy], dtype=bool
        )

    def ashore(self, xy: FloatArray) -> FloatArray:
        """Return the places, those inside an outline moved to the nearest shore."""
        moved = [ashore(place, self._shapes) for place in xy]
        return np.array([(point.x, point.y) for point in moved], dtype=np.float64).reshape(-1, 2)

    def sees(self, one: FloatArray, two: FloatArray) -> BoolArray:
        """Return which lines between places ashore, (n, 2) each, meet no water."""
        lines = shapely.linestrings(np.stack([one, two], axis=-2).reshape(-1, 2, 2))
        return ~np.asarray(shapely.intersects(self._inner, lines), dtype=bool)

    def metres(self, sites: FloatArray, places: FloatArray) -> tuple[FloatArray, BoolArray]:
        """Return the metres (sites, places) on land, and whether the way leads round water or over a
        crossing.
        """
        at_sites, at_places = self.ashore(sites), self.ashore(places)
        count, many = len(self._nodes), len(places)
        seen = self.sees(np.repeat(at_places, count, axis=0), np.tile(self._at, (many, 1))).reshape(
            many, count
        )
        legs = np.hypot(*(places[:, None] - self._nodes[None]).transpose(2, 0, 1))
        legs = np.where(seen, legs, np.inf)
        found = np.full((len(sites), many), np.inf)
        around = np.zeros((len(sites), many), dtype=bool)
        for row, (site, here) in enumerate(zip(sites, at_sites, strict=True)):
            by_node = (self._from(site, here)[None] + legs).min(axis=1, initial=np.inf)
            straight = np.hypot(*(places - site).T)
            straight[~self.sees(np.tile(here, (many, 1)), at_places)] = np.inf
            found[row] = np.minimum(by_node, straight)
            around[row] = by_node < straight
        return found, around

    def _from(self, site: FloatArray, here: FloatArray) -> FloatArray:
        """Return the metres from a site to every node."""
        count = len(self._nodes)
        for node in np.flatnonzero(self.sees(np.tile(here, (count, 1)), self._at)).tolist():
            self._graph.add_edge("site", node, metres=_apart(site, self._nodes[node]))
        if "site" not in self._graph:
            return np.full(count, np.inf)
        reached = nx.single_source_dijkstra_path_length(self._graph, "site", weight="metres")
        self._graph.remove_node("site")
        return np.array([reached.get(node, math.inf) for node in range(count)])


def _apart(one: FloatArray, two: FloatArray) -> float:
    return math.hypot(one[0] - two[0], one[1] - two[1])


# Roads --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Joined:
    """Where a place joins the roads: the edge (``a`` < ``b``), the part of it from ``a``, the walk."""

    a: int
    b: int
    part: float
    distance: float
    x: float
    y: float


class Roads:
    """The roads of a mode, and where places join them."""

    def __init__(self, nodes: pd.DataFrame, edges: pd.DataFrame, mode: TravelMode, land: Land) -> None:
        """Read the tables row by row and find out what hangs together."""
        self.mode, self._land = mode, land
        self.graph: nx.DiGraph = road_graph(nodes, edges, mode)
        for _, _, data in self.graph.edges(data=True):
            data["minutes"] = max(quantised(data["minutes"]), TICK)
        self._reversed = self.graph.reverse(copy=True)
        self.piece = {
            node: number
            for number, some in enumerate(nx.weakly_connected_components(self.graph))
            for node in some
        }
        strong = nx.strongly_connected_components(self.graph)
        major = {node for some in strong if len(some) >= mode.min_component_nodes for node in some}
        lively = {self.piece[node] for node in major}
        pairs = sorted({(min(a, b), max(a, b)) for a, b, data in self.graph.edges(data=True) if data["snap"]})
        groups: tuple[list[tuple[int, int]], ...] = ([], [], [])
        for a, b in pairs:
            isolated = self.piece[a] not in lively
            groups[0 if a in major and b in major else 2 if isolated else 1].append((a, b))
        # Searched in turn: the network proper, what hangs on it one way only, what nothing joins to it.
        self._groups = [
            (_Group(self, one), nearer)
            for one, nearer in zip(groups, (math.inf, math.inf, BRIDGED_M), strict=True)
        ]

    def position(self, node: int) -> tuple[float, float]:
        """Return where a node is."""
        found: tuple[float, float] = self.graph.nodes[node]["position"]
        return found

    def join(self, places: FloatArray, *, exact: bool) -> list[Joined | None]:
        """Return where places join, None where no road is within the limit or water lies before it.

        ``exact``: the nearest road; else the nearest of those that meet the nearest point of the search.
        """
        joined = [self._join(place, exact=exact) for place in places]
        rows = [row for row, one in enumerate(joined) if one is not None]
        if rows:
            there = np.array([(one.x, one.y) for one in joined if one is not None])
            clear = self._land.sees(self._land.ashore(places[rows]), self._land.ashore(there))
            for row in np.array(rows)[~clear].tolist():
                joined[row] = None
        return joined

    def _join(self, place: FloatArray, *, exact: bool) -> Joined | None:
        best: Joined | None = None
        for group, nearer in self._groups:
            bound = math.inf if best is None else best.distance - nearer
            if bound <= 0.0:
                continue
            found = group.nearest(place, exact=exact)
            if found is not None and found.distance <= self.mode.snap_limit_m and found.distance < bound:
                best = found
        return best

    def access(self, joined: Joined) -> float:
        """Return the minutes of the walk between a place and the road."""
        return quantised(joined.distance / (self.mode.access_kmh * 1000.0 / 60.0))

    def edge(self, a: int, b: int) -> float:
        """Return the minutes of the edge from a node to another, inf where there is none."""
        return float(self.graph[a][b]["minutes"]) if self.graph.has_edge(a, b) else math.inf

    def by_road(self, site: Joined, cells: Sequence[Joined | None], *, forth: bool) -> list[float]:
        """Return the minutes by road between cells and a site, ``forth``: of the trip to the site."""
        graph = self._reversed if forth else self.graph
        for node, leg in self._legs(site, out=not forth):
            graph.add_edge("site", node, minutes=leg + self.access(site))
        reached = (
            nx.single_source_dijkstra_path_length(graph, "site", weight="minutes") if "site" in graph else {}
        )
        if "site" in graph:
            graph.remove_node("site")
        found = []
        for cell in cells:
            if cell is None:
                found.append(math.inf)
                continue
            ways = [reached.get(node, math.inf) + leg for node, leg in self._legs(cell, out=forth)]
            if (cell.a, cell.b) == (site.a, site.b):
                begin, end = (cell, site) if forth else (site, cell)
                ways.append(self._along(begin, end) + self.access(site))
            found.append(min(ways, default=math.inf) + self.access(cell))
        return found

    def _legs(self, joined: Joined, *, out: bool) -> list[tuple[int, float]]:
        """Return the ends of the edge that can be reached from a place on it (``out``), or reach it."""
        back, ahead = self.edge(joined.b, joined.a), self.edge(joined.a, joined.b)
        to_a, to_b = (back, ahead) if out else (ahead, back)
        both = ((joined.a, to_a, joined.part), (joined.b, to_b, 1.0 - joined.part))
        # At the node itself no time is needed, not even against a one-way road.
        return [
            (node, quantised(minutes * part) if part > 0.0 else 0.0)
            for node, minutes, part in both
            if part == 0.0 or minutes < math.inf
        ]

    def _along(self, begin: Joined, end: Joined) -> float:
        if begin.part == end.part:
            return 0.0
        forward = end.part > begin.part
        minutes = self.edge(begin.a, begin.b) if forward else self.edge(begin.b, begin.a)
        return quantised(minutes * abs(end.part - begin.part)) if minutes < math.inf else math.inf

    def walks(
        self, site: FloatArray, joined: Joined, cells: FloatArray, at: Sequence[Joined | None]
    ) -> list[float]:
        """Return the minutes on foot between a site and cells, inf where nobody walks so."""
        clear = self._land.sees(self._land.ashore(np.tile(site, (len(cells), 1))), self._land.ashore(cells))
        found = []
        for cell, one, open_land in zip(cells, at, clear.tolist(), strict=True):
            metres = _apart(site, cell)
            near = one is not None and (
                metres == 0.0
                or (
                    open_land
                    and metres <= min(self.mode.snap_limit_m, WALK_PER_LEG * (joined.distance + one.distance))
                    and self.piece[joined.a] == self.piece[one.a]
                )
            )
            found.append(quantised(metres / (self.mode.access_kmh * 1000.0 / 60.0)) if near else math.inf)
        return found


class _Group:
    """Roads that trips may start on, and the points by which they are searched."""

    def __init__(self, roads: Roads, pairs: list[tuple[int, int]]) -> None:
        self._pairs = pairs
        ends = np.array([(roads.position(a), roads.position(b)) for a, b in pairs]).reshape(-1, 2, 2)
        self._lines = shapely.linestrings(ends) if len(pairs) else np.zeros(0, dtype=object)
        self._edges_at: list[list[int]] = []
        points: list[tuple[float, float]] = []
        at_node: dict[int, list[int]] = {}
        for row, (a, b) in enumerate(pairs):
            at_node.setdefault(a, []).append(row)
            at_node.setdefault(b, []).append(row)
        for node, rows in at_node.items():
            points.append(roads.position(node))
            self._edges_at.append(rows)
        for row, line in enumerate(self._lines):
            pieces = math.ceil(line.length / SAMPLE_SPACING_M)
            for step in range(1, pieces):
                point = line.interpolate(step / pieces, normalized=True)
                points.append((point.x, point.y))
                self._edges_at.append([row])
        self._points = np.array(points).reshape(-1, 2)

    def nearest(self, place: FloatArray, *, exact: bool) -> Joined | None:
        """Return the nearest road."""
        if not self._pairs:
            return None
        rows = np.arange(len(self._pairs))
        if not exact:
            rows = np.array(self._edges_at[int(np.hypot(*(self._points - place).T).argmin())])
        point = shapely.Point(place)
        distances = shapely.distance(self._lines[rows], point)
        row = int(rows[distances.argmin()])
        line = self._lines[row]
        part = float(shapely.line_locate_point(line, point, normalized=True))
        # An end of the road is that node itself, whatever the last digit.
        part = 0.0 if part < 1e-9 else 1.0 if part > 1.0 - 1e-9 else part
        there = line.interpolate(part, normalized=True)
        return Joined(*self._pairs[row], part, float(distances.min()), there.x, there.y)


@dataclass(frozen=True, eq=False)
class Pairs:
    """The trips between sites and cells, (sites, cells) each.

    ``minutes``: inf where there is none; ``line``: of a straight line; ``around``: that leads round water.
    """

    minutes: FloatArray
    line: BoolArray
    around: BoolArray


def straight_pairs(mode: TravelMode, metres: FloatArray, around: BoolArray) -> Pairs:
    """Return trips in straight lines on land."""
    speed = mode.straight_kmh * 1000.0 / 60.0 / mode.detour_factor
    return Pairs(quantise_minutes(metres / speed), np.ones_like(around), around)


def network_pairs(
    roads: Roads, sites: FloatArray, cells: FloatArray, straight: Pairs, *, forth: bool = True
) -> Pairs:
    """Return trips by road or on foot where roads are near both ends, else in ``straight`` lines."""
    sites_at, cells_at = roads.join(sites, exact=True), roads.join(cells, exact=False)
    covered = np.array([one is not None for one in cells_at], dtype=bool)
    minutes, line, around = straight.minutes.copy(), straight.line.copy(), straight.around.copy()
    for row, (site, at) in enumerate(zip(sites, sites_at, strict=True)):
        if at is not None:
            by_road, on_foot = (
                roads.by_road(at, cells_at, forth=forth),
                roads.walks(site, at, cells, cells_at),
            )
            minutes[row, covered] = np.minimum(by_road, on_foot)[covered]
            line[row, covered] = around[row, covered] = False
    return Pairs(minutes, line, around)


# Circles ------------------------------------------------------------------------------------------------


def service_people(
    cells: pd.DataFrame, rules: Sequence[dict[str, object]], service: str, counties: set[str]
) -> tuple[int, int, bool]:
    """Return the people of counties who are to reach a service, who do, and whether it is measured."""
    asked = reached = 0
    measured = False
    for rule in rules:
        minutes = rule["minutes"]
        if rule["service"] != service or minutes is None:
            continue
        measured = True
        for row, (county, people) in enumerate(zip(cells["adcode"], cells[str(rule["tier"])], strict=True)):
            if county in counties:
                asked += int(people)
                time = minutes[row]  # type: ignore[index]
                reached += int(people) if time is not None and time <= rule["threshold"] else 0
    return asked, reached, measured


def straight_people(
    cells: pd.DataFrame, rules: Sequence[dict[str, object]], lines: dict[str, BoolArray], counties: set[str]
) -> int:
    """Return the people of counties who reach some measured service of their tier in a straight line."""
    total = 0
    for tier in ("urban", "rural"):
        own = [lines[tier] for rule in rules if rule["tier"] == tier and rule["minutes"] is not None]
        for row, (county, people) in enumerate(zip(cells["adcode"], cells[tier], strict=True)):
            if county in counties and any(one[row] for one in own):
                total += int(people)
    return total


# Catchments ---------------------------------------------------------------------------------------------


def lowest(access: Sequence[float], people: Sequence[float], part: Fraction) -> float:
    """Return the access that the worst-off part of the people have at most."""
    total, running = sum(map(Fraction, people)), Fraction(0)
    for value, count in sorted(zip(access, people, strict=True)):
        running += Fraction(count)
        if running >= total * part:
            return value
    return math.nan


# Siting -------------------------------------------------------------------------------------------------


def plain_greedy(value: Callable[[list[int]], float], sites: int, add: int) -> tuple[list[int], list[float]]:
    """Return the sites that add most one after the other, of equals the first, and what each adds."""
    chosen: list[int] = []
    gains: list[float] = []
    while len(chosen) < add:
        now = value(chosen)
        adds = {site: value([*chosen, site]) - now for site in range(sites) if site not in chosen}
        best = max(adds.values())
        if best <= 0.0:
            break
        chosen.append(next(site for site, gain in adds.items() if gain == best))
        gains.append(best)
    return chosen, gains


# Inequality ---------------------------------------------------------------------------------------------


def gini(values: Sequence[float], weights: Sequence[float]) -> float:
    """Return half the mean difference of any two people over the mean, in fractions."""
    rows = [(Fraction(y), Fraction(w)) for y, w in zip(values, weights, strict=True)]
    people, held = sum(w for _, w in rows), sum(y * w for y, w in rows)
    apart = sum(v * w * abs(x - y) for x, v in rows for y, w in rows)
    return float(apart / (2 * people * held))


def variation(values: Sequence[float], weights: Sequence[float]) -> float:
    """Return standard deviation over mean, the variance in fractions."""
    rows = [(Fraction(y), Fraction(w)) for y, w in zip(values, weights, strict=True)]
    people = sum(w for _, w in rows)
    mean = sum(y * w for y, w in rows) / people
    variance = sum(w * (y - mean) ** 2 for y, w in rows) / people
    return math.sqrt(variance / mean**2)
