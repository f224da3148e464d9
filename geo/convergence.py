"""Do gaps close? Spread over the years (sigma), and growth against the start by least squares (beta)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from geo.disparity import coefficient_of_variation
from geo.errors import DisparityError
from geo.rounding import all_equal, more, nothing

NOT_POSITIVE = "有 {count} 个地区的数值不是正数，不能取对数"
TOO_FEW = "两年都有数值的地区只有 {count} 个，至少要 3 个"
SAME_START = "各地区起点相同，看不出快慢与起点的关系"


@dataclass(frozen=True)
class BetaConvergence:
    """Growth against the starting level: ln(later / earlier) / years = a + slope × ln(earlier).

    ``slope`` per year, negative when low starters grow faster; ``speed`` is λ = −ln(1 + slope × years) /
    years and ``half_life`` ln 2 / λ in years, both NaN unless 0 < λ < ∞; ``level_end`` tells that they are
    so because all end alike. ``state``: convergent, divergent,
    none (not significant) or undefined with a ``reason``.
    """

    slope: float
    intercept: float
    r_squared: float
    p_value: float
    speed: float
    half_life: float
    years: int
    n: int
    state: str
    reason: str | None = None
    level_end: bool = False


def sigma_convergence(values: pd.DataFrame) -> pd.DataFrame:
    """Return the spread of regions in every year, of those only that have a value in each of the years.

    ``values``: index adcode, one float64 column per year. Result: index year (ascending); columns ``cv``,
    ``sd_log`` (standard deviation of the logarithms, NaN unless all values are positive), ``n`` (int64) and
    ``reason`` (why cv is undefined, else None).
    """
    whole = values.dropna()
    rows = {}
    for year in sorted(values.columns):
        column = whole[year].to_numpy(dtype=np.float64)
        cv = coefficient_of_variation(column)
        positive = column.size > 1 and bool((column > 0).all())
        spread = 0.0 if all_equal(column) else float(np.log(column).std()) if positive else 0.0
        rows[year] = {
            "cv": cv.value,
            "sd_log": spread if positive else float("nan"),
            "n": column.size,
            "reason": cv.reason,
        }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["cv", "sd_log", "n", "reason"])


def growth_rates(earlier: ArrayLike, later: ArrayLike, years: int) -> np.ndarray:
    """Return the mean yearly growth (logarithmic) of each region; NaN where either value is not positive."""
    if years <= 0:
        raise DisparityError(f"终点年必须在起点年之后，相隔 {years} 年不行")
    first, last = (np.asarray(one, dtype=np.float64) for one in (earlier, later))
    able = (first > 0) & (last > 0)
    grown = np.divide(last, first, out=np.full(first.shape, np.nan), where=able)
    found: np.ndarray = np.log(grown, out=grown, where=able) / years
    return found


def beta_convergence(
    earlier: ArrayLike, later: ArrayLike, years: int, *, significant_p: float
) -> BetaConvergence:
    """Return absolute beta convergence (Barro and Sala-i-Martin) by least squares over the regions.

    ``earlier`` and ``later``: one value per region, ``years`` apart; a region that lacks one takes no part.
    The p-value is two-sided, of Student's t with n − 2 degrees of freedom; below ``significant_p`` the slope
    is significant.
    """
    first, last = (np.asarray(one, dtype=np.float64) for one in (earlier, later))
    there = ~np.isnan(first) & ~np.isnan(last)
    first, last = first[there], last[there]
    fault = _beta_fault(first, last)
    if fault is not None:
        growth_rates([], [], years)
        none = float("nan")
        return BetaConvergence(none, none, none, none, none, none, years, first.size, "undefined", fault)
    start, growth = np.log(first), growth_rates(first, last, years)
    if all_equal(last / first):
        # All grow alike: the line explains all there is, which is nothing.
        slope, intercept, r_squared, p_value = 0.0, float(growth.mean()), 0.0, 1.0
    else:
        slope, intercept, r_squared, p_value = _least_squares(start, growth)
    # The part of the gap that is left at the end. Where all end alike there is none, and no finite speed.
    left = 0.0 if all_equal(last) else 1.0 + slope * years
    speed = -float(np.log(left)) / years if more(left, 0.0, beside=1.0) else float("nan")
    speed = speed if speed > 0 else float("nan")
    state = "none" if p_value >= significant_p else "convergent" if slope < 0 else "divergent"
    return BetaConvergence(
        slope=slope,
        intercept=intercept,
        r_squared=r_squared,
        p_value=p_value,
        speed=speed,
        half_life=float(np.log(2)) / speed,
        years=years,
        n=first.size,
        state=state,
        level_end=all_equal(last),
    )


def _beta_fault(first: np.ndarray, last: np.ndarray) -> str | None:
    if first.size < 3:
        return TOO_FEW.format(count=first.size)
    bad = int(((first <= 0) | (last <= 0)).sum())
    if bad:
        return NOT_POSITIVE.format(count=bad)
    return SAME_START if all_equal(first) else None


def _least_squares(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float, float]:
    """Return slope, intercept, R² and the two-sided p-value of the slope."""
    # Slow to import, and few pages ask for it.
    from scipy.special import stdtr  # noqa: PLC0415

    dx, dy = x - x.mean(), y - y.mean()
    slope = float(dx @ dy / (dx @ dx))
    rest = dy - slope * dx
    whole, left, freedom = float(dy @ dy), float(rest @ rest), x.size - 2
    # Squares are off by the square of what their roots are off by.
    if nothing(np.sqrt(left), beside=np.sqrt(whole)):
        left = 0.0
    error = np.sqrt(left / freedom / float(dx @ dx))
    p_value = 2.0 * float(stdtr(freedom, -abs(slope) / error)) if error > 0 else 0.0
    return slope, float(y.mean() - slope * x.mean()), 1.0 - left / whole, p_value
