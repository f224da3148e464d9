"""Numbers and permissions as people read them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.model import Provenance, format_number


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (84748016, 0, "84,748,016"),
        (12.345, 1, "12.3"),
        (-0.04, 1, "0.0"),
        (-1234.5, 1, "−1,234.5"),
        (0.0, 2, "0.00"),
    ],
)
def test_numbers_have_separators_a_real_minus_and_no_negative_zero(
    value: float, decimals: int, text: str
) -> None:
    assert format_number(value, decimals) == text


@given(st.floats(-1e12, 1e12), st.integers(0, 4))
def test_a_number_can_be_read_back(value: float, decimals: int) -> None:
    back = float(format_number(value, decimals).replace(",", "").replace("−", "-"))
    assert math.isclose(back, value, abs_tol=0.51 * 10**-decimals, rel_tol=1e-12)


def test_without_an_approval_number_the_notice_stands() -> None:
    assert Provenance(("a",), "b", "勿外传").permission == "勿外传"
    assert (
        Provenance(("a", "c"), "b", "勿外传", approval="苏S（2026）001号").permission
        == "审图号：苏S（2026）001号"
    )
    assert Provenance(("a", "c"), "b", "勿外传").source_text == "a；c"
