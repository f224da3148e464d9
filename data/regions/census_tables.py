"""The census tables as transcribed, corrected where other cells prove an error, and their counts by unit."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources

import numpy as np
import pandas as pd

from data.regions.counts import Mark, YearCounts, evaluate_counts
from data.registry import Registry
from data.registry.models import CensusCorrection, CountGroup
from geo.errors import RegistryError

CENSUS_YEARS = (2010, 2020)


def load_census(year: int) -> pd.DataFrame:
    """Return the packaged census table of a year, as transcribed.

    Index ``code`` (6-character text), column ``name`` (text), ``row`` (line in the file, the header being 1),
    and one float64 column per count, NaN where the cell is empty.
    """
    text = resources.files("data.facts").joinpath(f"census_{year}.csv")
    with text.open(encoding="utf-8") as stream:
        frame = pd.read_csv(stream, dtype={"code": str, "name": str}).set_index("code")
    counts = frame.drop(columns="name").astype(float)
    return pd.concat(
        [frame[["name"]], pd.Series(range(2, len(frame) + 2), frame.index, name="row"), counts], axis=1
    )


def correct_cells(
    table: pd.DataFrame, corrections: Iterable[CensusCorrection], year: int
) -> tuple[pd.DataFrame, list[CensusCorrection]]:
    """Return the table with the corrections of ``year`` applied, and those corrections.

    Raises ``RegistryError`` when a cell does not hold what the correction says was transcribed: the table or
    the correction has changed since.
    """
    corrected, applied = table.copy(), []
    for entry in corrections:
        if entry.year != year:
            continue
        known = entry.adcode in table.index and entry.column in table.columns
        if not known or table.loc[entry.adcode, entry.column] != entry.transcribed:
            where = f"census_corrections.yaml，条目 {entry.year}/{entry.adcode}/{entry.column}"
            raise RegistryError(
                f"{where}，字段 transcribed：表中不是 {entry.transcribed}，请核对后修改或删去这条更正"
            )
        corrected.loc[entry.adcode, entry.column] = float(entry.corrected)
        applied.append(entry)
    return corrected, applied


def deduce_zeros(table: pd.DataFrame, groups: Iterable[CountGroup], year: int) -> pd.DataFrame:
    """Return the table with the empty cells filled that can only be zero.

    A cell is zero when the group's other cells already reach the published total; otherwise it stays empty.
    """
    filled = table.copy()
    for group in groups:
        if group.year != year:
            continue
        parts = list(group.parts)
        complete = filled[parts].sum(axis=1) == filled[group.total]
        filled.loc[complete, parts] = filled.loc[complete, parts].fillna(0.0)
    return filled


def unit_counts(registry: Registry, year: int) -> tuple[pd.DataFrame, YearCounts]:
    """Return the census table of a year (``name``, ``row``) and the counts of each of its units.

    Units are the province, its prefectures, counties and zones as the census lists them. A count that reads
    a corrected cell carries a remark.
    """
    raw = load_census(year)
    table, applied = correct_cells(raw, registry.census_corrections, year)
    table = deduce_zeros(table, registry.count_groups, year)
    census = [count for count in registry.counts if count.table == "census"]
    counts = evaluate_counts(table, census, year)
    for entry in applied:
        for count in census:
            if year in count.years and entry.column in count.columns(year):
                counts.add_mark(entry.adcode, count.id, Mark("已更正转录错误", entry.reason))
    return raw[["name", "row"]], counts


def residual_rows(year: YearCounts, parent: str, children: list[str]) -> tuple[pd.Series, pd.Series]:
    """Return what is left of ``parent`` after its children, per count, and the reasons where undefined."""
    rest = year.numbers.loc[parent] - year.numbers.loc[children].sum(axis=0, skipna=False)
    reasons = pd.Series(
        np.where(rest.isna(), "下属县的数字不全，无法求未分配部分", ""), index=rest.index, dtype=object
    )
    return pd.Series(rest).round(6), reasons
