"""通道走廊: what the plans draw across the province, on one map, with what lies along it."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from analysis.corridor_reports import by_county, family_counts
from analysis.corridors import Corridors
from analysis.palettes import ramp
from data.store.store import Store, open_store
from layers.assets import own_folder
from layers.corridor_map import CorridorTheme, corridor_theme
from layers.model import Layer
from layers.themes import choropleth
from layers.words.corridor import STATUS_NAMES
from pages.corridors.answers import corridor_pieces, corridors_of, titles
from pages.corridors.card import show_card
from pages.corridors.choice import SCOPES, CorridorChoice, choose_corridors_shown
from pages.corridors.panels import (
    show_compare,
    show_counties,
    show_gap,
    show_hsr,
    show_members,
    show_plans,
    show_profile,
    show_undrawn,
)
from pages.shared import choices, components
from pages.shared.cached import labels_for, level_frame
from pages.shared.choices import choose_panel
from pages.shared.components import draw_map
from reports.provenance import provenance


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


def show_panels(store: Store, found: Corridors, choice: CorridorChoice, counts: pd.DataFrame) -> None:
    """Draw the panel that is chosen."""
    panels: dict[str, tuple[str, Callable[[], None]]] = {
        "profile": ("沿线剖面", lambda: show_profile(store, found, choice)),
        "compare": ("比较两条", lambda: show_compare(found, choice)),
        "counties": ("各县通道数", lambda: show_counties(counts)),
        "gap": ("沿线与其余", lambda: show_gap(store, found, choice)),
        "hsr": ("高铁县（市）覆盖", lambda: show_hsr(store)),
        "plans": ("规划重叠", lambda: show_plans(store, found, choice)),
        "members": ("成员表", lambda: show_members(store, found, choice)),
        "undrawn": ("未画出", lambda: show_undrawn(store, found)),
    }
    panel = choose_panel("corridor_panel", panels, "profile")
    panels[panel][1]()


KEY = "corridor_map"
_HEIGHT, _CARD_HEIGHT = 680, 690
REMARK = "线路、圈带均为示意，不作测量依据"


def page() -> None:
    """Draw the page."""
    st.html(own_folder() / "corridor_page.css")
    store = open_store()
    found = corridors_of(store)
    head = st.container(key="page_head")
    choice = choose_corridors_shown(found)
    counts = by_county(found, choice.visible, choice.scope)  # type: ignore[arg-type]
    layer = count_layer(store, choice, counts)
    left, right = st.columns([17, 10], gap="medium")
    with left:
        _map(store, found, choice, layer, counts)
    with right, st.container(height=_CARD_HEIGHT, key="corridor_card"):
        show_card(store, found, choice)
    show_panels(store, found, choice, counts)
    components.footer(layer.provenance, data_version=store.data_version)
    with head:
        _head(store, found, choice, counts)


def _head(store: Store, found: Corridors, choice: CorridorChoice, counts: pd.DataFrame) -> None:
    left, right = st.columns([5, 3], vertical_alignment="bottom")
    table = found.table
    plans = table.loc[list(choice.visible), "plan"].nunique()
    with left:
        components.header(
            "通道走廊",
            source=f"{table['plan'].nunique()} 个规划的空间结构",
            note=f"共 {len(table)} 个，画出 {int(table['drawn'].sum())} 个；"
            f"{choice.horizon} 年显示 {len(choice.visible)} 个，来自 {plans} 个规划",
        )
    with right, st.container(horizontal=True, horizontal_alignment="right", key="page_tools"):
        with st.popover("画法", icon=":material/menu_book:"):
            st.markdown(_METHOD)
        with st.popover("下载", icon=":material/download:"):
            show_downloads(found, choice, counts, titles(store))


_METHOD = (
    "**线**　按原文次序连接成员的驻地并平滑；几条通道共用一段时略微弯开，以便分辨。"
    "省外只画到省界外 30 公里。\n\n"
    "**面**　成员县（市、区）的并集；成员写设区市时取全部县（市、区）。\n\n"
    "**点**　落在驻地；同一处的几个点略微散开。\n\n"
    "**虚实**　实线为现状，虚线为在建、规划，点线为远景。时点 2020 只显示现状，2025 加上在建和十四五期内的，"
    "2035 加上十四五开工、规划和远景的铁路项目。\n\n"
    "**精度**　除注明“实测”的以外都是示意。导入 OpenStreetMap 的铁路、河道、高速公路后，"
    "能对照上的线改为实测。"
)


def count_layer(store: Store, choice: CorridorChoice, counts: pd.DataFrame) -> Layer:
    """Return the counties by the number of visible corridors."""
    return choropleth(
        level_frame(store, "county"),
        counts["corridors"].astype("float64"),
        title="通道走廊",
        unit="条",
        year=choice.horizon,
        direction="neutral",
        scheme="quantiles",
        k=4,
        palette=ramp("neutral"),
        provenance=provenance(store, ["江苏省十四五各专项规划（文号见卡片）"], [REMARK]),
        decimals=0,
    )


def map_theme(
    store: Store, found: Corridors, choice: CorridorChoice, layer: Layer, counts: pd.DataFrame
) -> CorridorTheme:
    """Return what the map shows."""
    tips = {
        str(code): (f"{row['corridors']} 条通道，{row['plans']} 个规划（{SCOPES[choice.scope]}）",)
        for code, row in counts.iterrows()
    }
    surveyed = int((found.table.loc[list(choice.visible), "precision"] == "实测").sum())
    return corridor_theme(
        layer,
        corridor_pieces(store),
        visible=choice.visible,
        subtitle=f"{choice.horizon} 年 · {len(choice.visible)} 个",
        legend_title="线的状态",
        note=f"{surveyed} 条实测，其余示意" if surveyed else "均为示意",
        picked=choice.picked,
        plain_base=choice.base == "plain",
        tips=tips,
        labels=labels_for(store, "prefecture"),
    )


def _map(store: Store, found: Corridors, choice: CorridorChoice, layer: Layer, counts: pd.DataFrame) -> None:
    def clicked() -> None:
        key = (st.session_state.get(KEY) or {}).get("corridor")
        if isinstance(key, str) and key in found.table.index:
            choices.put("corridor", key)

    draw_map(map_theme(store, found, choice, layer, counts), KEY, height=_HEIGHT, on_change=clicked)
