"""The gap of one indicator: every measure of it in one year, between and inside regions, and convergence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from geo.disparity import (
    Measure,
    NestedTheil,
    TheilParts,
    coefficient_of_variation,
    decompose_nested,
    decompose_theil,
    gini,
    max_min_ratio,
    ratio_between,
    undefined,
    undefined_nested,
    undefined_parts,
)
from geo.errors import DisparityError
from geo.region_tree import ECONOMIC_REGIONS, LEVEL_WORDS, NORTH, SOUTH
from geo.rounding import all_equal, more, nothing

NO_MULTIPLES = "变化量可正可负，不作倍数比较"
TOTALS_UNWEIGHTED = "总量指标不按人口加权"
MEASURES = {
    "gini": "基尼系数",
    "gini_weighted": "基尼系数（按人口加权）",
    "cv": "变异系数",
    "cv_weighted": "变异系数（按人口加权）",
    "theil": "泰尔指数",
    "theil_weighted": "泰尔指数（按人口加权）",
    "max_min_ratio": "极值比",
    "south_north_ratio": "苏南/苏北",
}
"""The measures by name, in the order of tables, and what people call them."""


@dataclass(frozen=True)
class GapSubject:
    """What is compared: an indicator as people read it, at one level of regions.

    ``additive``: a total (people, yuan), which is never weighted by people. ``level``: county or prefecture.
    ``change``: a change over time, of either sign, of which no multiples are taken.
    """

    id: str
    name: str
    unit: str
    decimals: int
    direction: str
    level: str
    additive: bool
    change: bool = False

    @property
    def level_word(self) -> str:
        """What the regions compared are called."""
        return LEVEL_WORDS[self.level]


@dataclass(frozen=True)
class GapAnalysis:
    """Every measure of one indicator's gap in one year.

    ``frame``: index adcode; columns name, short_name, parent, group (adcode of the economic region), value,
    weight (NaN where unknown), reason (why there is no value, else None). ``regional``: index the three
    economic regions from south to north; columns short_name, value and reason (their own, Σ numerator / Σ
    denominator), n, undefined (counts of their members), low, high, median (of the members' values), cv,
    max_min. ``nested`` splits a county's gap over regions and prefectures; None for prefectures. ``breaks``
    are (year, text) of breaks in the series of any year; ``flags`` (name, text) of single values of this
    year; ``remarks`` what else a reader must know.
    """

    subject: GapSubject
    year: int
    frame: pd.DataFrame
    regional: pd.DataFrame
    province: Measure
    measures: dict[str, Measure]
    theil: TheilParts
    theil_weighted: TheilParts
    nested: NestedTheil | None
    nested_weighted: NestedTheil | None
    weight_name: str
    breaks: tuple[tuple[int, str], ...] = ()
    flags: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def defined(self) -> pd.Series:
        """The values that are there, by adcode."""
        return self.frame["value"].dropna()

    @property
    def missing(self) -> pd.DataFrame:
        """The regions without a value: columns name and reason."""
        return self.frame.loc[self.frame["value"].isna(), ["name", "reason"]]

    def as_dict(self) -> dict[str, Any]:
        """Return the analysis as JSON takes it: NaN where undefined, reasons beside in ``reasons``."""
        measures = self.measures
        return {
            "indicator": self.subject.id,
            "name": self.subject.name,
            "unit": self.subject.unit,
            "year": self.year,
            "level": self.subject.level,
            "n": len(self.defined),
            "gini": measures["gini"].value,
            "gini_weighted": measures["gini_weighted"].value,
            "cv": measures["cv"].value,
            "cv_weighted": measures["cv_weighted"].value,
            "theil": _parts(self.theil),
            "theil_weighted": _parts(self.theil_weighted),
            "theil_nested": None if self.nested is None else vars(self.nested),
            "max_min_ratio": measures["max_min_ratio"].value,
            "south_north_ratio": measures["south_north_ratio"].value,
            "by_region": [
                {"adcode": adcode, **{str(key): value for key, value in row.items()}}
                for adcode, row in zip(self.regional.index, self.regional.to_dict("records"), strict=True)
            ],
            "undefined": [
                {"adcode": adcode, "name": row["name"], "reason": row["reason"]}
                for adcode, row in zip(self.missing.index, self.missing.to_dict("records"), strict=True)
            ],
            "reasons": {name: found.reason for name, found in measures.items() if found.reason},
            "weights": self.weight_name,
            "remarks": [
                *self.remarks,
                *(f"{year} 年：{text}" for year, text in self.breaks),
                *(f"{name}：{text}" for name, text in self.flags),
            ],
        }


@dataclass(frozen=True)
class GapComparison:
    """One year beside an earlier one; ``then`` and the common analyses are None without one.

    ``common_now`` and ``common_then`` are of the regions only that have a value in both years: measures of
    the spread are compared over the same regions or not at all. They are ``now`` and ``then`` themselves
    where the regions are the same.
    """

    now: GapAnalysis
    then: GapAnalysis | None
    common_now: GapAnalysis | None
    common_then: GapAnalysis | None

    @property
    def same_regions(self) -> bool:
        """Whether both years have values for the same regions."""
        return self.common_now is self.now


def analyse_gap(
    subject: GapSubject,
    year: int,
    frame: pd.DataFrame,
    regional: pd.DataFrame,
    *,
    province: Measure,
    weight_name: str,
    weight_reason: str | None = None,
    breaks: tuple[tuple[int, str], ...] = (),
    flags: tuple[tuple[str, str], ...] = (),
    remarks: tuple[str, ...] = (),
) -> GapAnalysis:
    """Return the analysis of ``frame`` (columns as in `GapAnalysis`) beside the regions' own figures.

    ``regional``: index the economic regions; columns short_name, value and reason. ``weight_reason`` says
    why there are no weights; then the weighted measures are undefined for it, as they are for totals.
    """
    values = frame["value"].to_numpy(dtype=np.float64)
    groups = frame["group"].to_numpy(dtype=object)
    parents = frame["parent"].to_numpy(dtype=object)
    why = TOTALS_UNWEIGHTED if subject.additive else weight_reason
    weights = None if why else frame["weight"].to_numpy(dtype=np.float64)
    parts = decompose_theil(values, groups)
    weighted = undefined_parts(str(why)) if why else decompose_theil(values, groups, weights)
    nested = nested_weighted = None
    if subject.level == "county":
        nested = decompose_nested(values, groups, parents)
        nested_weighted = (
            undefined_nested(str(why)) if why else decompose_nested(values, groups, parents, weights)
        )
    ends = [float(regional["value"].get(code, np.nan)) for code in (SOUTH, NORTH)]
    measures = {
        "gini": gini(values),
        "gini_weighted": undefined(str(why)) if why else gini(values, weights),
        "cv": coefficient_of_variation(values),
        "cv_weighted": undefined(str(why)) if why else coefficient_of_variation(values, weights),
        "theil": Measure(parts.total, parts.reason),
        "theil_weighted": Measure(weighted.total, weighted.reason),
        "max_min_ratio": max_min_ratio(values),
        "south_north_ratio": ratio_between(
            ends[0], ends[1], (ECONOMIC_REGIONS[SOUTH], ECONOMIC_REGIONS[NORTH])
        ),
    }
    if subject.change:
        measures |= {name: undefined(NO_MULTIPLES) for name in ("max_min_ratio", "south_north_ratio")}
    return GapAnalysis(
        subject=subject,
        year=year,
        frame=frame,
        regional=_inside(frame, regional),
        province=province,
        measures=measures,
        theil=parts,
        theil_weighted=weighted,
        nested=nested,
        nested_weighted=nested_weighted,
        weight_name="" if why else weight_name,
        breaks=breaks,
        flags=flags,
        remarks=remarks,
    )


def _inside(frame: pd.DataFrame, regional: pd.DataFrame) -> pd.DataFrame:
    """Return the regions' own figures with how their members are spread."""
    rows = []
    for code in regional.index:
        members = frame.loc[frame["group"] == code, "value"]
        there = members.dropna()
        rows.append(
            {
                "n": len(there),
                "undefined": len(members) - len(there),
                "low": float(there.min()) if len(there) else float("nan"),
                "median": float(there.median()) if len(there) else float("nan"),
                "high": float(there.max()) if len(there) else float("nan"),
                "cv": coefficient_of_variation(there).value,
                "max_min": max_min_ratio(there).value,
            }
        )
    return pd.concat([regional, pd.DataFrame(rows, index=regional.index)], axis=1)


def _parts(parts: TheilParts) -> dict[str, Any]:
    return {
        "total": parts.total,
        "within": parts.within,
        "between": parts.between,
        "between_share": parts.between_share.value,
        "between_share_reason": parts.between_share.reason,
    }


NOT_POSITIVE = "有 {count} 个地区的数值不是正数，不能取对数"
TOO_FEW = "两年都有数值的地区只有 {count} 个，至少要 3 个"
SAME_START = "各地区起点相同，看不出快慢与起点的关系"
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class BetaConvergence:
    """Growth against the starting level: ln(later / earlier) / years = a + slope × ln(earlier).

    ``slope`` per year, negative when low starters grow faster; ``speed`` is λ = −ln(1 + slope × years) /
    years and ``half_life`` ln 2 / λ in years, both NaN unless 0 < λ < ∞; ``level_end`` tells that they are
    so because all end alike. ``state``: convergent, divergent,
    none (not significant at 5 %) or undefined with a ``reason``.
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


def beta_convergence(earlier: ArrayLike, later: ArrayLike, years: int) -> BetaConvergence:
    """Return absolute beta convergence (Barro and Sala-i-Martin) by least squares over the regions.

    ``earlier`` and ``later``: one value per region, ``years`` apart; a region that lacks one takes no part.
    The p-value is two-sided, of Student's t with n − 2 degrees of freedom.
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
    state = "none" if p_value >= SIGNIFICANT else "convergent" if slope < 0 else "divergent"
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
