"""Sentences on a region against cases written by hand: rising, falling, equal, undefined, tied."""

from __future__ import annotations

from dataclasses import replace

import pytest

from layers.words.profile import (
    Point,
    Standing,
    change_sentence,
    coverage_sentence,
    part_words,
    residents_sentence,
    similar_sentence,
    standing_sentence,
    strengths_sentence,
)

NAN = float("nan")
ONE = Standing(
    region="苏州市",
    indicator="城镇化率",
    unit="%",
    decimals=2,
    direction="higher_better",
    year=2020,
    value=81.72,
    rank=3,
    among=13,
    level_word="设区市",
    province=73.44,
)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({}, "2020 年苏州市城镇化率为 81.72%，在 13 个设区市中居第 3 位，比全省高 8.28 个百分点。"),
        (
            {"value": 70.0, "rank": 9},
            "2020 年苏州市城镇化率为 70.00%，在 13 个设区市中居第 9 位，比全省低 3.44 个百分点。",
        ),
        ({"value": 73.441}, "2020 年苏州市城镇化率为 73.44%，在 13 个设区市中居第 3 位，与全省持平。"),
        (
            {"tied": True},
            "2020 年苏州市城镇化率为 81.72%，在 13 个设区市中并列居第 3 位，比全省高 8.28 个百分点。",
        ),
        (
            {"value": NAN, "rank": NAN, "reason": "区划调整"},
            "2020 年苏州市城镇化率没有数值：区划调整。",
        ),
        ({"value": NAN, "rank": NAN}, "2020 年苏州市城镇化率没有数值：没有数据。"),
        ({"province": NAN, "among": 1}, "2020 年苏州市城镇化率为 81.72%。"),
        (
            {
                "indicator": "人均地区生产总值（现价）",
                "unit": "元/人",
                "decimals": 0,
                "value": 9e4,
                "province": 1e5,
                "direction": "neutral",
            },
            "2020 年苏州市人均地区生产总值为 90,000 元/人，在 13 个设区市中从高到低居第 3 位，"
            "比全省低 10,000 元/人。",
        ),
    ],
)
def test_standing(change: dict[str, object], wanted: str) -> None:
    assert standing_sentence(replace(ONE, **change)) == wanted  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "after", "unit", "wanted"),
    [
        (Point(2010, 60.0), Point(2020, 65.5), "%", "由 60.0%上升到 65.5%，上升 5.5 个百分点。"),
        (Point(2010, 65.5), Point(2020, 60.0), "%", "由 65.5%下降到 60.0%，下降 5.5 个百分点。"),
        (Point(2010, 60.5), Point(2020, 60.0), "%", "由 60.5%下降到 60.0%，下降 0.5 个百分点。"),
        (Point(2010, 60.01), Point(2020, 60.04), "%", "持平，都是 60.0%。"),
        (
            Point(2010, 2.0),
            Point(2020, 1.5),
            "人",
            "由 2.0 人下降到 1.5 人，下降 0.5 人（减 25.0%）。",
        ),
        (
            Point(2010, 200.0),
            Point(2020, 250.0),
            "人",
            "由 200.0 人上升到 250.0 人，上升 50.0 人（增 25.0%）。",
        ),
        (
            Point(2010, 200.0),
            Point(2020, 150.0),
            "人",
            "由 200.0 人下降到 150.0 人，下降 50.0 人（减 25.0%）。",
        ),
        (Point(2010, -2.0), Point(2020, 1.0), "人", "由 −2.0 人上升到 1.0 人，上升 3.0 人。"),
        (Point(2010, NAN, "缺数"), Point(2020, 1.0), "人", "的变化无法判断：2010 年没有数值（缺数）。"),
        (Point(2010, 1.0), Point(2020, NAN), "人", "的变化无法判断：2020 年没有数值（没有数据）。"),
    ],
)
def test_change(before: Point, after: Point, unit: str, wanted: str) -> None:
    told = change_sentence("徐州市", "指标（口径）", before, after, unit=unit, decimals=1)
    assert told == f"2010—2020 年徐州市指标{wanted}"


def test_strengths() -> None:
    two = replace(ONE, indicator="文盲率", rank=13)
    assert strengths_sentence("甲市", [ONE], [two], 0.25) == (
        "甲市居同级前四分之一的有：城镇化率（第 3 位），共 1 项；"
        "居同级后四分之一的有：文盲率（第 13 位），共 1 项。"
    )
    assert strengths_sentence("甲市", [], [two], 0.25).startswith("甲市没有居同级前四分之一的指标；")
    assert strengths_sentence("甲市", [], [], 0.25) == "甲市没有居于同级前四分之一或后四分之一的指标。"
    assert "等 7 项；" in strengths_sentence("甲市", [ONE] * 7, [], 0.25)
    assert strengths_sentence("甲市", [], [], 0.2) == "甲市没有居于同级前五分之一或后五分之一的指标。"
    assert [part_words(one) for one in (0.5, 1 / 3, 0.1, 0.15)] == ["二分之一", "三分之一", "十分之一", "15%"]


def test_similar_coverage_and_residents() -> None:
    assert similar_sentence("甲市", "设区市", ["乙市", "丙市"], ["一（注）", "二"]) == (
        "按一、二等 2 项结构指标，与甲市最相近的设区市依次是乙市、丙市。"
    )
    assert "无法判断" in similar_sentence("甲市", "设区市", [], [])
    assert coverage_sentence("甲市", "综合医院", 30, share=0.9, left=12_345, method="按直线估算") == (
        "按直线估算，30 分钟内能到综合医院的常住人口占 90.0%，未覆盖 1.2 万人。"
    )
    assert coverage_sentence("甲市", "综合医院", 30, share=1.0, left=0.0, method="按直线估算").endswith(
        "没有未覆盖的人口。"
    )
    assert (
        coverage_sentence("甲市", "综合医院", 30, share=NAN, left=NAN, method="")
        == "甲市的综合医院覆盖率无法计算。"
    )
    assert residents_sentence(
        "甲县", "县（市、区）", Point(2020, 9_999.0), rank=95, among=95, share=0.0012
    ) == ("2020 年甲县常住人口 9,999 人，在 95 个县（市、区）中居第 95 位，占全省 0.1%。")
    assert "中并列居第 2 位" in residents_sentence(
        "甲县", "县（市、区）", Point(2020, 9_999.0), rank=2, among=95, share=NAN, tied=True
    )
    assert (
        residents_sentence("甲县", "", Point(2020, NAN), rank=NAN, among=0, share=NAN)
        == "2020 年甲县常住人口没有数值：没有数据。"
    )
