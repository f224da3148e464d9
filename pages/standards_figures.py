"""The figures of one standard on the page 应配与缺口, and what must be known of them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from data.coverage import inside
from data.standards import StandardsAnalysis
from geo.projection import METHOD
from layers.coverage_charts import percent
from layers.model import format_number
from pages import components
from pages.standards_choice import StandardsChoice


def show_figures(choice: StandardsChoice, analysis: StandardsAnalysis) -> None:
    """Draw what is required, there and lacking in the region looked at, or in all."""
    entry = analysis.standards[choice.standard]
    parts = analysis.table(choice.standard)
    here = parts["adcode"].isin(inside(analysis.regions, choice.region or choice.within))
    told = parts[here & (parts["applies"] | parts["required"].isna())]
    sums = {name: told[name].sum(skipna=False) for name in ("required", "provided", "implied", "shortfall")}
    short = told["regions_short"].sum(skipna=False)
    met = float("nan") if pd.isna(short) or told.empty else 1.0 - short / len(told)
    goal = f"规划要求 {percent(entry.share)}；" if entry.share and "region" in entry.rule else ""
    pairs = [
        [
            (f"应配（{entry.unit}）", _whole(sums["required"]), components.plain(entry.text)),
            (f"已配（{entry.unit}）", _whole(sums["provided"]), "库中在这些地区的设施"),
        ],
        [
            (f"缺口（{entry.unit}）", _whole(sums["shortfall"]), "各地缺口之和；富余不抵缺口"),
            ("其中推定", _whole(sums["implied"]), "已配中按规划推定、不是实测的"),
        ],
    ]
    with st.container(key="coverage_figures"):
        name = analysis.regions.loc[choice.region or choice.within, "name"]
        st.markdown(f"**{components.plain(name)}**　{components.plain(choice.population)}")
        for pair in pairs:
            for column, (label, value, tip) in zip(st.columns(2), pair, strict=True):
                column.metric(label, value, help=tip)
        words = (
            f"{goal}适用地区 {len(told)} 个，已配齐 {percent(met)}" if len(told) else "这条标准不适用于此地区"
        )
        st.caption(components.plain(words))
        reasons = told["reason"].dropna()
        if len(reasons):
            st.caption(components.plain(f"无法判断：{reasons.iloc[0]}"))


def _whole(value: float) -> str:
    return "未知" if pd.isna(value) else format_number(value, 0)


def show_notes(choice: StandardsChoice, analysis: StandardsAnalysis) -> None:
    """Say what a reader must know of the figures."""
    lines = [f"人口：{choice.population}", *(note for note in analysis.notes if note != METHOD)]
    if analysis.projected:
        lines.append(METHOD)
    with st.container(key="coverage_notes"):
        st.caption("\n".join(f"- {components.plain(line)}" for line in lines))
