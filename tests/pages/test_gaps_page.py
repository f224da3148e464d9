"""区域差距 without a browser: the page says what the store and the command say, and what it cannot say."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

import cli
from analysis.gaps import compare_years, gap_of, load_gap
from data.store.store import Store
from geo.disparity import Measure, undefined
from layers.words.gap import gap_sentences
from pages.gaps import panels as gaps_tables
from pages.gaps.panels import lean_words
from tests.pages.running import assert_calm, link, start, text_of

pytestmark = pytest.mark.usefixtures("data_env")


def open_page(**address: str) -> AppTest:
    return start("pages.gaps.page", **address)


def tiles(app: AppTest) -> dict[str, str]:
    return {tile.label: tile.value for tile in app.metric}


@pytest.fixture(scope="module")
def opened(built_data_dir: object, built_store: Store) -> AppTest:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUTU_DATA_DIR", str(built_data_dir))
        return open_page()


def test_page_command_and_store_give_the_same_figures(opened: AppTest, built_store: Store) -> None:
    found = compare_years(load_gap(built_store, "gdp_per_head", "prefecture"), 2023, 2005)
    answer = CliRunner().invoke(
        cli.app, ["gaps", "gdp_per_head", "--year", "2023", "--before", "2005", "--json"]
    )
    told = json.loads(answer.stdout)
    assert tiles(opened) == {
        "苏南/苏北": f"{told['south_north_ratio']:.2f} 倍",
        "最高/最低": f"{told['max_min_ratio']:.2f} 倍",
        "变异系数": f"{told['cv']:.3f}",
        "基尼系数": f"{told['gini']:.3f}",
    }
    text = text_of(opened)
    for topic, sentence in gap_sentences(found).items():
        assert told["sentences"][topic] == sentence
        if topic != "remarks":
            assert sentence in text
    warned = opened.warning[0].value.replace("\\", "")
    assert "二手转录" in warned
    assert "第七次全国人口普查" in warned


def test_the_choices_stand_in_the_link() -> None:
    app = open_page(gap_indicator="urbanisation_rate", level="county", year="2020", gap_panel="table")
    assert link(app)["gap_indicator"] == "urbanisation_rate"
    assert link(app)["level"] == "county"
    assert link(app)["before"] == "2010"
    assert link(app)["gap_panel"] == "table"
    assert len(app.dataframe) == 3
    assert len(app.dataframe[0].value) == 95


@pytest.mark.parametrize("panel", ["course", "parts", "convergence", "spots", "curves", "table"])
def test_every_panel_of_the_counties(panel: str) -> None:
    app = open_page(gap_indicator="population_65_plus_share", level="county", year="2020", gap_panel=panel)
    assert_calm(app)
    text = text_of(app)
    words = {
        "course": "不一样多（2010 年 70 个、2020 年 95 个）",
        "parts": "同一设区市的县（市、区）之间",
        "convergence": "起点高低与增长快慢没有显著关系",
        "spots": "热点（高值集聚） 6 个：海安市",
        "curves": "集中指数",
        "table": "区域差距",
    }
    assert words[panel] in text


def test_measures_are_chosen_and_weights_too() -> None:
    app = open_page(measure="gini")
    assert link(app)["measure"] == "gini"
    app = open_page(gap_panel="parts", weights="people")
    assert link(app)["weights"] == "people"


def test_negative_values_have_no_gini_and_say_why() -> None:
    app = open_page(gap_indicator="population_change_rate", level="county")
    shown = tiles(app)
    assert shown["基尼系数"] == shown["变异系数"] == "无定义"
    text = text_of(app)
    assert "的数值为负，基尼系数无定义" in text
    assert "差距无法分解" in text
    for panel in ("parts", "convergence", "curves", "spots"):
        assert_calm(open_page(gap_indicator="population_change_rate", level="county", gap_panel=panel))


def test_totals_are_not_weighted() -> None:
    app = open_page(gap_indicator="gdp", gap_panel="parts")
    assert "weights" not in link(app)
    assert "2000 年无法比较：苏北没有数值" in text_of(app)


def test_a_link_that_asks_for_what_is_not_there_says_so() -> None:
    app = open_page(gap_indicator="no_such", before="1066")
    said = " ".join(box.value for box in app.warning).replace("\\", "")
    assert "指标“no_such”无效" in said
    assert "“1066”无效" in said
    assert tiles(app)["苏南/苏北"].endswith("倍")


def test_not_compared_has_no_earlier_year() -> None:
    app = open_page(before="none")
    assert "2005 年的" not in text_of(app).partition("差距的量")[0]
    assert all(tile.delta == "" for tile in app.metric)


def test_the_tables_that_are_downloaded(built_store: Store) -> None:
    found = compare_years(load_gap(built_store, "gdp_per_head", "prefecture"), 2023, 2005)
    measures = gaps_tables.measure_table(found).set_index("差距")
    assert measures.loc["泰尔指数", "2023 年"] == found.now.theil.total
    parts = measures.loc[["泰尔指数：区域之间", "泰尔指数：区域内部"], "2023 年"].sum()
    assert parts == pytest.approx(found.now.theil.total, abs=1e-12)
    values = gaps_tables.value_table(found)
    assert values["地区"].iloc[0] == "无锡市"
    assert values["2005 年"].notna().all()
    regions = gaps_tables.region_table(found.now)
    assert regions["区域"].tolist() == ["苏南", "苏中", "苏北"]
    missing = compare_years(load_gap(built_store, "gdp", "prefecture"), 2000, None)
    assert gaps_tables.value_table(missing)["无数值的原因"].str.contains("缺2000年").sum() == 1
    assert isinstance(gap_of(load_gap(built_store, "gdp", "prefecture"), 2000).frame, pd.DataFrame)


def test_which_end_the_curve_leans_to() -> None:
    assert lean_words(Measure(0.12), "床位", "收入") == "集中指数 0.120：收入高的地区床位占得多。"
    assert lean_words(Measure(-0.12), "床位", "收入") == "集中指数 −0.120：收入低的地区床位占得多。"
    assert lean_words(Measure(0.0001), "床位", "收入") == "集中指数 0.000：床位与收入的高低无关。"
    assert lean_words(undefined("缺数"), "床位", "收入") == "集中指数没有定义：缺数。"
    assert np.isnan(undefined("缺数").value)
