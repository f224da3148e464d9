"""The box that makes a briefing on one of the regions a page shows, and gives it as a file."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from data.registry import load_registry
from data.store.store import Store, data_dir
from layers.fonts import FontSet, installed
from pages.shared.cached import kept_by_version
from reports.briefing import briefing, report_bytes
from reports.document import MEDIA_TYPES, Format
from reports.region import Briefings

_MADE = "briefing_made"
_WORDS: dict[Format, str] = {"docx": "Word", "pdf": "PDF", "html": "HTML"}


@kept_by_version(1)
def _briefings(store: Store, _fonts: FontSet) -> Briefings:
    return Briefings(store, load_registry(), data_dir(), _fonts.regular)


def offer_briefing(store: Store, names: Mapping[str, str]) -> None:
    """Draw the box for the regions of ``names`` (how each is called, by adcode).

    Nothing is made before it is asked for; what was made stays to be downloaded until another one is made.
    """
    fonts = installed()
    with st.popover("制作简报", icon=":material/article:"):
        if fonts is None:
            st.caption("字体尚未就绪，暂不能制作简报。")
            return
        adcode = st.selectbox("地区", list(names), format_func=names.__getitem__, key="briefing_region")
        form = st.segmented_control(
            "格式",
            list(_WORDS),
            default="docx",
            required=True,
            format_func=_WORDS.__getitem__,
            key="briefing_form",
        )
        st.caption(
            "4 至 6 页：要点、图表、长处与短板、区域差距、设施覆盖、应配与缺口、规划目标、数据质量。"
            "约需十秒。"
        )
        if st.button("生成", key="briefing_make", type="primary"):
            bar = st.progress(0.0, "准备…")
            made = _briefings(store, fonts)

            def tell(section: str, done: float) -> None:
                bar.progress(done, f"{section}…")

            report = briefing(made, adcode, tell)
            content = report_bytes(report, form, made)
            st.session_state[_MADE] = (adcode, f"{report.title}.{form}", content, MEDIA_TYPES[form])
            bar.empty()
        made_of, name, content, kind = st.session_state.get(_MADE, ("", "", b"", ""))
        if made_of in names:
            st.download_button(
                f"下载 {name}",
                content,
                name,
                kind,
                on_click="ignore",
                icon=":material/download:",
                key="briefing",
            )
