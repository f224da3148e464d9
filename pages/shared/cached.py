"""What every view reads from the store, kept in memory per data version; do not change what it returns."""

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
from data.ingest.osm_store import EDGES, NODES
from data.store.staging import imports_dir
from data.store.store import Store

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
