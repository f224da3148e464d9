"""The pages 通道走廊 and 铁路时序 as their scripts draw them, without a browser."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from analysis.corridor_reports import StationAccess, rail_projects
from data.store.store import Store
from pages.corridors.answers import corridor_pieces, corridors_of
from pages.corridors.card import station_words
from pages.corridors.choice import visible_at
from pages.corridors.rail_timeline import prefecture_rows, project_rows, stage_rows
from tests.pages.running import assert_calm, link, start, text_of

pytestmark = pytest.mark.usefixtures("data_env")
HUNING = "railway-002-3903-3"


def test_all_structures_weigh_less_than_a_megabyte(built_store: Store) -> None:
    pieces = corridor_pieces(built_store)
    assert len(pieces.numbers) >= 300
    assert len(pieces.content) <= 1_000_000


def test_the_page_opens_with_its_card_empty_and_the_tree_in_the_side_bar() -> None:
    app = start("pages.corridors.page")
    text = text_of(app)
    assert "共 800 个" in text
    assert "通道卡片" in text
    boxes = {box.key: box.value for box in app.sidebar.checkbox}
    first = {"family_hsr_6v6h", "family_conventional_3v3h", "family_grain_corridor"}
    assert {key for key, value in boxes.items() if value} == first
    assert "families" not in link(app)


def test_a_family_and_a_horizon_are_in_the_address_and_change_what_is_visible(built_store: Store) -> None:
    found = corridors_of(built_store)
    app = start("pages.corridors.page", families="hsr_line", horizon="2020")
    assert link(app)["families"] == "hsr_line"
    assert "2020 年显示 0 个" in text_of(app)
    app.select_slider[0].set_value(2025).run()
    assert_calm(app)
    visible = visible_at(found, 2025, ["hsr_line"])
    assert f"2025 年显示 {len(visible)} 个" in text_of(app)
    assert len(visible) < len(visible_at(found, 2035, ["hsr_line"]))
    app.sidebar.checkbox(key="family_hsr_line").uncheck().run()
    assert link(app)["families"] == "none"


def test_the_card_names_plan_number_members_and_figures() -> None:
    app = start("pages.corridors.page", corridor=HUNING)
    text = text_of(app)
    for words in ("苏政办发〔2021〕76号", "原文行号 002:3903", "苏州 → 无锡 → 常州 → 镇江 → 南京", "示意"):
        assert words in text
    assert "30 分钟内" in text
    assert "全长 214.0 公里" in text


@pytest.mark.parametrize(
    ("panel", "words"),
    [
        ("compare", "共同的县（市、区）"),
        ("counties", "一条也没有的"),
        ("gap", "沿线的县（市、区）与其余"),
        ("hsr", "按线路状态估算"),
        ("plans", "两个规划的通道"),
        ("undrawn", "原文没有列出成员或走向"),
    ],
)
def test_every_panel_draws(panel: str, words: str) -> None:
    app = start("pages.corridors.page", corridor=HUNING, corridor_panel=panel)
    assert words in text_of(app)


def test_an_area_has_no_profile_and_a_wrong_address_is_told(built_store: Store) -> None:
    table = corridors_of(built_store).table
    area = str(table[table["shape"] == "area"]["id"].iloc[0])
    app = start("pages.corridors.page", corridor=area, families="空中走廊")
    assert any("沿线剖面只有线才有" in box.value for box in app.info)
    assert any("空中走廊" in box.value.replace("\\", "") for box in app.warning)


def test_the_rail_page_shows_stages_projects_and_prefectures(built_store: Store) -> None:
    app = start("pages.corridors.rail_timeline")
    assert "苏政办发〔2021〕76号" in text_of(app)
    assert {metric.label for metric in app.metric} >= {"既有", "十四五续建", "十四五开工"}
    rows = rail_projects(corridors_of(built_store))
    assert sum(int(metric.value.removesuffix(" 个")) for metric in app.metric) == len(rows)
    for view in ("projects", "prefectures", "table"):
        assert_calm(start("pages.corridors.rail_timeline", rail_view=view, rail_where="320300"))
    nothing = start("pages.corridors.rail_timeline", rail_stages="十四五建设", rail_where="320300")
    assert any("没有符合条件" in box.value for box in nothing.info)


def test_the_rows_of_the_rail_charts_count_every_project(built_store: Store) -> None:
    found = corridors_of(built_store)
    rows = rail_projects(found)
    bars = project_rows(rows, found.sums.regions["name"]).set_index("stage")
    assert set(bars.loc[["十四五开工"], ["start", "end", "firm"]].itertuples(index=False, name=None)) == {
        (2022, 2030, False)
    }
    assert bars["firm"].sum() == rows["stage"].isin(["既有", "十四五续建"]).sum()
    assert stage_rows(rows)["projects"].sum() == len(rows)
    by_place: pd.DataFrame = prefecture_rows(rows, found.sums.regions["name"])
    assert by_place["projects"].sum() == sum(map(len, rows["prefectures"]))


def test_the_card_and_the_members_tell_of_every_station_how_well_it_is_placed() -> None:
    app = start("pages.corridors.page", corridor=HUNING, corridor_panel="members")
    text = text_of(app)
    assert "5 处站点（示意）" in text and "站点位置" in text
    stations = next(table.value for table in app.dataframe if "示意的原因" in table.value.columns)
    assert len(stations) == 5 and set(stations["位置"]) == {"示意"}
    assert set(stations["示意的原因"]) == {"没有导入实测的火车站"}
    places = pd.DataFrame({"precision": ["实测", "示意", "示意"]})
    access = StationAccess(places, {}, "", "", ())
    assert station_words(access) == "实测 1 处、示意 2 处"
    assert station_words(replace(access, places=places.iloc[:1])) == "实测"
