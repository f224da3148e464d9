"""The panels below the map of the page 通道走廊; only the one chosen is computed."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from data.corridor_analysis import Corridors
from data.store import Store
from pages import state
from pages.corridor_choice import CorridorChoice
from pages.corridor_compare import show_compare, show_gap, show_profile
from pages.corridor_tables import show_counties, show_hsr, show_members, show_plans, show_undrawn


def show_panels(store: Store, found: Corridors, choice: CorridorChoice, counts: pd.DataFrame) -> None:
    """Draw the panel that is chosen."""
    panels: dict[str, tuple[str, Callable[[], None]]] = {
        "profile": ("沿线剖面", lambda: show_profile(store, found, choice)),
        "compare": ("比较两条", lambda: show_compare(found, choice)),
        "counties": ("各县通道数", lambda: show_counties(counts)),
        "gap": ("沿线与其余", lambda: show_gap(store, found, choice)),
        "hsr": ("高铁县（市）覆盖", lambda: show_hsr(store)),
        "plans": ("规划重叠", lambda: show_plans(store, found, choice)),
        "members": ("成员表", lambda: show_members(found, choice)),
        "undrawn": ("未画出", lambda: show_undrawn(store, found)),
    }
    panel = state.choose(
        "corridor_panel",
        "下方显示",
        list(panels),
        "profile",
        widget=st.segmented_control,
        format_func=lambda name: panels[name][0],
        label_visibility="collapsed",
    )
    panels[str(panel)][1]()
