"""总览: the province, or one of its regions, at a glance."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from data.registry import Registry, load_registry
from data.store.store import Store, open_store
from geo.region_tree import ECONOMIC_REGIONS, LEVEL_CHOICES, PROVINCE
from layers.assets import own_folder
from layers.model import Layer
from layers.themes import choropleth
from pages.overview.parts import comparison_table, data_state, figure_cards, key_figures, plan_states
from pages.shared import cached, choices, components
from pages.shared.cached import level_frame, ramp_of, remarks_on
from reports.provenance import provenance

MAP_LEVELS = ("economic_region", "prefecture")
MAP_HEIGHT = 470
MONEY = "地区生产总值按当年价计算，变化含价格因素；全省和三大区域为设区市之和，与省公布的全省数有差额。"


def page() -> None:
    """Draw the page."""
    store, registry = open_store(), load_registry()
    st.html(own_folder() / "overview.css")
    regions = cached.region_table(store)
    regions = regions[regions["level"].isin(("province", *MAP_LEVELS))]
    with st.container(key="overview_first"):
        layer = _first_half(store, registry, regions)
    with st.container(key="overview_second"):
        st.subheader("规划主要指标", anchor=False)
        plan_states(store)
        st.subheader("数据与质量", anchor=False)
        data_state(store, "population")
        components.footer(layer.provenance, data_version=store.data_version)


def _first_half(store: Store, registry: Registry, regions: pd.DataFrame) -> Layer:
    """Draw head, choices, cards, map and comparison; return the layer on the map."""
    head = st.container(key="page_head")
    region, chosen, level = _controls(store, regions)
    figures = key_figures(store, adcode=region or PROVINCE)
    with head:
        components.header(
            f"{_name(regions, region)}总览",
            source="；".join(dict.fromkeys(figure.source for figure in figures)),
            note="各项取最近一年",
        )
    with st.container(key="overview_figures"):
        figure_cards(figures)
    if any("元" in figure.unit for figure in figures):
        st.caption(MONEY)
    left, right = st.columns((5, 7), gap="medium")
    with left:
        layer = _map(store, registry, region, chosen, level)
    with right:
        st.subheader("、".join(ECONOMIC_REGIONS.values()), anchor=False)
        comparison_table(store, [PROVINCE, *ECONOMIC_REGIONS])
    return layer


def _name(regions: pd.DataFrame, code: str) -> str:
    return str(regions.loc[code or PROVINCE, "name"])


def _controls(store: Store, regions: pd.DataFrame) -> tuple[str, str, str]:
    """Draw the choices of the page; return the region ("" for the province), indicator and level mapped."""
    names = cached.indicators(store)["name"]
    offered = [name for name in load_registry().overview.mapped if name in names.index]
    with st.container(horizontal=True, key="overview_controls"):
        region = choices.choose(
            "region",
            "地区",
            ["", *regions.index.drop(PROVINCE)],
            "",
            format_func=lambda code: _name(regions, code),
            width=200,
        )
        chosen = choices.choose(
            "indicator", "地图指标", offered, offered[0], format_func=names.__getitem__, width=220
        )
        level = choices.choose(
            "level",
            "地图层级",
            list(reversed(MAP_LEVELS)),
            "prefecture",
            widget=st.segmented_control,
            format_func=LEVEL_CHOICES.__getitem__,
        )
    return region, chosen, level


def _map(store: Store, registry: Registry, region: str, chosen: str, level: str) -> Layer:
    """Draw the map of an indicator at a level, a click choosing the region; return its layer."""
    indicator = cached.indicators(store).loc[[chosen]].iloc[0]
    year = indicator["years"][-1]
    facts = cached.facts(store, chosen, year=year, level=level).set_index("adcode")
    frame = level_frame(store, level)
    layer = choropleth(
        frame,
        facts["value"],
        title=str(indicator["name"]),
        unit=str(indicator["unit"]),
        year=year,
        direction=str(indicator["direction"]),
        palette=ramp_of(registry, indicator, "auto"),
        scheme=str(registry.setting("class_method")),
        k=int(registry.setting("class_count")),
        reasons=facts["reason"],
        provenance=provenance(store, facts["source"], remarks_on(facts)),
        decimals=int(indicator["decimals"]),
    )
    components.show_map(
        layer,
        "overview_map",
        height=MAP_HEIGHT,
        selected=region or None,
        labels=frame,
        on_click=lambda code: choices.put("region", code),
    )
    return layer
