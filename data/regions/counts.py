"""Counts by region: additive quantities with a reason wherever one is undefined, and how they add up.

Everything that is a ratio elsewhere is computed from these, so that no ratio is ever averaged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from data.registry.models import Count, Indicator

ALL_COUNTS = "*"
# Weights such as 0.2 leave binary dust behind; a count is held to the nearest millionth of a person.
_DECIMALS = 6


@dataclass(frozen=True)
class Mark:
    """A remark on the figures of one region and year: a short ``flag``, and the ``reason`` for it."""

    flag: str
    reason: str


@dataclass
class YearCounts:
    """The counts of one year.

    ``numbers`` is float64, one row per region (index adcode) and one column per count, NaN where undefined;
    ``reasons`` has the same shape and says why (Chinese), ``""`` where the value is defined. ``marks`` holds
    remarks by (adcode, count id), where the count ``"*"`` stands for every count of the region.
    """

    numbers: pd.DataFrame
    reasons: pd.DataFrame
    marks: dict[tuple[str, str], list[Mark]] = field(default_factory=dict)

    def add_mark(self, adcode: str, count: str, mark: Mark) -> None:
        """Add a remark once."""
        held = self.marks.setdefault((adcode, count), [])
        if mark not in held:
            held.append(mark)

    def marks_of(self, adcode: str, counts: Iterable[str]) -> list[Mark]:
        """Return the remarks on any of ``counts`` in a region, each once, in order."""
        found: list[Mark] = []
        for count in (ALL_COUNTS, *counts):
            found += [mark for mark in self.marks.get((adcode, count), []) if mark not in found]
        return found


def evaluate_counts(table: pd.DataFrame, counts: Iterable[Count], year: int) -> YearCounts:
    """Return the counts of each row of a source table (index code, float columns, NaN for an empty cell).

    A count is undefined, with a reason that names the empty columns, when any column it reads is empty.
    """
    cells = {str(column): table[column].to_numpy() for column in table.columns}
    numbers, reasons = {}, {}
    for count in counts:
        if year not in count.years:
            continue
        result = _product(cells, count) if count.product else _weighted_sum(cells, count, year)
        numbers[count.id] = result.round(_DECIMALS)
        columns = list(dict.fromkeys(count.columns(year)))
        reasons[count.id] = [
            _empty_cells(cells, columns, row) if undefined else ""
            for row, undefined in enumerate(np.isnan(result))
        ]
    index = table.index
    return YearCounts(pd.DataFrame(numbers, index), pd.DataFrame(reasons, index, dtype=object))


def _product(cells: dict[str, np.ndarray], count: Count) -> np.ndarray:
    mean, base = count.product
    found: np.ndarray = cells[mean] * cells[base]
    return found


def _weighted_sum(cells: dict[str, np.ndarray], count: Count, year: int) -> np.ndarray:
    terms = count.terms(year)
    found: np.ndarray = np.sum([weight * cells[column] for weight, column in terms], axis=0)
    return found


def _empty_cells(cells: dict[str, np.ndarray], columns: list[str], row: int) -> str:
    return f"原表“{'、'.join(column for column in columns if np.isnan(cells[column][row]))}”为空"


def undefined_row(counts: pd.Index, reason: str) -> tuple[pd.Series, pd.Series]:
    """Return the numbers and reasons of a region in which every count is undefined for one reason."""
    return pd.Series(np.nan, index=counts), pd.Series(reason, index=counts, dtype=object)


def total_counts(part: YearCounts, codes: list[str], names: Mapping[str, str]) -> tuple[pd.Series, pd.Series]:
    """Return the sum over ``codes`` of each count, and the reasons where it is undefined.

    A sum with an undefined term is undefined: a missing part is not nothing. ``names`` gives the names of
    regions for the reason.
    """
    numbers = part.numbers.to_numpy()[part.numbers.index.get_indexer(pd.Index(codes))]
    total = pd.Series(numbers.sum(axis=0).round(_DECIMALS), index=part.numbers.columns)
    reasons = pd.Series("", index=total.index, dtype=object)
    for count in total.index[total.isna()]:
        missing = [code for code in codes if pd.isna(part.numbers.loc[code, count])]
        causes = list(dict.fromkeys(str(part.reasons.loc[code, count]) for code in missing))
        reasons[count] = f"缺{'、'.join(names.get(code, code) for code in missing)}：{'；'.join(causes)}"
    return total, reasons


def stack_counts(rows: list[tuple[str, pd.Series, pd.Series]], columns: pd.Index) -> YearCounts:
    """Return ``YearCounts`` from (adcode, numbers, reasons) triples, in their order.

    Every series must have the index ``columns``.
    """
    codes = [code for code, _, _ in rows]
    numbers = np.vstack([number.to_numpy(dtype=float) for _, number, _ in rows])
    reasons = np.vstack([reason.to_numpy(dtype=object) for _, _, reason in rows])
    return YearCounts(pd.DataFrame(numbers, codes, columns), pd.DataFrame(reasons, codes, columns))


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
