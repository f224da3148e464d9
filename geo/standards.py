"""The plans' standards of provision: what a region must have, has and lacks; and a projection of people.

A standard asks for so many per people, per region, per region above a size, or per township. What it asks is
worked out where the plan puts the duty (``region_level``); higher regions add up what is required, provided
and lacking below them, so that a surplus here never hides a lack there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from geo.errors import StandardError
from geo.region_tree import COUNTY_CITY_KINDS, PROVINCE, each_lies_in
from geo.rounding import equal, more, whole_up

Rule = Literal["per_population", "per_region", "per_region_above", "per_township"]
Kinds = Literal["all", "county_city", "rural"]
RegionLevel = Literal["county", "prefecture"]

RULE_NAMES: dict[Rule, str] = {
    "per_population": "按人口",
    "per_region": "按地区",
    "per_region_above": "按达到人口规模的地区",
    "per_township": "按乡镇（街道）",
}
KIND_NAMES: dict[Kinds, str] = {
    "all": "所有县（市、区）",
    "county_city": "县（市）",
    "rural": "县（市、涉农区）",
}
NO_POPULATION = "没有这一人群的人口数"
NO_FACILITIES = "库中没有这一类设施的数据，已配未知"
NO_CAPACITY = "库中这一类设施都没有规模，已配未知"
NOT_KEPT = "设施库不记录这一类（人员、服务或场地），已配未知"

COLUMNS = (
    "adcode",
    "name",
    "level",
    "applies",
    "base",
    "required",
    "required_most",
    "provided",
    "surveyed",
    "implied",
    "shortfall",
    "regions_short",
    "reason",
)
_ADDED = ("base", "required", "required_most", "provided", "surveyed", "implied", "shortfall")


@dataclass(frozen=True)
class StandardRule:
    """What a standard asks, as plain values.

    ``quantity`` facilities (or units of capacity) per ``per_people`` people of ``group``; per region of
    ``region_level`` of the ``kinds`` named; per such region of at least ``threshold_people`` (more than, with
    ``above_only``); or per township whose name ends as one of ``endings``. ``per_people_most``: the least
    people one facility may serve, where the plan gives a range: it asks for the most. ``share``: part of the
    townships (or, of the regions, as a goal for all of them) that must have one. ``whole``: round up to whole
    facilities. ``within``: the only region that the plan binds.
    """

    id: str
    subject: str
    rule: Rule
    region_level: RegionLevel
    quantity: float
    kinds: Kinds = "all"
    per_people: float | None = None
    per_people_most: float | None = None
    group: str = "population"
    threshold_people: float | None = None
    above_only: bool = False
    endings: tuple[str, ...] = ()
    share: float | None = None
    whole: bool = True
    within: str = PROVINCE

    @property
    def terms(self) -> tuple[object, ...]:
        """What must agree for two standards on one subject not to contradict each other."""
        rate = None if self.per_people is None else self.quantity / self.per_people
        quantity = self.quantity if rate is None else rate
        return (self.rule, quantity, self.per_people_most, self.threshold_people, self.share, self.endings)


def required(rule: StandardRule, units: pd.DataFrame) -> pd.DataFrame:
    """Return what a standard asks of every region of its level.

    ``units``: index adcode; ``kind`` (区 / 县级市 / 县 …), ``rural`` (bool: a 涉农 county), the people of the
    rule's group under ``people``, and the number of townships by ending under ``镇``, ``乡``, ``街道``.
    Returns ``applies`` (bool), ``base`` (people, townships or regions counted), ``required``,
    ``required_most`` (the upper end of a range, else as required), all float64, and ``reason`` (why
    undefined, else None); index as ``units``.
    """
    applies = _applies(rule, units)
    people = units["people"].to_numpy(dtype=np.float64)
    base = np.ones(len(units))
    if rule.rule == "per_population":
        base = people
    elif rule.rule == "per_township":
        base = units[list(rule.endings)].sum(axis=1).to_numpy(dtype=np.float64)
        applies &= base > 0
    elif rule.rule == "per_region_above":
        limit = float(rule.threshold_people or 0.0)
        # People of later years are projected, so that a limit may be met but for the last bits.
        applies &= more(people, limit) if rule.above_only else (people > limit) | equal(people, limit)
    least, most = (_amount(rule, base, one) for one in (rule.per_people, rule.per_people_most))
    unknown = np.isnan(people) & (rule.rule in {"per_population", "per_region_above"})
    bound = _bound(rule, units)
    out = pd.DataFrame(
        {
            "applies": applies,
            "base": np.where(applies, base, 0.0),
            "required": np.where(applies, least, 0.0),
            "required_most": np.where(applies, most, 0.0),
        },
        index=units.index,
    )
    out.loc[unknown & bound, ["base", "required", "required_most"]] = np.nan
    out["reason"] = [NO_POPULATION if missing else None for missing in unknown & bound]
    return out


def _bound(rule: StandardRule, units: pd.DataFrame) -> np.ndarray:
    """Return which regions the plan binds by kind and place, whatever their size."""
    if rule.kinds == "county_city":
        kind = units["kind"].isin(COUNTY_CITY_KINDS).to_numpy()
    elif rule.kinds == "rural":
        kind = units["rural"].to_numpy(dtype=bool)
    else:
        kind = np.ones(len(units), dtype=bool)
    if rule.within == PROVINCE:
        return np.asarray(kind)
    return np.asarray(kind & each_lies_in(units.index, rule.within))


def _applies(rule: StandardRule, units: pd.DataFrame) -> np.ndarray:
    people = units["people"].to_numpy(dtype=np.float64)
    needs_people = rule.rule in {"per_population", "per_region_above"}
    return _bound(rule, units) & (~np.isnan(people) if needs_people else True)


def _amount(rule: StandardRule, base: np.ndarray, per_people: float | None) -> np.ndarray:
    """Return how much the base asks for; ``per_people`` None falls back to the rule's own."""
    if rule.rule == "per_population":
        asked = base * rule.quantity / float(per_people or rule.per_people or math.nan)
    elif rule.rule == "per_township":
        asked = base * rule.quantity * (1.0 if rule.share is None else rule.share)
    else:
        asked = base * rule.quantity
    # A hair below the next whole number is that number: 0.7 × 10 is 7.
    return whole_up(asked) if rule.whole else asked


def compare(asked: pd.DataFrame, provided: pd.DataFrame) -> pd.DataFrame:
    """Return what is required beside what is there: `required`'s columns and ``provided`` (NaN: unknown),
    ``surveyed``, ``implied``, ``shortfall`` (required - provided, never below 0), ``regions_short``.

    ``provided``: index adcode, ``provided``, ``surveyed``, ``implied``, ``reason``.
    """
    out = asked.join(provided[["provided", "surveyed", "implied"]])
    short = out["required"].isna() | out["provided"].isna() | more(out["required"], out["provided"])
    lack = (out["required"] - out["provided"]).where(short, 0.0)
    out["shortfall"] = lack
    out["regions_short"] = np.where(lack.isna(), np.nan, (lack > 0).astype(float))
    told = out["reason"].where(out["reason"].notna(), provided["reason"].reindex(out.index))
    out["reason"] = told.astype(object).where(told.notna(), None)
    return out


def roll_up(table: pd.DataFrame, owner: pd.Series) -> pd.DataFrame:
    """Return the table of higher regions: sums of those below that the standard binds.

    ``owner``: by adcode of ``table``, the higher region. A shortfall is the sum of shortfalls. Undefined
    where any part is; a region with no part that is bound has zeros and does not apply.
    """
    home = owner.reindex(table.index)
    added = [*_ADDED, "regions_short"]
    bound = table["applies"] | table["required"].isna()
    groups = table[bound].groupby(home[bound])
    out = groups[added].sum().where(groups[added].count().eq(groups.size(), axis=0))
    out.insert(0, "applies", True)
    out["reason"] = groups["reason"].agg(_first)
    out = out.reindex(pd.Index(sorted(home.dropna().unique()), name=table.index.name))
    nobody = out["applies"].isna()
    out.loc[nobody, added] = 0.0
    out["applies"] = ~nobody
    out["reason"] = out["reason"].astype(object).where(out["reason"].notna(), None)
    return out


def _first(reasons: pd.Series) -> str | None:
    known = reasons.dropna()
    return None if known.empty else str(known.iloc[0])


def contradictions(rules: Iterable[StandardRule]) -> list[list[str]]:
    """Return the ids of standards on one subject, level and kind of region that ask different things.

    One list per subject with a contradiction, its standards in the order given; each level apart.
    """
    groups: dict[tuple[str, str], list[StandardRule]] = {}
    for rule in rules:
        groups.setdefault((rule.subject, rule.region_level), []).append(rule)
    return [
        [rule.id for rule in group] for group in groups.values() if len({rule.terms for rule in group}) > 1
    ]


def require_known(wanted: Sequence[str], known: Sequence[str]) -> None:
    """Raise ``StandardError`` that lists the standards nobody knows."""
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise StandardError(f"没有标准 {'、'.join(unknown)}；sutu standards --list 列出全部编号。")


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
