"""A simple projection of the population of counties: the growth of their prefecture, carried on."""

from __future__ import annotations

import pandas as pd

from geo.errors import StandardError

LAST_YEAR = 2035
METHOD = (
    "县级人口 = 2020 年普查人口 × 所在设区市的年末常住人口比（目标年 ÷ 2020 年，统计年鉴，二手转录）；"
    "年鉴最后一年以后按 2020 年以来的年均增长率外推；年龄构成不变。推算值，不是统计数"
)


def growth_factors(series: pd.DataFrame, year: int, *, base_year: int = 2020) -> pd.Series:
    """Return, by prefecture, the population of ``year`` over that of ``base_year``.

    ``series``: ``adcode``, ``year``, ``value`` (> 0). Within the series the ratio is that of the figures (a
    missing year in between is interpolated geometrically); after its last year the mean annual growth since
    ``base_year`` goes on. Raises ``StandardError`` for a year before the base or after ``LAST_YEAR``, and for
    prefectures without the base year or any later one.
    """
    if not base_year <= year <= LAST_YEAR:
        raise StandardError(f"推算年份应在 {base_year} 到 {LAST_YEAR} 之间，收到 {year}。")
    known = series.dropna(subset=["value"]).astype({"year": int})
    wide = known.pivot_table(index="adcode", columns="year", values="value", aggfunc="first")
    if base_year not in wide or wide[base_year].isna().any():
        raise StandardError(f"年末常住人口缺少 {base_year} 年的数，无法推算。")
    factors = {}
    for adcode, row in wide.iterrows():
        own = row.dropna() / row[base_year]
        own = own[own.index >= base_year]
        if len(own) < 2:
            raise StandardError(f"{adcode} 的年末常住人口在 {base_year} 年以后没有数，无法推算。")
        factors[str(adcode)] = _at({int(one): float(own[one]) for one in own.index}, year)
    return pd.Series(factors, name="factor").rename_axis("adcode")


def _at(known: dict[int, float], year: int) -> float:
    """Return the factor of a year: known, between two known by constant growth, or beyond the last."""
    years = sorted(known)
    if year > years[-1]:
        first, last = years[0], years[-1]
        annual = (known[last] / known[first]) ** (1.0 / (last - first))
        return known[last] * float(annual ** (year - last))
    if year in known:
        return known[year]
    before = max(one for one in years if one < year)
    after = min(one for one in years if one > year)
    annual = (known[after] / known[before]) ** (1.0 / (after - before))
    return known[before] * float(annual ** (year - before))


def project(counts: pd.DataFrame, prefecture: pd.Series, factors: pd.Series) -> pd.DataFrame:
    """Return counts of people (index county, any columns) times the factor of their prefecture, rounded.

    ``prefecture``: by county. The make-up of a county's people stays what it was.
    """
    factor = prefecture.reindex(counts.index).map(factors)
    if factor.isna().any():
        raise StandardError(f"没有这些地区的增长率：{'、'.join(counts.index[factor.isna()][:5])}。")
    return counts.mul(factor, axis=0).round()
