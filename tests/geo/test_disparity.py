"""The measures of inequality against PySAL, loops and textbook numbers, and the laws they keep."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inequality.gini import Gini
from inequality.theil import Theil, TheilD

from geo import disparity as d
from geo.disparity import NO_GAP, decompose_nested, decompose_theil, theil
from geo.errors import DisparityError
from tests.oracles.disparity_naive import cv_people, gini_pairs, theil_people

POSITIVE = st.floats(0.01, 1e6)
VALUES = st.lists(POSITIVE, min_size=2, max_size=25)
PEOPLE = st.lists(st.tuples(POSITIVE, st.integers(1, 9)), min_size=2, max_size=12)
FEW = settings(max_examples=60)
RELATIVE = (d.gini, d.coefficient_of_variation, theil)


@FEW
@given(VALUES)
def test_gini_and_theil_are_those_of_pysal(values: list[float]) -> None:
    array = np.array(values)
    assert d.gini(array).value == pytest.approx(Gini(array).g, abs=1e-12)
    assert theil(array).value == pytest.approx(float(Theil(array).T), abs=1e-12)
    assert d.gini(array).value == pytest.approx(gini_pairs(values), abs=1e-12)


@FEW
@given(st.lists(st.tuples(POSITIVE, st.sampled_from("SCN")), min_size=2, max_size=30))
def test_the_decomposition_is_that_of_pysal_and_adds_up(rows: list[tuple[float, str]]) -> None:
    array, groups = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    parts, peer = decompose_theil(array, groups), TheilD(array, groups)
    assert parts.between == pytest.approx(float(np.ravel(peer.bg)[0]), abs=1e-12)
    assert parts.within == pytest.approx(float(np.ravel(peer.wg)[0]), abs=1e-12)
    assert abs(parts.within + parts.between - parts.total) < 1e-12
    assert parts.groups["weight_share"].sum() == pytest.approx(1.0)
    assert parts.groups["value_share"].sum() == pytest.approx(1.0)


@FEW
@given(
    st.lists(
        st.tuples(st.floats(0, 1e6), st.sampled_from(["S1", "S2", "C1", "N1", "N2"]), st.floats(0.1, 1e4)),
        min_size=2,
        max_size=40,
    ).filter(lambda rows: sum(row[0] for row in rows) > 0.01)
)
def test_weighted_parts_add_up_to_the_whole(rows: list[tuple[float, str, float]]) -> None:
    values, inner, weights = (np.array(column) for column in zip(*rows, strict=True))
    outer = np.array([name[0] for name in inner])
    parts = decompose_theil(values, outer, weights)
    assert abs(parts.within + parts.between - parts.total) < 1e-12
    nested = decompose_nested(values, outer, inner, weights)
    assert abs(nested.between_outer + nested.between_inner + nested.within_inner - nested.total) < 1e-12
    assert nested.total == parts.total
    assert nested.between_outer == parts.between


@FEW
@given(PEOPLE)
def test_weighted_measures_are_those_of_single_people(rows: list[tuple[float, int]]) -> None:
    values, heads = [row[0] for row in rows], [row[1] for row in rows]
    weights = np.array(heads, dtype=float)
    assert d.gini(values, weights).value == pytest.approx(gini_pairs(values, heads), abs=1e-12)
    assert theil(values, weights).value == pytest.approx(theil_people(values, heads), abs=1e-12)
    cv = d.coefficient_of_variation(values, weights).value
    assert cv == pytest.approx(cv_people(values, heads), rel=1e-9, abs=1e-9)


@FEW
@given(VALUES, st.floats(0.01, 1000))
def test_scale_makes_no_difference(values: list[float], factor: float) -> None:
    for measure in (*RELATIVE, d.max_min_ratio):
        scaled = measure(np.array(values) * factor).value
        assert scaled == pytest.approx(measure(values).value, rel=1e-9, abs=1e-9)


@FEW
@given(VALUES, st.integers(2, 4))
def test_replicating_the_population_makes_no_difference(values: list[float], times: int) -> None:
    for measure in RELATIVE:
        assert measure(values * times).value == pytest.approx(measure(values).value, rel=1e-9, abs=1e-9)


@FEW
@given(VALUES.filter(lambda values: max(values) > min(values) * 1.01), st.floats(0.05, 0.45))
def test_a_transfer_from_rich_to_poor_narrows_every_gap(values: list[float], share: float) -> None:
    after = list(values)
    rich, poor = int(np.argmax(values)), int(np.argmin(values))
    moved = (values[rich] - values[poor]) * share
    after[rich], after[poor] = values[rich] - moved, values[poor] + moved
    for measure in RELATIVE:
        assert measure(after).value < measure(values).value + 1e-15


@FEW
@given(VALUES, st.randoms(use_true_random=False))
def test_order_makes_no_difference(values: list[float], random: object) -> None:
    mixed = list(values)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    for measure in RELATIVE:
        assert measure(mixed).value == pytest.approx(measure(values).value, rel=1e-9, abs=1e-12)


def test_textbook_numbers() -> None:
    """The worked examples of docs/methods/disparity.md."""
    assert d.gini([1, 2, 3, 4]).value == pytest.approx(0.25)
    assert d.coefficient_of_variation([2, 4, 4, 4, 5, 5, 7, 9]).value == pytest.approx(0.4)
    assert theil([1, 3]).value == pytest.approx(0.75 * np.log(1.5) + 0.25 * np.log(0.5))
    parts = decompose_theil([1, 1, 3, 3], ["a", "a", "b", "b"])
    assert (parts.within, parts.between) == (0.0, pytest.approx(theil([1, 3]).value))
    assert parts.between_share.value == pytest.approx(1.0)
    weighted = d.coefficient_of_variation([10, 20], [3, 1])
    assert weighted.value == pytest.approx(np.sqrt(0.75 * 2.5**2 + 0.25 * 7.5**2) / 12.5)


def test_the_lorenz_curve_holds_the_gini() -> None:
    values, people = [5.0, 1.0, 3.0, 1.0], [1.0, 2.0, 3.0, 4.0]
    curve = d.lorenz_curve(values, people)
    assert curve.iloc[0].tolist() == [0.0, 0.0]
    assert curve.iloc[-1].tolist() == [1.0, 1.0]
    assert len(curve) == 4  # the two regions of one value are one step
    area = np.trapezoid(curve["value_share"], curve["population_share"])
    assert d.gini(values, people).value == pytest.approx(1 - 2 * area)


@FEW
@given(PEOPLE)
def test_concentration_by_the_values_themselves_is_gini(rows: list[tuple[float, int]]) -> None:
    values, heads = [row[0] for row in rows], [float(row[1]) for row in rows]
    gini = d.gini(values, heads).value
    assert d.concentration_index(values, values, heads).value == pytest.approx(gini, abs=1e-12)
    turned = d.concentration_index(values, [-value for value in values], heads).value
    assert turned == pytest.approx(-gini, abs=1e-12)


def test_concentration_curve_bends_to_those_who_have_more() -> None:
    poor_have_more = d.concentration_curve([4.0, 1.0], [10.0, 20.0])
    assert poor_have_more["value_share"].tolist() == [0.0, 0.8, 1.0]
    assert d.concentration_index([4.0, 1.0], [10.0, 20.0]).value < 0
    all_alike = d.concentration_index([4.0, 1.0, 7.0], [1.0, 1.0, 1.0])
    assert all_alike.value == pytest.approx(0.0)
    assert len(d.concentration_curve([4.0, np.nan], [1.0, 2.0])) == 0


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "没有一个地区有数值"),
        ([np.nan, np.nan], "没有一个地区有数值"),
        ([3.0], "只有一个地区有数值"),
        ([3.0, np.nan], "只有一个地区有数值"),
        ([1.0, -2.0, -3.0], "有 2 个地区的数值为负"),
        ([0.0, 0.0], "合计为零"),
    ],
)
def test_undefined_is_told_with_its_reason(values: list[float], words: str) -> None:
    for measure in RELATIVE:
        found = measure(values)
        assert np.isnan(found.value)
        assert words in str(found.reason)
    assert words in str(decompose_theil(values, ["a"] * len(values)).reason)
    nested = decompose_nested(values, ["a"] * len(values), ["a"] * len(values))
    assert words in str(nested.reason)
    assert np.isnan(nested.total)
    assert d.lorenz_curve(values).empty


def test_all_equal_is_no_gap_and_no_share_of_one() -> None:
    equal = [7.3] * 5
    assert [measure(equal).value for measure in RELATIVE] == pytest.approx([0, 0, 0], abs=1e-15)
    assert d.max_min_ratio(equal).value == 1.0
    share = decompose_theil(equal, list("aabbc")).between_share
    assert (np.isnan(share.value), share.reason) == (True, NO_GAP)


def test_zeros_are_values() -> None:
    assert d.gini([0.0, 1.0]).value == pytest.approx(0.5)
    assert theil([0.0, 1.0]).value == pytest.approx(np.log(2))
    parts = decompose_theil([0.0, 0.0, 1.0], ["a", "a", "b"])
    assert parts.within + parts.between == pytest.approx(np.log(3))
    assert d.max_min_ratio([0.0, 1.0]).reason == d.LOWEST_ZERO
    assert d.max_min_ratio([-1.0, 1.0]).reason == d.LOWEST_NEGATIVE
    assert d.max_min_ratio([1.0]).reason == d.ONE_VALUE


def test_ratio_of_two_regions() -> None:
    names = ("苏南", "苏北")
    assert d.ratio_between(3.0, 2.0, names).value == 1.5
    assert d.ratio_between(0.0, 2.0, names).value == 0.0
    assert d.ratio_between(3.0, 0.0, names).reason == "苏北的数值为零，比值无定义"
    assert d.ratio_between(float("nan"), 2.0, names).reason == "苏南没有数值"
    assert d.ratio_between(1.0, -2.0, names).reason == "苏北的数值为负，比值没有意义"


def test_faulty_input_is_refused() -> None:
    for values, weights in (
        ([1.0, 2.0], [1.0]),
        ([1.0, 2.0], [1.0, -1.0]),
        ([1.0, 2.0], [1.0, np.nan]),
        ([1.0, 2.0], [0.0, 0.0]),
        ([1.0, np.inf], [1.0, 1.0]),
    ):
        with pytest.raises(DisparityError):
            d.gini(values, weights)
    with pytest.raises(DisparityError):
        decompose_theil([1.0, 2.0], ["a"])
    with pytest.raises(DisparityError):
        decompose_theil([1.0, 2.0], ["a", None])
    with pytest.raises(DisparityError, match="跨"):
        decompose_nested([1.0, 2.0], ["a", "b"], ["x", "x"])
    with pytest.raises(DisparityError):
        d.Measure(float("nan"))
    with pytest.raises(DisparityError):
        d.Measure(1.0, "没有")


def test_a_region_without_people_or_value_takes_no_part() -> None:
    assert d.gini([1.0, 3.0, 100.0], [1.0, 1.0, 0.0]) == d.gini([1.0, 3.0], [1.0, 1.0])
    assert d.gini([1.0, 3.0, np.nan], [1.0, 1.0, np.nan]) == d.gini([1.0, 3.0], [1.0, 1.0])
    parts = decompose_theil([1.0, 3.0, 100.0], ["a", "b", "c"], [1.0, 1.0, 0.0])
    assert list(parts.groups.index) == ["a", "b"]
    assert isinstance(parts.groups, pd.DataFrame)
