"""Equal is equal: the last bits of a sum make no gap, no rank and no tie, in no method."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from geo import disparity as d
from geo.catchment import weighted_gini
from geo.composite import Part, composite, critic_information, entropy_information, equalisation, rank_ranges
from geo.convergence import beta_convergence, sigma_convergence
from geo.disparity import decompose_nested, decompose_theil, theil
from geo.peers import ALL_EQUAL, similar_regions, spine
from geo.rounding import EQUAL, all_equal, equal, levels, more, nothing, ranks, settled, whole_up
from geo.spatial import local_moran
from geo.standards import StandardRule, compare, required
from tests.oracles.disparity_naive import theil_parts_exact

FEW = settings(max_examples=60, deadline=None)
CONSTANTS = [tenth / 10 for tenth in range(1, 1001)]
WEIGHT = st.floats(1e-6, 1e7)
# Figures as sources print them, and whole: two of them are one, or far more than rounding apart.
PRINTED = st.integers(1, 10**6).map(lambda number: number / 100)


def nudged(values: list[float], ways: list[int]) -> np.ndarray:
    """Return the values moved by one unit in the last place, down, up or not at all."""
    array = np.array(values)
    return np.array([array, np.nextafter(array, -np.inf), np.nextafter(array, np.inf)])[
        np.array(ways[: len(array)]) % 3, np.arange(len(array))
    ]


NUDGED = st.lists(st.tuples(PRINTED, st.integers(0, 2)), min_size=4, max_size=25)


@FEW
@given(
    st.lists(st.one_of(PRINTED, PRINTED.map(lambda value: value * (1 + 0.4 * EQUAL)), st.floats(-1e3, 1e3)))
)
def test_levels_are_those_of_exact_fractions(values: list[float]) -> None:
    """The oracle: from each lowest value as far as the room goes, in fractions."""
    room = Fraction(EQUAL) * max((abs(Fraction(value)) for value in values), default=Fraction(0))
    exactly = [Fraction(value) for value in values]
    # Exactly on the edge of the room the last bits may decide.
    assume(all(abs(abs(one - other) - room) > room / 1000 for one in exactly for other in exactly if room))
    starts: list[Fraction] = []
    found = levels(values)
    for at in np.argsort(np.array(values), kind="stable"):
        if not starts or exactly[at] - starts[-1] > room:
            starts.append(exactly[at])
        assert found[at] == len(starts) - 1
    assert all_equal(values) == (len(starts) < 2)


def test_small_steps_do_not_add_up_to_one_level() -> None:
    strung = 1.0 + np.arange(10) * 0.4 * EQUAL
    assert levels(strung).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]
    assert not all_equal(strung)
    assert all_equal(strung[:3])
    assert levels([3.0, np.nan, 1.0, 3.0]).tolist() == [1, -1, 0, 1]
    assert levels([]).tolist() == []
    assert levels([np.inf, 1.0, np.inf]).tolist() == [1, 0, 1]
    assert all_equal([]) and all_equal([np.nan, 4.0]) and all_equal([0.0, 0.0])


def test_nothing_and_equal_stand_beside_an_amount() -> None:
    assert nothing(1e-14, beside=7.0)
    assert nothing(0.0, beside=0.0)
    assert not nothing(1e-14, beside=1e-3)
    assert not nothing(np.nan, beside=1.0)
    assert equal(0.1 + 0.2, 0.3)
    assert not equal(0.3, 0.3000000003)
    assert not equal(1e-14, 2e-14)
    assert equal(1e-14, 2e-14, beside=1.0)
    assert equal(np.inf, np.inf) and not equal(np.inf, 1.0) and not equal(np.nan, np.nan)
    assert more(0.31, 0.3) and not more(0.1 + 0.2, 0.3) and not more(0.3, 0.31)
    assert whole_up([7.000000000000001, 7.0, 7.01, 6.999999999999999, 0.0]).tolist() == [7, 7, 8, 7, 0]


@FEW
@given(NUDGED)
def test_a_nudge_changes_no_rank(rows: list[tuple[float, int]]) -> None:
    values = [row[0] for row in rows]
    moved = pd.Series(nudged(values, [row[1] for row in rows]))
    plain = pd.Series(values)
    for ascending in (True, False):
        expected = plain.rank(method="min", ascending=ascending)
        assert ranks(moved, ascending=ascending).tolist() == expected.tolist()
        middle = plain.rank(method="average", ascending=ascending)
        assert ranks(moved, ascending=ascending, method="average").tolist() == middle.tolist()
    assert len(np.unique(settled(moved))) == len(set(values))


@pytest.mark.parametrize("method", ["min", "average"])
@pytest.mark.parametrize("ascending", [True, False])
def test_what_has_no_value_has_no_rank_and_counts_for_nobody(ascending: bool, method: str) -> None:
    values = pd.Series([-3.0, np.nan, -7.5, 0.0, np.nan, -3.0], index=list("abcdef"))
    found = ranks(values, ascending=ascending, method=method)
    pd.testing.assert_series_equal(found, values.rank(method=method, ascending=ascending))


def assert_no_gap(values: np.ndarray, weights: np.ndarray | None, inner: np.ndarray) -> None:
    """Hold every measure of the gap of equal values."""
    outer = inner // 3
    parts = decompose_theil(values, outer, weights)
    assert (parts.total, parts.within, parts.between) == (0.0, 0.0, 0.0)
    assert math.isnan(parts.between_share.value)
    assert parts.between_share.reason == d.NO_GAP
    assert (parts.groups[["theil", "within", "between"]].to_numpy() == 0).all()
    nested = decompose_nested(values, outer, inner, weights)
    assert (nested.total, nested.between_outer, nested.between_inner, nested.within_inner) == (0, 0, 0, 0)
    for measure in (theil, d.gini, d.coefficient_of_variation):
        assert measure(values, weights).value == 0.0
    assert d.concentration_index(values, inner, weights).value == 0.0
    assert d.max_min_ratio(values).value == 1.0


@pytest.mark.parametrize("weighted", [False, True])
def test_no_constant_has_a_gap(weighted: bool) -> None:
    """471 of these had a Theil index above 0 and a sentence on its largest part."""
    generator = np.random.default_rng(20)
    weights = generator.uniform(1e5, 4e6, 95) if weighted else None
    inner = np.sort(generator.integers(0, 9, 95))
    for constant in CONSTANTS:
        assert_no_gap(np.full(95, constant), weights, inner)


@FEW
@given(st.floats(1e-6, 1e12), st.lists(st.tuples(WEIGHT, st.integers(0, 8), st.integers(0, 2)), min_size=2))
def test_equal_values_have_no_gap_whatever_the_weights(
    constant: float, rows: list[tuple[float, int, int]]
) -> None:
    values = nudged([constant] * len(rows), [row[2] for row in rows])
    inner = np.array([row[1] for row in rows])
    assert_no_gap(values, np.array([row[0] for row in rows]), inner)
    assert_no_gap(values, None, inner)


@FEW
@given(
    st.lists(
        st.tuples(st.integers(-50, 50), st.integers(0, 2), st.floats(0.1, 1e4)), min_size=3, max_size=20
    ).filter(lambda rows: len({row[0] for row in rows}) > 1),
    st.sampled_from([1e-3, 1e-5, 1e-7, 1e-9]),
)
def test_the_parts_of_a_small_gap_are_right(rows: list[tuple[int, int, float]], step: float) -> None:
    """Against decimals of 60 digits: also where the whole lies below the last bit of its terms."""
    values = [7.0 * (1.0 + row[0] * step) for row in rows]
    groups, weights = [row[1] for row in rows], [row[2] for row in rows]
    total, within, between = theil_parts_exact(values, groups, weights)
    found = decompose_theil(values, groups, weights)
    # The mean is right to some last bits, beside which the smallest step is a million times larger.
    assert found.total == pytest.approx(total, rel=1e-5, abs=0)
    assert found.within == pytest.approx(within, rel=1e-5, abs=total * 1e-5)
    assert found.between == pytest.approx(between, rel=1e-5, abs=total * 1e-5)


def test_groups_alike_have_exactly_nothing_between_them() -> None:
    parts = decompose_theil([0.1, 0.3, 0.3, 0.1, 0.2, 0.2], ["a", "a", "b", "b", "c", "c"])
    assert parts.between == 0.0
    assert parts.between_share.value == 0.0
    assert parts.within == pytest.approx(parts.total, rel=1e-14)
    assert (parts.groups["between"] == 0).all()


def test_a_lowest_value_of_rounding_is_zero() -> None:
    left = 0.1 + 0.2 - 0.3
    assert d.max_min_ratio([left, 7.0]).reason == d.LOWEST_ZERO
    assert d.max_min_ratio([-left, 7.0]).reason == d.LOWEST_ZERO
    assert d.max_min_ratio([0.3, 0.1 + 0.2]).value == 1.0
    assert "为零" in str(d.ratio_between(7.0, left, ("南", "北")).reason)
    assert d.ratio_between(0.1 + 0.2, 0.3, ("南", "北")).value == 1.0
    assert d.ratio_between(0.0, 7.0, ("南", "北")).value == 0.0


@FEW
@given(NUDGED, st.integers(0, 2**32 - 1))
def test_equal_ranks_are_one_step_of_a_curve(rows: list[tuple[float, int]], seed: int) -> None:
    values = np.random.default_rng(seed).uniform(1, 9, len(rows))
    order = [row[0] for row in rows]
    moved = nudged(order, [row[1] for row in rows])
    pd.testing.assert_frame_equal(d.concentration_curve(values, moved), d.concentration_curve(values, order))
    assert d.concentration_index(values, moved).value == d.concentration_index(values, order).value


@FEW
@given(st.floats(0.01, 1e6), st.floats(0.5, 3.0), st.lists(PRINTED, min_size=3, max_size=12, unique=True))
def test_convergence_of_what_is_alike(constant: float, factor: float, starts: list[float]) -> None:
    first = np.array(starts)
    alike = beta_convergence(first, first * factor, 10, significant_p=0.05)
    assert (alike.slope, alike.r_squared, alike.p_value, alike.state) == (0.0, 0.0, 1.0, "none")
    level = beta_convergence(first, np.full(len(first), constant), 10, significant_p=0.05)
    assert level.slope * 10 == pytest.approx(-1.0)
    assert level.state == "convergent" and level.level_end
    assert math.isnan(level.speed) and math.isnan(level.half_life)
    same = beta_convergence(
        np.full(3, constant) * (1.0, 1.0 + 2e-16, 1.0), [1.0, 2.0, 3.0], 10, significant_p=0.05
    )
    assert same.state == "undefined"
    course = sigma_convergence(pd.DataFrame({2010: np.full(3, constant), 2020: first[:3]}))
    assert course.loc[2010, ["cv", "sd_log"]].tolist() == [0.0, 0.0]


@FEW
@given(
    st.lists(st.tuples(PRINTED, PRINTED, st.lists(st.integers(0, 2), min_size=2, max_size=2)), min_size=4),
    st.sampled_from(["min_max", "z", "target"]),
)
def test_a_nudge_changes_no_place_in_an_index(
    rows: list[tuple[float, float, list[int]]], method: str
) -> None:
    """Regions that are alike share a rank, whatever their last bits, and any two keep their order."""
    # Every region twice: its twin is nudged and must share its rank.
    plain = pd.DataFrame({"a": [row[0] for row in rows], "b": [row[1] for row in rows]})
    moved = pd.DataFrame(
        {
            key: nudged(plain[key].tolist(), [row[2][number] for row in rows])
            for number, key in enumerate(plain)
        }
    )
    table = pd.concat([plain, moved], ignore_index=True)
    parts = [Part("a", "higher_better"), Part("b", "lower_better")]
    found = composite(table, parts, normalisation=method)  # type: ignore[arg-type]
    twins = found.frame["rank"].to_numpy().reshape(2, -1)
    np.testing.assert_array_equal(twins[0], twins[1])
    shown = rank_ranges(table, parts, leave_out=False).frame
    for column in ("best", "median", "worst"):
        pairs = shown[column].to_numpy().reshape(2, -1)
        np.testing.assert_array_equal(pairs[0], pairs[1])


def test_a_component_without_differences_tells_nothing() -> None:
    """Also where all have the worst score, and where the last bits differ."""
    spread = np.linspace(0.0, 1.0, 5)
    for constant in (0.0, 0.1, 0.7, 1.0):
        column = np.full(5, constant) + np.array([0, 1e-16, 0, -1e-16, 0]) * constant
        unit = np.column_stack([column, spread, spread[::-1] ** 2])
        exact = np.column_stack([np.full(5, constant), unit[:, 1:]])
        for information in (entropy_information, critic_information):
            assert information(unit)[0] == 0.0
            np.testing.assert_array_equal(information(unit)[1:], information(exact)[1:])
    assert entropy_information(np.full((5, 2), 0.1)).tolist() == [1.0, 1.0]


def test_constants_have_no_index_and_are_all_alike() -> None:
    parts = [Part("a", "higher_better")]
    for constant in CONSTANTS[::37]:
        table = pd.DataFrame({"a": nudged([constant] * 5, [0, 1, 2, 0, 1])})
        assert "相同" in composite(table, parts).part_reasons["a"]
        assert equalisation(table["a"]) == (100.0, "")
        found = spine(table["a"], "higher_better")
        assert found.reason == ALL_EQUAL
        assert found.ranks.tolist() == [1.0] * 5
        assert found.percentiles.tolist() == [0.5] * 5


@FEW
@given(NUDGED, st.sampled_from(["higher_better", "lower_better", "neutral"]))
def test_a_nudge_changes_no_standing(rows: list[tuple[float, int]], direction: str) -> None:
    values = [row[0] for row in rows]
    plain, moved = (
        spine(pd.Series(one), direction) for one in (values, nudged(values, [row[1] for row in rows]))
    )
    assert moved.ranks.tolist() == plain.ranks.tolist()
    assert moved.percentiles.tolist() == plain.percentiles.tolist()
    assert moved.reason == plain.reason


def test_neighbours_in_structure_at_one_distance_stand_by_code() -> None:
    """0.1 + 0.2 is as far from 0.2 as 0.1 is; a column of equal values counts for nothing."""
    matrix = pd.DataFrame(
        {"a": [0.2, 0.1 + 0.2, 0.1, 0.9], "b": [0.3, 0.1 + 0.2, 0.3, 0.3]},
        index=["320000", "320200", "320100", "320300"],
    )
    assert similar_regions(matrix, "320000", 5)["adcode"].tolist() == ["320100", "320200", "320300"]
    turned = matrix.rename(index={"320100": "320200", "320200": "320100"})
    assert similar_regions(turned, "320000", 5)["adcode"].tolist() == ["320100", "320200", "320300"]
    alone = similar_regions(matrix[["a"]], "320000", 5)
    pd.testing.assert_frame_equal(similar_regions(matrix, "320000", 5), alone)


def test_equal_values_are_no_cluster() -> None:
    pairs = np.array([[0, 1], [1, 0], [1, 2], [2, 1], [2, 3], [3, 2], [3, 4], [4, 3]])
    for constant in CONSTANTS[::37]:
        found = local_moran(
            pd.Series(nudged([constant] * 5, [0, 1, 2, 0, 1])), pairs, permutations=99, false_discovery=0.05
        )
        assert found.moran.reason is not None and "相同" in found.moran.reason
        assert not found.table["significant"].any()


@FEW
@given(st.floats(1e-6, 1e6), st.lists(st.tuples(WEIGHT, st.integers(0, 2)), min_size=1))
def test_access_alike_is_fair(constant: float, rows: list[tuple[float, int]]) -> None:
    values = nudged([constant] * len(rows), [row[1] for row in rows])
    assert weighted_gini(values, [row[0] for row in rows]) == 0.0


def units(people: list[float]) -> pd.DataFrame:
    count = len(people)
    return pd.DataFrame(
        {"kind": "县", "rural": True, "people": people, "镇": 1, "乡": 0, "街道": 0},
        index=[f"32{number:04d}" for number in range(count)],
    )


def test_what_is_required_and_there_is_met() -> None:
    """0.3 asked and 0.1 + 0.2 there, and the other way round: no lack."""
    asked = pd.DataFrame(
        {"applies": True, "base": 1.0, "required": [0.1 + 0.2, 0.3, 0.4], "reason": None},
        index=["a", "b", "c"],
    )
    there = pd.DataFrame(
        {"provided": [0.3, 0.1 + 0.2, 0.3], "surveyed": 0.0, "implied": 0.0, "reason": None},
        index=asked.index,
    )
    found = compare(asked, there)
    assert found["shortfall"].tolist() == [0.0, 0.0, pytest.approx(0.1)]
    assert found["regions_short"].tolist() == [0.0, 0.0, 1.0]


@pytest.mark.parametrize("above_only", [False, True])
def test_a_limit_is_reached_at_its_last_bits(above_only: bool) -> None:
    people = nudged([500_000.0] * 3, [0, 1, 2]).tolist()
    rule = StandardRule(
        "x", "医院", "per_region_above", "county", 1.0, threshold_people=500_000.0, above_only=above_only
    )
    found = required(rule, units([*people, 499_999.0, 500_001.0]))
    assert found["applies"].tolist() == [*[not above_only] * 3, False, True]


def test_a_hair_above_a_whole_number_asks_for_no_more() -> None:
    rule = StandardRule("x", "医院", "per_population", "county", 0.1, per_people=100_000.0)
    # A tenth of a bed per person in 100,000: 0.1 × 30 lies a hair above 3.
    found = required(rule, units(nudged([3_000_000.0, 3_000_000.0, 3_100_000.0], [2, 1, 0]).tolist()))
    assert found["required"].tolist() == [3.0, 3.0, 4.0]
