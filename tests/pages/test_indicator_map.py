"""指标地图: every indicator draws, the card and the table say what the store says, and links hold."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from data.registry import load_registry
from data.store.store import Store
from geo.region_tree import above
from pages.indicators.card import extreme_lines, standing
from pages.indicators.choice import MapStyle, Subject
from pages.indicators.layers import layers_of
from pages.indicators.panels import data_table
from pages.shared.components import plain
from tests.pages.running import assert_calm, link, start, text_of

SCRIPT = Path(__file__).parents[2] / "pages" / "start" / "script.py"
STYLE = MapStyle("quantiles", 5, "auto")


def _subject(store: Store, indicator: str, year: int = 2020, level: str = "county") -> Subject:
    return Subject(store.indicator(indicator), year, level)


def _naive_rank(values: pd.Series, adcode: str, *, lowest_first: bool) -> int:
    """Return one more than the number of regions that are better."""
    own = values[adcode]
    return 1 + sum(1 for value in values.dropna() if (value < own if lowest_first else value > own))


def test_every_indicator_makes_a_layer_at_every_level_it_has(built_store: Store) -> None:
    registry = load_registry()
    counted = {"county": 95, "prefecture": 13, "economic_region": 3, "province": 1}
    for _, row in built_store.indicators().iterrows():
        for level in (level for level in row["levels"] if level in counted):
            (layer,) = layers_of(built_store, registry, [Subject(row, row["years"][-1], level)], STYLE)
            assert len(layer.frame) == counted[level]
            assert sum(entry.count for entry in layer.legend.entries) == counted[level], row["id"]
            assert layer.provenance.sources, row["id"]


@pytest.mark.parametrize("indicator", ["urbanisation_rate", "old_dependency_ratio", "population"])
@pytest.mark.parametrize("adcode", ["320583", "320102", "321283"])
def test_a_region_stands_where_counting_by_hand_puts_it(
    built_store: Store, indicator: str, adcode: str
) -> None:
    subject = _subject(built_store, indicator)
    found = standing(built_store, subject, adcode)
    facts = built_store.facts(indicator, year=2020, level="county").set_index("adcode")
    lowest_first = subject.row["direction"] == "lower_better"
    inside = facts[facts["parent"] == facts.loc[adcode, "parent"]]
    assert found.value == facts.loc[adcode, "value"]
    assert found.rank == _naive_rank(facts["value"], adcode, lowest_first=lowest_first)
    assert found.rank_inside == _naive_rank(inside["value"], adcode, lowest_first=lowest_first)
    assert (found.among, found.among_inside) == (facts["value"].notna().sum(), inside["value"].notna().sum())
    before = built_store.facts(indicator, year=2010, level="county").set_index("adcode")["value"]
    assert found.earlier == before[adcode] or math.isnan(found.earlier)
    codes = above(built_store.region_table(), adcode)
    assert codes == [adcode[:4] + "00", facts.loc[adcode, "economic_region"], "320000"]
    higher = [
        built_store.facts(indicator, year=2020).set_index("adcode").loc[code, "value"] for code in codes
    ]
    assert found.above["value"].tolist() == higher


def test_the_summary_names_all_that_share_an_end(built_store: Store) -> None:
    (layer,) = layers_of(
        built_store, load_registry(), [_subject(built_store, "urbanisation_rate", level="prefecture")], STYLE
    )
    rows = pd.DataFrame(
        {
            "adcode": ["320300", "320200", "320100"],
            "name": ["丙市", "乙市", "甲市"],
            "value": [0.3, 0.1, 0.1 + 0.2],
        }
    )
    high, low = (plain(layer.text(value, unit=True)) for value in (0.3, 0.1))
    assert extreme_lines(rows, layer) == [f"最高（并列）　**甲市、丙市**　{high}", f"最低　**乙市**　{low}"]
    assert extreme_lines(rows.iloc[[0, 2]], layer) == [f"各地区相同　{high}"]


def test_a_region_without_a_value_says_why(built_store: Store) -> None:
    found = standing(built_store, _subject(built_store, "population_change_rate"), "320214")
    assert math.isnan(found.value)
    assert found.rank is None
    assert "范围不能对应" in found.reason


def test_two_years_share_their_classes_and_two_indicators_do_not(built_store: Store) -> None:
    registry = load_registry()
    years = [_subject(built_store, "urbanisation_rate", year) for year in (2010, 2020)]
    early, late = layers_of(built_store, registry, years, STYLE)
    assert early.style == late.style
    both = [_subject(built_store, name) for name in ("urbanisation_rate", "population")]
    one, other = layers_of(built_store, registry, both, STYLE)
    assert one.style.breaks != other.style.breaks


def test_the_palette_follows_kind_and_direction(built_store: Store) -> None:
    registry = load_registry()
    wanted = {
        "urbanisation_rate": "sequential",
        "old_dependency_ratio": "sequential_reversed",
        "population": "neutral",
        "population_change_rate": "diverging",
    }
    for indicator, palette in wanted.items():
        (layer,) = layers_of(built_store, registry, [_subject(built_store, indicator)], STYLE)
        assert layer.style.palette == palette


def test_the_page_opens_with_all_its_parts(data_env: Path) -> None:
    app = start("pages.indicators.page")
    text = text_of(app)
    assert app.title[0].value.replace("\\", "") == "65岁及以上人口比重"
    for part in (
        "2020 年",
        "单位：%",
        "来源：",
        "口径",
        "坐标系：",
        "内部工作图，未经审核不得公开",
        "全省概况",
    ):
        assert part in text
    assert link(app)["indicator"] == "population_65_plus_share"


@pytest.mark.parametrize(
    "address",
    [
        {"indicator": "gdp", "level": "county", "year": "2023"},
        {"indicator": "population_change_rate", "region": "320214"},
        {"indicator": "urbanisation_rate", "compare": "years", "year2": "2010", "region": "320583"},
        {"indicator": "gdp_per_head", "compare": "indicators", "indicator2": "urbanisation_rate"},
        {"indicator": "lift_share", "compare": "years"},
        {"indicator": "population", "panel": "series", "region": "320100", "level": "prefecture"},
        {"indicator": "population", "panel": "table", "level": "economic_region"},
        {"indicator": "population", "level": "province", "panel": "distribution"},
        {"indicator": "population", "region": "320000", "scheme": "natural_breaks", "classes": "9"},
        {"indicator": "population", "scheme": "pretty", "palette": "diverging", "classes": "3"},
    ],
)
def test_every_view_a_link_can_ask_for_draws(data_env: Path, address: dict[str, str]) -> None:
    app = start("pages.indicators.page", **address)
    assert link(app)["indicator"] == address["indicator"]


def test_a_level_the_indicator_lacks_gives_way_with_a_message(data_env: Path) -> None:
    app = start("pages.indicators.page", indicator="gdp", level="county", year="2023")
    assert link(app)["level"] == "prefecture"
    assert any("层级“county”" in box.value.replace("\\", "") for box in app.warning)


def test_choosing_a_region_shows_its_card_and_clearing_it_the_summary(data_env: Path) -> None:
    app = start("pages.indicators.page", region="320583")
    assert "#### 昆山市" in text_of(app)
    app.button(key="clear_region").click().run()
    assert_calm(app)
    assert "#### 全省概况" in text_of(app)
    assert "region" not in link(app)


def test_the_table_behind_the_page_is_the_stores(built_store: Store, data_env: Path) -> None:
    registry = load_registry()
    subject = _subject(built_store, "population_change_rate")
    (layer,) = layers_of(built_store, registry, [subject], STYLE)
    table = data_table(built_store, subject, layer).set_index("代码")
    facts = built_store.facts("population_change_rate", year=2020, level="county").set_index("adcode")
    assert len(table) == 95
    column = "常住人口增减率（%）"
    pd.testing.assert_series_equal(
        table[column].sort_index(),
        facts["value"].round(int(subject.row["decimals"])).sort_index(),
        check_names=False,
    )
    undefined = table[table[column].isna()]
    assert undefined["说明"].str.contains("范围不能对应").all()
    assert undefined["位次"].isna().all()
    assert table["位次"].dropna().is_monotonic_increasing


def test_without_a_store_the_entry_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUTU_DATA_DIR", str(tmp_path / "none"))
    app = AppTest.from_file(str(SCRIPT), default_timeout=120).run()
    assert [box.value for box in app.exception] == []
    assert app.title[0].value == "还没有可用的数据"
    assert app.code[0].value == "sutu build"


def test_a_fault_of_ours_is_said_in_chinese_with_a_number_and_logged(
    data_env: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down() -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("pages.overview.page.page", break_down)
    app = AppTest.from_file(str(SCRIPT), default_timeout=120).run()
    assert [box.value for box in app.exception] == []
    assert "没能显示" in app.error[0].value
    number = app.code[0].value
    assert len(number) == 8
    assert f"页面出错 {number}" in caplog.text
    assert "secret detail" in caplog.text
    assert "secret detail" not in text_of(app)
