"""Line breaks: nothing lost, no closing sign at the head of a line, no number cut, no line too wide."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from reports.pdf import broken_lines, pieces


def columns(text: str) -> float:
    return float(sum(2 if ord(char) > 0x2E7F else 1 for char in text))


def test_signs_stay_with_what_they_belong_to() -> None:
    assert pieces("（88,359 元/人），相差") == ["（88,359", " ", "元", "/", "人），", "相", "差"]
    text = "2023 年各设区市（88,359 元/人），最高的是无锡市。"
    lines = broken_lines(text, 14, columns)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(columns(line) <= 14 for line in lines)
    assert all(line[0] not in "，。）、；：" for line in lines)
    assert any("88,359" in line for line in lines)


@settings(max_examples=80)
@given(st.text(alphabet="一二三四，。（）12,345.%ab ", max_size=60), st.integers(2, 40))
def test_every_character_is_kept_in_order_and_no_line_is_too_wide(text: str, width: int) -> None:
    lines = broken_lines(text, width, columns)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(columns(line) <= width for line in lines)


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.integers(16, 30))
def test_a_number_that_fits_is_never_cut(number: int, width: int) -> None:
    text = f"甲乙丙丁戊己庚辛，{number:,} 元，甲乙丙丁戊己庚辛。"
    assert sum(f"{number:,}" in line for line in broken_lines(text, width, columns)) == 1
