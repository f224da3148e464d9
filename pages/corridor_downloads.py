"""What may be taken away from the page 通道走廊."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from data.corridor_analysis import Corridors
from data.corridor_reports import family_counts
from pages import components
from pages.corridor_choice import CorridorChoice
from pages.corridor_store import STATUS_NAMES


def listed(found: Corridors, names: dict[str, str]) -> pd.DataFrame:
    """Return every structure with what the page knows of it, as a table to take away."""
    table = found.table.reset_index(drop=True)
    return table.assign(
        family_name=table["family"].map(lambda key: found.families[str(key)].name),
        plan_title=table["plan"].map(lambda key: names.get(str(key), str(key))),
        status_name=table["status"].map(STATUS_NAMES),
    )


def show_downloads(
    found: Corridors, choice: CorridorChoice, counts: pd.DataFrame, names: dict[str, str]
) -> None:
    """Draw the buttons of what may be taken away: all structures, the members, the counties, the families."""
    notes = ["通道走廊", "线路、圈带均为示意"]
    st.markdown("全部条目")
    components.download("通道走廊", lambda: listed(found, names), notes=notes, key="corridor_file")
    st.markdown("成员")
    components.download("通道成员", lambda: found.members, notes=notes, key="member_file")
    st.markdown(f"各县通道数（{choice.horizon} 年）")
    components.download(
        "各县通道数", lambda: counts.reset_index(names="adcode"), notes=notes, key="county_file"
    )
    st.markdown("各类别个数")
    components.download("通道类别", lambda: family_counts(found), notes=notes, key="family_file")
