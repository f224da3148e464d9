"""The plan tables: faithful to the letter, paired by what the plans say, never more certain than they are."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.builder.plan_states import actual_bound, is_range
from data.builder.plans import (
    PlanTables,
    build_plan_tables,
    contradictions,
    headline_targets,
    normalise_text,
    normalise_unit,
    read_targets,
    target_state,
)
from data.registry import load_registry
from data.registry.plan_models import HeadlineIndicator, HeadlineTable, PlanSynonym
from data.store.schema import TABLES
from geo.errors import RegistryError
from tests.oracles.plans_naive import FACTS, csv_rows, naive_contradictions, naive_state

COMPARATORS = ("=", ">=", ">", "<=", "<", "~", "cum")
DIRECTIONS = ("higher_better", "lower_better", "neutral")


@pytest.fixture(scope="module")
def plans() -> PlanTables:
    return build_plan_tables(load_registry())


def headline(plans: PlanTables, plan: str, text: str, year: int) -> pd.Series:
    frame = plans.headline_target
    found = frame[
        (frame["plan"] == plan) & (frame["indicator_text"] == text) & (frame["target_year"] == year)
    ]
    assert len(found) == 1
    return found.iloc[0]


# The documents and the rows, verbatim


def test_every_document_and_every_row_is_there(plans: PlanTables) -> None:
    assert len(plans.plan_document) == 24
    assert len(plans.plan_target) == 2513
    assert plans.plan_target["id"].is_unique
    held = plans.plan_target["plan"].value_counts().to_dict()
    assert held == plans.plan_document.set_index("plan")["target_rows"].to_dict()


def test_rows_are_verbatim(plans: PlanTables) -> None:
    columns = {
        "plan": "plan",
        "domain": "domain",
        "indicator": "indicator_text",
        "unit": "unit",
        "scope": "scope",
        "year": "year_text",
        "value_text": "value_text",
        "comparator": "comparator",
        "kind": "kind",
        "attribute": "attribute",
        "note": "note",
        "seed_line": "seed_line",
    }
    stored = plans.plan_target[list(columns.values())].astype(object)
    expected = [tuple(row[name] for name in columns) for row in csv_rows("plan_indicators.csv")]
    assert list(stored.where(stored.notna(), "").itertuples(index=False, name=None)) == expected


def test_numbers_are_those_of_the_file(plans: PlanTables) -> None:
    for row, value in zip(csv_rows("plan_indicators.csv"), plans.plan_target["value_num"], strict=True):
        assert math.isnan(value) if row["value_num"] == "" else value == float(row["value_num"])


@pytest.mark.parametrize(
    ("text", "year"),
    [("2025", 2025), ("2021-2025", 2025), ("2016-2020", 2020), ("每年", None), ("", None)],
)
def test_year_of_a_text(plans: PlanTables, text: str, year: int | None) -> None:
    frame = plans.plan_target
    held = frame[frame["year_text"].isna()] if text == "" else frame[frame["year_text"] == text]
    assert len(held) > 0
    years = {None if pd.isna(value) else int(value) for value in held["year"]}
    assert years == {year}


def test_tables_have_the_columns_of_the_schema(plans: PlanTables) -> None:
    for name in ("plan_document", "plan_target", "headline_target", "target_contradiction"):
        assert list(getattr(plans, name).columns) == list(TABLES[name].columns)


def test_documents_and_rows_must_agree(tmp_path: Path) -> None:
    (tmp_path / "plan_indicators.csv").write_bytes((FACTS / "plan_indicators.csv").read_bytes())
    text = (FACTS / "plan_documents.csv").read_text(encoding="utf-8")
    (tmp_path / "plan_documents.csv").write_text(text.replace(",291", ",290"), encoding="utf-8")
    with pytest.raises(RegistryError, match="public-service：文件清单写 290 行，指标表里有 291 行"):
        build_plan_tables(load_registry(), tmp_path)


# The state of a target


@pytest.mark.parametrize(
    ("comparator", "direction", "target", "actual", "state"),
    [
        # A floor, a ceiling: reached exactly counts as met.
        (">=", "higher_better", 98.0, 98.0, "met"),
        (">=", "higher_better", 98.0, 97.9, "not_met"),
        (">", "higher_better", 98.0, 98.0, "not_met"),
        (">", "higher_better", 98.0, 98.1, "met"),
        ("<=", "lower_better", 7.0, 5.09, "met"),
        ("<=", "lower_better", 7.0, 7.0, "met"),
        ("<=", "lower_better", 7.0, 7.1, "not_met"),
        ("<", "lower_better", 4.0, 4.0, "not_met"),
        ("<", "lower_better", 4.0, 3.2, "met"),
        # A plain or rounded number is a floor where more is better, a ceiling where less is.
        ("=", "higher_better", 60.0, 60.0, "met"),
        ("=", "higher_better", 60.0, 80.4, "met"),
        ("=", "higher_better", 100.0, 99.87, "not_met"),
        ("=", "lower_better", 33.0, 38.0, "not_met"),
        ("=", "lower_better", 33.0, 30.0, "met"),
        ("~", "higher_better", 80.0, 79.1, "not_met"),
        ("~", "higher_better", 45.0, 46.34, "met"),
        ("~", "lower_better", 5.0, 4.5, "met"),
        ("~", "lower_better", 5.0, 5.1, "not_met"),
        # Neutral: an inequality decides, a plain number only when hit.
        (">=", "neutral", 10.0, 12.0, "met"),
        ("<=", "neutral", 10.0, 12.0, "not_met"),
        ("=", "neutral", 10.0, 10.0, "met"),
        ("=", "neutral", 10.0, 12.0, "undefined"),
        ("~", "neutral", 109.0, 110.0, "undefined"),
        # A comparator against the direction says nothing.
        ("<=", "higher_better", 10.0, 8.0, "undefined"),
        (">", "lower_better", 10.0, 12.0, "undefined"),
        # Sums over a period cannot be held against a year.
        ("cum", "higher_better", 500.0, 145.0, "undefined"),
    ],
)
def test_state_by_comparator_and_direction(
    comparator: str, direction: str, target: float, actual: float, state: str
) -> None:
    found, reason = target_state(comparator, direction, target, actual)
    assert found == state
    assert (reason is None) == (state != "undefined")


@pytest.mark.parametrize(
    ("comparator", "target", "actual_comparator", "actual", "state"),
    [
        (">=", 99.0, ">=", 98.0, "undefined"),
        (">=", 98.0, ">=", 98.0, "met"),
        (">", 98.0, ">=", 98.0, "undefined"),
        (">", 98.0, ">", 98.0, "met"),
        ("=", 15000.0, ">", 32000.0, "met"),
        ("=", 12.3, ">", 12.0, "undefined"),
        (">=", 10.0, "<", 10.0, "not_met"),
        (">=", 10.0, "<=", 10.0, "undefined"),
        (">", 10.0, "<=", 10.0, "not_met"),
        ("cum", 500.0, "cum", 725.9, "met"),
        ("cum", 3000.0, "cum", 1247.0, "not_met"),
        ("=", 60.0, "cum", 80.0, "undefined"),
        ("=", 700.0, "~", 930.0, "met"),
    ],
)
def test_state_of_an_actual_value_that_is_only_bounded(
    comparator: str, target: float, actual_comparator: str, actual: float, state: str
) -> None:
    found, reason = target_state(
        comparator, "higher_better", target, actual, actual_comparator=actual_comparator
    )
    assert found == state
    assert (reason is None) == (state != "undefined")


@pytest.mark.parametrize(
    ("comparator", "target", "actual", "reason"),
    [
        (None, 10.0, 10.0, "目标没有可比较的数值"),
        ("", 10.0, 10.0, "目标没有可比较的数值"),
        ("=", None, 10.0, "目标没有可比较的数值"),
        ("=", math.nan, 10.0, "目标没有可比较的数值"),
        ("=", 10.0, None, "没有可比较的现状值"),
        ("=", 10.0, math.nan, "没有可比较的现状值"),
    ],
)
def test_a_missing_number_is_undefined_with_its_reason(
    comparator: str | None, target: float | None, actual: float | None, reason: str
) -> None:
    assert target_state(comparator, "higher_better", target, actual) == ("undefined", reason)


numbers = st.integers(-20, 20).map(lambda tenth: tenth / 2)


@given(
    st.sampled_from(COMPARATORS), st.sampled_from(DIRECTIONS), numbers, numbers, st.sampled_from(COMPARATORS)
)
def test_state_equals_trying_every_possible_value(
    comparator: str, direction: str, target: float, actual: float, actual_comparator: str
) -> None:
    state, _ = target_state(comparator, direction, target, actual, actual_comparator=actual_comparator)
    assert state == naive_state(comparator, direction, target, actual, actual_comparator)


@given(
    st.sampled_from(("=", "~", ">=", ">", "<=", "<")),
    st.sampled_from(DIRECTIONS[:2]),
    numbers,
    numbers,
    numbers,
)
def test_a_better_value_never_loses_a_target(
    comparator: str, direction: str, target: float, actual: float, gain: float
) -> None:
    better = actual + abs(gain) if direction == "higher_better" else actual - abs(gain)
    before, _ = target_state(comparator, direction, target, actual)
    after, _ = target_state(comparator, direction, target, better)
    assert (before, after) != ("met", "not_met")


@given(st.sampled_from(COMPARATORS[:-1]), numbers, numbers)
def test_directions_mirror_each_other(comparator: str, target: float, actual: float) -> None:
    mirrored = comparator.translate(str.maketrans("<>", "><"))
    upward, _ = target_state(comparator, "higher_better", target, actual)
    downward, _ = target_state(mirrored, "lower_better", -target, -actual)
    assert upward == downward


@pytest.mark.parametrize(
    "text", ["6—8个", "2-3个", "1—2项", "3－5家", "1至2个", "0.5-1小时", "10–15个", "20～30"]
)
def test_ranges(text: str) -> None:
    assert is_range(text)


@pytest.mark.parametrize(
    "text", ["≥98", "98/95", "80.9（以 655 个省考断面计）", "> 15", "29.33%(2018年)", "—", "-5", "2∶3"]
)
def test_not_ranges(text: str) -> None:
    assert not is_range(text)


def test_a_number_and_some_lies_near_its_number() -> None:
    assert actual_bound(">", "300余辆") == "~"
    assert actual_bound(">", "150多万人") == "~"
    assert actual_bound(">", "超过32000") == ">"
    assert actual_bound("=", "9余") == "="


# Headline targets


def test_headline_set_covers_every_plan(plans: PlanTables) -> None:
    frame = plans.headline_target
    assert len(frame) == 514
    assert set(frame["plan"]) == set(plans.plan_document["plan"])
    assert frame["id"].is_unique
    assert frame["target_row"].is_unique


def test_every_target_with_an_attribute_is_headline(plans: PlanTables) -> None:
    """A plan marks 约束性 or 预期性 in its main table only, so none of these may be left out."""
    rows = plans.plan_target
    marked = rows.loc[(rows["kind"] == "target") & rows["attribute"].notna(), "id"]
    assert set(marked) <= set(plans.headline_target["target_row"])


def test_headline_rows_repeat_their_sources(plans: PlanTables) -> None:
    rows = plans.plan_target.set_index("id")
    for pair in plans.headline_target.itertuples():
        target = rows.loc[pair.target_row]
        assert (target["plan"], target["kind"], target["value_text"]) == (
            pair.plan,
            "target",
            pair.target_text,
        )
        if isinstance(pair.base_row, str):
            base = rows.loc[pair.base_row]
            assert (base["plan"], base["kind"], base["value_text"]) == (pair.plan, "actual", pair.base_text)


def test_undefined_has_a_reason_and_nothing_else_has(plans: PlanTables) -> None:
    frame = plans.headline_target
    assert (frame["state_reason"].notna() == (frame["state"] == "undefined")).all()
    assert set(frame["state"]) == {"met", "not_met", "undefined"}


@pytest.mark.parametrize(
    ("plan", "text", "year", "expected"),
    [
        ("health", "孕产妇死亡率", 2025, (5.09, "met")),
        ("health", "人均预期寿命", 2025, (79.1, "not_met")),
        ("health", "个人卫生支出占总费用的比重", 2025, (24.0, "met")),
        ("women", "孕产妇死亡率", 2025, (5.09, "met")),
        ("women", "就业人员中的女性比例", 2025, (46.34, "met")),
        ("public-service", "城镇调查失业率", 2025, (4.5, "met")),
        ("public-service", "人均体育场地面积", 2025, (3.15, "not_met")),
        ("public-service", "城镇新增就业人数", 2020, (725.9, "met")),
        ("ecology-environment", "地级及以上城市PM2.5浓度", 2025, (38.0, "not_met")),
        ("ecology-environment", "县级以上集中式饮用水水源水质达到或优于Ⅲ类比例", 2020, (92.2, "not_met")),
        ("employment", "劳动人事争议调解成功率", 2025, (80.4, "met")),
        ("railway", "铁路总里程", 2025, (4204.0, "not_met")),
        ("rugao-public-service", "每万人获得法律援助次数", 2025, (14.9, "met")),
        ("grain-reserves", "机械化程度高的仓型比例", 2020, (16.0, "not_met")),
        ("science-innovation", "全省技术合同成交额", 2025, (2335.0, "not_met")),
    ],
)
def test_pairs_read_by_hand(
    plans: PlanTables, plan: str, text: str, year: int, expected: tuple[float, str]
) -> None:
    row = headline(plans, plan, text, year)
    assert (row["base_value"], row["state"]) == expected
    assert row["base_year"] == 2020


@pytest.mark.parametrize(
    ("plan", "text", "year", "reason"),
    [
        ("health", "健康预期寿命", 2025, "目标为定性表述（“同比例提高”），没有数值"),
        (
            "intellectual-property",
            "国家级知识产权服务业集聚发展区",
            2020,
            "目标是区间（“2-3个”），没有单一的目标值",
        ),
        ("disability", "残疾人托养服务人数", 2025, "规划中的现状值为“——”，没有数值"),
        ("children", "新生儿死亡率", 2025, "规划没有给出现状值"),
        (
            "intellectual-property",
            "知识产权密集型产业增加值占GDP的比重",
            2020,
            "现状值是 2018 年的，不是基期 2020 年的，两者不能比较",
        ),
        (
            "science-innovation",
            "每万名劳动力中研发人员",
            2025,
            "现状值的单位是“人年”，目标是“人”，两者不能比较",
        ),
        ("employment", "城镇新增就业人数", 2025, "现状值和目标是两个规划期各自的累计数，不能比较"),
        ("elderly-care", "养老服务人员培训人次数", 2025, "目标是规划期累计数，两者不能直接比较"),
        ("education", "劳动年龄人口平均受教育年限", 2025, "现状值只写了下限，不知是否达到目标"),
        ("health", "重大慢性病过早死亡率", 2025, "现状值只写了上限，不知是否达到目标"),
    ],
)
def test_undefined_pairs_read_by_hand(
    plans: PlanTables, plan: str, text: str, year: int, reason: str
) -> None:
    row = headline(plans, plan, text, year)
    assert (row["state"], row["state_reason"]) == ("undefined", reason)


def plan_rows(*rows: dict[str, object]) -> pd.DataFrame:
    """Return a small plan_target table; what a row leaves out is that of a plain target of 2025."""
    plain = {
        "plan": "p",
        "domain": "d",
        "indicator_text": "覆盖率",
        "unit": "%",
        "scope": "全省",
        "year_text": "2025",
        "year": 2025,
        "value_text": "90",
        "value_num": 90.0,
        "comparator": "=",
        "kind": "target",
        "attribute": None,
        "note": None,
        "seed_line": "000:1",
    }
    return pd.DataFrame([{**plain, "id": f"p-{n}", **row} for n, row in enumerate(rows, start=1)])


def table(**changes: object) -> HeadlineTable:
    entry = {"text": "覆盖率", "direction": "higher_better", **changes}
    return HeadlineTable.model_validate(
        {
            "plan": "p",
            "table": "表1",
            "period": "十四五",
            "base_year": 2020,
            "target_year": 2025,
            "indicators": [entry],
        }
    )


BASE = {"kind": "actual", "year": 2020, "year_text": "2020", "value_text": "95", "value_num": 95.0}


def test_a_row_of_the_table_comes_before_one_of_the_text() -> None:
    rows = plan_rows(
        {"value_num": 99.0},
        {"attribute": "预期性"},
        {**BASE, "value_num": 50.0},
        {**BASE, "attribute": "预期性"},
    )
    pair = headline_targets(rows, [table()]).iloc[0]
    assert (pair["target_row"], pair["base_row"], pair["state"]) == ("p-2", "p-4", "met")


def test_another_scope_is_shown_but_not_compared() -> None:
    pair = headline_targets(plan_rows({}, {**BASE, "scope": "苏南"}), [table()]).iloc[0]
    assert (pair["base_row"], pair["state"]) == ("p-2", "undefined")
    assert pair["state_reason"] == "现状值的范围是“苏南”，目标是“全省”，两者不能比较"


def test_each_scope_of_a_target_is_a_pair() -> None:
    rows = plan_rows({"scope": "苏南"}, {"scope": "苏北", "value_num": 70.0}, {**BASE, "scope": "苏北"})
    pairs = headline_targets(rows, [table()])
    assert pairs["state"].tolist() == ["undefined", "met"]


def test_a_declared_difference_is_undefined() -> None:
    pair = headline_targets(plan_rows({}, BASE), [table(incomparable="口径不同")]).iloc[0]
    assert (pair["base_value"], pair["state"], pair["state_reason"]) == (95.0, "undefined", "口径不同")


def test_registry_entries_that_name_nothing_are_all_reported() -> None:
    rows = plan_rows({}, {})
    with pytest.raises(RegistryError) as fault:
        headline_targets(rows, [table(), table(text="没有的指标")])
    assert "指标“覆盖率”：有 2 行目标分不清" in str(fault.value)
    assert "指标“没有的指标”：规划里没有 2025 年的这一目标" in str(fault.value)


def test_an_indicator_twice_in_a_table_is_refused() -> None:
    entry = HeadlineIndicator(text="覆盖率", direction="neutral")
    with pytest.raises(ValueError, match="写了两次"):
        HeadlineTable(
            plan="p",
            table="表1",
            period="十四五",
            base_year=2020,
            target_year=2025,
            indicators=(entry, entry),
        )


# Texts, and plans against each other


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0－6岁儿童眼保健", "0-6岁儿童眼保健"),
        ("县（市、区）护理院", "县(市、区)护理院"),
        ("国家一流本科专业建设点（正文）", "国家一流本科专业建设点"),
        ("“三品一标” 比例", "三品一标比例"),
    ],
)
def test_equal_texts(one: str, other: str) -> None:
    assert normalise_text(one) == normalise_text(other)


def test_a_unit_that_only_is_spelt_otherwise_is_compared() -> None:
    rows = plan_rows({"unit": "百分点"}, {**BASE, "unit": "个百分点"})
    spelt = [PlanSynonym(id="points", of="unit", texts=("百分点", "个百分点"), reason="量词")]
    assert headline_targets(rows, [table()]).iloc[0]["state"] == "undefined"
    assert headline_targets(rows, [table()], spelt).iloc[0]["state"] == "met"


@given(st.text(max_size=30))
def test_blanks_and_quotation_marks_change_nothing(text: str) -> None:
    assert normalise_text(f" “{text}”， ") == normalise_text(text)


def test_units() -> None:
    same = load_registry().plan_synonyms
    assert normalise_unit("/10 万", same) == normalise_unit("1/10万", same) == "1/10万"
    assert normalise_unit("个百分点", same) == normalise_unit("百分点", same)
    assert normalise_unit("/", same) == normalise_unit(None, same) == normalise_unit(math.nan, same) == ""
    assert normalise_unit("人", same) != normalise_unit("人年", same)
    assert normalise_unit("/10万", ()) == "/10万"


def test_contradictions_hold_all_that_differ_to_the_letter(plans: PlanTables) -> None:
    seed = plans.plan_target.set_index("id")["seed_line"]
    found = [
        frozenset(seed[row] for row in group["row"])
        for _, group in plans.target_contradiction.groupby("group_id")
    ]
    expected = naive_contradictions()
    assert len(expected) >= 4
    for letters in expected:
        assert any(letters <= group for group in found)


def test_contradictions_keep_every_value_with_its_plan(plans: PlanTables) -> None:
    frame = plans.target_contradiction
    eyes = frame[frame["row"] == "health-198"].iloc[0]
    group = frame[frame["group_id"] == eyes["group_id"]]
    assert set(zip(group["plan"], group["value_num"], strict=True)) == {
        ("public-service", 95.0),
        ("health", 90.0),
        ("children", 98.0),
    }
    spread = frame.groupby("group_id")["value_num"].agg(["min", "max"])
    assert (spread["min"] < spread["max"]).all()


def test_other_years_scopes_units_and_ranges_do_not_contradict() -> None:
    rows = plan_rows(
        {},
        {"year": 2035, "value_num": 95.0},
        {"scope": "南京", "value_num": 96.0},
        {"unit": "个", "value_num": 97.0},
        {"value_text": "1—2", "value_num": 1.0},
        {"kind": "forecast", "value_num": 98.0},
        {"year": None, "value_num": 99.0},
        {"plan": "q", "value_num": 90.0},
    )
    assert contradictions(rows, []).empty
    rows.loc[7, "value_num"] = 91.0
    assert contradictions(rows, [])["row"].tolist() == ["p-1", "p-8"]


def test_declared_synonyms_are_compared_and_must_exist() -> None:
    rows = plan_rows({}, {"plan": "q", "indicator_text": "覆盖比例", "value_num": 80.0})
    synonym = PlanSynonym(id="coverage", texts=("覆盖率", "覆盖比例"), reason="同义")
    assert contradictions(rows, [synonym])["plan"].tolist() == ["p", "q"]
    unknown = PlanSynonym(id="unknown", texts=("覆盖率", "别的"), reason="同义")
    with pytest.raises(RegistryError, match="别的"):
        contradictions(rows, [unknown])


def test_reading_twice_gives_the_same_table() -> None:
    pd.testing.assert_frame_equal(read_targets(FACTS), read_targets(FACTS))


@pytest.mark.parametrize(("comparator", "state"), [(">=", "met"), ("=", "met"), (">", "not_met")])
def test_what_is_met_but_for_rounding_is_met(comparator: str, state: str) -> None:
    """63 of 90 are 70 %, also where the division leaves a hair less."""
    for actual in (np.nextafter(70.0, 0.0), 70.0, np.nextafter(70.0, 100.0)):
        assert target_state(comparator, "higher_better", 70.0, float(actual)) == (state, None)
        mirrored = comparator.replace(">", "<")
        assert target_state(mirrored, "lower_better", 70.0, float(actual)) == (state, None)
    assert target_state(comparator, "higher_better", 70.0, 69.9999)[0] == "not_met"
    assert target_state(comparator, "higher_better", 70.0, 70.0001)[0] == "met"
    assert target_state("=", "neutral", 70.0, float(np.nextafter(70.0, 0.0))) == ("met", None)
