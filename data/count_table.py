"""Counts by region: additive quantities with a reason wherever one is undefined, and how they add up.

Everything that is a ratio elsewhere is computed from these, so that no ratio is ever averaged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from data.registry.models import Count

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
    return cells[mean] * cells[base]


def _weighted_sum(cells: dict[str, np.ndarray], count: Count, year: int) -> np.ndarray:
    terms = count.terms(year)
    return np.sum([weight * cells[column] for weight, column in terms], axis=0)


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
