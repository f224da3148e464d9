"""Regions of one level side by side: spine chart, ranks, years, similar regions, the counties within.

The pages 设区市对比 and 县域对比 are this page at two levels.
"""

from __future__ import annotations

import streamlit as st

from analysis.peers import ProfileSet
from data.store.store import Store, open_store
from geo.region_tree import LEVEL_WORDS, PROVINCE
from layers.charts.profile import Mark, spine_chart, spine_frames
from pages.compare.choice import CompareChoice, choose_regions, profiles_of, short_names
from pages.compare.panels import Panel, counties, ranks, series, similar
from pages.shared import cached, components
from pages.shared.briefing_box import offer_briefing
from pages.shared.choices import choose_panel
from pages.shared.components import plain
from reports.provenance import provenance
from reports.region import remarks, strengths_of

PANELS: dict[str, tuple[str, Panel]] = {
    "ranks": ("位次表", ranks),
    "series": ("历年变化", series),
    "similar": ("相近地区", similar),
    "counties": ("所属各县", counties),
}


def draw(level: str, title: str) -> None:
    """Draw the comparison of regions of ``level``."""
    store = open_store()
    head = st.container(key="page_head")
    choice = choose_regions(store, level)
    profiles = profiles_of(store, level)
    sources = sorted({source for found in profiles.indicators["source"] for source in found})
    origin = provenance(store, sources, remarks(profiles))
    _words(store, profiles, choice)
    names = short_names(store, choice.level, choice.regions)
    offer_briefing(store, dict(zip(choice.regions, names, strict=True)))
    _spine(store, profiles, choice)
    panels = {key: told for key, told in PANELS.items() if key != "counties" or level == "prefecture"}
    panel = choose_panel("panel", panels, "ranks")
    with head:
        years = sorted({int(year) for year in profiles.indicators["year"]})
        components.header(
            title,
            year="、".join(map(str, years)),
            source=origin.source_text,
            note=f"各指标取最近的年份；同级 {int((profiles.regions['level'] == level).sum())} 个",
        )
    panels[panel][1](store, profiles, choice)
    st.caption("　".join(plain(f"说明：{one}。") for one in origin.remarks))
    components.footer(origin, data_version=store.data_version)


def _words(_store: Store, profiles: ProfileSet, choice: CompareChoice) -> None:
    """Say of every region in what it is strong and in what it lags."""
    for code in choice.regions:
        st.markdown(plain(strengths_of(profiles, code)))


def marks_of(store: Store, profiles: ProfileSet, choice: CompareChoice) -> list[Mark]:
    """Return what is marked on the spines: the province, the economic regions concerned, the regions."""
    table = cached.region_table(store)
    above = dict.fromkeys(filter(None, map(profiles.economic_region, choice.regions)))
    names = short_names(store, choice.level, choice.regions)
    return [
        Mark("全省", "province", profiles.row(PROVINCE)),
        *(Mark(str(table.loc[code, "name"]), "economic_region", profiles.row(code)) for code in above),
        *(
            Mark(name, "region", profiles.row(code), code)
            for code, name in zip(choice.regions, names, strict=True)
        ),
    ]


def _spine(store: Store, profiles: ProfileSet, choice: CompareChoice) -> None:
    st.markdown("**在最差与最优之间的位置**")
    bars, dots = spine_frames(profiles.spines, profiles.indicators, marks_of(store, profiles, choice))
    names = short_names(store, choice.level, choice.regions)
    components.chart(spine_chart(bars, dots, names), key="spine")
    st.caption(
        f"浅条从{LEVEL_WORDS[choice.level]}中最差到最优（逆向指标已调转，右边总是较好），深条为中间一半，黑竖线为全省，"
        "空心菱形为所属经济区域。带 ○ 的中性指标不分好坏，左低右高。指向圆点看数值和位次。"
    )
