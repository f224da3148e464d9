"""Who may use a way by its tags, beside an oracle with tables of its own: all combinations, and files."""

import itertools
import random
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.ingest.osm_access import UNSTATED, AccessTable, AccessTold, plain_told, told_of_plain, ways_access
from data.ingest.osm_network import scan_network
from data.ingest.osm_notes import access_notes
from data.registry.mode_models import load_modes
from data.registry.osm_models import load_osm_mapping
from geo.network import build_network
from tests.data.osm_files import World
from tests.oracles.osm_access_naive import may_go

RULES = load_osm_mapping().roads
TABLE = AccessTable(RULES)
MODES = {rule.mode: rule for rule in RULES.access}
LINE = {number: (118.0 + 0.001 * number, 32.0) for number in range(1, 10)}
DIRECTIONS = {"forward": 1, "backward": -1}
KEYS = ("foot", "electric_bicycle", "bicycle", "motorcar", "motor_vehicle", "vehicle", "access")

VALUES = st.sampled_from(
    [
        "yes",
        "no",
        "private",
        "designated",
        "destination;delivery",
        "delivery;yes",
        "residents",
        "permit",
        "Yes",
    ]
)
FLOWS = st.sampled_from(["yes", "no", "-1", "1", "reverse", "reversible", "perhaps"])
TAGS = st.builds(
    lambda kind, *more: kind | {key: value for part in more for key, value in part.items()},
    st.sampled_from(
        [
            *(
                {"highway": value}
                for value in ("residential", "motorway", "motorway_link", "footway", "steps")
            ),
            *({"highway": value} for value in ("road", "cycleway", "bridleway", "pedestrian")),
            {"highway": "primary", "motorroad": "yes"},
            {"highway": "tertiary", "junction": "roundabout"},
            {"route": "ferry"},
            {"route": "ferry", "ferry": "trunk"},
            {"route": "ferry", "ferry": "yes"},
            {"route": "ferry", "highway": "primary"},
            {"route": "ferry", "highway": "footway"},
        ]
    ),
    st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4),
    st.dictionaries(
        st.sampled_from([f"{key}:{direction}" for key in KEYS for direction in DIRECTIONS]),
        VALUES,
        max_size=2,
    ),
    st.dictionaries(
        st.sampled_from(
            ["oneway", "oneway:motorcar", "oneway:motor_vehicle", "oneway:vehicle", "oneway:bicycle"]
        ),
        FLOWS,
        max_size=2,
    ),
)


def goes(tags: dict[str, str], mode: str, verdict: int, oneway: int, direction: str) -> bool:
    """Return whether a mode goes along a way whose edges carry these values, as ``geo.network`` has it."""
    if mode == "drive" and oneway not in (0, DIRECTIONS[direction]):
        return False
    if verdict != UNSTATED:
        return verdict == 1
    return tags.get("route") == "ferry" or tags["highway"] not in MODES[mode].closed


def same_as_the_oracle(tags: dict[str, str]) -> None:
    found = TABLE.way(tags)
    for mode, verdict in zip(MODES, found.modes, strict=True):
        expected = {direction: may_go(tags, mode, direction) for direction in DIRECTIONS}
        if mode != "drive":  # an edge carries one answer for both directions
            expected = dict.fromkeys(DIRECTIONS, any(expected.values()))
        actual = {name: goes(tags, mode, verdict, found.oneway, name) for name in DIRECTIONS}
        assert actual == expected, (mode, tags)


@pytest.mark.parametrize(
    "kind",
    [
        {"highway": "residential"},
        {"highway": "footway"},
        {"highway": "motorway"},
        {"highway": "primary", "motorroad": "yes"},
        {"route": "ferry"},
        {"route": "ferry", "ferry": "secondary"},
    ],
)
def test_all_combinations_of_the_access_tags(kind: dict[str, str]) -> None:
    for values in itertools.product((None, "yes", "no", "odd"), repeat=len(KEYS)):
        same_as_the_oracle(
            kind | {key: value for key, value in zip(KEYS, values, strict=True) if value is not None}
        )


@given(TAGS)
def test_directions_and_odd_values(tags: dict[str, str]) -> None:
    same_as_the_oracle(tags)


@given(st.lists(TAGS, min_size=1, max_size=12))
def test_many_ways_at_once_are_each_as_alone(ways: list[dict[str, str]]) -> None:
    looked_at = [*TABLE.keys, *(key for keys in TABLE.seldom_keys.values() for key in keys)]
    columns = {
        key: pa.chunked_array([pa.array([tags.get(key) for tags in ways], pa.string())]) for key in looked_at
    }
    found = ways_access(columns, RULES)
    alone = [TABLE.way(tags) for tags in ways]
    for number, mode in enumerate(MODES):
        assert found.modes[mode].tolist() == [one.modes[number] for one in alone]
    assert found.oneway.tolist() == [one.oneway for one in alone]
    assert found.told.unknown_ways == sum(bool(one.unknown) for one in alone)
    assert found.told.ferries == sum(tags.get("route") == "ferry" for tags in ways)
    assert found.told.silent_ferries == sum(one.silent for one in alone)


def test_no_way_at_all() -> None:
    looked_at = [*TABLE.keys, *(key for keys in TABLE.seldom_keys.values() for key in keys)]
    found = ways_access({key: pa.chunked_array([], pa.string()) for key in looked_at}, RULES)
    assert found.oneway.tolist() == []
    assert {mode: verdict.tolist() for mode, verdict in found.modes.items()} == {mode: [] for mode in MODES}
    assert found.told == AccessTold()


def test_tags_come_through_a_file_as_they_were_written(tmp_path: Path) -> None:
    draw = random.Random(11)
    values = ["yes", "no", "private", "destination;delivery", "a b", "odd,=%", "permit"]
    keys = [
        *KEYS,
        *(f"{key}:{part}" for key in KEYS for part in DIRECTIONS),
        "oneway",
        "oneway:motor_vehicle",
    ]
    kinds = [
        {"highway": "residential"},
        {"highway": "path"},
        {"route": "ferry"},
        {"route": "ferry", "ferry": "trunk"},
    ]
    ways = [
        draw.choice(kinds)
        | {"name": "江,河=%20%"}
        | {key: draw.choice(values) for key in draw.sample(keys, 4)}
        for _ in range(300)
    ]
    world = World(LINE, {number: ((1, 2), tags) for number, tags in enumerate(ways, 1)})
    edges = scan_network(world.write(tmp_path / "many.osm.pbf")).edges
    expected = [TABLE.way(tags) for tags in ways]
    assert edges["oneway"].tolist() == [one.oneway for one in expected]
    for number, mode in enumerate(MODES):
        assert edges[mode].astype("Int8").fillna(UNSTATED).tolist() == [one.modes[number] for one in expected]


def edge(tmp_path: Path, tags: dict[str, str]) -> dict[str, object]:
    """Return what the only edge of an extract with one way says of the modes and the direction."""
    found = scan_network(World(LINE, {7: ((1, 2), tags)}).write(tmp_path / "way.osm.pbf")).edges.iloc[0]
    said = {mode: None if pd.isna(found[mode]) else bool(found[mode]) for mode in MODES}
    return said | {"oneway": int(found["oneway"])}


@pytest.mark.parametrize(
    ("tags", "carried"),
    [
        ({}, {"walk"}),
        ({"name": "板桥汽渡"}, {"walk"}),
        ({"access": "yes"}, {"walk"}),
        ({"foot": "yes", "bicycle": "yes"}, {"walk", "ebike"}),
        ({"foot": "yes", "bicycle": "yes", "motor_vehicle": "no"}, {"walk", "ebike"}),
        ({"foot": "no", "bicycle": "yes"}, {"ebike"}),
        ({"motor_vehicle": "yes"}, {"walk", "ebike", "drive"}),
        ({"motor_vehicle": "yes", "bicycle": "no"}, {"walk", "drive"}),
        ({"motorcar": "designated", "foot": "no"}, {"ebike", "drive"}),
        ({"vehicle": "yes"}, {"walk", "ebike", "drive"}),
        ({"vehicle": "no", "motor_vehicle": "yes"}, {"walk", "drive"}),
        ({"hgv": "yes"}, {"walk"}),
        ({"electric_bicycle": "no", "bicycle": "yes"}, {"walk"}),
        ({"ferry": "trunk"}, {"walk", "ebike", "drive"}),
        ({"ferry": "tertiary", "motorcar": "no"}, {"walk", "ebike"}),
        ({"ferry": "yes"}, {"walk"}),
        ({"highway": "primary"}, {"walk", "ebike", "drive"}),
        ({"access": "private"}, set()),
        ({"access": "no", "foot": "yes"}, {"walk"}),
        ({"access": "private", "ferry": "primary"}, set()),
    ],
)
def test_whom_a_ferry_carries(tmp_path: Path, tags: dict[str, str], carried: set[str]) -> None:
    """The whole way: a street, a ferry, a street; who gets across by the network of each mode."""
    ways = {
        1: ((1, 2), {"highway": "residential"}),
        2: ((2, 3), {"route": "ferry"} | tags),
        3: ((3, 4), {"highway": "residential"}),
    }
    found = scan_network(World(LINE, ways).write(tmp_path / "ferry.osm.pbf"))
    crossed = set()
    for mode in MODES:
        network = build_network(found.nodes, found.edges, load_modes()[mode])
        name = network.node_id
        if (2, 3) in zip(name[network.edge_starts()], name[network.indices], strict=True):
            crossed.add(mode)
    assert crossed == carried


def test_nobody_boards_a_ferry_in_mid_river(tmp_path: Path) -> None:
    ways = {
        1: ((1, 2), {"highway": "residential"}),
        2: ((2, 3, 4), {"route": "ferry", "duration": "00:20", "motor_vehicle": "yes"}),
        3: ((4, 5), {"highway": "residential"}),
    }
    found = scan_network(World(LINE, ways).write(tmp_path / "ferry.osm.pbf"))
    for mode in MODES:
        network = build_network(found.nodes, found.edges, load_modes()[mode])
        name = network.node_id
        pairs = {
            (int(name[start]), int(name[end])): (float(minutes), bool(snappable))
            for start, end, minutes, snappable in zip(
                network.edge_starts(), network.indices, network.minutes, network.snappable, strict=True
            )
        }
        crossing = [pairs[pair] for pair in ((2, 3), (3, 4))]
        assert sum(minutes for minutes, _ in crossing) == pytest.approx(20.0, abs=1e-3)
        assert [snappable for _, snappable in crossing] == [False, False]
        assert pairs[1, 2][1]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        # General permission opens no class that is closed; a tag of the mode's own does.
        ({"highway": "footway", "access": "yes"}, (True, True, None, 0)),
        ({"highway": "footway", "vehicle": "yes"}, (None, True, None, 0)),
        ({"highway": "footway", "motor_vehicle": "destination"}, (None, None, True, 0)),
        ({"highway": "steps", "access": "permissive"}, (True, None, None, 0)),
        ({"highway": "motorway", "access": "yes"}, (None, None, True, 1)),
        ({"highway": "motorway", "bicycle": "yes"}, (None, True, None, 1)),
        # An electric bicycle is no motor vehicle.
        (
            {"highway": "primary", "motor_vehicle": "no", "motorcycle": "no", "moped": "no"},
            (None, None, False, 0),
        ),
        ({"highway": "primary", "bicycle": "yes", "electric_bicycle": "no"}, (None, False, None, 0)),
        ({"highway": "primary", "vehicle": "no"}, (None, False, False, 0)),
        # Directions.
        ({"highway": "primary", "oneway": "yes", "oneway:bicycle": "no"}, (None, None, None, 1)),
        ({"highway": "primary", "oneway": "yes", "oneway:motor_vehicle": "no"}, (None, None, None, 0)),
        ({"highway": "primary", "oneway:foot": "yes"}, (None, None, None, 0)),
        ({"highway": "primary", "motor_vehicle:forward": "no"}, (None, None, None, -1)),
        ({"highway": "primary", "motor_vehicle:backward": "no"}, (None, None, None, 1)),
        ({"highway": "primary", "vehicle:forward": "no", "vehicle:backward": "no"}, (None, False, False, 0)),
        ({"highway": "primary", "oneway": "yes", "motor_vehicle:forward": "private"}, (None, None, False, 1)),
        ({"highway": "primary", "access:forward": "no", "motorcar:forward": "yes"}, (None, None, True, 0)),
        ({"highway": "path", "motor_vehicle:forward": "yes"}, (None, None, True, 1)),
        (
            {"highway": "primary", "motor_vehicle": "no", "motor_vehicle:backward": "yes"},
            (None, None, True, -1),
        ),
        # Values.
        ({"highway": "primary", "access": "permit"}, (True, True, True, 0)),
        ({"highway": "primary", "access": "destination;delivery"}, (True, True, True, 0)),
        ({"highway": "primary", "access": "no", "motorcar": "residents"}, (False, False, False, 0)),
        ({"highway": "primary", "access:conditional": "no @ (22:00-06:00)"}, (None, None, None, 0)),
    ],
)
def test_roads(
    tmp_path: Path, tags: dict[str, str], expected: tuple[bool | None, bool | None, bool | None, int]
) -> None:
    assert tuple(edge(tmp_path, tags).values()) == expected


def told_of(tmp_path: Path, *ways: dict[str, str]) -> AccessTold:
    world = World(LINE, {number: ((1, 2), tags) for number, tags in enumerate(ways, 1)})
    return scan_network(world.write(tmp_path / "told.osm.pbf")).told


def test_what_is_not_known_is_told(tmp_path: Path) -> None:
    told = told_of(
        tmp_path,
        {"highway": "primary", "access": "residents"},
        {"highway": "primary", "access": "residents", "foot": "yes"},
        {"highway": "primary", "motor_vehicle:forward": "hov", "vehicle": "odd\x1b"},
        {"highway": "primary", "access": "yes"},
        {
            "highway": "primary",
            "motor_vehicle:conditional": "no @ (Mo-Fr)",
            "access:forward:conditional": "no @ x",
        },
        {"highway": "primary", "oneway:conditional": "yes @ (07:00-09:00)"},
        {"highway": "primary", "maxspeed:conditional": "30 @ night"},
        {"route": "ferry"},
        {"route": "ferry", "access": "unheard_of"},
        {"route": "ferry", "ferry": "trunk"},
        {"route": "ferry", "foot": "yes"},
    )
    assert told.unknown_ways == 4
    assert told.unknown == (
        ("access=residents", 2),
        ("access=unheard_of", 1),
        ("motor_vehicle:forward=hov", 1),
        ("vehicle=odd\ufffd", 1),
    )
    assert (told.conditional_ways, told.ferries, told.silent_ferries) == (2, 4, 2)
    text = "\n".join(access_notes(told))
    for words in (
        "4 条道路的通行权标签有对照表里没有的取值",
        "access=residents 2 条、access=unheard_of 1 条",
        "2 条道路的通行权或单向按时段而定",
        "4 条轮渡中有 2 条的标签没有说载什么",
    ):
        assert words in text
    assert told_of_plain(plain_told(told)) == told
    assert access_notes(AccessTold()) == []


def test_only_the_most_frequent_odd_values_are_listed(tmp_path: Path) -> None:
    ways = [{"highway": "primary", "access": f"odd{number:02d}" + "x" * 60} for number in range(40)]
    told = told_of(tmp_path, *ways, {"highway": "primary", "access": "odd39" + "x" * 60})
    assert told.unknown_ways == 41
    assert told.unknown[0] == ("access=odd39" + "x" * 28, 2)
    assert len(told.unknown) == 12
