"""The panels of the page 区域差距: course, parts, convergence, spots, curves, table."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from data.store import Store
from geo.gaps import MEASURES, GapComparison
from layers.gap_charts import group_parts, measure_course, parts_course
from layers.gap_words import where_it_sits
from layers.model import Provenance
from pages import components, state
from pages.components import plain
from pages.gaps_choice import GapChoice
from pages.gaps_convergence import show_convergence
from pages.gaps_curves import show_curves
from pages.gaps_data import course
from pages.gaps_spots import show_spots
from pages.gaps_tables import gap_notes, measure_table, region_table, value_table

_PAIRS = {"gini": "gini_weighted", "cv": "cv_weighted", "theil": "theil_weighted"}
_SINGLE = ("south_north_ratio", "max_min_ratio")


def show_panels(store: Store, choice: GapChoice, found: GapComparison, origin: Provenance) -> None:
    """Draw the panel that is chosen; the others are not computed."""
    panels: dict[str, tuple[str, Callable[[], None]]] = {
        "course": ("历年", lambda: _course(store, choice, found)),
        "parts": ("差距在哪里", lambda: _parts(store, choice, found)),
        "convergence": ("趋同", lambda: show_convergence(store, choice, found)),
        "spots": ("热点与冷点", lambda: show_spots(store, choice, origin)),
        "curves": ("洛伦兹与集中曲线", lambda: show_curves(store, choice, found)),
        "table": ("数据表", lambda: _table(found, origin)),
    }
    panel = state.choose(
        "gap_panel",
        "下方显示",
        list(panels),
        "course",
        widget=st.segmented_control,
        format_func=lambda name: panels[name][0],
        label_visibility="collapsed",
    )
    panels[panel][1]()


def _course(store: Store, choice: GapChoice, found: GapComparison) -> None:
    table = course(store, choice.source)
    options = [*_SINGLE, *_PAIRS]
    measure = state.choose(
        "measure",
        "差距的量",
        options,
        options[0],
        widget=st.segmented_control,
        format_func=MEASURES.__getitem__,
    )
    lines = {measure: MEASURES[measure]}
    if measure in _PAIRS and table[_PAIRS[measure]].notna().any():
        lines = {measure: "每个地区算一份", _PAIRS[measure]: "按人口加权"}
    breaks = dict(found.now.breaks)
    decimals = 2 if measure in _SINGLE else 4
    components.chart(measure_course(table, lines, breaks, decimals=decimals), key="gap_course")
    _uneven(table, found, "除苏南/苏北外")
    for year, text in breaks.items():
        st.caption(plain(f"{year} 年：{text}。"))


def _uneven(table: pd.DataFrame, found: GapComparison, apart: str) -> None:
    """Say when the years have values for different numbers of regions: their measures do not compare."""
    counts = table["n"].astype(int)
    if counts.min() == counts.max():
        return
    told = "、".join(f"{year} 年 {count} 个" for year, count in counts.items())
    st.caption(plain(f"各年有数值的{found.now.subject.level_word}不一样多（{told}），{apart}不宜直接相比。"))


def _parts(store: Store, choice: GapChoice, found: GapComparison) -> None:
    now = found.now
    st.markdown(plain(where_it_sits(found)))
    left, right = st.columns([3, 2], gap="medium")
    weighted = not now.subject.additive and now.theil_weighted.reason is None
    with left:
        kinds = {"equal": "每个地区算一份", "people": "按人口加权"}
        kind = "equal"
        if weighted:
            kind = state.choose(
                "weights",
                "权重",
                list(kinds),
                "equal",
                widget=st.segmented_control,
                format_func=kinds.__getitem__,
            )
        chart = parts_course(course(store, choice.source), dict(now.breaks), weighted=kind == "people")
        components.chart(chart, key="gap_parts")
        _uneven(course(store, choice.source), found, "分解的结果")
    with right:
        parts = now.theil_weighted if kind == "people" else now.theil
        st.markdown("**组内差距来自哪个区域**")
        if parts.reason is not None:
            st.info(plain(parts.reason), icon=":material/info:")
        else:
            components.chart(group_parts(parts.groups, now.regional["short_name"]), key="gap_groups")
        nested = now.nested_weighted if kind == "people" else now.nested
        if nested is not None and nested.reason is None and nested.total > 0:
            rows = {
                "苏南、苏中、苏北之间": nested.between_outer,
                "同一区域的设区市之间": nested.between_inner,
                "同一设区市的县（市、区）之间": nested.within_inner,
                "合计": nested.total,
            }
            table = pd.DataFrame(
                {
                    "部分": list(rows),
                    "泰尔指数": [f"{value:.4f}" for value in rows.values()],
                    "占比": [f"{value / nested.total:.1%}" for value in rows.values()],
                }
            )
            st.dataframe(table, hide_index=True, key="gap_nested")


def _table(found: GapComparison, origin: Provenance) -> None:
    notes, name = gap_notes(found, origin), f"区域差距_{found.now.subject.name}_{found.now.year}_各地区"
    left, right = st.columns(2, gap="medium")
    with left:
        st.dataframe(value_table(found), hide_index=True, height=420, key="gap_values")
        components.download(name, lambda: value_table(found), notes=notes, key="gap_value_table")
    with right:
        st.dataframe(region_table(found.now), hide_index=True, key="gap_region_table")
        st.dataframe(measure_table(found), hide_index=True, key="gap_measure_table")
