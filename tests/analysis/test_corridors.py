"""The corridors of the plans in the store: traced, whole, drawn or with a reason; what lies along them."""

from __future__ import annotations

import csv
import itertools
import math
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from analysis.corridor_reports import (
    by_county,
    compare,
    family_counts,
    hsr_coverage,
    plan_overlap,
    rail_projects,
    station_access,
    undrawn,
)
from analysis.corridors import Corridors
from data.builder.corridor_places import AMBIGUOUS, NOT_FOUND, PlaceFinder
from data.builder.corridor_table import CorridorTables, build_corridor_tables, snap_tables
from data.regions.boundaries import build_region_table, load_boundaries, simplify_regions
from data.registry.corridor_models import (
    CorridorPlace,
    CorridorRoute,
    family_of,
    load_corridor_families,
    load_corridor_routes,
    load_corridor_rules,
)
from data.store.store import Store
from geo.corridors import chainage_km
from geo.crs import ALBERS, STORE_CRS
from geo.errors import CorridorError, RegistryError, UnknownIndicatorError
from geo.track_snapping import Tracks
from tests.oracles import corridors_naive

HUNING, YANHAI = "railway-002-3903-3", "railway-002-3899-1"
CANAL = "culture-tourism-000-6571-1"


@pytest.fixture(scope="module")
def corridors(built_store: Store) -> Corridors:
    return Corridors(built_store)


@pytest.fixture(scope="module")
def regions() -> gpd.GeoDataFrame:
    return build_region_table(load_boundaries(None).frame)


@pytest.fixture(scope="module")
def shapes(regions: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return simplify_regions(regions, "province")


def packaged(name: str) -> list[dict[str, str]]:
    with (resources.files("data.facts") / name).open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def structure(**changes: str) -> dict[str, str]:
    row = {
        "plan": "railway",
        "doc_no": "苏政办发〔2021〕76号",
        "name": "试验通道",
        "kind": "rail corridor-高速六纵",
        "members": "",
        "endpoints": "",
        "length_km": "",
        "speed_kmh": "",
        "status": "planned",
        "period": "至2035年",
        "description": "",
        "seed_line": "002:1",
    }
    return {**row, **changes}


def made(regions: gpd.GeoDataFrame, shapes: gpd.GeoDataFrame, *rows: dict[str, str]) -> CorridorTables:
    return build_corridor_tables(regions, shapes, structures=rows, routes=())


def test_every_structure_of_the_list_is_there_with_plan_number_and_line(corridors: Corridors) -> None:
    listed = packaged("spatial_structures.csv")
    table = corridors.table
    assert len(table) == len(listed) == 800
    assert list(table["name"]) == [row["name"] for row in listed]
    assert list(table["doc_no"]) == [row["doc_no"] for row in listed]
    assert list(table["seed_line"]) == [row["seed_line"] for row in listed]
    documents = corridors.store.plan_documents().set_index("plan")["doc_no"]
    for row in table.itertuples():
        assert documents[row.plan] == row.doc_no or not row.doc_no.startswith("苏")


def test_enough_are_drawn_and_every_other_says_why(corridors: Corridors) -> None:
    counts = family_counts(corridors)
    assert counts["structures"].sum() == 800
    assert counts["drawn"].sum() >= 250
    assert (counts["drawn"] > 0).sum() >= 12
    assert (counts["drawn"] + counts["undrawn"] == counts["structures"]).all()
    left = undrawn(corridors)
    assert len(left) == counts["undrawn"].sum()
    assert left["reason"].str.len().min() > 5
    drawn = corridors.table[corridors.table["drawn"]]
    assert set(drawn["id"]) == set(corridors.shapes.index)
    assert corridors.shapes.geometry.is_valid.all()
    assert corridors.shapes.crs == STORE_CRS


@pytest.mark.parametrize("family", ["hsr_6v6h", "conventional_3v3h"])
def test_both_rail_networks_are_whole_with_cities_in_the_plans_order(
    corridors: Corridors, family: str
) -> None:
    nodes = packaged("rail_corridor_nodes.csv")
    networks = {"hsr_6v6h": ("高速六纵", "高速六横"), "conventional_3v3h": ("普速三纵", "普速三横")}[family]
    names = list(dict.fromkeys(row["corridor"] for row in nodes if row["network"] in networks))
    table = corridors.table[corridors.table["family"] == family]
    assert sorted(table["name"]) == sorted(names)
    assert table["drawn"].all()
    for row in table.itertuples():
        own = [node for node in nodes if node["corridor"] == row.name and node["network"] in networks]
        cities = sorted((n for n in own if n["node_type"] == "city"), key=lambda n: int(n["listed_order"]))
        members = corridors.members_of(str(row.id))
        placed = members[members["role"] == "city"]
        assert list(dict.fromkeys(placed["text"])) == [city["node"] for city in cities]
        lines = members[members["kind"] == "line"]
        assert list(lines["text"]) == [node["node"] for node in own if node["node_type"] == "line"]
        assert lines["line"].notna().all(), lines[["text", "reason"]]


def test_one_word_stands_for_the_eight_cities(corridors: Corridors) -> None:
    members = corridors.members_of(str(corridors.find("沿江通道")["id"]))
    eight = members[members["text"] == "沿江八市"]
    assert list(eight["name"]) == ["南京", "镇江", "扬州", "泰州", "常州", "无锡", "苏州", "南通"]


def test_members_of_belts_and_corridors_are_those_of_the_text(corridors: Corridors) -> None:
    short = corridors.sums.regions.query("level == 'prefecture'").set_index("short_name")["adcode"]
    checked = 0
    for row in packaged("spatial_structures.csv"):
        texts = [part.strip() for part in row["members"].split(";")]
        if row["kind"] not in {"belt", "corridor", "metropolitan circle", "都市圈"} or not set(texts) <= set(
            short.index
        ):
            continue
        found = corridors.table[
            (corridors.table["name"] == row["name"]) & (corridors.table["seed_line"] == row["seed_line"])
        ]
        key = str(found["id"].iloc[0])
        if not found["drawn"].iloc[0]:
            continue
        expected = set().union(*(corridors.sums.counties_of[short[text]] for text in texts))
        assert corridors.counties(key, "named") == expected, row["name"]
        checked += 1
    assert checked >= 20


def test_both_plans_of_number_96_keep_their_own_structures(corridors: Corridors) -> None:
    table = corridors.table.set_index("name")
    assert table.loc["五级妇幼健康服务网络", "plan"] == "women"
    assert table.loc["五级标准化儿童福利服务阵地", "plan"] == "children"


def test_horizons_follow_status_and_period(corridors: Corridors) -> None:
    table = corridors.table
    assert set(table.loc[table["status"] == "existing", "horizon"]) == {2020}
    assert set(table.loc[table["status"] == "under_construction", "horizon"]) == {2025}
    assert set(table.loc[table["status"] == "vision", "horizon"]) == {2035}
    assert corridors.find("潍坊至宿迁铁路")["horizon"] == 2035


# Bad input


def test_an_unknown_place_a_repetition_and_a_single_member(
    regions: gpd.GeoDataFrame, shapes: gpd.GeoDataFrame
) -> None:
    tables = made(
        regions,
        shapes,
        structure(members="南京;无名之地;苏州", seed_line="002:1"),
        structure(members="南京;苏州;南京", seed_line="002:2"),
        structure(members="南京", seed_line="002:3"),
        structure(members="无名之地", seed_line="002:4"),
        structure(members="", seed_line="002:5"),
        structure(members="上海;合肥", seed_line="002:6"),
        structure(members="全省", seed_line="002:7"),
    )
    table = tables.corridor
    assert list(table["drawn"]) == [True, True, False, False, False, False, False]
    assert "未能定位：无名之地" in table["note"][0]
    assert "重复列出：南京" in table["note"][1]
    assert [text[:8] for text in table["reason"][2:]] == [
        "只有一个可定位的成员（南京）"[:8],
        "成员不是可定位的地名"[:8],
        "原文没有列出成员或走向"[:8],
        "成员都在省外：上海、合肥"[:8],
        "原文的范围是全省，不另画"[:8],
    ]
    lost = tables.member[tables.member["kind"] == "none"]
    assert set(lost["reason"]) == {NOT_FOUND}
    assert len(tables.shapes) == 2


def test_a_kind_without_family_and_a_status_without_rule_are_refused(
    regions: gpd.GeoDataFrame, shapes: gpd.GeoDataFrame
) -> None:
    with pytest.raises(RegistryError, match="飞行走廊"):
        made(regions, shapes, structure(kind="飞行走廊", members="南京;苏州"))
    with pytest.raises(RegistryError, match="梦想"):
        load_corridor_rules().horizon_of("梦想", "")
    assert family_of("corridor", "grain-reserves", load_corridor_families()).id == "grain_corridor"


def test_places_that_do_not_exist_are_refused(regions: gpd.GeoDataFrame) -> None:
    place = CorridorPlace(name="某地", regions=("乌有县",), basis="试验")
    with pytest.raises(RegistryError, match="乌有县"):
        PlaceFinder(regions, {"某地": place})
    with pytest.raises(ValueError, match="恰好写一项"):
        CorridorPlace(name="某地", basis="试验")
    with pytest.raises(ValueError, match="省外地名要写"):
        CorridorPlace(name="某地", basis="试验", outside=True)


def test_names_are_found_in_order_and_never_guessed(regions: gpd.GeoDataFrame) -> None:
    finder = PlaceFinder(regions)
    assert [place.adcode for place in finder.find("苏州(参与)")] == ["320500"]
    assert finder.find("鼓楼")[0].reason == AMBIGUOUS
    assert finder.find("周庄镇")[0].reason == AMBIGUOUS
    assert finder.find("合肥")[0].kind == "outside"
    assert [p.adcode for p in finder.in_name("盐城滨海港铁路专用线")] == ["320922"]
    assert [p.name for p in finder.in_name("连云港燕尾港铁路专用线")] == ["连云港"]


def test_every_route_names_places_that_exist(regions: gpd.GeoDataFrame) -> None:
    finder = PlaceFinder(regions)
    for route in load_corridor_routes():
        for text in (*route.places, *route.stations):
            assert all(place.placed for place in finder.find(text)), (route.line, text)
        assert set(route.stations) <= set(route.places), route.line


# Along real tracks


def test_a_corridor_on_imported_tracks_becomes_surveyed_and_the_rest_say_why(
    regions: gpd.GeoDataFrame, shapes: gpd.GeoDataFrame
) -> None:
    tables = made(
        regions,
        shapes,
        structure(name="甲", members="镇江;常州;无锡;陇海铁路", seed_line="002:1"),
        structure(name="京沪铁路", members="镇江;常州;无锡", seed_line="002:2"),
        structure(name="京沪铁路支线", members="镇江;常州;徐州", seed_line="002:3"),
    )
    seats = tables.member[(tables.member["corridor"] == "railway-002-2-1")]
    points = gpd.GeoSeries(gpd.points_from_xy(seats["lon"], seats["lat"]), crs=STORE_CRS).to_crs(ALBERS)
    xy = np.column_stack([points.x, points.y + 2_000.0])
    track = gpd.GeoDataFrame({"name": ["京沪铁路"]}, geometry=[shapely.LineString(xy)], crs=ALBERS)
    snapped = snap_tables(tables, {"rail": Tracks(track)})
    assert list(snapped.corridor["precision"]) == ["示意", "实测", "示意"]
    notes = snapped.corridor["note"]
    assert "没有名称含" in notes[0]
    assert "对照为实测" in notes[1]
    assert "常州—徐州" in notes[2]
    line = snapped.shapes.set_index("id").loc["railway-002-2-1", "geometry"]
    metric = gpd.GeoSeries([line], crs=STORE_CRS).to_crs(ALBERS).iloc[0]
    assert metric.length == pytest.approx(float(np.hypot(*np.diff(xy, axis=0).T).sum()), rel=1e-3)
    assert snap_tables(tables, {}) is tables


# Figures


def test_shares_equal_a_hand_computation(corridors: Corridors, built_store: Store) -> None:
    facts = built_store.facts("population", year=2020).set_index("adcode")["value"]
    five = ["320500", "320200", "320400", "321100", "320100"]
    figure = {one.indicator: one for one in corridors.figures(HUNING, "named")}
    assert figure["population"].value == facts[five].sum()
    assert figure["population"].share == pytest.approx(facts[five].sum() / facts["320000"])
    urban = built_store.facts("urban_population", year=2020).set_index("adcode")["value"]
    assert figure["urbanisation_rate"].value == pytest.approx(100 * urban[five].sum() / facts[five].sum())
    assert math.isnan(figure["urbanisation_rate"].share)
    gdp = built_store.facts("gdp", year=figure["gdp"].year).set_index("adcode")["value"]
    assert figure["gdp"].value == pytest.approx(gdp[five].sum())


def test_what_only_prefectures_have_is_undefined_for_counties_with_the_reason(corridors: Corridors) -> None:
    figure = {one.indicator: one for one in corridors.figures(HUNING, "passed")}
    assert math.isnan(figure["gdp"].value)
    assert "设区市" in figure["gdp"].reason
    with pytest.raises(UnknownIndicatorError):
        corridors.figure("happiness", {"320102"})
    value, reason = corridors.sums.value("population", 2020, [])
    assert math.isnan(value)
    assert reason


def test_a_profile_tiles_the_line_and_its_kilometres_are_geodesics(
    corridors: Corridors, built_store: Store
) -> None:
    rows = corridors.profile(HUNING, "population_65_plus_share")
    axis = corridors.axes[HUNING]
    assert rows["to_km"].iloc[-1] == pytest.approx(
        corridors_naive.length_km([tuple(p) for p in axis]), rel=1e-9
    )
    assert np.allclose(rows["from_km"][1:], rows["to_km"][:-1])
    facts = built_store.facts("population_65_plus_share", year=2020, level="county").set_index("adcode")[
        "value"
    ]
    for row in rows.dropna(subset="adcode").itertuples():
        assert row.value == facts[row.adcode]
    stops = corridors.stops(HUNING)
    assert list(stops["name"]) == ["苏州", "无锡", "常州", "镇江", "南京"]
    assert list(stops["km"]) == pytest.approx(list(chainage_km(axis)))
    assert set(rows["adcode"].dropna()) == corridors.counties(HUNING, "passed")


def test_a_profile_beyond_the_province_and_by_prefecture(corridors: Corridors) -> None:
    key = str(corridors.find("京沪高铁")["id"])
    rows = corridors.profile(key, "gdp")
    outside = rows[rows["adcode"].isna()]
    assert len(outside)
    assert set(outside["reason"]) == {"省外"}
    assert set(rows.dropna(subset="adcode")["note"]) == {"所在设区市的数值"}
    area = str(corridors.table[corridors.table["shape"] == "area"]["id"].iloc[0])
    with pytest.raises(CorridorError, match="不是线"):
        corridors.profile(area, "gdp")


def test_people_beside_a_corridor_equal_a_sum_over_the_cells(corridors: Corridors) -> None:
    cells = corridors.cells
    line = corridors.metric_shape(HUNING)
    xy, people = cells[["x", "y"]].to_numpy(), cells["population"].to_numpy()
    nearest = np.full(len(xy), np.inf)
    for start, end in itertools.pairwise(shapely.get_coordinates(line)):
        way = end - start
        t = np.clip(((xy - start) @ way) / (way @ way), 0, 1)
        nearest = np.minimum(nearest, np.hypot(*(xy - start - t[:, None] * way).T))
    for distance, value in corridors.beside(HUNING).items():
        assert value == pytest.approx(people[nearest <= distance * 1000].sum())
    with pytest.raises(CorridorError, match="没有画出"):
        corridors.metric_shape(str(undrawn(corridors)["id"].iloc[0]))


def test_people_near_stations_grow_with_the_minutes(corridors: Corridors, built_data_dir: Path) -> None:
    access = station_access(corridors, HUNING, built_data_dir)
    assert access.stations == 5
    assert access.method == "直线距离"
    assert 0 < access.people[30.0] < access.people[60.0] < corridors.cells["population"].sum()
    with pytest.raises(CorridorError, match="没有可定位的站点"):
        station_access(corridors, str(corridors.find("长三角数据信息枢纽港")["id"]), built_data_dir)


def test_high_speed_coverage_is_the_share_of_the_forty_counties_listed(corridors: Corridors) -> None:
    found = hsr_coverage(corridors)
    assert len(found.counties) == 40
    assert found.targets == {2020: 70.0, 2025: 90.0}
    for name, stage in (("2020", 0), ("2025_building", 1), ("2025_started", 2)):
        served = sum(row.stage <= stage for row in found.counties.itertuples())
        assert found.shares[name] == pytest.approx(served / 40)
    assert found.shares["2020"] <= found.shares["2025_building"] <= found.shares["2025_started"]
    served = found.counties[found.counties["stage"] < 3]
    names = set(corridors.table["name"])
    assert set(served["line"]) <= names
    assert set(found.counties.loc[found.counties["stage"] == 3, "line"]) == {""}
    state = found.counties.set_index("name")["state"]
    assert state["沛县"] == "没有线路经过"
    assert state["江阴市"] == "在建线路经过"


def test_counties_by_corridors_and_overlaps_count_the_same_sets(corridors: Corridors) -> None:
    keys = [HUNING, YANHAI, CANAL]
    counts = by_county(corridors, keys)
    sets = [corridors.counties(key, "passed") for key in keys]
    assert len(counts) == 95
    assert counts["corridors"].sum() == sum(map(len, sets))
    assert counts.loc["320508", "plans"] == 2
    both = compare(corridors, HUNING, YANHAI)
    assert set(both["shared"]) == sets[0] & sets[1]
    assert both["jaccard"] == pytest.approx(len(sets[0] & sets[1]) / len(sets[0] | sets[1]))
    square = plan_overlap(corridors, keys)
    assert square.loc["railway", "railway"] == len(sets[0] | sets[1])
    assert square.loc["railway", "culture-tourism"] == len((sets[0] | sets[1]) & sets[2])
    assert by_county(corridors, [])["corridors"].sum() == 0


def test_the_gap_compares_sums_of_numerators_and_denominators(
    corridors: Corridors, built_store: Store
) -> None:
    gap = corridors.gap([HUNING], "urbanisation_rate")
    on = sorted(corridors.counties(HUNING, "passed"))
    facts = {
        name: built_store.facts(name, year=2020).set_index("adcode")["value"]
        for name in ("population", "urban_population")
    }
    assert gap["on"]["value"] == pytest.approx(
        100 * facts["urban_population"][on].sum() / facts["population"][on].sum()
    )
    rest = {name: series["320000"] - series[on].sum() for name, series in facts.items()}
    units = corridors.sums.units(corridors.everywhere - set(on))
    off = {name: series[units].sum() for name, series in facts.items()}
    assert gap["off"]["value"] == pytest.approx(100 * off["urban_population"] / off["population"])
    assert off["population"] <= rest["population"]
    assert gap["on"]["counties"] + gap["off"]["counties"] == 95
    people = corridors.gap([HUNING], "population")
    assert people["unit"] == "人／县"
    assert people["on"]["value"] == pytest.approx(facts["population"][on].sum() / len(on))


def test_changes_are_not_merged_over_regions(corridors: Corridors) -> None:
    value, reason = corridors.sums.value("urbanisation_change", 2020, corridors.counties(HUNING, "named"))
    assert math.isnan(value)
    assert "合并" in reason


def test_units_are_whole_prefectures_with_what_is_not_allocated(corridors: Corridors) -> None:
    sums = corridors.sums
    own = sums.counties_of["320700"]
    assert sums.units(own) == ["320700"]
    assert sums.units(own - {"320703"}) == sorted(own - {"320703"})
    assert set(sums.units(corridors.everywhere)) == set(sums.counties_of)


def test_corridors_are_found_by_id_or_name_and_doubts_are_named(corridors: Corridors) -> None:
    assert corridors.find("沪宁通道")["id"] == HUNING
    with pytest.raises(CorridorError, match="请写编号"):
        corridors.find("南京都市圈")
    with pytest.raises(CorridorError, match="沪宁通道"):
        corridors.find("沪宁通")


def test_rail_projects_have_a_stage_each(corridors: Corridors) -> None:
    rows = rail_projects(corridors)
    assert set(rows["stage"]) <= {stage.name for stage in load_corridor_rules().rail_stages}
    assert (rows["stage"] == "既有").sum() == (rows["status"] == "existing").sum()
    stages = rows.set_index("name")["stage"]
    assert stages["南沿江城际铁路"] == "十四五续建"
    assert stages["潍坊至宿迁铁路"] == "十四五开工"
    assert stages["淮安至泰州铁路"] == "十四五研究"
    assert "320300" in rows.set_index("name").loc["徐州至枣庄铁路", "prefectures"]


@pytest.mark.parametrize(
    ("status", "period", "stage"),
    [
        ("existing", "至2035年", "既有"),
        ("under_construction", "十四五建设", "十四五建设"),
        ("under_construction", "2025", "十四五续建"),
        ("planned", "十四五力争开工", "十四五开工"),
        ("planned", "十四五先期启动", "十四五建设"),
        ("vision", "十四五谋划", "十四五研究"),
        ("vision", "", "中长期与远景"),
        ("planned", "中长期", "中长期与远景"),
        ("planned", "十四五", "十四五规划"),
    ],
)
def test_the_stage_of_a_project_follows_from_status_and_period(status: str, period: str, stage: str) -> None:
    assert load_corridor_rules().stage_of(status, period) == stage


def test_rail_projects_are_those_of_the_railway_plan_alone(corridors: Corridors) -> None:
    table = corridors.table.copy()
    own = rail_projects(corridors)["id"].tolist()
    table.loc[own[0], "plan"], table.loc[own[1], "plan"] = "airports", "transport"
    given: Any = SimpleNamespace(table=table, families=corridors.families, prefectures=corridors.prefectures)
    assert rail_projects(given)["id"].tolist() == own[2:]


def test_routes_are_told_apart_by_plan() -> None:
    route = CorridorRoute(line="甲", basis="plan", places=("南京",), plans=("railway",))
    assert route.key == ("甲", ("railway",))


def test_building_twice_gives_the_same(regions: gpd.GeoDataFrame, shapes: gpd.GeoDataFrame) -> None:
    rows = [structure(members="南京;苏州"), structure(members="苏州;南京;徐州", seed_line="002:9")]
    one, other = (made(regions, shapes, *rows) for _ in range(2))
    pd.testing.assert_frame_equal(one.corridor, other.corridor)
    pd.testing.assert_frame_equal(one.member, other.member)
    assert one.shapes.geometry.geom_equals_exact(other.shapes.geometry, 0).all()
