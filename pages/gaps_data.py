"""What the page 区域差距 computes, kept in memory per data version; do not change what it returns."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from data.gaps import GapSource, compare_years, gap_analyses, load_gap, panel, series_table
from data.store import Store
from geo.gaps import GapComparison
from geo.spatial import LocalMoran, Pairs, contiguity, local_moran
from pages import cached


def gap_source(store: Store, indicator: str, level: str) -> GapSource:
    """Return `data.gaps.load_gap`."""
    return _source(store, store.data_version, indicator, level)


def comparison(store: Store, source: GapSource, year: int, before: int | None) -> GapComparison:
    """Return `data.gaps.compare_years`."""
    return _comparison(store.data_version, source.subject.id, source.subject.level, year, before, source)


def course(store: Store, source: GapSource) -> pd.DataFrame:
    """Return `data.gaps.series_table` of all years."""
    return _course(store.data_version, source.subject.id, source.subject.level, source)


def values_panel(store: Store, source: GapSource) -> pd.DataFrame:
    """Return `data.gaps.panel`."""
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
