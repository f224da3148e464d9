"""What the page 应配与缺口 keeps between views: the standards set against the store, by data version."""

from __future__ import annotations

import streamlit as st

from data.coverage import Origin
from data.standards import StandardsAnalysis, prepare_standards
from data.store import Store

CENSUS = 2020


def analysis(store: Store, *, year: int, origin: Origin, within: str) -> StandardsAnalysis:
    """Return the analysis of the choices; its tables are kept with it."""
    return _analysis(store, store.data_version, year, origin, within)


@st.cache_resource(max_entries=12, show_spinner="正在核对配置标准…")
def _analysis(_store: Store, version: str, year: int, origin: Origin, within: str) -> StandardsAnalysis:
    found = prepare_standards(_store, year=None if year == CENSUS else year, origin=origin, within=within)
    found.summary()
    return found
