"""The sentences on a target's path against sentences written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.tracking import judged
from layers.words.tracking import Path, path_words, verdicts_sentence


def path(**changes: Any) -> Path:
    given: dict[str, Any] = {
        "name": "全省入学率",
        "unit": "%",
        "decimals": 1,
        "first_year": 2010,
        "first": 50.0,
        "last_year": 2020,
        "last": 60.0,
        "target_year": 2025,
        "target": 65.0,
        "target_text": "65%",
        "state": "not_met",
    }
    return judged(Path(**(given | changes)))


HEAD = "全省入学率 2020 年为 60.0%，距 2025 年目标（65%）还差 5.0 个百分点；此后每年需提高 1.00 个百分点"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"first": 40.0}, f"{HEAD}，2010–2020 年平均每年提高 2.00 个百分点，保持这一速度可以达到。"),
        ({"first": 55.0}, f"{HEAD}，2010–2020 年平均每年提高 0.50 个百分点，照此速度达不到。"),
        ({}, f"{HEAD}，2010–2020 年平均每年提高 1.00 个百分点，保持这一速度正好达到。"),
        ({"first": 70.0}, f"{HEAD}，而2010–2020 年平均每年降低 1.00 个百分点，方向相反。"),
        (
            {"last": 64.99},
            "全省入学率 2020 年为 65.0%，距 2025 年目标（65%）还差 0.0 个百分点；"
            "此后每年需变动不到 0.01 个百分点，"
            "2010–2020 年平均每年提高 1.50 个百分点，保持这一速度可以达到。",
        ),
        (
            {"first": 70.0, "last": 64.99},
            "全省入学率 2020 年为 65.0%，距 2025 年目标（65%）还差 0.0 个百分点；"
            "此后每年需变动不到 0.01 个百分点，"
            "而2010–2020 年平均每年降低 0.50 个百分点，方向相反。",
        ),
        ({"first": 60.0}, f"{HEAD}，而2010–2020 年没有变化。"),
        ({"first_year": 2020, "first": 60.0}, f"{HEAD}（只有一年的数值，看不出已有的速度）。"),
    ],
)
def test_pace(changes: dict[str, Any], sentence: str) -> None:
    assert path_words(path(**changes)) == sentence


def test_a_target_below_is_reached_by_falling() -> None:
    down = path(first=80.0, last=70.0, target=65.0, target_text="≤65", unit="人", decimals=0)
    assert path_words(down) == (
        "全省入学率 2020 年为 70 人，距 2025 年目标（≤65）还差 5 人；此后每年需降低 1.0 人，"
        "2010–2020 年平均每年降低 1.0 人，保持这一速度正好达到。"
    )


@pytest.mark.parametrize(
    ("decimals", "first", "word"),
    [
        (0, 50.4, "照此速度正好达到"),  # 0.96 a year is printed as 1.0, as the 1.00 needed is.
        (0, 49.0, "照此速度可达"),  # 1.1
        (0, 51.0, "照此速度达不到"),  # 0.9
        (2, 49.996, "照此速度正好达到"),  # 1.0004 is printed as 1.000.
        (2, 49.99, "照此速度可达"),  # 1.001
        (2, 50.01, "照此速度达不到"),  # 0.999
    ],
)
def test_paces_are_compared_with_one_decimal_more_than_the_values(
    decimals: int, first: float, word: str
) -> None:
    assert judged(path(decimals=decimals, first=first), 1.0).verdict == word


def test_met_missed_and_undefined() -> None:
    early = path(last=66.0, state="met")
    assert path_words(early) == "全省入学率 2020 年为 66.0%，已提前达到 2025 年目标（65%）。"
    in_time = path(last=66.0, state="met", target_year=2020)
    assert path_words(in_time) == "全省入学率 2020 年为 66.0%，达到 2020 年目标（65%）。"
    missed = path(target_year=2020)
    assert path_words(missed) == "全省入学率 2020 年为 60.0%，没有达到 2020 年目标（65%），差 5.0 个百分点。"
    unknown = path(state="undefined", reason="口径不同，不判断：分母不同")
    assert path_words(unknown) == (
        "全省入学率 2020 年为 60.0%；2025 年目标（65%）能否达到不作判断：口径不同，不判断：分母不同。"
    )
    assert "原因不明" in path_words(path(state="undefined"))


def test_targets_are_counted_by_where_they_stand() -> None:
    found = [
        path(first=40.0),
        path(first=40.0),
        path(first=70.0),
        path(state="undefined"),
        path(last=66.0, state="met"),
        path(target_year=2020),
        path(first_year=2020, first=60.0),
    ]
    assert verdicts_sentence("全省目标", found) == (
        "全省目标中有实测数列可对照的 7 项：已提前达到 1 项、照此速度可达 2 项、方向相反 1 项、"
        "到期未达到 1 项、看不出速度 1 项、不作判断 1 项。"
    )
    assert verdicts_sentence("全省目标", []) == "全省目标中没有可与实测数列对照的。"
    assert path().verdict == "照此速度正好达到" and path(first=60.0).verdict == "没有变化"
    assert path(first=55.0).verdict == "照此速度达不到"
    assert path(last=66.0, state="met", target_year=2020).verdict == "已达到"


@pytest.mark.parametrize(
    ("first", "share", "word"),
    [
        (50.5, 1.0, "照此速度达不到"),
        (50.5, 0.95, "照此速度可达"),
        (50.6, 0.95, "照此速度达不到"),
        (50.0, 0.95, "照此速度正好达到"),
        (70.0, 0.5, "方向相反"),
    ],
)
def test_how_much_of_the_needed_pace_is_enough_is_the_offices_to_say(
    first: float, share: float, word: str
) -> None:
    """From 60 in 2020 to 65 in 2025 takes 1.00 a year; since 2010 it was 0.95 from 50.5, 0.94 from 50.6."""
    assert judged(path(first=first), share).verdict == word
