"""What the page 设施覆盖 needs besides an analysis: modes, numbers of facilities, how people are placed."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import pandas as pd
import streamlit as st

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
    return cached.store_tables(store).cell_size_m


def store_meta(store: Store) -> Mapping[str, str]:
    """Return what the build noted about its data, by key."""
    return cached.store_tables(store).meta


@cached.kept_by_version(2)
def facility_counts(store: Store) -> pd.DataFrame:
    """Return how many facilities there are: ``type``, ``level`` (NaN: none), ``precision``, ``count``."""
    columns = ["type", "level", "precision"]
    facilities = cached.store_tables(store).facilities
    return facilities.groupby(columns, dropna=False).size().rename("count").reset_index()


@st.cache_resource(max_entries=1, show_spinner=False)
def mode_names() -> dict[str, str]:
    """Return the modes of travel and their names."""
    return {key: mode.name for key, mode in load_modes().items()}


@cached.kept_by_version(64)
def regions_inside(store: Store, within: str, level: str) -> list[str]:
    """Return the regions of ``level`` that are ``within`` or below it, in the order of the region table."""
    return inside(cached.region_table(store), within, level)


@cached.kept_by_version(12)
def region_frame(store: Store, within: str, level: str) -> gpd.GeoDataFrame:
    """Return the regions of ``level`` inside ``within`` with ``parent_name``, as fine as the map needs."""
    table = cached.region_table(store)
    zoom = _ZOOMS[str(table.loc[within, "level"])]
    frame = store.regions(level, zoom=zoom).loc[regions_inside(store, within, level)]
    return frame.assign(parent_name=parent_names(table).reindex(frame.index).fillna(""))


@cached.kept_by_version(12)
def region_labels(store: Store, within: str, level: str) -> gpd.GeoDataFrame:
    """Return the regions named on the map: those of the level shown, and prefectures above counties."""
    levels = ["prefecture", "county"] if level == "county" else [level]
    return gpd.GeoDataFrame(pd.concat([region_frame(store, within, one) for one in levels]))


def region_choices(store: Store, level: str) -> dict[str, str]:
    """Return the regions of a level with their names; of counties with the prefecture, for names repeat."""
    table = cached.region_table(store)
    own = table[table["level"] == level]
    return listed_names(table, own.index, parent="short_name")
