"""Importing an extract: what is taken in, what stays, what is refused, and that a refusal changes nothing."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from data.faults import FaultReport
from data.ingest.osm import STEPS, import_osm
from data.ingest.osm_network import read_osm_network
from data.ingest.osm_store import (
    EDGES,
    STORED_COLUMNS,
    extract_name,
    facility_files,
    load_imported_layer,
    load_imported_network,
    read_facility_file,
)
from data.regions.boundaries import load_packaged_boundaries
from data.store.staging import imports_dir
from geo.errors import StoreError
from tests.data.osm_files import World, ring, square
from tests.real_data import real_path

XUZHOU, GUSU = "osm/xuzhou_facilities.osm.pbf", "osm/gusu_walk.osm.pbf"
HOSPITAL = {"amenity": "hospital"}


@pytest.fixture(scope="module")
def counties() -> gpd.GeoDataFrame:
    return load_packaged_boundaries()


def snapshot(data_dir: Path) -> dict[str, bytes]:
    folder = imports_dir(data_dir)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_xuzhou_comes_in_with_its_counties_and_types(tmp_path: Path, counties) -> None:
    steps: list[str] = []
    summary = import_osm(
        real_path(XUZHOU), tmp_path, counties, progress=lambda step, _done, _total: steps.append(step)
    )
    expected = pd.read_csv(
        real_path("facilities_xuzhou_osm/xuzhou_osm_facilities_451.csv"), dtype={"county_code": str}
    ).replace({"shelter_type": {"sports_centre": "sports", "stadium": "sports"}})

    stored = read_facility_file(facility_files(tmp_path)[0])
    assert tuple(stored.columns) == STORED_COLUMNS
    assert len(stored) == summary.rows == summary.added == 451
    counts = expected.groupby(["county_code", "shelter_type"]).size()
    assert stored.groupby(["adcode", "type"]).size().tolist() == counts.tolist()
    found = {(row["adcode"], row["type"]): row["facilities"] for row in summary.details["by_county"]}
    assert found == counts.to_dict()
    assert summary.details["by_county"][0]["name"] == "鼓楼区"
    assert set(stored["precision"]) == {"surveyed"}
    assert set(stored["original_datum"]) == {"wgs84"}
    assert set(stored["source"]) == {"osm"}
    assert steps == [*STEPS, "完成"]
    assert "设施 451 处" in summary.lines()[0]
    assert load_imported_network(tmp_path) is None


def test_the_same_import_again_changes_no_byte(tmp_path: Path, counties) -> None:
    for path in (real_path(XUZHOU), real_path(GUSU)):
        import_osm(path, tmp_path, counties)
    before = snapshot(tmp_path)
    again = [import_osm(real_path(name), tmp_path, counties) for name in (XUZHOU, GUSU)]
    assert snapshot(tmp_path) == before
    assert (again[0].added, again[0].updated, again[0].unchanged) == (0, 0, 451)


def test_roads_and_facilities_may_come_from_different_extracts(tmp_path: Path, counties) -> None:
    import_osm(real_path(XUZHOU), tmp_path, counties)
    summary = import_osm(real_path(GUSU), tmp_path, counties)
    nodes, edges = load_imported_network(tmp_path)
    direct_nodes, direct_edges = read_osm_network(real_path(GUSU))
    pd.testing.assert_frame_equal(nodes, direct_nodes)
    pd.testing.assert_frame_equal(edges, direct_edges, check_categorical=False)
    assert len(read_facility_file(facility_files(tmp_path)[0])) == 451
    assert summary.details["network"]["length_km"] == pytest.approx(250.5, abs=0.1)
    assert "没有设施" in summary.lines()[0]


def test_duplicates_within_and_across_sources_are_shown_and_kept(tmp_path: Path, counties) -> None:
    one = World(
        {
            1: (118.8, 32.05, HOSPITAL | {"name": "玄武区人民医院"}),
            2: (118.8003, 32.05, HOSPITAL | {"name": "人民医院"}),
            3: (118.8003, 32.0501, HOSPITAL | {"name": "第二医院"}),
        }
    )
    import_osm(one.write(tmp_path / "one.osm.pbf"), tmp_path, counties)
    two = World({9: (118.8002, 32.05, HOSPITAL | {"name": "玄武人民医院"})})
    summary = import_osm(two.write(tmp_path / "two.osm.pbf"), tmp_path, counties)
    pairs = [(pair["id_a"], pair["id_b"]) for pair in summary.details["duplicates"]]
    assert pairs == [("osm-n1", "osm-n9"), ("osm-n2", "osm-n9")]
    assert any("2 对设施可能是同一处" in note for note in summary.notes)
    assert sum(len(read_facility_file(path)) for path in facility_files(tmp_path)) == 4
    # A new edition is not a duplicate of the one it replaces.
    moved = World({8: (118.8002, 32.05, HOSPITAL | {"name": "玄武人民医院"})})
    again = import_osm(moved.write(tmp_path / "two.osm.pbf"), tmp_path, counties)
    assert {pair["id_b"] for pair in again.details["duplicates"]} == {"osm-n8"}


def test_a_new_edition_takes_the_place_of_the_old_one(tmp_path: Path, counties) -> None:
    first = World({1: (118.8, 32.05, HOSPITAL), 2: (118.81, 32.05, HOSPITAL), 3: (118.82, 32.05, HOSPITAL)})
    second = World({2: (118.81, 32.05, HOSPITAL | {"name": "新名"}), 3: (118.82, 32.05, HOSPITAL)})
    import_osm(first.write(tmp_path / "nanjing-260310.osm.pbf"), tmp_path, counties)
    summary = import_osm(second.write(tmp_path / "nanjing-latest.osm.pbf"), tmp_path, counties)
    assert [path.name for path in facility_files(tmp_path)] == ["osm-nanjing.parquet"]
    stored = read_facility_file(facility_files(tmp_path)[0])
    assert stored[["id", "name"]].fillna("").to_numpy().tolist() == [["osm-n2", "新名"], ["osm-n3", ""]]
    assert (summary.added, summary.updated, summary.unchanged) == (0, 1, 1)
    assert any("1 处设施在这一版里已没有" in note for note in summary.notes)


def test_an_object_in_two_extracts_is_stored_once(tmp_path: Path, counties) -> None:
    one = World({1: (118.8, 32.05, HOSPITAL), 2: (118.81, 32.05, HOSPITAL)})
    two = World({2: (118.81, 32.05, HOSPITAL), 3: (118.82, 32.05, HOSPITAL)})
    import_osm(one.write(tmp_path / "nanjing.osm.pbf"), tmp_path, counties)
    summary = import_osm(two.write(tmp_path / "zhenjiang.osm.pbf"), tmp_path, counties)
    stored = pd.concat([read_facility_file(path) for path in facility_files(tmp_path)])
    assert sorted(stored["id"]) == ["osm-n1", "osm-n2", "osm-n3"]
    assert any("以本次为准" in note for note in summary.notes)


@pytest.mark.parametrize(
    ("file_name", "expected"),
    [
        ("jiangsu-latest.osm.pbf", "jiangsu"),
        ("jiangsu-260310.osm.pbf", "jiangsu"),
        ("Jiangsu_20260310.pbf", "jiangsu"),
        ("jiangsu-2026-03-10.osm.pbf", "jiangsu"),
        ("../../etc/passwd.osm.pbf", "etc-passwd"),
        ("a b'c;d.osm.pbf", "a-b-c-d"),
    ],
)
def test_the_name_of_an_extract_is_plain(file_name: str, expected: str) -> None:
    assert extract_name(file_name) == expected


def test_a_chinese_file_name_gets_a_name_of_its_own() -> None:
    assert extract_name("江苏.osm.pbf") != extract_name("徐州.osm.pbf")
    assert extract_name("江苏.osm.pbf").isalnum()


def test_a_facility_beyond_the_province_is_kept_without_a_county(tmp_path: Path, counties) -> None:
    world = World({1: (118.8, 32.05, HOSPITAL), 2: (117.28, 31.86, HOSPITAL | {"name": "合肥"})})
    summary = import_osm(world.write(tmp_path / "both.osm.pbf"), tmp_path, counties)
    stored = read_facility_file(facility_files(tmp_path)[0])
    assert stored["adcode"].isna().tolist() == [False, True]
    assert stored["adcode"][0] == "320102"
    assert any("1 处设施在省界以外" in note for note in summary.notes)
    assert summary.details["outside"] == 1


def test_everything_in_one_extract(tmp_path: Path, counties) -> None:
    nodes = (
        square(1, 118.79, 32.07, 0.02) | square(5, 118.80, 32.04, 0.002) | {9: (118.801, 32.041, HOSPITAL)}
    )
    nodes |= {20: (118.79, 32.03), 21: (118.82, 32.03), 22: (118.83, 32.03)}
    ways = {
        1: (ring(1), {"natural": "water", "name": "玄武湖"}),
        2: (ring(5), HOSPITAL | {"name": "医院"}),
        3: ((20, 21, 77), {"highway": "primary"}),
        4: ((21, 22), {"railway": "rail"}),
        5: ((20, 22), {"waterway": "river", "name": "秦淮河"}),
        6: ((20, 78), {"amenity": "school"}),
    }
    summary = import_osm(World(nodes, ways).write(tmp_path / "all.osm.pbf"), tmp_path, counties)

    assert summary.details["layers"] == {"rail": 1, "rivers": 1, "water": 1}
    assert load_imported_layer(tmp_path, "water")["name"].tolist() == ["玄武湖"]
    assert load_imported_layer(tmp_path, "rail").crs == "EPSG:4490"
    assert summary.details["merges"] == [
        {"type": "hospital", "kept": "osm-w2", "kept_name": "医院", "merged": "osm-n9", "merged_name": None}
    ]
    assert summary.details["unplaced"] == ["w6"]
    text = "\n".join(summary.lines())
    for expected in ("合并为一处", "无法定位，未导入：w6", "1 条道路", "1 个结点在数据包范围以外"):
        assert expected in text
    assert summary.as_dict()["details"]["by_type"] == {"hospital": 1}


def test_what_tags_of_access_say_is_told(tmp_path: Path, counties) -> None:
    nodes = {number: (118.79 + number / 1000, 32.03) for number in range(1, 6)}
    nodes[3] = (*nodes[3], {"barrier": "bollard"})
    ways = {
        1: ((1, 2), {"highway": "primary", "access": "residents"}),
        2: ((2, 3, 4), {"highway": "primary", "access:conditional": "no @ (22:00-06:00)"}),
        3: ((4, 5), {"route": "ferry"}),
    }
    summary = import_osm(World(nodes, ways).write(tmp_path / "told.osm.pbf"), tmp_path, counties)
    text = "\n".join(summary.lines())
    for expected in (
        "1 条道路的通行权标签有对照表里没有的取值，当作没有写（access=residents 1 条）",
        "1 条道路的通行权或单向按时段而定",
        "1 条轮渡中有 1 条的标签没有说载什么",
        "道路上的路障：挡住小汽车 1 处",
    ):
        assert expected in text
    assert summary.as_dict()["details"]["network"]["access"] == {
        "unknown_ways": 1,
        "unknown": [["access=residents", 1]],
        "conditional_ways": 1,
        "ferries": 1,
        "silent_ferries": 1,
        "barriers": [["walk", 0], ["ebike", 0], ["drive", 1]],
        "unknown_barriers": [],
    }


def _world_elsewhere() -> World:
    nodes = {1: (24.94, 60.16, HOSPITAL), 2: (24.95, 60.17)}
    return World(nodes, {1: ((1, 2), {"highway": "primary"})})


def _world_next_door() -> World:
    """Shanghai: within the province's bounding box, but not in the province."""
    return World({1: (121.47, 31.23), 2: (121.48, 31.23)}, {1: ((1, 2), {"highway": "primary"})})


@pytest.mark.parametrize(
    ("world", "message"),
    [
        (World(), "既没有对照表里的设施，也没有可通行的道路"),
        (World({1: (118.8, 32.0, {"amenity": "bench"})}), "既没有对照表里的设施"),
        (World({1: (0.0, 0.0, HOSPITAL)}), "没有任何设施或道路在江苏省内"),
        # Longitude and latitude swapped.
        (World({1: (32.05, 118.8 - 90, HOSPITAL)}), "没有任何设施或道路在江苏省内"),
        (_world_elsewhere(), "东经 24.94–24.95°、北纬 60.16–60.17°"),
        (_world_next_door(), "没有任何设施或道路在江苏省内"),
    ],
)
def test_an_extract_of_nothing_or_of_elsewhere_changes_nothing(
    tmp_path: Path, counties, world: World, message: str
) -> None:
    import_osm(real_path(XUZHOU), tmp_path, counties)
    before = snapshot(tmp_path)
    with pytest.raises(FaultReport, match=message):
        import_osm(world.write(tmp_path / "other.osm.pbf"), tmp_path, counties)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("name", [XUZHOU, GUSU])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.98])
def test_a_file_cut_short_changes_nothing(tmp_path: Path, counties, name: str, share: float) -> None:
    content = real_path(name).read_bytes()
    path = tmp_path / "cut.osm.pbf"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(FaultReport, match=r"不完整|是空的"):
        import_osm(path, tmp_path, counties)
    assert not imports_dir(tmp_path).exists()


def test_a_build_that_fails_takes_the_import_back(tmp_path: Path, counties) -> None:
    import_osm(real_path(GUSU), tmp_path, counties)
    before = snapshot(tmp_path)
    nodes = {1: (118.8, 32.05, HOSPITAL), 2: (118.81, 32.05)}
    both = World(nodes, {1: ((1, 2), {"highway": "primary"})}).write(tmp_path / "both.osm.pbf")

    def fail() -> None:
        assert len(load_imported_network(tmp_path)[0]) == 2
        raise StoreError("构建失败")

    with pytest.raises(StoreError, match="构建失败"):
        import_osm(both, tmp_path, counties, rebuild=fail)
    assert snapshot(tmp_path) == before


def test_nodes_and_edges_of_two_imports_are_not_computed_with(tmp_path: Path, counties) -> None:
    import_osm(real_path(GUSU), tmp_path, counties)
    kept = (imports_dir(tmp_path) / EDGES).read_bytes()
    other = World({1: (118.8, 32.05), 2: (118.81, 32.05)}, {1: ((1, 2), {"highway": "road"})})
    import_osm(other.write(tmp_path / "other.osm.pbf"), tmp_path, counties)
    (imports_dir(tmp_path) / EDGES).write_bytes(kept)
    with pytest.raises(StoreError, match="来自两次导入"):
        load_imported_network(tmp_path)
    (imports_dir(tmp_path) / EDGES).unlink()
    with pytest.raises(StoreError, match="已损坏"):
        load_imported_network(tmp_path)


def test_damaged_imports_are_named(tmp_path: Path, counties) -> None:
    import_osm(real_path(XUZHOU), tmp_path, counties)
    path = facility_files(tmp_path)[0]
    path.write_bytes(b"no parquet")
    with pytest.raises(StoreError, match=r"osm-xuzhou-facilities\.parquet 已损坏"):
        read_facility_file(path)
    damaged = imports_dir(tmp_path) / "osm" / "water.parquet"
    damaged.parent.mkdir()
    damaged.write_bytes(b"no parquet")
    with pytest.raises(StoreError, match="已损坏"):
        load_imported_layer(tmp_path, "water")
    assert load_imported_layer(tmp_path, "rail") is None


def test_a_county_edge_belongs_to_one_county(tmp_path: Path, counties) -> None:
    one, other = (counties.set_index("adcode").geometry[code] for code in ("320302", "320303"))
    shared = shapely.intersection(one, other)
    line = max(shapely.get_parts(shapely.line_merge(shared)), key=lambda part: part.length)
    corner = shapely.get_coordinates(line)[1]
    on_grid = np.round(corner, 7)
    path = World({1: (*on_grid, HOSPITAL)}).write(tmp_path / "edge.osm.pbf")
    import_osm(path, tmp_path, counties)
    assert read_facility_file(facility_files(tmp_path)[0])["adcode"].tolist()[0] in {"320302", "320303"}
