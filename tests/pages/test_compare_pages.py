"""设区市对比 and 县域对比: the regions of the address, the table, panels, one region compared with itself."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.peers import load_profiles
from data.store.store import Store
from pages.compare.choice import CompareChoice
from pages.compare.panels import rank_table
from pages.shared.cached import region_choices
from tests.pages.running import assert_calm, link, start, text_of


def test_the_page_starts_with_two_and_puts_them_into_the_address(data_env: object) -> None:
    app = start("pages.compare.prefectures")
    assert link(app)["compare_prefecture"] == "320500~320300"
    told = text_of(app)
    assert "苏州市居同级前四分之一的有" in told and "徐州市居同级" in told
    assert "二手转录" in told
    again = start("pages.compare.prefectures", compare_prefecture="320100~320100~320500")
    assert again.multiselect[0].value == ["320100", "320500"]


@pytest.mark.parametrize("panel", ["ranks", "series", "similar", "counties"])
def test_every_panel_draws(data_env: object, panel: str) -> None:
    app = start("pages.compare.prefectures", compare_prefecture="320700", panel=panel)
    assert link(app)["panel"] == panel
    if panel == "similar":
        assert "最相近的设区市依次是" in text_of(app)
        app.button[0].click().run()
        assert_calm(app)
        assert len(app.multiselect[0].value) == 2
    if panel == "counties":
        assert "连云港市所属 6 个县" in text_of(app)


def test_counties_of_one_name_are_told_apart_and_what_is_missing_says_why(
    data_env: object, built_store: Store
) -> None:
    labels = region_choices(built_store, "county")
    assert labels["320106"] == "鼓楼区（南京）" and labels["320302"] == "鼓楼区（徐州）"
    profiles = load_profiles(built_store, "county")
    table = rank_table(built_store, profiles, CompareChoice("county", ("320106", "320302", "320214")))
    assert {"鼓楼区（南京）", "鼓楼区（徐州）", "新吴区"} <= set(table.columns)
    row = table[table["指标"].str.startswith("常住人口增减率")].iloc[0]
    assert row["新吴区"] == "无数据" and "新吴区：" in row["说明"]
    assert row["新吴区位次"] == ""
    assert pd.notna(row["全省"])


def test_an_address_with_unknown_regions_says_so(data_env: object) -> None:
    app = start("pages.compare.counties", compare_county="320682~320500", panel="counties")
    assert app.multiselect[0].value == ["320682"]
    warned = "".join(box.value for box in app.warning)
    assert "320500" in warned and "counties" in warned
