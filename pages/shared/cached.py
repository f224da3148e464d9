"""What every view reads from the store, kept in memory per data version; do not change what it returns."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd
import streamlit as st

from data.ingest.osm_store import EDGES, NODES
from data.store.staging import imports_dir
from data.store.store import Store


def region_table(store: Store) -> pd.DataFrame:
    """Return `Store.region_table` of all levels."""
    return _region_table(store, store.data_version)


def regions(store: Store, level: str) -> gpd.GeoDataFrame:
    """Return `Store.regions` of a level, for the whole province on screen."""
    return _regions(store, store.data_version, level)


def indicators(store: Store) -> pd.DataFrame:
    """Return `Store.indicators`."""
    return _indicators(store, store.data_version)


def facts(store: Store, indicator: str, *, year: int | None = None, level: str | None = None) -> pd.DataFrame:
    """Return `Store.facts` of an indicator, all of them or those of a year, a level, or both."""
    frame = _facts(store, store.data_version, indicator)
    if year is not None:
        frame = frame[frame["year"] == year]
    if level is not None:
        frame = frame[frame["level"] == level]
    return frame


@st.cache_resource(max_entries=2, show_spinner=False)
def _region_table(_store: Store, version: str) -> pd.DataFrame:
    return _store.region_table()


@st.cache_resource(max_entries=12, show_spinner=False)
def _regions(_store: Store, version: str, level: str) -> gpd.GeoDataFrame:
    return _store.regions(level)


@st.cache_resource(max_entries=2, show_spinner=False)
def _indicators(_store: Store, version: str) -> pd.DataFrame:
    return _store.indicators()


@st.cache_resource(max_entries=64, show_spinner=False)
def _facts(_store: Store, version: str, indicator: str) -> pd.DataFrame:
    return _store.facts(indicator)


def roads(folder: Path) -> tuple[int, ...]:
    """Return what tells one imported network from the next, without reading it."""
    marks: list[int] = []
    for name in (NODES, EDGES):
        path = imports_dir(folder) / name
        if path.is_file():
            stat = path.stat()
            marks += [stat.st_mtime_ns, stat.st_size]
    return tuple(marks)
