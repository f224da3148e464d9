"""The comparison of what other programs read: it finds what is wrong, and only that."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.check_clients import compared
from tests.exports.export_worlds import table

LAYER = table(["乙", "甲", "长" * 100], values=[1.5, np.nan, 0.1 + 0.2])
NAMES = ["名称", "数值", "整数", "标志"]
RIGHT = [
    ["甲", "", str(2**40 + 1), "0"],
    ["长" * 100, "0.30000000000000004", str(2**40 + 2), "1"],
    ["乙", "1.5", str(2**40), "True"],
]


def told(rows: list[list[str]], names: list[str] = NAMES, limit: int | None = None) -> list[str]:
    return compared("a.csv", [names, *rows], names if names == NAMES else NAMES, LAYER, limit=limit)


def test_what_is_right_is_right_in_any_order() -> None:
    assert told(RIGHT) == []
    assert told(RIGHT[::-1]) == []


@pytest.mark.parametrize(
    ("row", "place", "cell"),
    [
        *((0, 0, "申"), (0, 1, "0"), (1, 1, "0.3000001"), (2, 1, ""), (2, 1, "一")),
        *((2, 2, "1099511627777"), (2, 3, "0")),
    ],
)
def test_a_wrong_cell_is_named(row: int, place: int, cell: str) -> None:
    rows = [list(one) for one in RIGHT]
    rows[row][place] = cell
    faults = told(rows)
    assert any(f"“{NAMES[place]}”是“{cell}”" in fault for fault in faults)


def test_a_lost_row_or_field_is_named() -> None:
    assert told(RIGHT[:2]) == ["a.csv：读到 2 行数值，应为 3"]
    assert told(RIGHT, ["名称", "数值", "整数", "旗"]) == ["a.csv：缺少字段 ['标志']"]
    assert compared("a.csv", [], NAMES, LAYER) == [f"a.csv：缺少字段 {NAMES}"]


def test_a_cut_text_must_be_its_beginning() -> None:
    cut = [list(one) for one in RIGHT]
    cut[1][0] = "长" * 83 + "…"
    assert told(cut, limit=254) == []
    assert told(cut)
    cut[1][0] = "长" * 82 + "短…"
    assert told(cut, limit=254)
