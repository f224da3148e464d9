"""The controls of the page 区域差距, and what they amount to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from analysis.gaps import GapSource, compare_years, gap_analyses, gap_levels, load_gap, panel, series_table
from data.registry.rule_models import load_statistics_rules
from data.store.store import Store
from geo.gaps import GapComparison
from geo.region_tree import listed_names
from geo.spatial import LocalMoran, Pairs, contiguity, local_moran
from pages.shared import cached, choices
from pages.shared.cached import kept_by_version

_BY_SUBJECT: dict[type, Callable[[Any], object]] = {
    GapSource: lambda source: (source.subject.id, source.subject.level)
}
"""What stands for a source of one version of the data."""


@kept_by_version(24)
def gap_source(store: Store, indicator: str, level: str) -> GapSource:
    """Return `analysis.gaps.load_gap`."""
    return load_gap(store, indicator, level)


@kept_by_version(64, keys=_BY_SUBJECT)
def comparison(_store: Store, source: GapSource, year: int, before: int | None) -> GapComparison:
    """Return `analysis.gaps.compare_years`."""
    return compare_years(source, year, before)


@kept_by_version(24, keys=_BY_SUBJECT)
def course(_store: Store, source: GapSource) -> pd.DataFrame:
    """Return `analysis.gaps.series_table` of all years."""
    return series_table(gap_analyses(source))


@kept_by_version(24, keys=_BY_SUBJECT)
def values_panel(_store: Store, source: GapSource) -> pd.DataFrame:
    """Return `analysis.gaps.panel`."""
    return panel(source)


@kept_by_version(24, spinner="正在检验集聚……", keys=_BY_SUBJECT)
def spots(store: Store, source: GapSource, year: int) -> LocalMoran:
    """Return local Moran of the values of a year."""
    level = source.subject.level
    frame = cached.regions(store, level)
    values = compare_years(source, year, None).now.frame["value"]
    return local_moran(
        values.reindex(frame.index),
        _neighbours(store, level),
        false_discovery=load_statistics_rules().false_discovery,
    )


@kept_by_version(4)
def _neighbours(store: Store, level: str) -> Pairs:
    return contiguity(cached.regions(store, level))


NONE = "none"
DEFAULT = "gdp_per_head"


@dataclass(frozen=True)
class GapChoice:
    """Everything the page shows: indicator (row of `Store.indicators`), years, level, region, panel aside."""

    row: pd.Series
    source: GapSource
    year: int
    before: int | None
    region: str | None


def choose_gap(store: Store) -> GapChoice:
    """Draw the controls and return what is chosen."""
    indicators = cached.indicators(store)
    indicators = indicators[[bool(gap_levels(row)) for _, row in indicators.iterrows()]]
    ids = list(indicators.index)
    names = {key: f"{row['domain']} ｜ {row['name']}" for key, row in indicators.iterrows()}
    left, right = st.columns([5, 3], vertical_alignment="bottom")
    with left:
        chosen = choices.choose(
            "gap_indicator",
            "指标",
            ids,
            DEFAULT if DEFAULT in ids else ids[0],
            format_func=lambda key: names[key],
        )
    row = indicators[indicators["id"] == chosen].iloc[0]
    view = choices.shared(
        row["years"],
        gap_levels(row),
        _regions(store),
        default_year=max(row["years"]),
        default_level="prefecture",
    )
    source = gap_source(store, str(chosen), view.level)
    year = choices.nearest_year(view.year, source.years)
    with right:
        before = _before(source.years, year)
    return GapChoice(row, source, year, before, view.region)


def _before(years: list[int], year: int) -> int | None:
    """Draw the list of years to compare with, and return the one chosen; the first there is by default."""
    earlier = [one for one in years if one < year]
    options = [*(str(one) for one in reversed(earlier)), NONE]
    chosen = choices.choose(
        "before",
        "与哪一年比较",
        options,
        str(earlier[0]) if earlier else NONE,
        format_func=lambda text: "不比较" if text == NONE else f"{text} 年",
    )
    return None if chosen == NONE else int(chosen)


def _regions(store: Store) -> dict[str, str]:
    """Return the regions that can be marked, with the prefecture of a county."""
    table = cached.region_table(store)
    return listed_names(table, table.index[table["level"].isin(["prefecture", "county"])])
