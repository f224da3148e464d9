"""How far the reading of a file is, the button that ends it, and what is said when it was called off."""

from __future__ import annotations

import streamlit as st

from pages.shared import components, file_jobs

_REFRESH_SECONDS, _LONGEST_SECONDS = 0.5, 3.0


def refresh_seconds(under_way: int) -> float:
    """Return after how long a page looks again: together, all that wait ask about as often as two would."""
    return min(max(_REFRESH_SECONDS * under_way / 2, _REFRESH_SECONDS), _LONGEST_SECONDS)


def show_progress(page: str) -> None:
    """Draw how far the reading of a page's file is; the whole page anew when it has ended."""
    st.fragment(_progress, run_every=refresh_seconds(file_jobs.under_way()))(page)


def _progress(page: str) -> None:
    reading = file_jobs.current(page)
    if reading is None or reading.ended.is_set():
        st.rerun()
        return
    st.progress(reading.share, text=components.plain(f"{reading.step}…"))
    st.button(
        "取消",
        on_click=file_jobs.call_off,
        args=(page,),
        key=f"{page}_file_cancel",
        icon=":material/cancel:",
    )


def show_end(page: str, reading: file_jobs.Reading) -> None:
    """Say why a reading ended without a result, and offer to read again."""
    if reading.stopped:
        st.info("已取消，没有写入任何内容。", icon=":material/block:")
    else:
        st.error(components.plain(str(reading.fault)), icon=":material/error:")
    st.button("重新读取", on_click=file_jobs.drop, args=(page,), key=f"{page}_file_again")
