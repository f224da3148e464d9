"""The sentences on standards against sentences written by hand: lacks, ties, none, nothing judged."""

from __future__ import annotations

from layers.words import tracking as words
from layers.words.tracking import IMPLIED, IMPORTED, MIXED, Judged

LESS = Judged("每镇1所卫生院", "所", 10.0, 8.0, 2.0, IMPLIED)
MORE = Judged("每县1所图书馆", "所", 2.0, 0.0, 2.0, IMPORTED)
FULL = Judged("每县1所医院", "所", 3.0, 5.0, 0.0, IMPORTED)
BEDS = Judged("每千人7.6张床位", "张", 9688.6, 4844.3, 4844.3, MIXED)


def test_the_gravest_lack_comes_first() -> None:
    assert words.shortfall_sentence("甲市", [LESS, FULL, MORE, BEDS], 9) == (
        "适用于甲市的规划配置标准 9 条，能判断 4 条，其中 3 条有缺口，缺口占应配比例最大的是："
        "每县1所图书馆，应配 2 所、已配 0 所，缺 2 所（100.0%）；"
        "每千人7.6张床位，应配 9,689 张、已配 4,844 张，缺 4,844 张（50.0%）；"
        "每镇1所卫生院，应配 10 所、已配 8 所，缺 2 所（20.0%）。"
    )


def test_one_lack_none_and_nothing_judged() -> None:
    assert words.shortfall_sentence("甲市", [FULL, LESS], 2) == (
        "适用于甲市的规划配置标准 2 条，能判断 2 条，其中 1 条有缺口，是："
        "每镇1所卫生院，应配 10 所、已配 8 所，缺 2 所（20.0%）。"
    )
    assert words.shortfall_sentence("甲市", [FULL], 4) == (
        "适用于甲市的规划配置标准 4 条，能判断的 1 条都没有缺口。"
    )
    assert words.shortfall_sentence("甲市", [], 4) == "适用于甲市的规划配置标准 4 条，都不能判断。"
    assert words.shortfall_sentence("甲市", [], 0) == "各规划的配置标准没有适用于甲市的。"


def test_ties_go_by_the_larger_lack_then_in_order() -> None:
    half = Judged("甲", "所", 4.0, 2.0, 2.0, IMPORTED)
    also = Judged("乙", "所", 8.0, 4.0, 4.0, IMPORTED)
    same = Judged("丙", "所", 4.0, 2.0, 2.0, IMPORTED)
    assert [one.name for one in words.gravest([half, same, also])] == ["乙", "甲", "丙"]
    assert [one.name for one in words.gravest([same, half, also])] == ["乙", "丙", "甲"]
    assert Judged("丁", "所", 0.0, 0.0, 0.0, IMPORTED).lack == 0.0


def test_why_standards_cannot_be_judged() -> None:
    told = words.unjudged_sentence({"库中没有这一类设施的数据": 3, "设施库不记录这一类": 1}, ["幼儿园"])
    assert told == (
        "不能判断的 4 条只算应配，已配未知，不当作零：库中没有这一类设施的数据 3 条；"
        "设施库不记录这一类 1 条。导入幼儿园设施后可再判断。"
    )
    many = words.unjudged_sentence({"没有": 5}, list("甲乙丙丁戊"))
    assert many.endswith("导入甲、乙、丙、丁等 5 类设施后可再判断。")
    assert words.unjudged_sentence({"没有": 1}, []).endswith("：没有 1 条。")
    assert words.unjudged_sentence({}, []) == ""


def test_what_the_judgement_is_worth() -> None:
    assert words.basis_sentence([LESS]).startswith("已配全部是按这些标准放置")
    assert "证明不了什么" in words.basis_sentence([LESS]) and "导入真实设施" in words.basis_sentence([LESS])
    mixed = words.basis_sentence([LESS, MORE, FULL, BEDS])
    assert mixed.startswith("1 条的已配是按这些标准放置") and "证明不了什么" in mixed
    assert mixed.endswith("；1 条的已配兼有导入的设施和推定点位；2 条的已配为导入的设施。")
    assert words.basis_sentence([MORE, FULL]) == "2 条的已配为导入的设施。"
    assert words.basis_sentence([]) == ""


def test_where_an_import_has_no_point_at_all() -> None:
    told = words.absent_sentence({"每镇1所卫生院": ["徐州", "宿迁"], "每县1所医院": ["徐州"]})
    assert told == (
        "“每镇1所卫生院”在徐州、宿迁；“每县1所医院”在徐州没有一处导入的设施，那里的缺口可能只是缺少数据。"
    )
    assert "等 4 条没有" in words.absent_sentence({name: ["徐州"] for name in "甲乙丙丁"})
    assert words.absent_sentence({}) == ""
