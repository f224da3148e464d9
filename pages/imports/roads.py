"""The imported roads on the page 数据导入: what they are, and the button that takes them out."""

from __future__ import annotations

import tempfile
from pathlib import Path

import streamlit as st

from data.builder.intake import network_removal
from data.ingest.osm_store import network_info
from geo.errors import StoreError
from pages.imports import jobs
from pages.shared import components

_ASKED = "import_network_asked"


def show_network(data_dir: Path) -> None:
    """Draw what is known of the imported roads, and how to be rid of them, asked twice."""
    with st.container(key="import_network", border=True):
        st.markdown("**已导入的路网**")
        try:
            info = network_info(data_dir)
        except StoreError as fault:
            st.error(components.plain(str(fault)), icon=":material/error:")
            return
        if info is None:
            st.caption("没有导入路网：步行、骑行、驾车的时间按直线距离 × 绕行系数估算。")
            return
        st.caption(components.plain(info.line() + "。再导入一个含道路的数据包会替换它。"))
        running = jobs.current(data_dir)
        busy = running is not None and not running.ended.is_set()
        if not st.session_state.get(_ASKED):
            st.button(
                "移除路网",
                icon=":material/delete:",
                disabled=busy,
                key="import_network_remove",
                on_click=_ask,
            )
            return
        st.warning(
            "移除后，通行时间改按直线距离估算；同时导入的设施、铁路和水系不变。", icon=":material/help:"
        )
        yes, no = st.columns(2)
        yes.button(
            "确定移除",
            type="primary",
            key="import_network_yes",
            disabled=busy,
            on_click=_remove,
            args=(data_dir,),
        )
        no.button("不移除", key="import_network_no", on_click=_drop)


def _ask() -> None:
    st.session_state[_ASKED] = True


def _drop() -> None:
    st.session_state.pop(_ASKED, None)


def _remove(data_dir: Path) -> None:
    """Start the removal; it goes on when the page is left."""
    _drop()
    jobs.start(data_dir, Path(tempfile.mkdtemp(prefix="sutu-roads-")), "路网", network_removal(data_dir))
