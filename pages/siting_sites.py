"""Candidate sites of a file on the page 选址优化: kept for the link by their content, shown, and put back."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from data.siting_sites import Site, keep_sites, kept_sites, site_counties
from data.store import Store, data_dir
from geo.errors import SitingError
from pages import cached, choices, state
from pages.components import plain
from pages.coverage_store import regions_inside
from pages.siting_site_file import KEY, choose_file, forget_file, show_fault

_STATES = {True: "范围内", False: "范围外"}


def choose_sites(store: Store, within: str) -> tuple[Site, ...]:
    """Draw the file chooser and what the file holds; return its sites, none before there is a file."""
    _from_address()
    with st.container(key="siting_sites_box", border=True):
        left, right = st.columns([3, 4], gap="medium")
        with left:
            found = choose_file(store)
        with right:
            sites = _current()
            if found is not None and found.fault is not None:
                show_fault(found.fault)
            elif sites:
                _show(store, within, sites, () if found is None else found.notes)
    choices.in_link("sites", st.session_state.get(KEY) or "")
    return sites


def put_sites(sites: Sequence[Site]) -> None:
    """Choose sites on a planner's behalf; only in a callback."""
    st.session_state[KEY] = keep_sites(data_dir(), sites) if sites else None
    forget_file()


def _from_address() -> None:
    key = choices.from_link("sites")
    if key is None:
        return
    try:
        kept_sites(data_dir(), key)
    except SitingError as fault:
        state.fault(str(fault))
    else:
        st.session_state[KEY] = key


def _current() -> tuple[Site, ...]:
    key = st.session_state.get(KEY)
    if key is None:
        return ()
    try:
        return kept_sites(data_dir(), key)
    except SitingError as fault:
        st.session_state[KEY] = None
        st.error(plain(str(fault)), icon=":material/error:")
        return ()


def _show(store: Store, within: str, sites: tuple[Site, ...], notes: Sequence[str]) -> None:
    """Say how many sites there are, and which lie outside the region whose people count."""
    names = cached.region_table(store)["name"]
    counties = _counties(store, store.data_version, st.session_state[KEY], sites)
    inside = counties.isin(regions_inside(store, within, "county"))
    beyond = int((~inside).sum())
    where = names[within]
    text = f"{len(sites):,} 个候选点，{len(sites) - beyond:,} 个在{where}，{beyond:,} 个在{where}之外"
    st.success(plain(f"{text}。"), icon=":material/location_on:")
    if beyond:
        st.caption("范围外的候选点仍可选中，只计它们对范围内居民的效益。")
    for note in notes:
        st.caption(plain(note))
    rows = pd.DataFrame(
        {
            "名称": [site.name for site in sites],
            "县（市、区）": counties.map(names),
            "位置": inside.map(_STATES),
            "经度": [site.lon for site in sites],
            "纬度": [site.lat for site in sites],
        }
    ).iloc[inside.argsort(kind="stable")]
    degrees = {name: st.column_config.NumberColumn(format="%.4f") for name in ("经度", "纬度")}
    height = min(38 + 35 * len(rows), 213)
    st.dataframe(rows, hide_index=True, height=height, column_config=degrees, key="siting_sites_table")


@st.cache_data(max_entries=16, show_spinner=False)
def _counties(_store: Store, version: str, key: str, _sites: tuple[Site, ...]) -> pd.Series:
    regions = _store.regions(zoom="full")
    return site_counties(_sites, regions[regions["level"] == "county"])
