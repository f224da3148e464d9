"""The panels of the page 通道走廊: comparisons, and the tables."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from analysis.corridor_reports import compare, plan_overlap, undrawn
from analysis.corridors import RAIL_GROUP, Corridors
from data.store.store import Store
from layers.charts.corridor import comparison_chart, profile_chart
from layers.model import format_number
from pages.corridors.answers import coverage_of_counties, titles
from pages.corridors.card import figure_rows, show_stations
from pages.corridors.choice import CorridorChoice, label_of
from pages.shared import cached, choices, components

_LINE_ONLY = "沿线剖面只有线才有。请在上方选一条线，例如“沪宁通道”。"


def _indicator(store: Store, default: str = "population_65_plus_share") -> str:
    table = cached.indicators(store)
    offered = [str(key) for key in table.index if table.loc[key, "levels"]]
    return str(
        choices.choose(
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
        choices.choose(
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


_MEMBER_ROLES = {
    "city": "通道城市",
    "end": "端点",
    "member": "成员",
    "route": "走向补出",
    "node": "节点",
    "name": "名称",
}


def show_counties(counts: pd.DataFrame) -> None:
    """Draw by how many structures each county is touched."""
    none = counts[counts["corridors"] == 0]
    top = int(counts["corridors"].max())
    st.markdown(
        f"最多的县（市、区）有 {top} 条通道；一条也没有的 {len(none)} 个"
        + (f"：{components.plain('、'.join(none['name']))}" if len(none) else "。")
    )
    rows = counts.sort_values(["corridors", "plans"], ascending=False, kind="stable").reset_index(
        names="代码"
    )
    rows = rows.rename(
        columns={
            "name": "地区",
            "prefecture": "设区市",
            "corridors": "通道数",
            "plans": "规划数",
            "named": "通道",
        }
    )
    st.dataframe(rows, hide_index=True, height=420)


def show_hsr(store: Store) -> None:
    """Draw the estimate of the counties that high-speed railways reach."""
    found = coverage_of_counties(store)
    now, later = (found.targets.get(year, math.nan) for year in (2020, 2025))
    figures = (
        (f"2020 年估算（规划 {now:g}%）", "2020"),
        (f"2025 年估算：在建线路建成（规划 {later:g}%左右）", "2025_building"),
        (f"2025 年估算：再加十四五开工（规划 {later:g}%左右）", "2025_started"),
    )
    for column, (label, key) in zip(st.columns(3), figures, strict=True):
        column.metric(label, f"{found.shares[key] * 100:.1f}%")
    st.caption("　".join(found.notes) + f"　分母：{len(found.counties)} 个县（市）。")
    rows = found.counties.sort_values(["stage", "adcode"])[["adcode", "name", "prefecture", "state", "line"]]
    rows = rows.rename(
        columns={
            "adcode": "代码",
            "name": "县（市）",
            "prefecture": "设区市",
            "state": "估算的状态",
            "line": "线路",
        }
    )
    st.dataframe(rows, hide_index=True, height=380)


def show_plans(store: Store, found: Corridors, choice: CorridorChoice) -> None:
    """Draw in how many counties the structures of two plans meet."""
    names = titles(store)
    square = plan_overlap(found, choice.visible, choice.scope)  # type: ignore[arg-type]
    short = {
        key: names.get(key, key).removeprefix("江苏省").replace("“十四五”", "").replace("规划", "")
        for key in square.index
    }
    st.markdown("**两个规划的通道共同落在多少个县（市、区）**　对角线为该规划自己的")
    st.dataframe(square.rename(index=short, columns=short))


def show_members(store: Store, found: Corridors, choice: CorridorChoice) -> None:
    """Draw the members of the structure that is chosen."""
    if choice.picked is None:
        st.info("请先选一条通道。", icon=":material/info:")
        return
    members = found.members_of(choice.picked)
    rows = members.assign(role=members["role"].map(lambda role: _MEMBER_ROLES.get(role, role)))
    rows = rows.assign(**{name: rows[name].fillna("") for name in ("adcode", "reason", "note")})
    rows = rows[["position", "text", "role", "name", "adcode", "reason", "note"]].rename(
        columns={
            "position": "次序",
            "text": "原文",
            "role": "作用",
            "name": "地点",
            "adcode": "代码",
            "reason": "未定位的原因",
            "note": "依据",
        }
    )
    st.dataframe(rows, hide_index=True)
    if found.families[str(found.table.loc[choice.picked, "family"])].group == RAIL_GROUP:
        show_stations(store, choice.picked)


def show_undrawn(store: Store, found: Corridors) -> None:
    """Draw the structures that could not be drawn, with the reason."""
    rows = undrawn(found)
    names = titles(store)
    counts = rows["reason"].str.partition("：")[0].value_counts()
    st.markdown("　".join(f"{components.plain(reason)} {count} 个" for reason, count in counts.items()))
    table = rows.assign(
        plan=rows["plan"].map(lambda key: names.get(str(key), str(key))),
        family=rows["family"].map(lambda key: found.families[str(key)].name),
    ).drop(columns="id")
    st.dataframe(
        table.rename(
            columns={
                "name": "名称",
                "family": "类别",
                "plan": "规划",
                "doc_no": "文号",
                "seed_line": "原文行号",
                "reason": "原因",
            }
        ),
        hide_index=True,
        height=420,
    )
