"""Candidate sites of a file on the page 选址优化: kept for the link by their content, shown, and put back."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from data.faults import FAULT_COLUMNS, FaultReport
from data.ingest.sites import ENDINGS, Site, SiteFile, keep_sites, kept_sites, site_counties, site_limits
from data.reader.files import read_site_file
from data.reader.worker import Control
from data.store.store import Store, data_dir
from geo.errors import SitingError, SutuError
from pages.shared import cached, choices, components, file_jobs
from pages.shared.cached import kept_by_version, regions_inside
from pages.shared.components import plain
from pages.shared.file_jobs import DATUMS, keep_upload, show_end, show_progress

KEY = "siting_sites"
"""Where a session holds the key of its sites (``data.ingest.sites``)."""

_PAGE = "siting"
_HELD, _TURN = "siting_sites_read", "siting_sites_turn"


class ReadFile(NamedTuple):
    """What became of an uploaded file: of which file and datum, its fault or None, its notes."""

    asked: tuple[str, str]
    fault: SutuError | None
    notes: tuple[str, ...] = ()


def choose_file(store: Store) -> ReadFile | None:
    """Draw the chooser; return what became of its file, which is read once; None before there is one."""
    limits = site_limits()
    megabytes = limits.file_bytes // 1_000_000
    title = "候选点文件的坐标基准"
    datum = st.selectbox(title, list(DATUMS), format_func=DATUMS.__getitem__, key="siting_datum")
    upload = st.file_uploader(
        "候选点文件",
        type=list(ENDINGS),
        max_upload_size=megabytes,
        key=f"siting_file_{st.session_state.get(_TURN, 0)}",
        help=f"最大 {megabytes} MB、{limits.rows:,} 行；每行一个候选点，要有“经度”“纬度”两列，可有“名称”列。",
    )
    if upload is None:
        if st.session_state.get(KEY) is None:
            st.info("选好候选点文件和坐标基准，就从这些点里选。", icon=":material/upload_file:")
        else:
            st.caption("现用的候选点来自链接、方案或先前的文件；选择新文件即替换。")
        return None
    if not datum:
        st.info("请选择坐标基准：不知道时请向数据提供方核实，程序不猜测。", icon=":material/fact_check:")
        return None
    asked = (upload.file_id, datum)
    held: ReadFile | None = st.session_state.get(_HELD)
    if held is None or held.asked != asked:
        held = _read(store, upload, asked)
        if held is not None:
            st.session_state[_HELD] = held
    return held


def _read(store: Store, upload: Any, asked: tuple[str, str]) -> ReadFile | None:
    """Take in a file, its sites are kept when it has no fault; None while it is read, or was called off."""
    st.session_state[KEY] = None
    folder, regions = data_dir(), store.regions(zoom="full")

    def work(control: Control) -> SiteFile:
        path = keep_upload(folder, upload)
        try:
            return read_site_file(path, regions, datum=asked[1], control=control)
        finally:
            shutil.rmtree(path.parent, ignore_errors=True)

    with st.spinner("正在读取候选点…"):
        reading = file_jobs.read(_PAGE, asked, work)
    if not reading.ended.is_set():
        show_progress(_PAGE)
        return None
    if reading.stopped:
        show_end(_PAGE, reading)
        return None
    file_jobs.drop(_PAGE)
    if reading.fault is not None:
        return ReadFile(asked, reading.fault)
    found: SiteFile = reading.result
    try:
        st.session_state[KEY] = keep_sites(folder, found.sites)
    except SutuError as fault:
        return ReadFile(asked, fault)
    return ReadFile(asked, None, found.notes)


def show_fault(fault: SutuError) -> None:
    """Draw every fault of a file with its place and remedy; nothing of the file is used."""
    if not isinstance(fault, FaultReport):
        st.error(plain(str(fault)), icon=":material/error:")
        return
    rows = pd.DataFrame(fault.as_rows(), columns=list(FAULT_COLUMNS))
    title = f"候选点文件“{rows['文件'].iloc[0]}”有 {fault.total} 处问题，没有使用。改正后重新选择。"
    st.error(plain(title), icon=":material/error:")
    order = ["行", "列", "处理办法", "问题", "工作表", "文件"]
    height = min(38 + 35 * len(rows), 320)
    st.dataframe(rows, hide_index=True, height=height, column_order=order, key="siting_faults")
    components.download("候选点问题清单", lambda: rows, notes=(), key="siting_sites_faults")


def forget_file() -> None:
    """Empty the chooser: other sites than those of its file are used now; only in a callback."""
    st.session_state[_HELD] = None
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1


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
        choices.fault(str(fault))
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
    counties = _counties(store, st.session_state[KEY], sites)
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


@kept_by_version(16, copied=True)
def _counties(store: Store, key: str, _sites: tuple[Site, ...]) -> pd.Series:  # noqa: ARG001 - key
    regions = store.regions(zoom="full")
    return site_counties(_sites, regions[regions["level"] == "county"])
