"""通道走廊: what the plans draw across the province, on one map, with what lies along it."""

from __future__ import annotations

import os

import pandas as pd
import streamlit as st
from streamlit_folium import st_folium

from data.corridor_analysis import Corridors
from data.corridor_reports import by_county
from data.store import Store, open_store
from layers.assets import own_folder
from layers.corridor_map import CorridorTheme, corridor_theme
from layers.model import Layer
from layers.themes import choropleth
from layers.webmap import TIANDITU_KEY, base_map
from pages import components, state
from pages.corridor_card import show_card
from pages.corridor_choice import SCOPES, CorridorChoice, choose_all
from pages.corridor_downloads import show_downloads
from pages.corridor_panels import show_panels
from pages.corridor_store import corridor_pieces, corridors_of, titles
from pages.origin import provenance
from pages.palettes import ramp
from pages.region_layers import labels_for, region_frame

KEY = "corridor_map"
_HEIGHT, _CARD_HEIGHT = 680, 690
REMARK = "线路、圈带均为示意，不作测量依据"


def page() -> None:
    """Draw the page."""
    st.html(own_folder() / "corridor_page.css")
    store = open_store()
    found = corridors_of(store)
    head = st.container(key="page_head")
    choice = choose_all(found)
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
        _head(store, found, choice, layer, counts)


def _head(store: Store, found: Corridors, choice: CorridorChoice, layer: Layer, counts: pd.DataFrame) -> None:
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
        region_frame(store, "county"),
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
            state.put("corridor", key)

    st_folium(
        base_map(height=_HEIGHT, tianditu_key=os.environ.get(TIANDITU_KEY)),
        key=KEY,
        height=_HEIGHT,
        use_container_width=True,
        returned_objects=[],
        feature_group_to_add=map_theme(store, found, choice, layer, counts),
        on_change=clicked,
    )
