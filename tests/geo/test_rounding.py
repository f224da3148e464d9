"""Quotas become whole people: totals kept, nobody off by one, no order, no place preferred."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import PopulationError
from geo.rounding import spread_to_whole
from tests.oracles.population_naive import hamilton_counts

weights = st.lists(st.integers(0, 1000), min_size=1, max_size=40).filter(lambda w: sum(w) > 0)


def _one_group(total: int, weight: list[int], key: np.ndarray | None = None) -> np.ndarray:
    keys = np.arange(len(weight)) if key is None else key
    return spread_to_whole(
        np.array([total]), np.zeros(len(weight), dtype=int), np.array(weight, dtype=float), keys
    )


@given(weight=weights, total=st.integers(0, 10_000))
@settings(max_examples=200, deadline=None)
def test_equals_hamiltons_method_in_fractions(weight: list[int], total: int) -> None:
    result = _one_group(total, weight)
    whole, allowed = hamilton_counts(total, weight)
    assert result.sum() == total
    extra = result - np.array(whole)
    assert set(np.unique(extra)) <= {0, 1}
    assert set(np.flatnonzero(extra)) <= allowed


@given(weight=weights, data=st.data())
@settings(max_examples=100, deadline=None)
def test_no_entry_exceeds_its_weight_when_the_total_does_not(weight: list[int], data: st.DataObject) -> None:
    total = data.draw(st.integers(0, sum(weight)))
    result = _one_group(total, weight)
    assert (result <= weight).all()
    assert (result >= 0).all()
    assert (result[np.array(weight) == 0] == 0).all()


@given(seed=st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_order_never_matters(seed: int) -> None:
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 4, 200)
    weight = rng.integers(0, 3, 200).astype(float)
    weight[:4], group[:4] = 1, np.arange(4)
    key = rng.permutation(10_000)[:200]
    totals = rng.integers(0, 500, 4)
    result = spread_to_whole(totals, group, weight, key)
    assert np.bincount(group, weights=result, minlength=4).tolist() == totals.tolist()
    turn = rng.permutation(200)
    assert np.array_equal(spread_to_whole(totals, group[turn], weight[turn], key[turn]), result[turn])


def test_equal_claims_are_drawn_by_lot_not_by_place() -> None:
    result = _one_group(500, [1] * 1000)
    assert result.sum() == 500
    assert 200 < result[:500].sum() < 300
    other = _one_group(500, [1] * 1000, key=np.arange(1000) + 10_000)
    assert not np.array_equal(result, other), "another key, another lot"
    assert np.array_equal(result, _one_group(500, [1] * 1000))


def test_dust_of_floating_point_loses_nobody() -> None:
    weight = np.full(30_000, 0.1)
    weight[::7] += 1e-14
    for total in (3, 2_999, 3_000_000, 3_000_001):
        result = spread_to_whole(np.array([total]), np.zeros(30_000, dtype=int), weight, np.arange(30_000))
        assert result.sum() == total
        assert np.ptp(result) <= 1


def test_groups_are_independent_and_empty_ones_pass() -> None:
    totals = np.array([3, 0, 5])
    result = spread_to_whole(totals, np.array([0, 0, 2, 2]), np.array([1.0, 2.0, 1.0, 0.0]), np.arange(4))
    assert result.tolist() == [1, 2, 5, 0]


def test_people_without_a_place_are_refused() -> None:
    with pytest.raises(PopulationError, match="1 组人口"):
        spread_to_whole(np.array([1, 4]), np.array([0, 1]), np.array([1.0, 0.0]), np.arange(2))
