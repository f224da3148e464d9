"""What the server does before its first reader comes, so that nobody's first view waits for it."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd

from data.registry import load_registry
from data.store.store import Store, open_store
from geo.errors import SutuError
from layers.assets import PUBLISHER
from layers.charts.base import comparison_bars
from layers.webmap import theme
from pages.indicators.choice import MapStyle, Subject
from pages.indicators.layers import layers_of
from pages.navigation import PAGES
from pages.shared import cached
from pages.shared.cached import DEFAULT_PALETTE, labels_for
from server.static_files import kept_files, served_folders

_QUIET = "streamlit.runtime.scriptrunner_utils.script_run_context"


def rehearse() -> None:
    """Import the pages, pack the files they ask for, and work out the first maps and a chart.

    Without a store that opens, its part is left out: the pages then say what is missing. Imported outside a
    page view, the map component says so and is not registered with Streamlit; its files are answered for by
    `server.static_files`, and nothing else asks for the registration.
    """
    with _outside_a_view():
        for spec in PAGES:
            importlib.import_module(spec.module)
        for name in ("matplotlib.backends.backend_agg", "layers.figure"):
            importlib.import_module(name)
        for folder in served_folders().values():
            kept_files(folder)
        comparison_bars(pd.DataFrame({"name": ["江苏省"], "value": [1.0]}), decimals=0).to_dict()
        try:
            store = open_store()
        except SutuError:
            return
        _first_maps(store)


def _first_maps(store: Store) -> None:
    """Read and publish what 指标地图 shows first at each level; the results are kept for every view."""
    registry = load_registry()
    drawn = MapStyle(
        str(registry.setting("class_method")), int(registry.setting("class_count")), DEFAULT_PALETTE
    )
    year = int(registry.setting("default_year"))
    indicators = cached.indicators(store)
    for level in ("prefecture", "county"):
        fits = [
            level in levels and year in years
            for levels, years in zip(indicators["levels"], indicators["years"], strict=True)
        ]
        if not any(fits):
            continue
        subject = Subject(indicators[fits].iloc[0], year, level)
        layer = layers_of(store, registry, [subject], drawn)[0]
        theme(layer, labels=labels_for(store, level), publish=PUBLISHER.publish)


@contextmanager
def _outside_a_view() -> Iterator[None]:
    """Keep Streamlit from warning that no page view is under way: none is, on purpose."""
    warns = logging.getLogger(_QUIET)
    level = warns.level
    warns.setLevel(logging.ERROR)
    try:
        yield
    finally:
        warns.setLevel(level)
