"""Sigma and beta convergence against scipy and by their definitions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import linregress

from geo.convergence import SAME_START, beta_convergence, growth_rates, sigma_convergence
from geo.disparity import coefficient_of_variation
from geo.errors import DisparityError


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.floats(1, 1e5), st.floats(1, 1e5)), min_size=3, max_size=20).filter(
        lambda rows: max(row[0] for row in rows) > 1.01 * min(row[0] for row in rows)
    ),
    st.integers(1, 30),
)
def test_the_slope_is_that_of_scipy(rows: list[tuple[float, float]], years: int) -> None:
    first, last = (np.array(column) for column in zip(*rows, strict=True))
    growth = np.log(last / first) / years
    if np.ptp(growth) < 1e-9:
        return
    ours, peer = beta_convergence(first, last, years, significant_p=0.05), linregress(np.log(first), growth)
    assert ours.slope == pytest.approx(peer.slope, rel=1e-6, abs=1e-10)
    assert ours.intercept == pytest.approx(peer.intercept, rel=1e-6, abs=1e-8)
    assert ours.r_squared == pytest.approx(peer.rvalue**2, abs=1e-6)
    assert ours.p_value == pytest.approx(peer.pvalue, abs=1e-5)


def test_a_known_speed_is_found_again() -> None:
    """ln y drifts to a common level at 2 % a year: λ = 0.02, half of the gap gone after ln 2 / 0.02 years."""
    first = np.array([1.0, 2.0, 5.0, 9.0])
    last = np.exp(np.log(first) * np.exp(-0.02 * 15) + 1.0)
    found = beta_convergence(first, last, 15, significant_p=0.05)
    assert found.state == "convergent"
    assert found.speed == pytest.approx(0.02)
    assert found.half_life == pytest.approx(np.log(2) / 0.02)


def test_states() -> None:
    first = np.array([1.0, 2.0, 4.0, 8.0])
    apart = beta_convergence(first, first**1.5, 10, significant_p=0.05)
    assert apart.state == "divergent"
    assert np.isnan(apart.speed)
    assert np.isnan(apart.half_life)
    alike = beta_convergence(first, 3 * first, 10, significant_p=0.05)
    assert (alike.state, alike.slope, alike.p_value) == ("none", 0.0, 1.0)
    noise = beta_convergence(first, [2.0, 3.0, 9.0, 15.0], 10, significant_p=0.05)
    assert noise.state == "none"


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ([1.0, 2.0], [2.0, 3.0], "只有 2 个"),
        ([1.0, 2.0, np.nan], [2.0, 3.0, 4.0], "只有 2 个"),
        ([1.0, 0.0, 2.0], [1.0, 1.0, 1.0], "有 1 个地区的数值不是正数"),
        ([1.0, 2.0, 3.0], [1.0, -1.0, -1.0], "有 2 个地区的数值不是正数"),
        ([2.0, 2.0, 2.0], [1.0, 3.0, 5.0], SAME_START),
    ],
)
def test_undefined_with_reason(first: list[float], last: list[float], words: str) -> None:
    found = beta_convergence(first, last, 5, significant_p=0.05)
    assert found.state == "undefined"
    assert words in str(found.reason)
    assert np.isnan(found.slope)


def test_years_must_lie_apart() -> None:
    with pytest.raises(DisparityError):
        beta_convergence([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], 0, significant_p=0.05)
    with pytest.raises(DisparityError):
        growth_rates([1.0], [1.0], -2)
    assert np.isnan(growth_rates([0.0], [1.0], 1)[0])


def test_sigma_takes_the_same_regions_in_every_year() -> None:
    values = pd.DataFrame({2005: [1.0, 3.0, 50.0], 2010: [2.0, 3.0, np.nan], 2008: [0.0, 4.0, 1.0]})
    found = sigma_convergence(values)
    assert list(found.index) == [2005, 2008, 2010]
    assert found["n"].tolist() == [2, 2, 2]
    assert found.loc[2005, "cv"] == coefficient_of_variation([1.0, 3.0]).value
    assert found.loc[2010, "sd_log"] == pytest.approx(np.std(np.log([2.0, 3.0])))
    assert np.isnan(found.loc[2008, "sd_log"])
    none = sigma_convergence(pd.DataFrame({2005: [1.0], 2006: [np.nan]}))
    assert none["reason"].notna().all()


def test_the_spread_of_one_region_alone_is_undefined_not_zero() -> None:
    alone = sigma_convergence(pd.DataFrame({2005: [4.0, np.nan], 2010: [5.0, 6.0]}))
    assert alone["n"].tolist() == [1, 1]
    assert alone[["cv", "sd_log"]].isna().all(axis=None)
    pair = sigma_convergence(pd.DataFrame({2005: [4.0, 4.0], 2010: [5.0, 6.0]}))
    assert pair.loc[2005, ["cv", "sd_log"]].tolist() == [0.0, 0.0]
    assert pair.loc[2010, "sd_log"] > 0.0
