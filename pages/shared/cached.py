"""What views read of the store, kept per data version; do not change what it returns."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import geopandas as gpd
import pandas as pd
import streamlit as st

from analysis.given import StoreTables
from analysis.palettes import ramp
from data.ingest.osm_store import EDGES, NODES
from data.registry import Registry
from data.registry.mode_models import load_modes
from data.store.staging import imports_dir
from data.store.store import Store
from geo.region_tree import inside, listed_names, parent_names
from layers.themes import Ramp

P = ParamSpec("P")
T = TypeVar("T")


def kept_by_version(
    max_entries: int,
    *,
    spinner: bool | str = False,
    copied: bool = False,
    keys: Mapping[type, Callable[[Any], object]] | None = None,
) -> Callable[[Callable[Concatenate[Store, P], T]], Callable[Concatenate[Store, P], T]]:
    """Decorate a function of a store: its answers are kept per data version and arguments, for everybody.

    The ``max_entries`` newest are kept. An argument whose name starts with an underscore is not looked at;
    ``keys`` tells by type what stands for one that has no hash. With ``copied`` everybody gets a copy.
    """
    keep: Any = st.cache_data if copied else st.cache_resource

    def decorate(compute: Callable[Concatenate[Store, P], T]) -> Callable[Concatenate[Store, P], T]:
        def held(_store: Store, version: str, *arguments: Any, **options: Any) -> T:  # noqa: ARG001 - a key
            return compute(_store, *arguments, **options)

        own, asked = (list(inspect.signature(one).parameters.values()) for one in (held, compute))
        name_after(compute, held, [*own[:2], *asked[1:]])
        kept = keep(max_entries=max_entries, show_spinner=spinner, hash_funcs=keys)(held)

        @functools.wraps(compute)
        def answer(store: Store, /, *arguments: P.args, **options: P.kwargs) -> T:
            found: T = kept(store, store.data_version, *arguments, **options)
            return found

        return answer

    return decorate


def name_after(
    compute: Callable[..., Any], held: Callable[..., Any], parameters: list[inspect.Parameter]
) -> None:
    """Let Streamlit take ``held`` for ``compute`` with ``parameters``: it tells caches apart by name and
    source of their function, and two made in one place would be one.
    """
    functools.update_wrapper(held, compute)
    held.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]


def store_tables(store: Store) -> StoreTables:
    """Return the tables that runs need, read once: those of the store that was asked for last."""
    return _store_tables(store, str(store.folder))


@kept_by_version(1)
def _store_tables(store: Store, folder: str) -> StoreTables:  # noqa: ARG001 - a key
    return StoreTables(store)


@kept_by_version(2)
def region_table(store: Store) -> pd.DataFrame:
    """Return `Store.region_table` of all levels."""
    return store_tables(store).regions


@kept_by_version(12)
def regions(store: Store, level: str) -> gpd.GeoDataFrame:
    """Return `Store.regions` of a level, for the whole province on screen."""
    return store.regions(level)


@kept_by_version(2)
def indicators(store: Store) -> pd.DataFrame:
    """Return `Store.indicators`."""
    return store.indicators()


def facts(store: Store, indicator: str, *, year: int | None = None, level: str | None = None) -> pd.DataFrame:
    """Return `Store.facts` of an indicator, all of them or those of a year, a level, or both."""
    frame = _facts(store, indicator)
    if year is not None:
        frame = frame[frame["year"] == year]
    if level is not None:
        frame = frame[frame["level"] == level]
    return frame


@kept_by_version(64)
def _facts(store: Store, indicator: str) -> pd.DataFrame:
    return store.facts(indicator)


def roads(folder: Path) -> tuple[int, ...]:
    """Return what tells one imported network from the next, without reading it."""
    marks: list[int] = []
    for name in (NODES, EDGES):
        path = imports_dir(folder) / name
        if path.is_file():
            stat = path.stat()
            marks += [stat.st_mtime_ns, stat.st_size]
    return tuple(marks)


_ZOOMS = {
    "province": "province",
    "economic_region": "province",
    "prefecture": "prefecture",
    "county": "county",
}


def cell_size_m(store: Store) -> float:
    """Return the side of the population cells in metres."""
    return store_tables(store).cell_size_m


def store_meta(store: Store) -> Mapping[str, str]:
    """Return what the build noted about its data, by key."""
    return store_tables(store).meta


@kept_by_version(2)
def facility_counts(store: Store) -> pd.DataFrame:
    """Return how many facilities there are: ``type``, ``level`` (NaN: none), ``precision``, ``count``."""
    columns = ["type", "level", "precision"]
    facilities = store_tables(store).facilities
    return facilities.groupby(columns, dropna=False).size().rename("count").reset_index()


@st.cache_resource(max_entries=1, show_spinner=False)
def mode_names() -> dict[str, str]:
    """Return the modes of travel and their names."""
    return {key: mode.name for key, mode in load_modes().items()}


@kept_by_version(64)
def regions_inside(store: Store, within: str, level: str) -> list[str]:
    """Return the regions of ``level`` that are ``within`` or below it, in the order of the region table."""
    return inside(region_table(store), within, level)


@kept_by_version(12)
def region_frame(store: Store, within: str, level: str) -> gpd.GeoDataFrame:
    """Return the regions of ``level`` inside ``within`` with ``parent_name``, as fine as the map needs."""
    table = region_table(store)
    zoom = _ZOOMS[str(table.loc[within, "level"])]
    frame = store.regions(level, zoom=zoom).loc[regions_inside(store, within, level)]
    return frame.assign(parent_name=parent_names(table).reindex(frame.index).fillna(""))


@kept_by_version(12)
def region_labels(store: Store, within: str, level: str) -> gpd.GeoDataFrame:
    """Return the regions named on the map: those of the level shown, and prefectures above counties."""
    levels = ["prefecture", "county"] if level == "county" else [level]
    return gpd.GeoDataFrame(pd.concat([region_frame(store, within, one) for one in levels]))


def region_choices(store: Store, level: str) -> dict[str, str]:
    """Return the regions of a level with their names; of counties with the prefecture, for names repeat."""
    table = region_table(store)
    own = table[table["level"] == level]
    return listed_names(table, own.index, parent="short_name")


DEFAULT_PALETTE = "auto"
_REMARKS = {
    "derived": "数值为推算",
    "secondary": "数据为二手转录，未与原书逐年核对",
    "imported": "数值由用户导入",
}


def level_frame(store: Store, level: str) -> gpd.GeoDataFrame:
    """Return the regions of a level for the whole province on screen, with ``parent_name``."""
    frame = regions(store, level)
    parents = parent_names(region_table(store)).reindex(frame.index).fillna("")
    return frame.assign(parent_name=parents if level in {"county", "prefecture"} else "")


def labels_for(store: Store, level: str) -> gpd.GeoDataFrame:
    """Return the regions whose names stand on the map: prefectures, and counties when those are shown."""
    if level == "economic_region":
        return regions(store, "economic_region")
    names = regions(store, "prefecture")
    return pd.concat([names, regions(store, "county")]) if level == "county" else names


def ramp_of(registry: Registry, row: pd.Series, palette: str) -> Ramp:
    """Return the palette chosen, or for ``auto`` the one that suits the indicator's kind and direction."""
    if palette == DEFAULT_PALETTE:
        palette = "diverging" if row["kind"] == "change" else registry.palette_towards(row["direction"])
    return ramp(palette, registry)


def remarks_on(facts: pd.DataFrame) -> list[str]:
    """Return what a reader must know of the figures: how good they are, and whether their scope changed."""
    remarks = [_REMARKS[quality] for quality in sorted(set(facts["quality"])) if quality in _REMARKS]
    flagged = int(facts["flag"].notna().sum())
    if flagged:
        remarks.append(f"{flagged} 个地区的范围或口径有说明，见数据表")
    return remarks
