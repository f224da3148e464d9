"""Candidate sites from a planner's file on the page 选址优化: read whole, shown, and kept for the link."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from data.ingest.faults import FAULT_COLUMNS, FaultReport
from data.ingest.site_file import ENDINGS, LIMITS, read_sites
from data.siting_sites import Site, keep_sites, kept_sites, site_counties
from data.store import Store, data_dir
from geo.errors import SitingError, SutuError
from pages import cached, choices, components, state
from pages.components import plain
from pages.coverage_store import regions_inside
from pages.import_jobs import keep_upload
from pages.import_kinds import DATUMS

_KEY, _READ, _TURN = "siting_sites", "siting_sites_read", "siting_sites_turn"
_STATES = {True: "范围内", False: "范围外"}


def choose_sites(store: Store, within: str) -> tuple[Site, ...]:
    """Draw the file chooser and what the file holds; return its sites, none before there is a file."""
    _from_address()
    with st.container(key="siting_sites_box", border=True):
        left, right = st.columns([3, 4], gap="medium")
        with left:
            _choose_file(store)
        with right:
            sites = _current()
            if sites:
                _show(store, within, sites)
    choices.in_link("sites", st.session_state.get(_KEY) or "")
    return sites


def put_sites(sites: Sequence[Site]) -> None:
    """Choose sites on a planner's behalf; only in a callback."""
    st.session_state[_KEY] = keep_sites(data_dir(), sites) if sites else None
    st.session_state[_READ] = None
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1


def _from_address() -> None:
    key = choices.from_link("sites")
    if key is None:
        return
    try:
        kept_sites(data_dir(), key)
    except SitingError as fault:
        state.fault(str(fault))
    else:
        st.session_state[_KEY] = key


def _current() -> tuple[Site, ...]:
    key = st.session_state.get(_KEY)
    if key is None:
        return ()
    try:
        return kept_sites(data_dir(), key)
    except SitingError as fault:
        st.session_state[_KEY] = None
        st.error(plain(str(fault)), icon=":material/error:")
        return ()


def _choose_file(store: Store) -> None:
    """Draw the chooser; a file with a datum is read once, and its faults stand in the place of its sites."""
    megabytes = LIMITS.file_bytes // 1_000_000
    title = "候选点文件的坐标基准"
    datum = st.selectbox(title, list(DATUMS), format_func=DATUMS.__getitem__, key="siting_datum")
    upload = st.file_uploader(
        "候选点文件",
        type=list(ENDINGS),
        max_upload_size=megabytes,
        key=f"siting_file_{st.session_state.get(_TURN, 0)}",
        help=f"最大 {megabytes} MB、{LIMITS.rows:,} 行；每行一个候选点，要有“经度”“纬度”两列，可有“名称”列。",
    )
    if upload is None:
        if st.session_state.get(_KEY) is None:
            st.info("选好候选点文件和坐标基准，就从这些点里选。", icon=":material/upload_file:")
        return
    if not datum:
        st.info("请选择坐标基准：不知道时请向数据提供方核实，程序不猜测。", icon=":material/fact_check:")
        return
    asked = (upload.file_id, datum)
    held = st.session_state.get(_READ)
    if held is None or held[0] != asked:
        held = st.session_state[_READ] = (asked, *_read(store, upload, datum))
    _, faults, notes = held
    if isinstance(faults, pd.DataFrame):
        st.error(f"候选点文件有 {len(faults)} 处问题，没有使用。改正后重新选择。", icon=":material/error:")
        st.dataframe(faults, hide_index=True, height=min(38 + 35 * len(faults), 320), key="siting_faults")
        components.download("候选点问题清单", lambda: faults, notes=(), key="siting_sites_faults")
    elif faults:
        st.error(plain(faults), icon=":material/error:")
    for note in notes:
        st.caption(plain(note))


def _read(store: Store, upload: object, datum: str) -> tuple[pd.DataFrame | str | None, tuple[str, ...]]:
    """Take in a file: return its faults (a table, or a sentence; None without any) and its notes."""
    st.session_state[_KEY] = None
    path = keep_upload(data_dir(), upload)  # type: ignore[arg-type]  # the uploader's file has all it asks
    try:
        with st.spinner("正在读取候选点…"):
            found = read_sites(path, datum=datum, regions=store.regions(zoom="full"))
            st.session_state[_KEY] = keep_sites(data_dir(), found.sites)
    except FaultReport as report:
        return pd.DataFrame(report.as_rows(), columns=list(FAULT_COLUMNS)), ()
    except SutuError as fault:
        return str(fault), ()
    finally:
        shutil.rmtree(path.parent, ignore_errors=True)
    return None, found.notes


def _show(store: Store, within: str, sites: tuple[Site, ...]) -> None:
    """Say how many sites there are, and which lie outside the region whose people count."""
    names = cached.region_table(store)["name"]
    counties = _counties(store, store.data_version, st.session_state[_KEY], sites)
    inside = counties.isin(regions_inside(store, within, "county"))
    beyond = int((~inside).sum())
    where = names[within]
    text = f"{len(sites):,} 个候选点，{len(sites) - beyond:,} 个在{where}，{beyond:,} 个在{where}之外"
    st.success(plain(f"{text}。"), icon=":material/location_on:")
    if beyond:
        st.caption("范围外的候选点仍可选中，只计它们对范围内居民的效益。")
    rows = pd.DataFrame(
        {
            "名称": [site.name for site in sites],
            "县（市、区）": counties.map(names),
            "位置": inside.map(_STATES),
            "经度": [site.lon for site in sites],
            "纬度": [site.lat for site in sites],
        }
    ).iloc[inside.argsort(kind="stable")]
    st.dataframe(rows, hide_index=True, height=min(38 + 35 * len(rows), 213), key="siting_sites_table")


@st.cache_data(max_entries=16, show_spinner=False)
def _counties(_store: Store, version: str, key: str, _sites: tuple[Site, ...]) -> pd.Series:
    regions = _store.regions(zoom="full")
    return site_counties(_sites, regions[regions["level"] == "county"])
