"""The controls of the page 区域差距, and what they amount to."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from analysis.gaps import GapSource, compare_years, gap_analyses, gap_levels, load_gap, panel, series_table
from data.store.store import Store
from geo.gaps import GapComparison
from geo.region_tree import listed_names
from geo.spatial import LocalMoran, Pairs, contiguity, local_moran
from pages.shared import cached, state


def gap_source(store: Store, indicator: str, level: str) -> GapSource:
    """Return `analysis.gaps.load_gap`."""
    return _source(store, store.data_version, indicator, level)


def comparison(store: Store, source: GapSource, year: int, before: int | None) -> GapComparison:
    """Return `analysis.gaps.compare_years`."""
    return _comparison(store.data_version, source.subject.id, source.subject.level, year, before, source)


def course(store: Store, source: GapSource) -> pd.DataFrame:
    """Return `analysis.gaps.series_table` of all years."""
    return _course(store.data_version, source.subject.id, source.subject.level, source)


def values_panel(store: Store, source: GapSource) -> pd.DataFrame:
    """Return `analysis.gaps.panel`."""
    return _panel(store.data_version, source.subject.id, source.subject.level, source)


def spots(store: Store, source: GapSource, year: int) -> LocalMoran:
    """Return local Moran of the values of a year."""
    return _spots(store, store.data_version, source.subject.id, source.subject.level, year, source)


@st.cache_resource(max_entries=24, show_spinner=False)
def _source(_store: Store, version: str, indicator: str, level: str) -> GapSource:
    return load_gap(_store, indicator, level)


@st.cache_resource(max_entries=64, show_spinner=False)
def _comparison(
    version: str, indicator: str, level: str, year: int, before: int | None, _source: GapSource
) -> GapComparison:
    return compare_years(_source, year, before)


@st.cache_resource(max_entries=24, show_spinner=False)
def _course(version: str, indicator: str, level: str, _source: GapSource) -> pd.DataFrame:
    return series_table(gap_analyses(_source))


@st.cache_resource(max_entries=24, show_spinner=False)
def _panel(version: str, indicator: str, level: str, _source: GapSource) -> pd.DataFrame:
    return panel(_source)


@st.cache_resource(max_entries=24, show_spinner="正在检验集聚……")
def _spots(
    _store: Store, version: str, indicator: str, level: str, year: int, _source: GapSource
) -> LocalMoran:
    frame = cached.regions(_store, level)
    values = compare_years(_source, year, None).now.frame["value"]
    return local_moran(values.reindex(frame.index), _neighbours(_store, version, level))


@st.cache_resource(max_entries=4, show_spinner=False)
def _neighbours(_store: Store, version: str, level: str) -> Pairs:
    return contiguity(cached.regions(_store, level))


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
        chosen = state.choose(
            "gap_indicator",
            "指标",
            ids,
            DEFAULT if DEFAULT in ids else ids[0],
            format_func=lambda key: names[key],
        )
    row = indicators[indicators["id"] == chosen].iloc[0]
    view = state.shared(
        row["years"],
        gap_levels(row),
        _regions(store),
        default_year=max(row["years"]),
        default_level="prefecture",
    )
    source = gap_source(store, str(chosen), view.level)
    year = state.nearest_year(view.year, source.years)
    with right:
        before = _before(source.years, year)
    return GapChoice(row, source, year, before, view.region)


def _before(years: list[int], year: int) -> int | None:
    """Draw the list of years to compare with, and return the one chosen; the first there is by default."""
    earlier = [one for one in years if one < year]
    options = [*(str(one) for one in reversed(earlier)), NONE]
    chosen = state.choose(
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
