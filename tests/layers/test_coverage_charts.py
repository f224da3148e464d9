"""Charts of coverage: valid specifications, figures that are those of the tables, undefined ones said."""

import altair as alt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.charts.base import PICK
from layers.charts.coverage import (
    cumulative_curve_chart,
    distribution_chart,
    gap_chart,
    minute_marks,
    minutes_bins,
    percent,
    ranking_chart,
    sensitivity_chart,
)


def curve(people=(0.0, 0.5, 1.0), area=(0.0, 0.2, 0.9)):
    return pd.DataFrame(
        {
            "minutes": [0.0, 15.0, 30.0][: len(people)],
            "population": np.array(people) * 1000,
            "population_coverage": people,
            "area_coverage": area,
        }
    )


def coverage_rows():
    return pd.DataFrame(
        {
            "adcode": ["320102", "320104", "320302", "320303"],
            "name": ["玄武区", "秦淮区", "鼓楼区", "空"],
            "population_coverage": [0.5, 1.0, 1.0, np.nan],
            "area_coverage": [0.2, 0.9, 1.0, np.nan],
            "reason": [None, None, None, "没有人口格网"],
            "edge": [False, True, False, False],
        }
    )


def rows_of(spec):
    """Return all data rows of a specification, by name of the data set."""
    inline = spec.get("data", {}).get("values")
    return {**spec.get("datasets", {}), **({"inline": inline} if inline is not None else {})}


@settings(deadline=None)
@given(st.floats(0, 1))
def test_a_share_never_reads_as_all_or_nothing_unless_it_is(value):
    text = percent(value)
    assert (text == "100.0%") == (value == 1.0)
    assert (text == "0.0%") == (value == 0.0)


def test_shares_read_with_one_decimal_and_nan_as_no_figure():
    assert [percent(value) for value in (0.4567, 1.0, 0.99999, 0.0, 1e-6, float("nan"))] == [
        "45.7%",
        "100.0%",
        ">99.9%",
        "0.0%",
        "<0.1%",
        "无数据",
    ]


def test_the_curve_is_valid_and_the_threshold_moves_without_making_it_anew():
    chart = cumulative_curve_chart({"江苏省": curve(), "徐州市": curve((0.0, 0.4, 0.8))})
    first, second = chart.at(threshold=15.0).to_dict(), chart.at(threshold=30.0).to_dict()
    values = [
        {one["name"]: one.get("value") for one in spec["params"]}["threshold"] for spec in (first, second)
    ]
    assert values == [15.0, 30.0]
    assert {**first, "params": 0} == {**second, "params": 0}
    rows = next(rows for rows in rows_of(first).values() if len(rows) > 1)
    assert {row["name"] for row in rows} == {"江苏省", "徐州市", "江苏省（面积）"}
    assert [row["share"] for row in rows if row["name"] == "徐州市"] == [0.0, 0.4, 0.8]


def test_a_region_without_people_leaves_no_line():
    nobody = curve((np.nan,) * 3)
    rows = rows_of(cumulative_curve_chart({"甲": curve(), "乙": nobody}).to_dict())
    assert "乙" not in str(rows)
    empty = cumulative_curve_chart({"乙": nobody}).to_dict()
    assert "没有该人群" in empty["description"]


def test_the_ranking_is_in_order_with_ties_by_code_and_the_undefined_last():
    spec = ranking_chart(coverage_rows(), selected="320302").to_dict()
    rows = rows_of(spec)["inline"]
    assert [row["adcode"] for row in rows] == ["320104", "320302", "320102", "320303"]
    assert [row["standing"] for row in rows] == ["第 1 位", "第 1 位", "第 3 位", "没有人口格网"]
    assert [row["label"] for row in rows] == ["秦淮区 *", "鼓楼区", "玄武区", "空"]
    assert rows[3]["people"] is None and rows[3]["shown"] == "无数据"
    assert all(layer["encoding"]["y"]["sort"] == [row["adcode"] for row in rows] for layer in spec["layer"])
    assert {one["name"]: one.get("value") for one in spec["params"]}["chosen"] == "320302"
    assert PICK in [one["name"] for one in spec["params"]]


def test_a_name_in_the_ranking_is_text_in_the_expression():
    evil = coverage_rows().assign(name='"})+alert(1)//\\')
    expression = ranking_chart(evil).to_dict()["layer"][0]["encoding"]["y"]["axis"]["labelExpr"]
    assert expression.count('\\"})+alert(1)//\\\\') == 4


def test_one_ranking_leaves_the_next_as_it_was():
    ranking_chart(coverage_rows(), selected="320102")
    second = ranking_chart(coverage_rows().iloc[:1]).to_dict()
    assert len(rows_of(second)["inline"]) == 1
    assert {one["name"]: one.get("value") for one in second["params"]}["chosen"] == ""


@settings(deadline=None)
@given(st.lists(st.integers(0, 1000), min_size=2, max_size=20), st.integers(0, 500))
def test_people_by_minutes_add_up_to_everybody(steps, unreachable):
    frame = pd.DataFrame({"minutes": np.arange(len(steps), dtype=float), "population": np.cumsum(steps)})
    bins = minutes_bins(frame, unreachable)
    assert bins["people"].sum() == sum(steps) + unreachable
    assert bins["low"].isna().tolist() == [False] * (len(steps) - 1) + [True]


def test_the_distribution_says_how_many_are_not_in_it():
    bins = minutes_bins(curve(), 7.0)
    spec = distribution_chart(bins, 15.0).to_dict()
    assert "7 人不可达" in spec["description"]
    rows = next(rows for rows in rows_of(spec).values() if "covered" in rows[0])
    assert [row["covered"] for row in rows] == [True, False]


def test_marks_hold_the_threshold_and_both_ends():
    assert minute_marks(30.0, 12.0) == [0.0, 5.0, 10.0, 12.0, 15.0, 20.0, 25.0, 30.0]
    assert minute_marks(10.0, 10.0) == [0.0, 5.0, 10.0]


def gaps(rural=0.25):
    return pd.DataFrame(
        {
            "adcode": ["320000", "320S00"],
            "name": ["江苏省", "苏南地区"],
            "urban_coverage": [0.5, np.nan],
            "rural_coverage": [rural, 0.75],
            "gap_points": [25.0, np.nan],
            "ratio": [2.0, np.nan],
            "reason": [None, "城镇：没有人口格网"],
        }
    )


def test_a_gap_with_one_side_missing_shows_the_other():
    spec = gap_chart(gaps()).to_dict()
    dots = next(rows for rows in rows_of(spec).values() if "who" in rows[0])
    assert [(row["name"], row["who"]) for row in dots] == [
        ("江苏省", "城镇"),
        ("江苏省", "乡村"),
        ("苏南地区", "乡村"),
    ]
    nothing = gap_chart(gaps().assign(urban_coverage=np.nan, rural_coverage=np.nan)).to_dict()
    assert nothing["description"] == "城镇和乡村都没有覆盖率"


def test_the_case_itself_is_marked_among_other_speeds_and_thresholds():
    rows = pd.DataFrame(
        {
            "speed_factor": [0.8, 1.0, 1.0],
            "threshold_minutes": [30.0, 24.0, 30.0],
            "population_coverage": [0.3, np.nan, 0.5],
            "reason": [None, "超出搜索半径", None],
        }
    )
    spec = sensitivity_chart(rows, threshold_minutes=30.0).to_dict()
    data = next(iter(rows_of(spec).values()))
    assert [row["own"] for row in data] == [False, False, True]
    assert [row["shown"] for row in data] == ["30.0%", "无数据", "50.0%"]
    assert data[1]["why"] == "超出搜索半径"


@pytest.mark.parametrize(
    "make",
    [
        lambda: ranking_chart(coverage_rows()),
        lambda: cumulative_curve_chart({"江苏省": curve()}, 15.0),
        lambda: distribution_chart(minutes_bins(curve(), 0.0), 15.0),
        lambda: gap_chart(gaps()),
    ],
)
def test_every_chart_keeps_to_the_schema(make):
    spec = make().to_dict()
    alt.LayerChart.from_dict({key: value for key, value in spec.items() if key != "usermeta"}, validate=True)
    assert "Sutu" in str(spec["config"]["font"])
