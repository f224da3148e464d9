"""The gap of an indicator from the store: what page, command and report all ask, so that they agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.store.store import Store
from geo.disparity import Measure, undefined
from geo.gaps import GapAnalysis, GapComparison, GapSubject, analyse_gap
from geo.region_tree import ECONOMIC_REGIONS, PROVINCE

LEVELS = ("prefecture", "county")
WEIGHTS = ("population", "yearbook_population")
"""The indicators that give the people of a region, the census before the yearbook."""
NO_WEIGHTS = "没有 {year} 年的常住人口，不能按人口加权"
SECOND_HAND = "数据为二手转录，未与原书逐年核对"
DERIVED = "数据为推算值"
IMPORTED = "数据为用户导入"
_QUALITIES = {"secondary": SECOND_HAND, "derived": DERIVED, "imported": IMPORTED}
_ADDITIVE = {"count", "amount"}


@dataclass(frozen=True)
class GapSource:
    """All that the analyses of one indicator at one level need, read from the store once.

    ``facts`` are all of the indicator's; ``people`` the facts of each of `WEIGHTS` that the store has at this
    level, by id; ``regions`` the region table.
    """

    subject: GapSubject
    regions: pd.DataFrame
    facts: pd.DataFrame
    people: dict[str, pd.DataFrame]
    people_names: dict[str, str]

    @property
    def years(self) -> list[int]:
        """The years with at least one fact at the level, ascending."""
        return sorted(int(year) for year in self.at_level["year"].unique())

    @property
    def at_level(self) -> pd.DataFrame:
        """The facts of the regions that are compared."""
        return self.facts[self.facts["level"] == self.subject.level]


def gap_levels(row: pd.Series) -> list[str]:
    """Return the levels at which an indicator (a row of `Store.indicators`) can be compared."""
    return [level for level in LEVELS if level in row["levels"]]


def load_gap(store: Store, indicator: str, level: str) -> GapSource:
    """Return what the analyses of an indicator need; `UnknownIndicatorError` for an unknown one."""
    row = store.indicator(indicator)
    known = store.indicators()
    people = {
        name: store.facts(name, level=level)
        for name in WEIGHTS
        if name in known.index and level in known["levels"][name]
    }
    return GapSource(
        subject=GapSubject(
            id=str(row["id"]),
            name=str(row["name"]),
            unit=str(row["unit"]),
            decimals=int(row["decimals"]),
            direction=str(row["direction"]),
            level=level,
            additive=row["kind"] in _ADDITIVE,
            change=row["kind"] == "change",
        ),
        regions=store.region_table(),
        facts=store.facts(indicator),
        people=people,
        people_names={name: str(known.loc[name, "name"]) for name in people},
    )


def gap_of(source: GapSource, year: int, *, only: pd.Index | None = None) -> GapAnalysis:
    """Return the analysis of one year; a year without facts leaves every region undefined, with reasons.

    ``only`` (adcodes) leaves all other regions out of the comparison.
    """
    regions = source.regions[source.regions["level"] == source.subject.level]
    if only is not None:
        regions = regions[regions.index.isin(only)]
    facts = source.facts[source.facts["year"] == year].set_index("adcode")
    own = facts.reindex(regions.index)
    weights, weight_name = _weights(source, year, own)
    frame = pd.DataFrame(
        {
            "name": regions["name"],
            "short_name": regions["short_name"],
            "parent": regions["parent"],
            "group": regions["economic_region"],
            "value": own["value"].astype("float64"),
            "weight": weights,
            "reason": _reasons(own, year),
        }
    )
    return analyse_gap(
        source.subject,
        year,
        frame,
        _regional(source.regions, facts, year),
        province=_figure(facts, PROVINCE, year),
        weight_name=weight_name,
        weight_reason=None if weight_name else NO_WEIGHTS.format(year=year),
        breaks=_breaks(source),
        flags=_flags(own),
        remarks=_remarks(own),
    )


def compare_years(source: GapSource, year: int, before: int | None) -> GapComparison:
    """Return a year beside an earlier one (None: none), also over the regions that both have."""
    now = gap_of(source, year)
    if before is None:
        return GapComparison(now, None, None, None)
    then = gap_of(source, before)
    both = now.defined.index.intersection(then.defined.index)
    if len(both) == len(now.defined) == len(then.defined):
        return GapComparison(now, then, now, then)
    return GapComparison(now, then, gap_of(source, year, only=both), gap_of(source, before, only=both))


def gap_analyses(source: GapSource, years: Sequence[int] | None = None) -> dict[int, GapAnalysis]:
    """Return the analyses of the years given, or of all the indicator has, by year ascending."""
    return {year: gap_of(source, year) for year in sorted(years or source.years)}


def panel(source: GapSource) -> pd.DataFrame:
    """Return the values of every region and year: index adcode, one float64 column per year ascending."""
    regions = source.regions.index[source.regions["level"] == source.subject.level]
    table = source.at_level.pivot_table(index="adcode", columns="year", values="value", dropna=False)
    return table.reindex(regions).astype("float64").rename_axis(index=None, columns=None)


def series_table(analyses: dict[int, GapAnalysis]) -> pd.DataFrame:
    """Return the measures through the years: index year; columns of `geo.gaps.MEASURES` and between_share,
    between_share_weighted, n; NaN where undefined."""
    rows = {
        year: {name: found.value for name, found in one.measures.items()}
        | {
            "between_share": one.theil.between_share.value,
            "between_share_weighted": one.theil_weighted.between_share.value,
            "n": len(one.defined),
        }
        for year, one in analyses.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def _reasons(own: pd.DataFrame, year: int) -> pd.Series:
    """Return why a region has no value; None where it has one."""
    told = [
        None if not np.isnan(value) else reason if isinstance(reason, str) else f"{year} 年没有数据"
        for value, reason in zip(own["value"].astype("float64"), own["reason"], strict=True)
    ]
    return pd.Series(told, index=own.index, dtype=object)


def _weights(source: GapSource, year: int, own: pd.DataFrame) -> tuple[pd.Series, str]:
    """Return the people of each region, and what they are called: of the indicator's own source if it can be.

    No name when no series has the people of every region with a value.
    """
    used = set(own["source"].dropna())
    found: list[tuple[bool, pd.Series, str]] = []
    for name, facts in source.people.items():
        of_year = facts[facts["year"] == year].set_index("adcode")
        people = of_year["value"].reindex(own.index).astype("float64")
        if of_year.empty or people[own["value"].notna()].isna().any():
            continue
        found.append((not used & set(of_year["source"]), people, source.people_names[name]))
    if not found:
        return pd.Series(np.nan, index=own.index), ""
    _, people, name = min(found, key=lambda one: one[0])
    return people, f"{year} 年{name}"


def _figure(facts: pd.DataFrame, adcode: str, year: int) -> Measure:
    """Return a region's own figure."""
    if adcode not in facts.index:
        return undefined(f"{year} 年没有数据")
    value, reason = float(facts["value"][adcode]), facts["reason"][adcode]
    if np.isnan(value):
        return undefined(reason if isinstance(reason, str) else f"{year} 年没有数据")
    return Measure(value)


def _regional(regions: pd.DataFrame, facts: pd.DataFrame, year: int) -> pd.DataFrame:
    figures = {code: _figure(facts, code, year) for code in ECONOMIC_REGIONS}
    return pd.DataFrame(
        {
            "short_name": [regions.loc[code, "short_name"] for code in figures],
            "value": [found.value for found in figures.values()],
            "reason": pd.Series([found.reason for found in figures.values()], dtype=object).to_numpy(),
        },
        index=list(figures),
    )


def _breaks(source: GapSource) -> tuple[tuple[int, str], ...]:
    """Return the years in which every region's value carries the same remark: a break of the series."""
    facts = source.at_level
    found = []
    for year, rows in facts[facts["flag"].notna()].groupby("year"):
        whole = int((facts["year"] == year).sum())
        notes = rows["note"].dropna().unique()
        if whole > 1 and len(rows) == whole and len(rows["flag"].unique()) == 1 and len(notes) == 1:
            found.append((int(str(year)), str(notes[0])))
    return tuple(found)


def _flags(own: pd.DataFrame) -> tuple[tuple[str, str], ...]:
    """Return the remarks on single values of the year; a break, which all carry, is none of them."""
    rows = own[own["flag"].notna() & own["value"].notna()]
    if len(own) > 1 and len(rows) == len(own):
        return ()
    notes = rows["note"].where(rows["note"].notna(), rows["flag"])
    return tuple((str(name), str(note)) for name, note in zip(rows["name"], notes, strict=True))


def _remarks(own: pd.DataFrame) -> tuple[str, ...]:
    qualities = set(own["quality"].dropna())
    return tuple(text for quality, text in _QUALITIES.items() if quality in qualities)
