"""Travel times the slow way: networkx, one trip at a time, places inserted into the edges they stand on."""

import math
from collections import defaultdict
from itertools import pairwise

import networkx as nx
import pandas as pd
import shapely


def nearest_straight(facilities, cells, metres_per_minute):
    """Return [(minutes, facility row)] per cell: every distance, the least, the first of equals."""
    return [
        min((math.hypot(x - fx, y - fy) / metres_per_minute, row) for row, (fx, fy) in enumerate(facilities))
        for x, y in cells
    ]


def road_graph(nodes, edges, mode):
    """Return a DiGraph of minutes from the frames that ``build_network`` takes, read row by row."""
    graph = nx.DiGraph()
    position = {row.node_id: (row.x, row.y) for row in nodes.itertuples()}
    for row in edges.itertuples():
        minutes = _minutes(row, mode)
        if minutes is None or row.from_node == row.to_node:
            continue
        oneway = getattr(row, "oneway", 0) if mode.oneway else 0
        snap = row.highway != "ferry" and (row.highway not in mode.classes or mode.classes[row.highway].snap)
        snap = snap and not getattr(row, "bridge", False) and not getattr(row, "tunnel", False)
        for a, b, way in ((row.from_node, row.to_node, 1), (row.to_node, row.from_node, -1)):
            graph.add_node(a, position=position[a])
            graph.add_node(b, position=position[b])
            if oneway not in (0, way):
                continue
            known = graph.get_edge_data(a, b, {"minutes": math.inf})
            if minutes < known["minutes"]:
                graph.add_edge(a, b, minutes=minutes, snap=snap)
    return graph


def _minutes(row, mode):
    """Return the minutes of an edge row, None where the mode may not go."""
    said = getattr(row, mode.id, pd.NA)
    told = not pd.isna(said)
    if told and not said:
        return None
    if row.highway == "ferry":
        speed = mode.ferry_kmh
    elif row.highway in mode.classes:
        speed = mode.classes[row.highway].speed_kmh
    elif told:
        speed = min(road.speed_kmh for road in mode.classes.values())
    else:
        speed = None
    if speed is None:
        return None
    posted = getattr(row, "maxspeed_kmh", math.nan)
    if mode.use_maxspeed and row.highway != "ferry" and posted > 0:
        speed = min(speed, posted)
    stated = getattr(row, "duration_minutes", math.nan)
    return stated if stated > 0 else row.length_m / (speed * 1000 / 60)


def nearest_edge(graph, point):
    """Return (distance, a, b, fraction) of the nearest edge that trips may start on, every edge tried."""
    best = None
    for a, b, data in graph.edges(data=True):
        if not data["snap"]:
            continue
        line = shapely.LineString([graph.nodes[a]["position"], graph.nodes[b]["position"]])
        place = shapely.Point(point)
        distance = line.distance(place)
        if best is None or distance < best[0]:
            fraction = line.project(place) / line.length if line.length else 0.0
            # An end of the road is that node itself, whatever the projection's last digit.
            fraction = 0.0 if fraction < 1e-9 else 1.0 if fraction > 1 - 1e-9 else fraction
            best = (distance, a, b, fraction)
    return best


def travel_matrix(graph, mode, starts, ends, limit_m):
    """Return {(start row, end row): minutes} of all trips that exist, each searched on its own."""
    graph = graph.copy()
    on_edge = defaultdict(list)
    for kind, points in (("start", starts), ("end", ends)):
        for row, point in enumerate(points):
            found = nearest_edge(graph, point)
            if found is None or found[0] > limit_m:
                continue
            distance, a, b, fraction = found
            if a > b:
                a, b, fraction = b, a, 1.0 - fraction
            on_edge[a, b].append((fraction, (kind, row), distance))
    for (a, b), places in on_edge.items():
        _insert(graph, mode, a, b, sorted(places))
    found = {}
    for row in range(len(starts)):
        if ("start", row) in graph:
            reach = nx.single_source_dijkstra_path_length(graph, ("start", row), weight="minutes")
            found |= {(row, end): reach["end", end] for end in range(len(ends)) if ("end", end) in reach}
    return found


def door_to_door(graph, mode, starts, ends):
    """Return {(start row, end row): (minutes, straight)} of all trips within reach of any road or none.

    By road or on foot where roads are near both ends, else in a straight line: every pair on its own.
    """
    limit, walk = mode.snap_limit_m, mode.access_kmh * 1000 / 60
    line = mode.straight_kmh * 1000 / 60 / mode.detour_factor
    by_road = travel_matrix(graph, mode, starts, ends, limit)
    part = {
        node: number for number, some in enumerate(nx.weakly_connected_components(graph)) for node in some
    }
    found = {}
    at = [[nearest_edge(graph, point) for point in points] for points in (starts, ends)]
    for row, start in enumerate(starts):
        for column, end in enumerate(ends):
            one, two = at[0][row], at[1][column]
            metres = math.hypot(start[0] - end[0], start[1] - end[1])
            if one is None or two is None or max(one[0], two[0]) > limit:
                found[row, column] = (metres / line, True)
                continue
            minutes = by_road.get((row, column), math.inf)
            if metres <= min(limit, 4.0 * (one[0] + two[0])) and part[one[1]] == part[two[1]]:
                minutes = min(minutes, metres / walk)
            if minutes < math.inf:
                found[row, column] = (minutes, False)
    return found


def _insert(graph, mode, a, b, places):
    """Hang places onto the edge (a, b), which stays as it was: a chain of points runs beside it."""
    chain = [(0.0, a), *((fraction, ("on", *name)) for fraction, name, _ in places), (1.0, b)]
    for forth, begin, end in ((True, a, b), (False, b, a)):
        if not graph.has_edge(begin, end):
            continue
        minutes = graph[begin][end]["minutes"]
        for (f0, n0), (f1, n1) in pairwise(chain):
            one, two = (n0, n1) if forth else (n1, n0)
            graph.add_edge(one, two, minutes=min(minutes * (f1 - f0), _known(graph, one, two)), snap=False)
    for (f0, n0), (f1, n1) in pairwise(chain):
        if f0 == f1:  # the same spot: no time, not even against a one-way road
            graph.add_edge(n0, n1, minutes=0.0, snap=False)
            graph.add_edge(n1, n0, minutes=0.0, snap=False)
    for _, name, distance in places:
        walk = distance / (mode.access_kmh * 1000 / 60)
        if name[0] == "start":
            graph.add_edge(name, ("on", *name), minutes=walk, snap=False)
        else:
            graph.add_edge(("on", *name), name, minutes=walk, snap=False)


def _known(graph, a, b):
    """Return the minutes of an edge that is already there, else infinity."""
    return graph[a][b]["minutes"] if graph.has_edge(a, b) else math.inf
