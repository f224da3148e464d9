"""The panels of the page 通道走廊 that compare: along a line, two structures, along and the rest."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from analysis.corridor_reports import compare
from analysis.corridors import Corridors
from data.store.store import Store
from layers.charts.corridor import comparison_chart, profile_chart
from layers.model import format_number
from pages.corridors.card import figure_rows
from pages.corridors.choice import CorridorChoice, label_of
from pages.shared import cached, components, state

_LINE_ONLY = "沿线剖面只有线才有。请在上方选一条线，例如“沪宁通道”。"


def _indicator(store: Store, default: str = "population_65_plus_share") -> str:
    table = cached.indicators(store)
    offered = [str(key) for key in table.index if table.loc[key, "levels"]]
    return str(
        state.choose(
            "indicator",
            "指标",
            offered,
            default,
            format_func=lambda key: f"{table.loc[key, 'name']}（{table.loc[key, 'unit']}）",
        )
    )


def show_profile(store: Store, found: Corridors, choice: CorridorChoice) -> None:
    """Draw an indicator along the line that is chosen."""
    if choice.picked is None or choice.picked not in found.axes:
        st.info(_LINE_ONLY, icon=":material/info:")
        return
    indicator = _indicator(store)
    row = store.indicator(indicator)
    rows, stops = found.profile(choice.picked, indicator), found.stops(choice.picked)
    title = f"{found.row(choice.picked)['name']}：{row['name']}"
    st.markdown(f"**{components.plain(title)}**　{int(rows['year'].iloc[0])} 年")
    chart = profile_chart(
        rows, stops, unit=str(row["unit"]), title=str(row["name"]), decimals=int(row["decimals"])
    )
    components.chart(chart, key="corridor_profile")
    st.caption(
        f"全长 {rows['to_km'].iloc[-1]:,.1f} 公里（{found.row(choice.picked)['precision']}，"
        f"相邻地点间大地线之和）；灰色为省外或没有数据。"
    )
    components.download(
        f"剖面_{title}", lambda: rows, notes=[title, "示意线，县级范围为估计"], key="profile_file"
    )


def show_compare(found: Corridors, choice: CorridorChoice) -> None:
    """Draw the figures of two structures side by side, and the counties they share."""
    drawn = [str(key) for key in found.table.index[found.table["drawn"]]]
    options = [key for key in (*choice.visible, *drawn) if key != choice.picked]
    options = list(dict.fromkeys(options))
    if choice.picked is None:
        st.info("请先选一条通道，再选另一条与它比较。", icon=":material/info:")
        return
    other = str(
        state.choose(
            "other", "与它比较", options, options[0], format_func=lambda key: label_of(found, str(key))
        )
    )
    names = found.sums.regions["name"]
    both = compare(found, choice.picked, other, choice.scope)  # type: ignore[arg-type]
    titles_ = [str(found.table.loc[key, "name"]) for key in (choice.picked, other)]
    if titles_[0] == titles_[1]:
        titles_[1] = f"{titles_[1]}（{found.row(other)['plan']}）"
    columns = st.columns(2, gap="medium")
    rows = []
    for column, key, title in zip(columns, (choice.picked, other), titles_, strict=True):
        figures = found.figures(key, choice.scope)  # type: ignore[arg-type]
        with column:
            st.markdown(f"**{components.plain(title)}**")
            st.dataframe(figure_rows(figures), hide_index=True)
        rows += [
            {"indicator": figure.name, "corridor": title, "share": figure.share}
            for figure in figures
            if not math.isnan(figure.share)
        ]
    if rows:
        components.chart(comparison_chart(pd.DataFrame(rows), titles_), key="corridor_comparison")
    share = both["jaccard"]
    st.markdown(
        f"**共同的县（市、区）{len(both['shared'])} 个**"
        + ("" if math.isnan(share) else f"，占两者合计的 {share * 100:.0f}%")
        + f"　{components.plain('、'.join(str(names[code]) for code in both['shared']) or '没有')}"
    )


def show_gap(store: Store, found: Corridors, choice: CorridorChoice) -> None:
    """Draw an indicator in the counties along the structures beside the rest."""
    indicator = _indicator(store)
    keys = [choice.picked] if choice.picked else list(choice.visible)
    gap = found.gap(keys, indicator, choice.scope)  # type: ignore[arg-type]
    decimals = int(store.indicator(indicator)["decimals"])
    who = found.table.loc[choice.picked, "name"] if choice.picked else f"显示的 {len(keys)} 个通道"
    st.markdown(f"**{components.plain(who)}沿线的县（市、区）与其余的县（市、区）**　{gap['year']} 年")
    columns = st.columns(3)
    for column, side, title in ((columns[0], "on", "沿线"), (columns[1], "off", "其余")):
        held = gap[side]
        value = (
            "无数据"
            if math.isnan(held["value"])
            else f"{format_number(held['value'], decimals)} {gap['unit']}"
        )
        column.metric(f"{title}（{held['counties']} 个县）", value, help=held["reason"] or None)
    difference = gap["difference"]
    text = "无法计算" if math.isnan(difference) else f"{format_number(difference, decimals)}"
    columns[2].metric("相差（沿线 − 其余）", text)
    reason = gap["on"]["reason"] or gap["off"]["reason"]
    st.caption(reason or "比率按 Σ分子／Σ分母合并，总量按每县平均；不是因果关系。")
