"""总览: every figure on the page is the store's, ratios are sums over sums, and what is missing says why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from data.registry import load_registry
from data.store.store import Store
from geo.region_tree import ECONOMIC_REGIONS, PROVINCE
from layers.model import readable, signed
from pages.overview.page import _map
from pages.overview.parts import Figure, comparison, figure_of
from reports.targets import STATE_WORDS, short_title
from tests.pages.running import assert_calm, link, start, text_of

SHOWN = load_registry().overview
LARGER = {"人": (1e4, "万人"), "亿元": (1e4, "万亿元")}


@pytest.fixture
def overview(data_env: Path) -> Iterator[AppTest]:
    yield start("pages.overview.page")


def _expected(store: Store, indicator: str, adcode: str) -> str:
    """Return the latest value in words, read from the fact table without the page's own code."""
    facts = store.table("fact")
    facts = facts[(facts["indicator"] == indicator) & (facts["adcode"] == adcode) & facts["value"].notna()]
    value = facts.sort_values("year")["value"].iloc[-1]
    entry = store.table("indicator").set_index("id").loc[indicator]
    factor, unit = LARGER.get(entry["unit"], (np.inf, ""))
    if value < factor:
        factor, unit = 1.0, entry["unit"]
    places = 2 if factor > 1 else entry["decimals"]
    return f"{value / factor:,.{places}f}{'' if unit == '%' else ' '}{unit}"


def _cards(app: AppTest) -> list[str]:
    return [metric.value for metric in app.metric][: len(SHOWN.cards)]


def test_cards_show_the_latest_figures_of_the_province(overview: AppTest, built_store: Store) -> None:
    assert _cards(overview) == [_expected(built_store, name, PROVINCE) for name in SHOWN.cards]
    names = built_store.indicators()["name"]
    labels = [metric.label.replace("\\", "") for metric in overview.metric][: len(SHOWN.cards)]
    assert labels == [names[name].partition("（")[0] for name in SHOWN.cards]


@pytest.mark.parametrize("adcode", ["320S00", "320500", "321300"])
def test_choosing_a_region_changes_every_card(overview: AppTest, built_store: Store, adcode: str) -> None:
    overview.selectbox(key="choice_region").select(adcode).run()
    assert_calm(overview)
    assert _cards(overview) == [_expected(built_store, name, adcode) for name in SHOWN.cards]
    assert overview.title[0].value == f"{built_store.region_table().loc[adcode, 'name']}总览"
    assert link(overview)["region"] == adcode


def test_a_link_opens_the_same_view(data_env: Path, built_store: Store) -> None:
    app = start("pages.overview.page", region="320300", indicator="gdp_per_head", level="economic_region")
    assert _cards(app)[0] == _expected(built_store, "population", "320300")
    assert app.selectbox(key="choice_indicator").value == "gdp_per_head"
    assert link(app) == {"region": "320300", "indicator": "gdp_per_head", "level": "economic_region"}


def test_a_link_to_an_unknown_region_says_so(data_env: Path, built_store: Store) -> None:
    app = start("pages.overview.page", region="999999")
    assert "999999" in app.warning[0].value
    assert _cards(app)[0] == _expected(built_store, "population", PROVINCE)


def test_every_mapped_indicator_can_be_shown(overview: AppTest) -> None:
    for name in SHOWN.mapped:
        overview.selectbox(key="choice_indicator").select(name).run()
        assert_calm(overview)
        assert link(overview)["indicator"] == name


def test_changes_are_against_the_census_before_and_the_year_before(
    overview: AppTest, built_store: Store
) -> None:
    facts = built_store.facts("population")
    both = facts[facts["adcode"] == PROVINCE].set_index("year")["value"]
    rate = built_store.facts("urbanisation_rate")
    shares = rate[rate["adcode"] == PROVINCE].set_index("year")["value"]
    gdp = built_store.facts("gdp")
    amounts = gdp[gdp["adcode"] == PROVINCE].set_index("year")["value"]
    last = amounts.index.max()
    shown = text_of(overview)
    assert f"较2010年]　+{(both[2020] / both[2010] - 1) * 100:.2f}%" in shown
    assert f"较2010年]　+{shares[2020] - shares[2010]:.2f} 个百分点" in shown
    assert f"较{last - 1}年]　+{(amounts[last] / amounts[last - 1] - 1) * 100:.2f}%" in shown


def test_regions_side_by_side_are_sums_over_sums(built_store: Store) -> None:
    table = comparison(built_store, [PROVINCE, *ECONOMIC_REGIONS]).set_index("指标")
    parts = {
        name: built_store.facts(name, year=2020, level="prefecture").set_index("adcode")["value"]
        for name in ("population", "urban_population", "urbanisation_rate")
    }
    members = built_store.region_table("prefecture")["parent"]
    for adcode, column in zip(ECONOMIC_REGIONS, ("苏南", "苏中", "苏北"), strict=True):
        codes = members.index[members == adcode]
        whole = parts["urban_population"][codes].sum() / parts["population"][codes].sum() * 100
        assert table.loc["城镇化率（%）", column] == f"{whole:.2f}"
        assert f"{parts['urbanisation_rate'][codes].mean():.2f}" != f"{whole:.2f}"
        assert table.loc["常住人口（万人）", column] == f"{parts['population'][codes].sum() / 1e4:,.2f}"


def test_the_table_of_the_page_compares_province_and_regions(overview: AppTest, built_store: Store) -> None:
    shown = overview.dataframe[0].value
    assert list(shown.columns) == ["指标", "年份", "江苏", "苏南", "苏中", "苏北"]
    assert len(shown) == len(SHOWN.compared)
    pd.testing.assert_frame_equal(
        shown, comparison(built_store, [PROVINCE, *ECONOMIC_REGIONS]), check_dtype=False
    )


def test_states_of_the_plans_are_those_of_the_store(overview: AppTest, built_store: Store) -> None:
    targets = built_store.headline_targets()
    titles = built_store.plan_documents().set_index("plan")["title"].map(short_title)
    charts = overview.get("vega_lite_chart") or overview.get("arrow_vega_lite_chart")
    assert len(charts) == 2
    shown = text_of(overview)
    for chart, period in zip(charts, ("十三五", "十四五"), strict=True):
        part = targets[targets["period"] == period]
        counts = part.groupby(["plan", "state"]).size()
        description = json.loads(chart.proto.spec)["description"]
        lines = dict(line.split("：") for line in description.split("；"))
        assert set(lines) == {titles[plan] for plan in part["plan"].unique()}
        for (plan, state), count in counts.items():
            assert f"{STATE_WORDS[state]} {count} 项" in lines[titles[plan]].split("，")
        totals = part["state"].value_counts()
        words = "，".join(f"{word} {totals.get(state, 0)} 项" for state, word in STATE_WORDS.items())
        assert f"{part['plan'].nunique()} 个规划 {len(part)} 项：{words}" in shown


def test_targets_that_were_missed_are_named(overview: AppTest, built_store: Store) -> None:
    targets = built_store.headline_targets()
    missed = targets[(targets["period"] == "十三五") & (targets["state"] == "not_met")]
    shown = text_of(overview)
    assert f"未达到的 {len(missed)} 项" in shown
    for row in missed.itertuples():
        assert f"{row.indicator_text}：完成 {row.base_text}" in shown


def test_what_is_loaded_is_counted_from_the_store(overview: AppTest, built_store: Store) -> None:
    numbers = {metric.label: metric.value for metric in overview.metric}
    facts = built_store.table("fact")
    assert numbers["指标"] == f"{len(built_store.table('indicator')):,}"
    assert numbers["事实"] == f"{len(facts):,}"
    assert numbers["无数值（有原因）"] == f"{facts['value'].isna().sum():,}"
    assert numbers["规划文件"] == str(len(built_store.plan_documents()))
    assert numbers["规划条目"] == f"{len(built_store.plan_targets()):,}"
    assert numbers["未匹配到地区的行"] == str(len(built_store.unmatched()))
    sources = overview.dataframe[1].value
    assert sources["事实数"].sum() == len(facts)
    assert set(sources["质量"]) == {"官方公布", "推算", "二手转录"}
    assert built_store.data_version in text_of(overview)


def test_residuals_are_explained_to_the_person(overview: AppTest, built_store: Store) -> None:
    facts = built_store.facts("population", year=2020, level="unallocated")
    shown = text_of(overview)
    names = built_store.region_table()["name"]
    assert len(facts)
    for row in facts.itertuples():
        assert f"{names[row.parent]} {row.value:,.0f} 人" in shown


def test_the_check_can_be_asked_for(overview: AppTest) -> None:
    assert not overview.success
    (button,) = [one for one in overview.button if one.label == "现在体检"]
    button.click().run()
    assert_calm(overview)
    assert "没有发现问题" in overview.success[0].value


def _series(**changes: list[object]) -> pd.DataFrame:
    rows = {
        "year": [2010, 2020],
        "value": [50.0, 60.0],
        "source": ["a", "a"],
        "quality": ["official", "official"],
        "flag": [None, None],
        "note": [None, None],
        "reason": [None, None],
    }
    return pd.DataFrame({**rows, **changes})


def _figure(unit: str = "%", **changes: list[object]) -> Figure:
    indicator = pd.Series(
        {"id": "x", "name": "某率（6岁）", "unit": unit, "decimals": 1, "direction": "neutral", "note": None}
    )
    return figure_of(indicator, _series(**changes), pd.Series({"a": "来源甲"}))


def test_a_figure_has_its_change_year_and_source() -> None:
    figure = _figure()
    assert (figure.name, figure.text, figure.change) == ("某率", "60.0%", "+10.0 个百分点")
    assert (figure.year, figure.earlier_year, figure.source) == (2020, 2010, "来源甲")
    assert _figure("亿元").change == "+20.00%"
    assert _figure("年").change == "+10.0 年"


def test_a_break_in_the_series_forbids_the_comparison() -> None:
    figure = _figure(flag=[None, "口径断点；疑有误"])
    assert figure.change == ""
    assert figure.no_change_reason == "口径断点"
    assert np.isnan(figure.difference)


def test_an_undefined_latest_year_gives_way_to_the_last_defined_one() -> None:
    figure = _figure(value=[50.0, np.nan], reason=[None, "未公布"])
    assert (figure.year, figure.text, figure.change) == (2010, "50.0%", "")
    assert figure.no_change_reason == "没有更早的数值"


def test_a_figure_without_any_value_says_why() -> None:
    figure = _figure(value=[np.nan, np.nan], reason=["甲", "乙"])
    assert (figure.text, figure.exact, figure.reason) == ("无数据", "", "乙")


@given(st.floats(-1e9, 1e9), st.integers(0, 3))
def test_numbers_in_words_keep_their_value(value: float, decimals: int) -> None:
    text = readable(value, "人", decimals)
    number, unit = text.replace(",", "").replace("−", "-").split(" ")
    factor = {"人": 1.0, "万人": 1e4}[unit]
    places = 2 if factor > 1 else decimals
    assert float(number) * factor == pytest.approx(value, abs=0.5000001 * factor * 10**-places)


@given(st.floats(-1e6, 1e6), st.integers(0, 3))
def test_signs_are_always_written_and_true(value: float, decimals: int) -> None:
    text = signed(value, decimals)
    rounded = round(value, decimals)
    if float(f"{value:.{decimals}f}") == 0:
        assert text[0] == "0"
    else:
        assert text[0] == ("+" if rounded > 0 else "−")


def test_the_map_has_the_classes_of_the_office(built_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    packaged = load_registry()
    own = {"class_count": 3, "class_method": "equal_interval", "undefined_colour": "#abcdef"}
    settings = [one.model_copy(update={"value": own.get(one.id, one.value)}) for one in packaged.settings]
    monkeypatch.setattr("pages.overview.page.components.show_map", lambda *_a, **_k: None)
    layer = _map(built_store, replace(packaged, settings=tuple(settings)), "", "population", "county")
    assert (layer.style.scheme, layer.style.k, layer.style.undefined_colour) == (
        "equal_interval",
        3,
        "#abcdef",
    )
    assert [len(_map(built_store, packaged, "", "population", "county").style.colours)] == [5]
