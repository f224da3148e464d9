"""Indicators from counts: Σ numerator / Σ denominator, densities and changes, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from data.count_table import Mark, YearCounts
from data.registry.models import Indicator

BASE_YEAR, LATE_YEAR = 2010, 2020

Values = tuple[pd.Series, pd.Series]
"""Values (float64, NaN where undefined) and reasons (``""`` where defined), both by adcode."""


@dataclass
class IndicatorValues:
    """An indicator in one year: values and reasons by adcode, and the counts whose remarks apply to it.

    ``marks_from`` lists (year, count ids) pairs.
    """

    indicator: Indicator
    year: int
    numbers: pd.Series
    reasons: pd.Series
    marks_from: list[tuple[int, list[str]]] = field(default_factory=list)

    @property
    def counts(self) -> set[str]:
        """Return the counts that the indicator is made of."""
        return {count for _, counts in self.marks_from for count in counts}

    def marks(self, adcode: str, years: dict[int, YearCounts]) -> list[Mark]:
        """Return the remarks that apply to the value of a region, each once."""
        found: list[Mark] = []
        for year, counts in self.marks_from:
            found += [mark for mark in years[year].marks_of(adcode, counts) if mark not in found]
        return found


def ratio(numerator: Values, denominator: Values, scale: float) -> Values:
    """Return ``scale`` × numerator / denominator; undefined where either is, or the denominator is zero."""
    top, bottom = numerator[0].to_numpy(), denominator[0].to_numpy()
    values = scale * np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom != 0)
    reasons = _joined(numerator[1], denominator[1])
    for row in np.flatnonzero(np.isnan(values)):
        reasons[row] = reasons[row] or "分母为 0，比值无意义"
    index = numerator[0].index
    return pd.Series(values, index=index), pd.Series(reasons, index=index, dtype=object)


def difference(later: Values, earlier: Values, how: str) -> Values:
    """Return later − earlier, or for ``percent`` the same as a percentage of the earlier value."""
    reasons = pd.Series(_joined(later[1], earlier[1]), index=later[1].index, dtype=object)
    change = (later[0] - earlier[0], reasons)
    return ratio(change, earlier, 100.0) if how == "percent" else change


def _joined(*reasons: pd.Series) -> list[str]:
    """Return the distinct reasons of each row, joined."""
    rows = zip(*(reason.to_numpy() for reason in reasons), strict=True)
    return ["；".join(dict.fromkeys(text for text in row if text)) for row in rows]


def indicator_values(
    indicators: Iterable[Indicator], years: dict[int, YearCounts], area_km2: pd.Series
) -> list[IndicatorValues]:
    """Return every indicator in every year it is defined for, in registry order.

    ``years`` holds the counts by year, ``area_km2`` the area by adcode (NaN for a region without geometry).
    """
    by_id = {indicator.id: indicator for indicator in indicators}
    compute: dict[str, Callable[[Indicator, int], Values]] = {
        "count": lambda entry, year: _count(years[year], entry.compute.numerator),
        "amount": lambda entry, year: _count(years[year], entry.compute.numerator),
        "density": lambda entry, year: _density(years[year], entry, area_km2),
        "ratio": lambda entry, year: _ratio(years[year], entry),
        "mean": lambda entry, year: _ratio(years[year], entry),
    }
    made = []
    for entry in by_id.values():
        if entry.kind == "change":
            base = by_id[str(entry.compute.of)]
            later, earlier = (
                _aligned(compute[base.kind](base, year), years) for year in (LATE_YEAR, BASE_YEAR)
            )
            values, reasons = difference(later, earlier, str(entry.compute.change))
            sources = [(year, _counts_of(base)) for year in (BASE_YEAR, LATE_YEAR)]
            made.append(IndicatorValues(entry, LATE_YEAR, values, reasons, sources))
            continue
        for year in entry.years:
            values, reasons = compute[entry.kind](entry, year)
            made.append(IndicatorValues(entry, year, values, reasons, [(year, _counts_of(entry))]))
    return made


def _counts_of(indicator: Indicator) -> list[str]:
    return [name for name in (indicator.compute.numerator, indicator.compute.denominator) if name is not None]


def _count(year: YearCounts, count: str | None) -> Values:
    return year.numbers[str(count)], year.reasons[str(count)]


def _ratio(year: YearCounts, entry: Indicator) -> Values:
    top, bottom = (_count(year, name) for name in (entry.compute.numerator, entry.compute.denominator))
    return ratio(top, bottom, entry.scale)


def _density(year: YearCounts, entry: Indicator, area_km2: pd.Series) -> Values:
    area = area_km2.reindex(year.numbers.index)
    missing = pd.Series(np.where(area.isna(), "没有边界，面积不明", ""), index=area.index, dtype=object)
    return ratio(_count(year, entry.compute.numerator), (area, missing), entry.scale)


def _aligned(values: Values, years: dict[int, YearCounts]) -> Values:
    """Return values on the regions that both censuses have: a residual exists in one of them only."""
    common = years[LATE_YEAR].numbers.index.intersection(years[BASE_YEAR].numbers.index, sort=False)
    return values[0].reindex(common), values[1].reindex(common)
