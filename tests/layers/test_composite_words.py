"""Sentences on a composite index against cases written by hand."""

from __future__ import annotations

import pandas as pd

from layers.words.profile import (
    equalisation_sentence,
    firmness_sentence,
    leaders_sentence,
    method_words,
    progress_sentence,
)

NAN = float("nan")


def table(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame({"name": ["甲", "乙", "丙"], "reason": ["", "", ""], **columns})


def test_leaders() -> None:
    found = table(score=[10.0, 30.0, 20.0], rank=[3.0, 1.0, 2.0])
    assert leaders_sentence(found, "县") == "3 个县中，得分最高的是乙（30.0 分），最低的是甲（10.0 分）。"
    tied = table(score=[30.0, 30.0, 20.0], rank=[1.0, 1.0, 3.0])
    assert "得分最高的是乙、甲（30.0 分）" in leaders_sentence(tied, "县")
    alike = table(score=[30.0] * 3, rank=[1.0] * 3)
    assert leaders_sentence(alike, "县") == "3 个县得分相同，都是 30.0 分。"
    gap = table(score=[10.0, 30.0, NAN], rank=[2.0, 1.0, NAN])
    assert leaders_sentence(gap, "县").endswith("；1 个没有指数。")
    one = table(score=[10.0, NAN, NAN], rank=[1.0, NAN, NAN])
    assert leaders_sentence(one, "县") == "只有甲有指数，无法排序。"
    none = table(score=[NAN] * 3, rank=[NAN] * 3).assign(reason="甲：没有数值")
    assert leaders_sentence(none, "县") == "3 个县都没有指数：甲：没有数值。"


def test_firmness() -> None:
    found = table(best=[1.0, 1.0, 2.0], worst=[1.0, 3.0, 3.0])
    assert firmness_sentence(found, 24, firm_share=0.1) == (
        "换用 24 种方法组合，3 个地区中有 1 个位次变动不超过10%的名次；变动最大的是乙（第 1 至第 3 位）。"
    )
    tied = table(best=[1.0, 1.0, 3.0], worst=[3.0, 3.0, 3.0])
    assert firmness_sentence(tied, 24, firm_share=0.1).endswith("变动最大的是甲、乙（并列，都变动 2 位）。")
    firm = table(best=[1.0, 2.0, 3.0], worst=[1.0, 2.0, 3.0])
    assert "都不变" in firmness_sentence(firm, 24, firm_share=0.1)
    assert "无法判断" in firmness_sentence(firm, 0, firm_share=0.1)
    assert "无法判断" in firmness_sentence(table(best=[NAN] * 3, worst=[NAN] * 3), 24, firm_share=0.1)


def test_evenness_progress_and_methods() -> None:
    assert equalisation_sentence(77.66, "") == "均等化指数 77.7（100 为各地区完全相同）。"
    assert equalisation_sentence(NAN, "有指数的地区不足两个") == "均等化指数无法计算：有指数的地区不足两个。"
    moved = table(progress=[1.0, -2.0, NAN])
    assert progress_sentence(moved, 2020, 2010) == (
        "同一尺度下，2020 年比 2010 年上升的有 1 个、下降的有 1 个；变化最好的是甲（+1.0 分）；1 个不能比较。"
    )
    assert progress_sentence(table(progress=[NAN] * 3), 2020, 2010) == "没有地区能与 2010 年比较。"
    assert "变化最好的是甲（−1.0 分）" in progress_sentence(table(progress=[-1.0, -2.0, -3.0]), 2020, 2010)
    # 0.1 + 0.2 less 0.3 is no rise, and as much as 0.3 less 0.3.
    noise = table(progress=[0.1 + 0.2 - 0.3, 0.0, -1.0])
    assert progress_sentence(noise, 2020, 2010) == (
        "同一尺度下，2020 年比 2010 年上升的有 0 个、下降的有 1 个；变化最好的是甲、乙（并列，0.0 分）。"
    )
    still = table(progress=[0.1 + 0.2 - 0.3, 0.0, NAN])
    assert progress_sentence(still, 2020, 2010) == "同一尺度下，2020 年与 2010 年都没有变化；1 个不能比较。"
    assert method_words("z", "critic", "geometric") == "标准分法、CRITIC、几何平均"
