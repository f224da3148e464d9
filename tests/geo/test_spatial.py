"""Contiguity, Moran's I and local Moran against PySAL and by loops."""

from __future__ import annotations

import warnings
from random import Random
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from data.store.store import Store
from geo import spatial
from geo.spatial import contiguity, false_discovery_threshold, local_moran, two_sided
from tests.oracles.disparity_naive import benjamini_hochberg, morans_i

SIDE = 6


@pytest.fixture(scope="module")
def pysal() -> Any:
    """Return esda and libpysal: they take seconds to load, and say things while they do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import esda
        import libpysal
    return esda, libpysal


def grid(side: int = SIDE) -> gpd.GeoDataFrame:
    cells = [box(x, y, x + 1, y + 1) for y in range(side) for x in range(side)]
    names = [f"{number:06d}" for number in range(side**2)]
    return gpd.GeoDataFrame(index=names, geometry=cells, crs="EPSG:4490")


def two_halves(side: int = SIDE) -> pd.Series:
    """Return a grid whose left half is high and whose right half is low, each with a little noise."""
    noise = np.random.default_rng(1).normal(0, 0.05, side**2)
    high = np.array([1.0 if number % side < side / 2 else 0.0 for number in range(side**2)])
    return pd.Series(high + noise, index=grid(side).index)


def neighbours(pairs: np.ndarray) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for one, other in pairs.tolist():
        found.setdefault(one, []).append(other)
    return found


@pytest.mark.parametrize("level", ["county", "prefecture"])
def test_contiguity_of_the_regions_is_that_of_libpysal(built_store: Store, level: str, pysal: Any) -> None:
    frame = built_store.regions(level)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = pysal[1].weights.Queen.from_dataframe(frame, use_index=False)
    ours = neighbours(contiguity(frame))
    assert {one: sorted(near) for one, near in peer.neighbors.items()} == ours
    assert len(ours) == len(frame)


def test_moran_and_local_moran_are_those_of_esda(built_store: Store, pysal: Any) -> None:
    esda, libpysal = pysal
    frame = built_store.regions("county")
    facts = built_store.facts("population_65_plus_share", year=2020, level="county")
    values = facts.set_index("adcode")["value"].reindex(frame.index)
    pairs = contiguity(frame)
    ours = local_moran(values, pairs, permutations=99, false_discovery=0.05)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weights = libpysal.weights.W(neighbours(pairs), silence_warnings=True)
        whole = esda.Moran(values.to_numpy(), weights, permutations=0)
        local = esda.Moran_Local(values.to_numpy(), weights, permutations=0)
    assert ours.moran.i == pytest.approx(whole.I, abs=1e-12)
    assert ours.moran.expected == pytest.approx(whole.EI, abs=1e-12)
    # esda standardises the local parts by n − 1, ours by n, so that their mean is Moran's I itself.
    np.testing.assert_allclose(ours.table["local_i"] * (95 - 1) / 95, local.Is, atol=1e-12)
    assert ours.table["local_i"].mean() == pytest.approx(ours.moran.i, abs=1e-12)
    quadrants = {1: "HH", 2: "LH", 3: "LL", 4: "HL"}
    assert ours.table["quadrant"].tolist() == [quadrants[number] for number in local.q]


def test_p_values_are_those_of_a_loop() -> None:
    """Each region keeps its value and draws as many neighbours as it has from all the others."""
    values, pairs = two_halves(5).round(1), contiguity(grid(5))
    near, numbers = neighbours(pairs), values.to_numpy() - values.mean()
    ours = local_moran(values, pairs, permutations=1999, false_discovery=0.05).table
    random = Random(4)
    for at, around in near.items():
        others = np.delete(numbers, at).tolist()
        drawn = np.array([np.mean(random.sample(others, len(around))) for _ in range(1999)])
        naive = two_sided(numbers[at] * drawn, numbers[at] * np.mean(numbers[around]))
        assert ours["p_value"].iloc[at] == pytest.approx(naive, abs=0.08)


def test_the_lag_is_the_mean_of_the_neighbours_in_the_unit_of_the_values() -> None:
    values, pairs = two_halves(4) * 40.0 + 300.0, contiguity(grid(4))
    found = local_moran(values, pairs, permutations=9, false_discovery=0.05).table
    for at, around in neighbours(pairs).items():
        assert found["lag"].iloc[at] == pytest.approx(values.iloc[around].mean())


@settings(max_examples=30)
@given(st.lists(st.floats(-1e3, 1e3), min_size=16, max_size=16).filter(lambda v: max(v) - min(v) > 1e-3))
def test_moran_is_its_double_sum(values: list[float]) -> None:
    frame = grid(4)
    pairs = contiguity(frame)
    found = local_moran(pd.Series(values, index=frame.index), pairs, permutations=9, false_discovery=0.05)
    assert found.moran.i == pytest.approx(morans_i(values, neighbours(pairs)), abs=1e-9)


def test_two_halves_are_a_hot_and_a_cold_spot() -> None:
    found = local_moran(two_halves(), contiguity(grid()), false_discovery=0.05)
    assert found.moran.i > 0.6
    assert found.moran.p_value < 0.001
    hot, cold = found.cluster("HH"), found.cluster("LL")
    assert {int(code) % SIDE for code in hot} <= {0, 1, 2}
    assert {int(code) % SIDE for code in cold} <= {3, 4, 5}
    # Regions all eight of whose neighbours lie on their own side.
    assert {"000007", "000013", "000019", "000025"} <= set(hot)
    assert {"000010", "000016", "000022", "000028"} <= set(cold)
    assert found.cluster("HL") == []


def test_the_seed_decides() -> None:
    values, pairs = two_halves(), contiguity(grid())
    one, same = (local_moran(values, pairs, permutations=99, seed=5, false_discovery=0.05) for _ in range(2))
    other = local_moran(values, pairs, permutations=99, seed=6, false_discovery=0.05)
    pd.testing.assert_frame_equal(one.table, same.table)
    assert one.moran == same.moran
    assert not one.table["p_value"].equals(other.table["p_value"])


def test_chance_has_no_spots() -> None:
    """Of 20 random maps false discovery lets hardly any region through; without it about one in twenty."""
    pairs = contiguity(grid(8))
    generator = np.random.default_rng(3)
    let_through, without = 0, 0
    for _ in range(20):
        values = pd.Series(generator.normal(size=64), index=grid(8).index)
        found = local_moran(values, pairs, permutations=999, false_discovery=0.05)
        let_through += int(found.table["significant"].sum())
        without += int((found.table["p_value"] <= 0.05).sum())
    assert let_through <= 12
    assert 25 <= without <= 110


@settings(max_examples=60)
@given(st.lists(st.floats(0.0001, 1.0), min_size=1, max_size=40), st.floats(0.01, 0.3))
def test_false_discovery_is_that_of_a_loop(p_values: list[float], rate: float) -> None:
    threshold = false_discovery_threshold(np.array(p_values), rate)
    passed = {at for at, p in enumerate(p_values) if p <= threshold}
    assert passed == benjamini_hochberg(p_values, rate)


def test_two_sided_counts_ties_on_both_sides() -> None:
    assert two_sided(np.zeros(99), 0.0) == 1.0
    assert two_sided(np.zeros(99), 1.0) == pytest.approx(2 / 100)
    for size in (1.0, 1e6):
        for dust in (1.0 + 1e-14, 1.0 - 1e-14):
            tied = np.array([size * dust] * 9 + [0.0] * 90)
            assert two_sided(tied, size) == pytest.approx(2 * 10 / 100)
            assert two_sided(-tied, -size) == pytest.approx(2 * 10 / 100)


def test_regions_without_a_value_or_a_neighbour_take_no_part() -> None:
    values = two_halves()
    values.iloc[7] = np.nan
    frame = grid()
    away = gpd.GeoDataFrame(index=["999999"], geometry=[box(50, 50, 51, 51)], crs=frame.crs)
    whole = pd.concat([frame, away])
    found = local_moran(
        pd.concat([values, pd.Series({"999999": 9.0})]),
        contiguity(whole),
        permutations=99,
        false_discovery=0.05,
    )
    assert found.moran.n == SIDE**2 - 1
    assert found.table.loc["000007", "reason"] == spatial.NO_VALUE
    assert found.table.loc["999999", "reason"] == spatial.ISOLATED
    assert found.table["reason"].notna().sum() == 2
    without = values.dropna()
    pairs = contiguity(frame.loc[without.index])
    assert local_moran(without, pairs, permutations=99, false_discovery=0.05).moran.i == pytest.approx(
        found.moran.i
    )


def test_undefined_with_reason() -> None:
    pairs = contiguity(grid(2))
    equal = local_moran(pd.Series(3.0, index=list("abcd")), pairs, permutations=9, false_discovery=0.05)
    assert equal.moran.reason == spatial.ALL_EQUAL
    assert equal.table["reason"].tolist() == [spatial.ALL_EQUAL] * 4
    assert np.isnan(equal.moran.i)
    few = local_moran(
        pd.Series([1.0, 2.0, 3.0, np.nan], index=list("abcd")), pairs, permutations=9, false_discovery=0.05
    )
    assert "只有 3 个" in str(few.moran.reason)
    none = local_moran(pd.Series(np.nan, index=list("abcd")), pairs, permutations=9, false_discovery=0.05)
    assert "只有 0 个" in str(none.moran.reason)
    assert none.table["reason"].tolist() == [spatial.NO_VALUE] * 4
