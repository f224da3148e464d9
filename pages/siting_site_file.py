"""The file of candidate sites on the page 选址优化: chosen, read whole, and every fault of it shown."""

from __future__ import annotations

import shutil
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from data.ingest.faults import FAULT_COLUMNS, FaultReport
from data.ingest.site_file import ENDINGS, LIMITS, read_sites
from data.siting_sites import keep_sites
from data.store import Store, data_dir
from geo.errors import SutuError
from pages import components
from pages.components import plain
from pages.import_jobs import keep_upload
from pages.import_kinds import DATUMS

KEY = "siting_sites"
"""Where a session holds the key of its sites (``data.siting_sites``)."""

_HELD, _TURN = "siting_sites_read", "siting_sites_turn"


class ReadFile(NamedTuple):
    """What became of an uploaded file: of which file and datum, its fault or None, its notes."""

    asked: tuple[str, str]
    fault: SutuError | None
    notes: tuple[str, ...] = ()


def choose_file(store: Store) -> ReadFile | None:
    """Draw the chooser; return what became of its file, which is read once; None before there is one."""
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
        if st.session_state.get(KEY) is None:
            st.info("选好候选点文件和坐标基准，就从这些点里选。", icon=":material/upload_file:")
        else:
            st.caption("现用的候选点来自链接、方案或先前的文件；选择新文件即替换。")
        return None
    if not datum:
        st.info("请选择坐标基准：不知道时请向数据提供方核实，程序不猜测。", icon=":material/fact_check:")
        return None
    held: ReadFile | None = st.session_state.get(_HELD)
    if held is None or held.asked != (upload.file_id, datum):
        held = st.session_state[_HELD] = _read(store, upload, datum)
    return held


def _read(store: Store, upload: Any, datum: str) -> ReadFile:
    """Take in a file; its sites are kept when it has no fault."""
    st.session_state[KEY] = None
    asked = (upload.file_id, datum)
    path = keep_upload(data_dir(), upload)
    try:
        with st.spinner("正在读取候选点…"):
            found = read_sites(path, datum=datum, regions=store.regions(zoom="full"))
            st.session_state[KEY] = keep_sites(data_dir(), found.sites)
    except SutuError as fault:
        return ReadFile(asked, fault)
    finally:
        shutil.rmtree(path.parent, ignore_errors=True)
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
