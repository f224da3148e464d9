"""The two views of the page 应配与缺口: all standards, and one standard on the map."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from analysis.palettes import ramp_towards
from analysis.standards import StandardsAnalysis
from data.store.store import Store
from geo.projection import METHOD
from geo.region_tree import LEVELS, inside
from layers.charts.base import bar_ranking
from layers.charts.coverage import percent
from layers.model import Layer, Provenance, format_number
from layers.themes import choropleth
from pages.shared import components
from pages.shared.regions import region_frame
from pages.standards.choice import VIEWS, StandardsChoice
from pages.standards.tables import contradiction_table, region_table, show_overview, show_table


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


_HEIGHT, _RANKING_HEIGHT = 600, 372


def show_all(choice: StandardsChoice, analysis: StandardsAnalysis) -> None:
    """Draw the overview of all standards."""
    rows = analysis.summary()
    judged = rows["shortfall"].notna()
    lacking = rows["shortfall"] > 0
    figures = [
        ("配置标准", f"{len(rows)} 条", f"出自 {rows['plan'].nunique()} 个规划，每条注明文号和原文行"),
        ("能判断的", f"{int(judged.sum())} 条", "库中有这一类设施的数据；其余只算应配，已配未知，不当作零"),
        ("有缺口的", f"{int(lacking.sum())} 条", "至少一个地区应配多于已配"),
        ("互相矛盾的", f"{len(analysis.contradictions())} 组", "同一件事、同一级地区，规划之间要求不同"),
    ]
    for column, (label, value, tip) in zip(st.columns(4), figures, strict=True):
        column.metric(label, value, help=tip)
    st.caption(
        components.plain("点一行，看这条标准在各地的应配、已配和缺口。合计中，一地的富余不抵另一地的缺口。")
    )
    show_overview(analysis)
    st.markdown("**规划之间的矛盾**　两者都保留，由使用者决定依哪一条")
    found = contradiction_table(analysis)
    st.dataframe(found, hide_index=True, height=38 + 35 * len(found), key="standards_contradictions")
    show_notes(choice, analysis)


def show_one(store: Store, choice: StandardsChoice, analysis: StandardsAnalysis, layer: Layer) -> None:
    """Draw one standard: its words, its figures, map, ranking and table."""
    entry = analysis.standards[choice.standard]
    where = f"{entry.doc_no}，原文 {entry.seed_line}"
    st.markdown(f"> {components.plain(entry.text)}　—— {components.plain(where)}")
    if entry.note:
        st.caption(components.plain(entry.note))
    left, right = st.columns([17, 10], gap="medium")
    with left:
        components.show_map(
            layer,
            "standards_map",
            height=_HEIGHT,
            selected=choice.region,
            on_click=components.look_at,
        )
    with right:
        show_figures(choice, analysis)
        _ranking(choice, layer)
    show_notes(choice, analysis)
    show_table(region_table(store, choice, analysis), "standards_regions")


def shown_column(choice: StandardsChoice, analysis: StandardsAnalysis) -> str:
    """Return what the map shows: where nothing is known of what is there, what is required."""
    rows = analysis.table(choice.standard, level=choice.level)
    return choice.view if rows[choice.view].notna().any() else "required"


def region_layer(
    store: Store, choice: StandardsChoice, analysis: StandardsAnalysis, origin: Provenance
) -> Layer:
    """Return the regions of the level shown with what they lack, must have or have."""
    entry = analysis.standards[choice.standard]
    column = shown_column(choice, analysis)
    rows = analysis.table(choice.standard, level=choice.level).set_index("adcode")
    values = rows[column].where(rows["applies"])
    reasons = rows["reason"].where(rows["applies"] | rows["required"].isna(), "这条标准不适用于此地区")
    direction = {"shortfall": "neutral", "required": "neutral", "provided": "higher_better"}[column]
    level = max(choice.level, entry.region_level, key=LEVELS.index)
    return choropleth(
        region_frame(store, choice.within, level),
        values,
        title=f"{VIEWS[column]}：{entry.name}",
        unit=entry.unit,
        year=str(choice.year),
        direction=direction,
        palette=ramp_towards(direction),
        reasons=reasons,
        decimals=0,
        provenance=origin,
    )


def _ranking(choice: StandardsChoice, layer: Layer) -> None:
    st.markdown(f"**{components.plain(layer.title.partition('：')[0])}排序**")
    picture = bar_ranking(layer, selected=choice.region)
    components.region_chart(picture, key="standards_ranking", height=_RANKING_HEIGHT)
