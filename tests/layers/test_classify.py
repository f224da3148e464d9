"""Classes: their laws for any values, and their limits beside mapclassify and an exhaustive search."""

from __future__ import annotations

import mapclassify
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.classify import SCHEMES, ClassificationError, assign, classify
from tests.oracles.classes import best_split, class_of, squared_deviations
from tests.oracles.natural_breaks_exact import every_best_cut

AUTOMATIC = [scheme for scheme in SCHEMES if scheme != "manual"]
VALUES = np.random.default_rng(7).gamma(2.0, 9.0, 95)
numbers = st.lists(
    st.one_of(st.floats(-1e6, 1e6), st.sampled_from([0.0, 1.0, 2.5, float("nan")])), min_size=1, max_size=40
)


@pytest.mark.parametrize("scheme", AUTOMATIC)
@given(values=numbers, k=st.integers(2, 9), decimals=st.integers(0, 3))
def test_every_value_lies_in_one_class_and_order_is_kept(
    scheme: str, values: list[float], k: int, decimals: int
) -> None:
    array = np.asarray(values)
    classes = classify(array, scheme, k, decimals=decimals)
    rounded = np.round(array, decimals) + 0.0
    assert classes.index.tolist() == [class_of(value, classes.breaks) for value in rounded]
    assert list(classes.breaks) == sorted(set(classes.breaks))
    assert sum(classes.counts()) == int((~np.isnan(array)).sum())
    assert classes.k <= (9 if scheme == "pretty" else k)
    if classes.k:
        assert classes.breaks[-1] == np.nanmax(rounded)
        assert classes.lowest == np.nanmin(rounded)


@given(values=numbers, seed=st.integers(0, 99))
def test_the_order_of_the_regions_does_not_matter(values: list[float], seed: int) -> None:
    array = np.asarray(values)
    shuffled = np.random.default_rng(seed).permutation(len(values))
    assert (
        classify(array, "quantiles", 5, decimals=2).breaks
        == classify(array[shuffled], "quantiles", 5, decimals=2).breaks
    )


@pytest.mark.parametrize("k", range(2, 10))
def test_quantiles_equal_those_of_mapclassify(k: int) -> None:
    ours = classify(VALUES, "quantiles", k, decimals=6)
    theirs = mapclassify.Quantiles(VALUES, k=k)
    assert ours.breaks == pytest.approx(theirs.bins, abs=1e-6)
    assert ours.counts() == theirs.counts.tolist()


@pytest.mark.parametrize("k", range(2, 10))
def test_equal_intervals_equal_those_of_mapclassify(k: int) -> None:
    theirs = mapclassify.EqualInterval(VALUES, k=k)
    assert classify(VALUES, "equal_interval", k, decimals=6).breaks == pytest.approx(theirs.bins, abs=1e-6)


def test_standard_deviations_equal_those_of_mapclassify() -> None:
    normal = np.random.default_rng(1).normal(50, 10, 200)
    theirs = mapclassify.StdMean(normal, multiples=[-1.5, -0.5, 0.5, 1.5])
    assert classify(normal, "std_mean", 5, decimals=6).breaks == pytest.approx(theirs.bins, abs=1e-6)


@pytest.mark.parametrize("k", [2, 3, 4])
def test_natural_breaks_are_the_best_of_all_splits(k: int) -> None:
    values = np.random.default_rng(k).normal(0, 10, 14).round(3)
    classes = classify(values, "natural_breaks", k, decimals=3)
    groups = [values[classes.index == number].tolist() for number in range(classes.k)]
    assert squared_deviations(groups) == pytest.approx(best_split(values.tolist(), k))


# Of whole numbers of tenths, the best cut can be found exactly.
tenths = st.lists(st.integers(-9_999, 9_999), min_size=3, max_size=60).filter(
    lambda found: len(set(found)) > 2
)


@given(values=tenths, k=st.integers(2, 9))
def test_natural_breaks_are_a_best_cut_in_exact_arithmetic(values: list[int], k: int) -> None:
    """Ties included: every cut that is as good as the best is allowed, and no other."""
    k = min(k, len(set(values)) - 1)
    found = classify(np.asarray(values) / 10, "natural_breaks", k, decimals=1)
    assert tuple(round(limit * 10) for limit in found.breaks) in every_best_cut(values, k)


@given(values=tenths, k=st.integers(2, 9))
def test_natural_breaks_equal_those_of_mapclassify_where_there_is_one_best_cut(
    values: list[int], k: int
) -> None:
    """mapclassify counts in single precision; where its cut is the best, and the only one, it is ours."""
    k = min(k, len(set(values)) - 1)
    best = every_best_cut(values, k)
    theirs = tuple(mapclassify.FisherJenks(np.asarray(values) / 10, k=k).bins)
    if len(best) == 1 and tuple(round(limit * 10) for limit in theirs) in best:
        assert classify(np.asarray(values) / 10, "natural_breaks", k, decimals=1).breaks == theirs


@pytest.mark.parametrize("k", range(2, 10))
def test_natural_breaks_equal_those_of_mapclassify(k: int) -> None:
    values = VALUES.round(3)
    theirs = mapclassify.FisherJenks(values, k=k)
    ours = classify(values, "natural_breaks", k, decimals=3)
    assert ours.breaks == tuple(theirs.bins)
    assert ours.counts() == theirs.counts.tolist()


def test_natural_breaks_of_many_years_of_regions() -> None:
    values = np.random.default_rng(3).gamma(2.0, 9.0, 3_000).round(1)
    theirs = mapclassify.FisherJenks(values, k=5)
    assert classify(values, "natural_breaks", 5, decimals=1).breaks == tuple(theirs.bins)


def test_natural_breaks_of_shares_near_the_whole_are_the_best() -> None:
    """Tap water by prefecture in 2020: in single precision, mapclassify cuts above 99.48, not 99.41."""
    values = [99.23, 98.8, 94.86, 98.78, 98.08, 98.76, 94.09, 99.41, 98.1, 98.84, 99.54, 99.48, 97.42]
    ours = classify(np.array(values), "natural_breaks", 8, decimals=2).breaks
    assert ours == (94.09, 94.86, 97.42, 98.1, 98.84, 99.23, 99.41, 99.54)
    assert every_best_cut([round(value * 100) for value in values], 8) == {
        tuple(round(limit * 100) for limit in ours)
    }


pretty_values = st.lists(
    st.one_of(st.integers(-10_000_000, 10_000_000), st.integers(-300, 300)), min_size=3, max_size=40
)


@given(values=pretty_values, k=st.integers(2, 9), decimals=st.integers(0, 4))
def test_pretty_breaks_equal_those_of_mapclassify(values: list[int], k: int, decimals: int) -> None:
    numbers = np.asarray(values) / 10**decimals
    k = min(k, np.unique(numbers).size - 1)
    if k < 2:
        return
    theirs = np.round(mapclassify.PrettyBreaks(numbers, k=k).bins[:-1][:8], decimals) + 0.0
    inside = np.unique(theirs[(theirs >= numbers.min()) & (theirs < numbers.max())])
    assert classify(numbers, "pretty", k, decimals=decimals).breaks == (*inside, numbers.max())


@pytest.mark.parametrize("scheme", AUTOMATIC)
def test_few_distinct_values_get_a_class_each(scheme: str) -> None:
    classes = classify(np.array([3.0, 1.0, 3.0, 2.0, np.nan]), scheme, 5, decimals=1)
    assert classes.breaks == (1.0, 2.0, 3.0)
    assert classes.index.tolist() == [2, 0, 2, 1, -1]


@pytest.mark.parametrize("scheme", AUTOMATIC)
def test_no_defined_value_gives_no_class(scheme: str) -> None:
    classes = classify(np.array([np.nan, np.nan]), scheme, 5, decimals=1)
    assert classes.k == 0
    assert classes.index.tolist() == [-1, -1]


def test_limits_are_those_people_read() -> None:
    """12.34 reads 12.3, so it lies in the class that ends at 12.3."""
    classes = classify(np.array([12.34, 12.26, 40.0, 8.0]), "manual", 3, decimals=1, limits=[12.3, 20])
    assert classes.breaks == (12.3, 20.0, 40.0)
    assert classes.index.tolist() == [0, 0, 2, 0]


def test_a_limit_moves_to_zero_only_between_both_signs() -> None:
    both = np.linspace(-8, 12, 21)
    assert 0.0 in classify(both, "equal_interval", 4, decimals=1, split_at_zero=True).breaks
    positive = np.linspace(2, 12, 21)
    assert (
        classify(positive, "equal_interval", 4, decimals=1, split_at_zero=True).breaks
        == classify(positive, "equal_interval", 4, decimals=1).breaks
    )


def test_others_are_sorted_into_given_classes_with_empty_ones_kept() -> None:
    like = classify(np.arange(0.0, 21.0), "equal_interval", 4, decimals=0)
    part = assign(np.array([1.0, 20.0, np.nan]), like, decimals=0)
    assert part.breaks == like.breaks == (5.0, 10.0, 15.0, 20.0)
    assert part.index.tolist() == [0, 3, -1]
    assert part.counts() == [1, 0, 0, 1]
    with pytest.raises(ClassificationError, match="超出"):
        assign(np.array([21.0]), like, decimals=0)


@pytest.mark.parametrize(
    ("scheme", "k", "limits", "words"),
    [
        ("rainbow", 5, None, "没有“rainbow”"),
        ("quantiles", 1, None, "2 至 9"),
        ("quantiles", 10, None, "2 至 9"),
        ("manual", 5, None, "不能为空"),
        ("manual", 5, [2, 1], "由小到大"),
        ("manual", 5, [1, float("nan")], "由小到大"),
        ("manual", 5, list(range(9)), "最多 8 个"),
    ],
)
def test_what_cannot_be_classified_is_refused(
    scheme: str, k: int, limits: list[float] | None, words: str
) -> None:
    with pytest.raises(ClassificationError, match=words):
        classify(VALUES, scheme, k, decimals=1, limits=limits)


def test_infinity_is_refused() -> None:
    with pytest.raises(ClassificationError, match="无穷大"):
        classify(np.array([1.0, np.inf]), "quantiles", 5, decimals=1)
