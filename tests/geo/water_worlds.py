"""Small worlds with water, and ways found plainly in them: shapely for sight, networkx for ways."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import networkx as nx
import numpy as np
import shapely
from numpy.typing import NDArray

from geo.waters import RIM_M, Waters, build_waters

FloatArray = NDArray[np.float64]

CORNER = np.array([500_000.0, 3_500_000.0])
"""Where these worlds lie, in metres of ``ALBERS``: the middle of the province."""


@dataclass(frozen=True, eq=False)
class WaterWorld:
    """Water, its crossings (x, y, x, y, metres), and two kinds of places (n, 2)."""

    shapes: list[shapely.Polygon]
    gates: FloatArray
    sites: FloatArray
    places: FloatArray

    @property
    def waters(self) -> Waters:
        """The water as the product has it."""
        return build_waters(self.shapes, self.gates)


def water_world(seed: int, *, size_m: float = 10_000.0, sites: int = 5, places: int = 30) -> WaterWorld:
    """Return a world of a few lakes, a river with or without an island, and some crossings."""
    rng = np.random.default_rng(seed)
    shapes: list[shapely.Geometry] = []
    for _ in range(int(rng.integers(0, 4))):
        turns = np.sort(rng.uniform(0.0, 2.0 * np.pi, int(rng.integers(3, 9))))
        arms = rng.uniform(200.0, 2_500.0, len(turns))
        middle = rng.uniform(0.0, size_m, 2)
        lake = shapely.Polygon(middle + arms[:, None] * np.column_stack([np.cos(turns), np.sin(turns)]))
        shapes.append(shapely.make_valid(lake))
    if rng.random() < 0.7:
        west_to_east = np.linspace(-size_m, 2.0 * size_m, int(rng.integers(3, 9)))
        course = np.column_stack([west_to_east, rng.uniform(0.3, 0.7, len(west_to_east)) * size_m])
        river = shapely.LineString(course)
        island = shapely.Point(*course[len(course) // 2]).buffer(
            float(rng.uniform(300.0, 900.0)), quad_segs=2
        )
        if rng.random() < 0.5:
            river = shapely.union(shapely.difference(river, island), shapely.boundary(island))
        shapes.append(shapely.buffer(river, 20.0, cap_style="square", join_style="mitre"))
    whole = shapely.affinity.translate(shapely.union_all(shapes), *CORNER)
    whole = shapely.set_precision(whole, 0.01)  # No two vertices in one place.
    polygons = [
        one for one in shapely.get_parts(whole) if isinstance(one, shapely.Polygon) and one.area > 1.0
    ]
    gates = np.zeros((0, 5))
    if polygons:
        ends = rng.uniform(0.0, size_m, (int(rng.integers(0, 4)), 4)) + np.tile(CORNER, 2)
        length = np.hypot(*(ends[:, 2:] - ends[:, :2]).T)
        gates = np.column_stack([ends, length * rng.uniform(1.0, 2.0, len(ends))])
    where = [rng.uniform(0.0, size_m, (count, 2)) + CORNER for count in (sites, places)]
    where[1][: min(sites, 2)] = where[0][: min(sites, 2)]
    return WaterWorld(polygons, gates, where[0], where[1])


def plain_metres(world: WaterWorld) -> FloatArray:
    """Return the metres from sites to places (sites, places): one graph of all that see each other."""
    inner = shapely.union_all([shapely.buffer(one, -RIM_M, join_style="mitre") for one in world.shapes])
    corners = [tuple(xy) for one in world.shapes for xy in turning(one)]
    gates = [(tuple(gate[:2]), tuple(gate[2:4]), gate[4]) for gate in world.gates]
    nodes = list(dict.fromkeys([*corners, *(end for gate in gates for end in gate[:2])]))
    graph = nx.Graph()
    graph.add_nodes_from(nodes)
    for one, two in itertools.combinations(nodes, 2):
        if _sees(one, two, world.shapes, inner):
            graph.add_edge(one, two, metres=float(np.hypot(one[0] - two[0], one[1] - two[1])))
    for one, two, metres in gates:
        kept = graph.get_edge_data(one, two, {"metres": np.inf})["metres"]
        graph.add_edge(one, two, metres=min(kept, metres))
    between = dict(nx.all_pairs_dijkstra_path_length(graph, weight="metres"))
    found = np.full((len(world.sites), len(world.places)), np.inf)
    sight_of_places = [_sight(place, nodes, world.shapes, inner) for place in world.places]
    for row, site in enumerate(world.sites):
        sight = _sight(site, nodes, world.shapes, inner)
        for column, place in enumerate(world.places):
            ways = [
                sight[u] + between[u][v] + leg
                for u in sight
                for v, leg in sight_of_places[column].items()
                if v in between[u]
            ]
            if _sees(tuple(site), tuple(place), world.shapes, inner):
                ways.append(float(np.hypot(*(site - place))))
            found[row, column] = min(ways, default=np.inf)
    return found


def turning(shape: shapely.Polygon) -> list[tuple[float, float]]:
    """Return the vertices at which the water takes up less than half a turn."""
    found = []
    for ring in (shape.exterior, *shape.interiors):
        points = list(ring.coords)[:-1]
        for before, here, after in zip(
            [points[-1], *points[:-1]], points, [*points[1:], points[0]], strict=True
        ):
            # A step from the corner towards the middle of its neighbours is water where the water is narrow.
            middle = (np.array(before) - here) / np.hypot(*(np.array(before) - here))
            middle = middle + (np.array(after) - here) / np.hypot(*(np.array(after) - here))
            if np.hypot(*middle) > 1e-12 and shape.contains(
                shapely.Point(here + 1e-3 * middle / np.hypot(*middle))
            ):
                found.append(here)
    return found


def ashore(place: tuple[float, float] | FloatArray, shapes: list[shapely.Polygon]) -> shapely.Point:
    """Return a place, or where the nearest side of the outline is in which it lies."""
    point = shapely.Point(place)
    for shape in shapes:
        if shape.contains(point):
            rings = [np.array(ring.coords) for ring in (shape.exterior, *shape.interiors)]
            start = np.concatenate([ring[:-1] for ring in rings])
            way = np.concatenate([np.diff(ring, axis=0) for ring in rings])
            along = ((np.asarray(place) - start) * way).sum(axis=1) / (way**2).sum(axis=1)
            near = start + np.clip(along, 0.0, 1.0)[:, None] * way
            return shapely.Point(near[((near - place) ** 2).sum(axis=1).argmin()])
    return point


def _sees(
    one: tuple[float, float], two: tuple[float, float], shapes: list[shapely.Polygon], inner: shapely.Geometry
) -> bool:
    line = shapely.LineString([ashore(one, shapes), ashore(two, shapes)])
    return not line.intersects(inner)


def _sight(
    place: FloatArray,
    nodes: list[tuple[float, float]],
    shapes: list[shapely.Polygon],
    inner: shapely.Geometry,
) -> dict[tuple[float, float], float]:
    here = tuple(place)
    return {
        node: float(np.hypot(*(place - np.array(node)))) for node in nodes if _sees(here, node, shapes, inner)
    }
