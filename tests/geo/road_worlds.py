"""Small worlds of roads, places and counties for the tests of travel and coverage."""

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from geo.modes import RoadClass, TravelMode
from geo.travel import TravelResult

ORIGIN = np.array([100_000.0, 3_600_000.0])
"""A place in Jiangsu, in metres of the measuring CRS."""

WALK = TravelMode(
    id="walk",
    name="步行",
    straight_kmh=4.8,
    detour_factor=1.3,
    classes={"residential": RoadClass(4.8), "steps": RoadClass(2.4), "trunk": RoadClass(4.8, snap=False)},
    ferry_kmh=12.0,
    snap_limit_m=400.0,
    min_component_nodes=1,
)
DRIVE = TravelMode(
    id="drive",
    name="小汽车",
    straight_kmh=30.0,
    detour_factor=1.3,
    classes={
        "residential": RoadClass(20.0),
        "trunk": RoadClass(60.0, snap=False),
        "primary": RoadClass(45.0),
    },
    oneway=True,
    use_maxspeed=True,
    ferry_kmh=12.0,
    snap_limit_m=400.0,
    min_component_nodes=1,
)


def places(*points):
    """Return positions (n, 2) of points given in metres east and north of ``ORIGIN``."""
    return np.array(points, dtype=float).reshape(-1, 2) + ORIGIN


def nodes_at(points):
    """Return a node frame with ids 10, 20, … at metres east and north of ``ORIGIN``."""
    xy = np.asarray(points, dtype=float) + ORIGIN
    return pd.DataFrame({"node_id": np.arange(1, len(xy) + 1) * 10, "x": xy[:, 0], "y": xy[:, 1]})


def edges_between(nodes, pairs, **columns):
    """Return an edge frame of straight residential roads between node numbers (from 0)."""
    xy = nodes[["x", "y"]].to_numpy()
    a, b = (np.array([pair[side] for pair in pairs], dtype=int) for side in (0, 1))
    frame = pd.DataFrame(
        {
            "from_node": nodes["node_id"].to_numpy()[a],
            "to_node": nodes["node_id"].to_numpy()[b],
            "length_m": np.hypot(*(xy[a] - xy[b]).T),
            "highway": "residential",
        }
    )
    return frame.assign(**columns)


def grid_roads(columns, lines, spacing):
    """Return node and edge frames of a full street grid."""
    number = np.arange(columns * lines).reshape(lines, columns)
    y, x = np.divmod(number.ravel(), columns)
    nodes = nodes_at(np.column_stack([x * spacing, y * spacing]))
    pairs = np.concatenate(
        [
            np.column_stack([number[:, :-1].ravel(), number[:, 1:].ravel()]),
            np.column_stack([number[:-1].ravel(), number[1:].ravel()]),
        ]
    )
    return nodes, edges_between(nodes, pairs)


def travel_of(minutes, *, method="straight", max_minutes=16384.0):
    """Return a travel result of given minutes, None where unreachable."""
    reachable = np.array([value is not None for value in minutes], dtype=bool)
    values = np.array([np.nan if value is None else value for value in minutes], dtype=float)
    facility = np.where(reachable, 0, -1).astype(np.int32)
    straight = np.full(len(values), method == "straight")
    nobody = np.zeros(0, dtype=np.int32)
    return TravelResult(
        values, facility, reachable, straight, np.zeros_like(straight), method, "walk", max_minutes, nobody
    )


def region_frame():
    """Return a small province: two economic regions, three prefectures, five counties."""
    rows = [
        ("320000", "江苏省", "province", None),
        ("320S00", "苏南", "economic_region", "320000"),
        ("320N00", "苏北", "economic_region", "320000"),
        ("320100", "甲市", "prefecture", "320S00"),
        ("320200", "乙市", "prefecture", "320S00"),
        ("320300", "丙市", "prefecture", "320N00"),
        ("320102", "甲一区", "county", "320100"),
        ("320104", "甲二区", "county", "320100"),
        ("320205", "乙一区", "county", "320200"),
        ("320302", "丙一区", "county", "320300"),
        ("320303", "丙二区", "county", "320300"),
    ]
    return pd.DataFrame(rows, columns=["adcode", "name", "level", "parent"])


COUNTIES = ("320102", "320104", "320205", "320302", "320303")


@st.composite
def road_worlds(draw, *, mode):
    """Draw (nodes, edges, facilities, cells): random roads within 2 km, places on and off them."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    count = draw(st.integers(2, 14))
    nodes = nodes_at(rng.uniform(0, 2000, (count, 2)))
    pairs = rng.integers(0, count, (draw(st.integers(1, 24)), 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    if len(pairs) == 0:
        pairs = np.array([[0, 1]])
    edges = edges_between(nodes, pairs)
    edges["length_m"] *= rng.uniform(1.0, 1.5, len(edges))
    edges["highway"] = rng.choice(sorted([*mode.classes, "ferry", "cycleway"]), len(edges))
    edges.loc[0, "highway"] = "residential"
    edges["oneway"] = rng.integers(-1, 2, len(edges)).astype("int8")
    edges["maxspeed_kmh"] = np.where(rng.random(len(edges)) < 0.3, 15.0, np.nan)
    edges["bridge"] = np.append(False, rng.random(len(edges) - 1) < 0.1)
    edges["duration_minutes"] = np.where(
        edges["highway"].eq("ferry") & (rng.random(len(edges)) < 0.5), 7.5, np.nan
    )
    edges[mode.id] = pd.array(rng.choice([None, True, False], len(edges), p=[0.8, 0.1, 0.1]), dtype="boolean")
    edges.loc[0, mode.id] = pd.NA
    facilities = rng.uniform(-200, 2200, (draw(st.integers(1, 5)), 2)) + ORIGIN
    cells = rng.uniform(-200, 2200, (draw(st.integers(1, 12)), 2)) + ORIGIN
    return nodes, edges, facilities, cells


@st.composite
def cell_worlds(draw):
    """Draw (cells, minutes): cells of the small province with people of several groups, and their minutes."""
    count = draw(st.integers(1, 25))
    minutes = draw(
        st.lists(
            st.one_of(st.none(), st.integers(0, 240).map(lambda q: q / 4)), min_size=count, max_size=count
        )
    )
    people = st.integers(0, 80_000).map(lambda sixteenths: sixteenths / 16)
    cells = pd.DataFrame(
        {
            "adcode": draw(st.lists(st.sampled_from(COUNTIES), min_size=count, max_size=count)),
            "x": ORIGIN[0] + 500.0 * np.arange(count),
            "y": ORIGIN[1],
            "area_km2": draw(st.lists(st.sampled_from([0.0, 0.1, 0.25]), min_size=count, max_size=count)),
            "population": draw(st.lists(people, min_size=count, max_size=count)),
            "age_65_plus": draw(st.lists(people, min_size=count, max_size=count)),
        }
    )
    return cells, minutes
