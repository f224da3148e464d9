"""区域差距: how unequal the regions are in one indicator, in sentences, charts and a map."""

from __future__ import annotations

import numpy as np
import streamlit as st

from analysis.palettes import region_colours
from data.store.store import Store, open_store
from geo.gaps import GapComparison
from geo.region_tree import ECONOMIC_REGIONS, LEVEL_CHOICES, PROVINCE
from layers.charts.gap import region_strip
from layers.model import Provenance, format_number
from layers.words.gap import gap_sentences
from pages.gaps.choice import GapChoice, choose_gap, comparison
from pages.gaps.panels import gap_notes, measure_table, region_table, show_panels
from pages.shared import cached, components
from pages.shared.briefing_box import offer_briefing
from pages.shared.components import plain
from reports.provenance import provenance

_TILES = (
    ("south_north_ratio", "苏南/苏北", 2, " 倍"),
    ("max_min_ratio", "最高/最低", 2, " 倍"),
    ("cv", "变异系数", 3, ""),
    ("gini", "基尼系数", 3, ""),
)


def page() -> None:
    """Draw the page."""
    store = open_store()
    head = st.container(key="page_head")
    choice = choose_gap(store)
    found = comparison(store, choice.source, choice.year, choice.before)
    origin = _origin(store, choice, found)
    with head:
        _head(store, choice, found, origin)
    _tiles(found)
    left, right = st.columns([11, 9], gap="medium")
    with left:
        remark = _sentences(found)
    with right:
        st.markdown("**三大区域与所辖地区**")
        components.chart(region_strip(found.now, region_colours(), selected=choice.region), key="gap_strip")
        mark = "" if found.now.subject.additive else "黑色短线为区域自身的数值（分子之和 ÷ 分母之和），"
        st.caption(f"{mark}圆点为所辖{found.now.subject.level_word}，标名的是各区域最高和最低。")
        if remark:
            st.warning(plain(f"使用前请注意：{remark}"), icon=":material/info:")
    show_panels(store, choice, found, origin)
    components.footer(origin, data_version=store.data_version)


def _origin(store: Store, choice: GapChoice, found: GapComparison) -> Provenance:
    facts = cached.facts(store, choice.source.subject.id, year=choice.year)
    return provenance(store, facts["source"].dropna().unique(), found.now.remarks)


def _head(store: Store, choice: GapChoice, found: GapComparison, origin: Provenance) -> None:
    subject = found.now.subject
    left, right = st.columns([5, 4], vertical_alignment="bottom")
    with left:
        components.header(
            f"区域差距：{subject.name}",
            year=str(choice.year),
            unit=subject.unit,
            source=origin.source_text,
            note=LEVEL_CHOICES[subject.level],
        )
    with right, st.container(horizontal=True, horizontal_alignment="right", key="page_tools"):
        components.definition(choice.row, sources=[origin.sources])
        offer_briefing(store, _briefing_regions(store))
        with st.popover("下载", icon=":material/download:"):
            name, notes = f"区域差距_{subject.name}_{choice.year}", gap_notes(found, origin)
            st.markdown("**差距的各个量**")
            components.download(name, lambda: measure_table(found), notes=notes, key="gap_measures")
            st.markdown("**三大区域**")
            components.download(
                f"{name}_三大区域", lambda: region_table(found.now), notes=notes, key="gap_regions"
            )


def _briefing_regions(store: Store) -> dict[str, str]:
    """Return whom a briefing can be made on here: the three regions, and the province."""
    names = cached.region_table(store)["name"]
    return {code: str(names[code]) for code in (*ECONOMIC_REGIONS, PROVINCE)}


def _tiles(found: GapComparison) -> None:
    """Draw the measures most asked for; how each has changed, over the regions that both years have."""
    now, then = found.common_now or found.now, found.common_then
    for column, (name, label, decimals, unit) in zip(st.columns(len(_TILES)), _TILES, strict=True):
        measure = found.now.measures[name]
        with column.container(border=True, key=f"gap_tile_{name}"):
            if not measure.defined:
                st.metric(label, "无定义", help=plain(measure.reason))
                st.caption(plain(measure.reason))
                continue
            delta = None
            if then is not None and now.measures[name].defined and then.measures[name].defined:
                change = round(now.measures[name].value, decimals) - round(
                    then.measures[name].value, decimals
                )
                delta = "持平" if np.isclose(change, 0) else f"{change:+.{decimals}f}"
            st.metric(
                label,
                f"{format_number(measure.value, decimals)}{unit}",
                delta=delta,
                delta_color="off",
                delta_arrow="off" if delta == "持平" else "auto",
                delta_description=f"较 {found.then.year} 年" if found.then is not None and delta else None,
            )


def _sentences(found: GapComparison) -> str:
    """Draw the sentences computed from the data; return what to beware of, which stands apart."""
    said = gap_sentences(found)
    remark = said.pop("remarks", "")
    with st.container(border=True, key="gap_words"):
        st.markdown("\n".join(f"- {plain(sentence)}" for sentence in said.values()))
    return remark
