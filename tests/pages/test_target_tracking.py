"""目标追踪 without a browser: paths in sentences, other denominators unjudged, the regions' targets apart."""

from __future__ import annotations

import pytest

from analysis.tracking import regional_targets, tracks
from data.store.store import Store
from layers.words.tracking import path_words
from pages.targets.tracking import family_table, observed_table, regional_table
from reports.targets import path_of
from tests.pages.running import assert_calm, link, start, text_of

pytestmark = pytest.mark.usefixtures("data_env")
PAGE = "pages.targets.tracking"


def test_the_path_to_the_target_is_told() -> None:
    app = start(PAGE)
    text = text_of(app)
    assert "如皋市城镇化率 2020 年为 61.52%，距 2025 年目标（67%左右）还差 5.48 个百分点" in text
    assert "保持这一速度可以达到" in text
    assert "文件004 第29行" in text
    assert "规划未写明按常住还是户籍人口" in app.info[0].value.replace("\\", "")


def test_a_track_of_each_origin_can_be_opened_by_its_link(built_store: Store) -> None:
    of_each = {(track.origin, track.comparable): track for track in tracks(built_store)}
    assert len(of_each) == 3
    for track in of_each.values():
        app = start(PAGE, track=track.id)
        assert_calm(app)
        assert link(app)["track"] == track.id
        text = text_of(app)
        for path in path_of(track):
            assert path_words(path) in text
        assert len(app.dataframe[0].value) == len(observed_table(track))


def test_other_denominators_are_set_side_by_side_only(built_store: Store) -> None:
    app = start(PAGE, track="education-008")
    assert "能否达到不作判断：口径不同" in text_of(app)
    assert "分母是劳动年龄人口" in app.warning[0].value.replace("\\", "")
    assert "两者口径不同，不连线、不判断" in text_of(app)


def test_an_ended_target_says_what_came_of_it(built_store: Store) -> None:
    app = start(PAGE, track="public-service-070")
    text = text_of(app)
    assert "2020 年为 3.16 人，达到 2020 年目标（≥2.57 人）" in text
    assert "距 2025 年目标（3.9 人）还差 0.74 人" in text


def test_the_regions_targets_stand_apart(built_store: Store) -> None:
    app = start(PAGE, tracking="regions")
    assert_calm(app)
    tables = {str(table.value["指标"].iloc[0]): table.value for table in app.dataframe}
    rural = tables["自然村生活污水治理率"].set_index("分母")
    assert rural.loc["自然村数", ["苏南", "苏中", "苏北"]].tolist() == [
        "90%（苏南等有条件地区）",
        "未设",
        "未设",
    ]
    assert rural.loc["行政村数", ["苏南", "苏中", "苏北"]].tolist() == ["未设", "80%", "80%"]
    assert "两行不能相比" in text_of(app)
    assert "无法判定：规划没有给出现状值" in text_of(app)
    regional = regional_targets(built_store)
    sewage = regional[regional["family"] == "城市污水集中收集率"]
    assert family_table(sewage).iloc[0][["苏南", "苏中", "苏北"]].tolist() == [
        "苏南地区88%",
        "苏中地区75%",
        "苏北地区70%",
    ]
    downloaded = regional_table(regional)
    assert downloaded["原文位置"].str.startswith("文件").all()
    assert len(downloaded) == len(regional)


def test_a_link_to_no_target_says_so() -> None:
    app = start(PAGE, track="no-such")
    assert "无效" in app.warning[0].value
