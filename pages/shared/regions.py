"""What the page 设施覆盖 needs besides an analysis: modes, numbers of facilities, how people are placed."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import streamlit as st

from analysis.given import CELL_SIZE_M
from data.registry.mode_models import load_modes
from data.store.store import Store
from geo.region_tree import inside, listed_names, parent_names
from pages.shared import cached

_ZOOMS = {
    "province": "province",
    "economic_region": "province",
    "prefecture": "prefecture",
    "county": "county",
}


def cell_size_m(store: Store) -> float:
    """Return the side of the population cells in metres."""
    return float(store_meta(store).get("population_resolution_m", CELL_SIZE_M))


def store_meta(store: Store) -> dict[str, str]:
    """Return what the build noted about its data, by key."""
    meta = _meta(store, store.data_version)
    return {str(key): str(value) for key, value in zip(meta["key"], meta["value"], strict=True)}


def facility_counts(store: Store) -> pd.DataFrame:
    """Return how many facilities there are: ``type``, ``level`` (NaN: none), ``precision``, ``count``."""
    return _counts(store, store.data_version)


@st.cache_resource(max_entries=2, show_spinner=False)
def _meta(_store: Store, version: str) -> pd.DataFrame:
    return _store.table("meta")


@st.cache_resource(max_entries=2, show_spinner=False)
def _counts(_store: Store, version: str) -> pd.DataFrame:
    columns = ["type", "level", "precision"]
    return _store.facilities().groupby(columns, dropna=False).size().rename("count").reset_index()


@st.cache_resource(max_entries=1, show_spinner=False)
def mode_names() -> dict[str, str]:
    """Return the modes of travel and their names."""
    return {key: mode.name for key, mode in load_modes().items()}


def regions_inside(store: Store, within: str, level: str) -> list[str]:
    """Return the regions of ``level`` that are ``within`` or below it, in the order of the region table."""
    return _regions_inside(store, store.data_version, within, level)


@st.cache_resource(max_entries=64, show_spinner=False)
def _regions_inside(_store: Store, version: str, within: str, level: str) -> list[str]:
    table = _store.region_table()
    return inside(table, within, level)


def region_frame(store: Store, within: str, level: str) -> gpd.GeoDataFrame:
    """Return the regions of ``level`` inside ``within`` with ``parent_name``, as fine as the map needs."""
    return _region_frame(store, store.data_version, within, level)


@st.cache_resource(max_entries=12, show_spinner=False)
def _region_frame(_store: Store, version: str, within: str, level: str) -> gpd.GeoDataFrame:
    table = _store.region_table()
    zoom = _ZOOMS[str(table.loc[within, "level"])]
    frame = _store.regions(level, zoom=zoom).loc[_regions_inside(_store, version, within, level)]
    return frame.assign(parent_name=parent_names(table).reindex(frame.index).fillna(""))


def region_labels(store: Store, within: str, level: str) -> gpd.GeoDataFrame:
    """Return the regions named on the map: those of the level shown, and prefectures above counties."""
    return _region_labels(store, store.data_version, within, level)


@st.cache_resource(max_entries=12, show_spinner=False)
def _region_labels(_store: Store, version: str, within: str, level: str) -> gpd.GeoDataFrame:
    levels = ["prefecture", "county"] if level == "county" else [level]
    frames = [_region_frame(_store, version, within, one) for one in levels]
    return gpd.GeoDataFrame(pd.concat(frames))


def region_choices(store: Store, level: str) -> dict[str, str]:
    """Return the regions of a level with their names; of counties with the prefecture, for names repeat."""
    table = cached.region_table(store)
    own = table[table["level"] == level]
    return listed_names(table, own.index, parent="short_name")
