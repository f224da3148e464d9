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
    chosen = [count for count in counts if year in count.years]
    values, reasons = {}, {}
    for count in chosen:
        columns = list(dict.fromkeys(count.columns(year)))
        if count.product:
            result = table[count.product[0]] * table[count.product[1]]
        else:
            result = sum_terms(table, count.terms(year))
        values[count.id] = result.round(_DECIMALS)
        reasons[count.id] = empty_cells(table[columns])
    index = table.index
    return YearCounts(pd.DataFrame(values, index=index, dtype=float), pd.DataFrame(reasons, index=index))


def sum_terms(table: pd.DataFrame, terms: Iterable[tuple[float, str]]) -> pd.Series:
    """Return Σ weight × column per row, NaN where any column is."""
    total = pd.Series(0.0, index=table.index)
    for weight, column in terms:
        total = total + weight * table[column]
    return total


def empty_cells(cells: pd.DataFrame) -> pd.Series:
    """Return, per row, ``""`` or a sentence that names the empty cells."""
    missing = cells.isna().to_numpy()
    names = np.array(cells.columns)
    texts = [f"原表“{'、'.join(names[row])}”为空" if row.any() else "" for row in missing]
    return pd.Series(texts, index=cells.index, dtype=object)


def undefined_row(counts: pd.Index, reason: str) -> tuple[pd.Series, pd.Series]:
    """Return the numbers and reasons of a region in which every count is undefined for one reason."""
    return pd.Series(np.nan, index=counts), pd.Series(reason, index=counts, dtype=object)


def total_counts(part: YearCounts, codes: list[str], names: Mapping[str, str]) -> tuple[pd.Series, pd.Series]:
    """Return the sum over ``codes`` of each count, and the reasons where it is undefined.

    A sum with an undefined term is undefined: a missing part is not nothing. ``names`` gives the names of
    regions for the reason.
    """
    values = part.numbers.loc[codes].sum(axis=0, skipna=False).round(_DECIMALS)
    reasons = pd.Series("", index=values.index, dtype=object)
    for count in values.index[values.isna()]:
        missing = [code for code in codes if pd.isna(part.numbers.loc[code, count])]
        causes = list(dict.fromkeys(str(part.reasons.loc[code, count]) for code in missing))
        reasons[count] = f"缺{'、'.join(names.get(code, code) for code in missing)}：{'；'.join(causes)}"
    return values, reasons


def stack_counts(rows: list[tuple[str, pd.Series, pd.Series]], columns: pd.Index) -> YearCounts:
    """Return ``YearCounts`` from (adcode, values, reasons) triples, in their order."""
    codes = [code for code, _, _ in rows]
    values = pd.DataFrame([value.reindex(columns) for _, value, _ in rows], index=codes, columns=columns)
    reasons = pd.DataFrame([reason.reindex(columns) for _, _, reason in rows], index=codes, columns=columns)
    return YearCounts(values.astype(float), reasons)
